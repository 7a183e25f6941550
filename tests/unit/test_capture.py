"""A captured failure is bounded plain data that tells where it happened, and taking it runs no code of the worker's."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workerkit.failures import Capture, Redactor, plain
from workerkit.failures.capture import MAX_EXCEPTIONS, MAX_MESSAGE
from workerkit.failures.frames import MAX_FRAMES, MAX_SOURCE_LINE, Position, frame_data, is_own

REDACTOR = Redactor(environment={})


def capture_exception(error: BaseException) -> dict[str, Any]:
    capture = Capture(error, REDACTOR)
    capture.read_messages()
    return capture.data


def describe(error: BaseException) -> str:
    capture = Capture(error, REDACTOR)
    capture.read_messages()
    return capture.headline


def caught(function: Any, *args: Any) -> BaseException:
    try:
        function(*args)
    except BaseException as error:
        return error
    raise AssertionError("it did not raise")


def divide(a: int, b: int) -> float:
    return a / b


def test_a_frame_tells_file_line_function_and_the_failing_columns() -> None:
    capture = capture_exception(caught(divide, 1, 0))
    frame = capture["exceptions"][0]["frames"][-1]
    assert frame["file"] == __file__
    assert frame["function"] == "divide"
    source = dict(frame["source"])
    assert source[frame["line"]] == "    return a / b"
    start, end = frame["columns"]
    assert source[frame["line"]][start:end] == "a / b"
    assert frame["own"] is True


def test_library_frames_are_told_from_ones_own() -> None:
    capture = capture_exception(caught(json.loads, "{"))
    assert [frame["own"] for frame in capture["exceptions"][0]["frames"]] == [True, False, False, False]
    assert not is_own(json.__file__)
    assert not is_own("<frozen importlib._bootstrap>")


def test_the_plain_text_reads_as_pythons_own() -> None:
    def outer() -> None:
        try:
            divide(1, 0)
        except ZeroDivisionError as error:
            raise ValueError("no ratio") from error

    error = caught(outer)
    error.add_note("of the third order")
    text = plain(capture_exception(error))
    lines = text.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert "ZeroDivisionError: division by zero" in lines
    assert "The above exception was the direct cause of the following exception:" in lines
    assert lines[-2:] == ["ValueError: no ratio", "of the third order"]


def test_a_deep_recursion_keeps_the_outermost_and_the_innermost_frames() -> None:
    def deep(n: int) -> None:
        if n == 0:
            raise RuntimeError("the bottom")
        deep(n - 1)

    entry = capture_exception(caught(deep, 300))["exceptions"][0]
    assert len(entry["frames"]) == MAX_FRAMES
    assert entry["cut"] == f"{302 - MAX_FRAMES} frames in the middle were left out"


def test_a_long_chain_is_cut_and_says_so() -> None:
    error: Exception = ValueError(0)
    for number in range(200):
        outer = ValueError(number)
        outer.__cause__ = error
        error = outer
    capture = capture_exception(error)
    assert len(capture["exceptions"]) == MAX_EXCEPTIONS
    assert capture["note"] == f"only the first {MAX_EXCEPTIONS} exceptions were kept"


def test_messages_are_bounded_and_one_line_in_lists() -> None:
    error = ValueError("line one\nline two " + "x" * 100_000)
    assert len(capture_exception(error)["exceptions"][0]["message"]) == MAX_MESSAGE
    assert describe(error).startswith("ValueError: line one line two xxx")
    assert len(describe(error)) == 500
    assert describe(KeyError()) == "KeyError"


@pytest.mark.parametrize("name", ["/etc/passwd", "/dev/zero", "/nonexistent/x.py", "<string>", "/etc/../etc/hostname"])
def test_a_forged_file_name_is_never_opened(name: str) -> None:
    code = compile("raise ValueError('x')", name, "exec")
    capture = capture_exception(caught(exec, code))
    frame = capture["exceptions"][0]["frames"][-1]
    assert frame["source"] == []
    assert frame["source_note"] in ("denied", "gone", "no file")


def test_a_fifo_with_a_python_name_does_not_hang(tmp_path: Path) -> None:
    fifo = tmp_path / "trap.py"
    os.mkfifo(fifo)
    frame = frame_data(Position(compile("1", str(fifo), "exec"), 1), REDACTOR)
    assert frame["source_note"] == "denied"


def test_source_outside_the_project_and_the_installation_is_not_read(tmp_path: Path) -> None:
    module = tmp_path / "elsewhere.py"
    module.write_text("raise ValueError('x')\n")
    code = compile(module.read_text(), str(module), "exec")
    frame = capture_exception(caught(exec, code))["exceptions"][0]["frames"][-1]
    assert (frame["source"], frame["source_note"]) == ([], "denied")


def test_long_source_lines_are_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    module = tmp_path / "long.py"
    module.write_text("x = '" + "y" * 5000 + "'; raise ValueError\n")
    code = compile(module.read_text(), str(module), "exec")
    frame = capture_exception(caught(exec, code))["exceptions"][0]["frames"][-1]
    assert len(frame["source"][0][1]) == MAX_SOURCE_LINE


@given(st.text(), st.lists(st.text(), max_size=3))
def test_any_message_and_notes_make_json_and_text(message: str, notes: list[str]) -> None:
    error = ValueError(message)
    for note in notes:
        error.add_note(note)
    capture = capture_exception(error)
    assert json.loads(json.dumps(capture)) == capture
    assert isinstance(plain(capture), str)


class _Liar(Exception):
    """Everything that a careless reader would call raises."""

    def __getattribute__(self, name: str) -> Any:
        raise SystemExit(f"asked for {name}")

    def __str__(self) -> str:
        raise KeyboardInterrupt


def test_an_exception_that_lies_about_itself_is_read_past_its_lies() -> None:
    capture = capture_exception(caught(lambda: (_ for _ in ()).throw(_Liar("x"))))
    entry = capture["exceptions"][0]
    assert entry["type"].endswith("_Liar")
    assert entry["message"] == "<its __str__ raised KeyboardInterrupt>"
    assert entry["frames"]


@pytest.mark.parametrize(
    "capture",
    [
        {},
        {"corrupt": "not zlib"},
        {"exceptions": [{}]},
        {"exceptions": 7, "stack": []},
        {"exceptions": [{"frames": [7, {"source": [1, [2]]}], "notes": 3, "parent": 0}], "stack": {"frames": "x"}},
        {"exceptions": [{"parent": 1, "relation": "cause"}, {"parent": 0, "relation": "cause"}]},
    ],
)
def test_a_poor_capture_still_prints(capture: dict[str, Any]) -> None:
    assert isinstance(plain(capture), str)


def test_ones_own_variables_are_kept_also_where_a_library_would_use_up_the_budget() -> None:
    heavy = {f"v{number}": [list(range(20)) for _ in range(12)] for number in range(40)}
    code = compile("def f(a): b = [a]; c = [a]; d = [a]; raise KeyError", json.__file__, "exec")
    names: dict[str, Any] = {}
    exec(code, names)

    def outer() -> None:
        telling = [1, 2, 3]
        names["f"]({number: [heavy] * 20 for number in range(telling[0])})

    frames = capture_exception(caught(outer))["exceptions"][0]["frames"]
    own_frame = next(frame for frame in frames if frame["function"].endswith("outer"))
    assert dict(map(tuple, own_frame["locals"]))["telling"]["size"] == 3


def test_ones_own_variables_of_a_cause_are_kept_where_a_library_around_it_would_use_up_the_budget() -> None:
    code = compile("def f(a): b = [a]; c = [a]; d = [a]; raise OSError from a[0][1]", json.__file__, "exec")
    names: dict[str, Any] = {}
    exec(code, names)
    heavy = {f"v{number}": [list(range(20)) for _ in range(12)] for number in range(40)}

    def cause() -> None:
        order = 17
        raise KeyError(order)

    failure = caught(cause)
    exceptions = capture_exception(caught(lambda: names["f"]([(heavy, failure)] * 20)))["exceptions"]
    assert [entry["type"] for entry in exceptions] == ["OSError", "KeyError"]
    assert dict(map(tuple, exceptions[1]["frames"][-1]["locals"]))["order"] == {"kind": "number", "text": "17"}
