"""Stored failures read back: typed, bounded and clean, whatever the JSON is."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.console.pane import exception, frame, library_frame
from workerconsole.captures import read_capture, read_stack
from workerconsole.widgets.frames import capture_rows
from workerkit.failures import Capture, Redactor

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FRAMES = st.fixed_dictionaries(
    {},
    optional={
        "file": JSON,
        "line": JSON | st.integers(0, 9),
        "function": JSON,
        "own": JSON,
        "columns": JSON | st.tuples(st.integers(), st.integers()),
        "source": JSON | st.lists(st.tuples(st.integers(0, 9), st.text(max_size=9)), max_size=4),
        "source_note": JSON,
    },
)
EXCEPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "type": JSON,
        "message": JSON,
        "notes": JSON,
        "relation": JSON | st.sampled_from(["cause", "context", "member"]),
        "parent": JSON | st.integers(-2, 5),
        "cut": JSON,
        "frames": JSON | st.lists(FRAMES, max_size=4),
    },
)
NEARLY = st.fixed_dictionaries(
    {"exceptions": st.lists(EXCEPTIONS, max_size=5)},
    optional={
        "stack": JSON | st.fixed_dictionaries({"frames": st.lists(FRAMES, max_size=3)}),
        "note": JSON,
        "cut": JSON,
    },
)


@given(JSON | NEARLY, st.booleans(), st.integers(1, 100))
@settings(max_examples=200)
def test_any_json_at_all_is_read_and_drawn(data: object, everything: bool, width: int) -> None:
    capture = read_capture(data)
    for row in capture_rows(capture, "title", width, everything=everything):
        text = row.make().plain
        assert "\n" not in text
        assert "\x1b" not in text


def test_an_exception_of_this_interpreter_is_read_whole() -> None:
    try:
        try:
            raise KeyError("größe")
        except KeyError as error:
            raise ValueError("bad\x1b[31m input") from error
    except ValueError as error:
        taken = Capture(error, Redactor(environment={}))
        taken.read_messages()
        capture = read_capture(taken.data)
    top, cause = capture.exceptions
    assert (top.type, top.message, top.relation, top.parent) == ("ValueError", "bad input", "root", None)
    assert (cause.type, cause.relation, cause.parent) == ("KeyError", "cause", 0)
    [call] = cause.frames
    assert call.own
    assert call.mark is not None
    line = next(text for number, text in call.source if number == call.line)
    assert line[slice(*call.mark)] == 'raise KeyError("größe")'


def test_columns_are_bytes_in_the_record_and_characters_here() -> None:
    text = 'größe = "ß" / count'
    start, stop = len('größe = "ß" / '.encode()), len(text.encode())
    stack = read_stack({"frames": [frame(3, source=[[3, text]], columns=[start, stop])]})
    assert stack.frames[0].mark == (text.index("count"), len(text))


def test_a_tab_before_the_mark_moves_it() -> None:
    stack = read_stack({"frames": [frame(3, source=[[3, "\treturn a / b"]], columns=[8, 13])]})
    text = stack.frames[0].source[0][1]
    assert stack.frames[0].mark is not None
    assert text[slice(*stack.frames[0].mark)] == "a / b"


def test_a_parent_that_comes_later_is_not_followed() -> None:
    capture = read_capture({"exceptions": [exception(parent=1), exception(parent=1, relation="cause")]})
    assert [entry.parent for entry in capture.exceptions] == [None, 0]


def test_too_much_is_cut() -> None:
    many = {"exceptions": [exception(frames=[library_frame()] * 1000, message="x" * 99_999)] * 1000}
    capture = read_capture(many)
    assert len(capture.exceptions) == 50
    assert len(capture.exceptions[0].frames) == 200
    assert len(capture.exceptions[0].message) == 4096


def test_a_corrupt_record_says_so() -> None:
    assert read_capture({"corrupt": "no zlib\x07"}).corrupt == "no zlib"
    assert read_capture("what?").corrupt == "it is not an object"
