"""A failure as a tree of what has frames."""

from typing import Any

from hypothesis import given, settings

from tests.console import mishaps
from tests.console.pane import exception, frame, library_frame
from tests.console.test_captures import JSON, NEARLY
from workerconsole.captures import read_capture
from workerconsole.traces import Trace, traces


def tree(data: dict[str, Any], title: str = "title") -> list[str]:
    return [f"{'  ' * trace.depth}{trace.label} {trace.title}".rstrip() for trace in traces(read_capture(data), title)]


def test_causes_and_contexts_hang_on_what_they_led_to() -> None:
    assert tree(mishaps.chain()) == [
        " RuntimeError: no prices in attempt 2",
        "  caused by KeyError: 'prices'",
        (
            "    while handling JSONDecodeError: Expecting property name enclosed in double quotes: "
            "line 1 column 2 (char 1)"
        ),
    ]


def test_members_of_a_group_are_numbered() -> None:
    found = traces(read_capture(mishaps.group()), "")
    assert [(trace.label, trace.message, trace.last) for trace in found[1:]] == [
        ("1 of 2", "north did not answer", False),
        ("2 of 2", "south did not answer", True),
    ]


def test_the_innermost_own_frame_is_the_one_to_begin_with() -> None:
    frames = [frame(1, "outer"), library_frame(), frame(2, "inner"), library_frame("a"), library_frame("b")]
    [found] = traces(read_capture({"exceptions": [exception(frames=frames)]}), "")
    assert found.start is not None
    assert found.start.function == "inner"
    only_library = traces(
        read_capture({"exceptions": [exception(frames=[library_frame("a"), library_frame("b")])]}), ""
    )
    assert only_library[0].start is not None
    assert only_library[0].start.function == "b"
    assert Trace("E", "m").start is None


def test_a_timeout_is_one_thing_with_the_frames_where_it_stood() -> None:
    [found] = traces(read_capture(mishaps.TIMEOUT), "Timeout: it took longer than 1s")
    assert (found.title, found.notes) == ("Timeout: it took longer than 1s", ("where it stood (thread worker-3)",))
    assert [entry.function for entry in found.frames] == ["wait"]


def test_an_exception_and_a_stack_are_two() -> None:
    data = mishaps.TIMEOUT | {"exceptions": [exception()]}
    assert tree(data)[1] == " where it stood (thread worker-3)"


def test_a_crash_and_a_damaged_record_have_their_words() -> None:
    [crash] = traces(read_capture(mishaps.CRASH), "Crash: the host died")
    assert crash.notes == ("the host died while this run was in flight",)
    [corrupt] = traces(read_capture(mishaps.CORRUPT), "E: m")
    assert (corrupt.title, corrupt.frames) == ("E: m", ())
    assert "the record is damaged (its bytes are no zlib stream)" in corrupt.notes[0]


@given(JSON | NEARLY)
@settings(max_examples=150)
def test_any_capture_has_at_least_one(data: object) -> None:
    found = traces(read_capture(data), "title\x1b[31m")
    assert found
    assert all("\x1b" not in trace.title for trace in found)
