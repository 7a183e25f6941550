"""A stored failure as the screen reads it: typed, bounded and clean, whatever the stored JSON turned out to be.

The database may hold rows of another version or rows that somebody has tampered with. Whatever does not fit is left
out; a capture that makes no sense at all is `corrupt`, which is a thing to show and not an error.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from workerconsole.text import clean
from workerconsole.values import MAX_NODES, Part, read_variables
from workerkit.failures.text import plain

MAX_EXCEPTIONS = 50
MAX_FRAMES = 200
"""Of one stack; captures keep 60, so this only stops what is not ours."""
MAX_SOURCE_LINES = 21
MAX_SOURCE_WIDTH = 240
MAX_NOTES = 20

RELATIONS = ("cause", "context", "member")


@dataclass(frozen=True, slots=True)
class Frame:
    """One call of a stack."""

    file: str
    line: int
    function: str
    own: bool
    """The user's code, as opposed to installed packages, the standard library and the kit."""
    source: tuple[tuple[int, str], ...]
    """Line number and text, around the failing line."""
    mark: tuple[int, int] | None
    """The failing expression as characters of the failing line."""
    note: str
    """Why there is no source, or why it may mislead; empty where all is well."""
    # Trees of many values: what compares or hashes frames must not walk through them.
    variables: tuple[Part, ...] = field(default=(), compare=False)
    """The local variables at that moment."""
    variables_note: str = ""
    """Why there are none; empty where there are some, or where there were none to keep."""


@dataclass(frozen=True, slots=True)
class Stack:
    """Where something stood: frames, outermost first."""

    label: str
    frames: tuple[Frame, ...]
    note: str


@dataclass(frozen=True, slots=True)
class CaughtException:
    """One exception of a failure."""

    type: str
    message: str
    notes: tuple[str, ...]
    relation: str
    """root, or how it hangs on its parent: cause, context or member"""
    parent: int | None
    """Index of an earlier exception; None for the first."""
    frames: tuple[Frame, ...]
    """Outermost first."""
    cut: str
    """Why frames were left out, or empty."""


@dataclass(frozen=True, slots=True)
class Capture:
    """All that is known of one failure. The first exception is the one that left run()."""

    exceptions: tuple[CaughtException, ...] = ()
    stack: Stack | None = None
    """Where the run stood when its time was over."""
    note: str = ""
    corrupt: str = ""
    """Why the stored bytes can't be shown, or empty."""


def read_capture(data: object) -> Capture:
    """The capture of a FailureRecord. Never raises."""
    if not isinstance(data, Mapping):
        return Capture(corrupt="it is not an object")
    if data.get("corrupt"):
        return Capture(corrupt=clean(data["corrupt"], 500))
    entries = _list(data.get("exceptions"), MAX_EXCEPTIONS)
    stack = data.get("stack")
    budget = [MAX_NODES]
    return Capture(
        exceptions=tuple(_exception(entry, index, budget) for index, entry in enumerate(entries)),
        stack=_stack(stack, budget) if isinstance(stack, Mapping) else None,
        note=clean(data.get("note") or data.get("cut"), 500),
    )


def plain_text(data: dict[str, Any]) -> str:
    """A capture as Python prints a traceback; empty where the record is damaged beyond that."""
    try:
        return plain(data)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, RecursionError):
        return ""


def read_stack(data: object) -> Stack:
    """A stack of a capture, or the answer to a `stack` command. Never raises."""
    return _stack(data if isinstance(data, Mapping) else {}, [MAX_NODES])


def _stack(fields: Mapping[str, Any], budget: list[int]) -> Stack:
    frames = _frames(fields.get("frames"), budget)
    return Stack(clean(fields.get("label"), 200), frames, clean(fields.get("note"), 500))


def _exception(entry: object, index: int, budget: list[int]) -> CaughtException:
    fields = entry if isinstance(entry, Mapping) else {}
    parent = fields.get("parent")
    # A parent comes before its child, so following parents always ends.
    parent = (parent if type(parent) is int and 0 <= parent < index else 0) if index else None
    relation = fields.get("relation")
    return CaughtException(
        type=clean(fields.get("type"), 300) or "unknown exception",
        message=clean(fields.get("message"), newlines=True),
        notes=tuple(clean(note, newlines=True) for note in _list(fields.get("notes"), MAX_NOTES)),
        relation=(relation if relation in RELATIONS else "context") if index else "root",
        parent=parent,
        frames=_frames(fields.get("frames"), budget),
        cut=clean(fields.get("cut"), 300),
    )


def _frames(value: object, budget: list[int]) -> tuple[Frame, ...]:
    # The innermost first: should there be too much, it is the outer ones that lose their variables.
    entries = [entry for entry in _list(value, MAX_FRAMES) if isinstance(entry, Mapping)]
    return tuple(reversed([_frame(entry, budget) for entry in reversed(entries)]))


def _frame(fields: Mapping[str, Any], budget: list[int]) -> Frame:
    line = fields.get("line")
    line = line if type(line) is int and 0 <= line < 10**9 else 0
    source = tuple(_source(_list(fields.get("source"), MAX_SOURCE_LINES)))
    failing = next((text for number, text in source if number == line), None)
    return Frame(
        file=clean(fields.get("file"), 1000) or "?",
        line=line,
        function=clean(fields.get("function"), 200) or "?",
        own=fields.get("own") is True,
        source=tuple((number, clean(text, MAX_SOURCE_WIDTH).rstrip()) for number, text in source),
        mark=_mark(failing, fields.get("columns")),
        note=clean(fields.get("source_note"), 100),
        variables=read_variables(fields.get("locals"), budget),
        variables_note=_variables_note(fields),
    )


def _variables_note(fields: Mapping[str, Any]) -> str:
    if "locals" not in fields:
        return "not kept"
    return clean(fields.get("locals_note"), 100)


def _source(lines: Sequence[Any]) -> list[tuple[int, str]]:
    return [
        (entry[0], entry[1])
        for entry in lines
        if isinstance(entry, (list, tuple)) and len(entry) == 2 and type(entry[0]) is int and isinstance(entry[1], str)
    ]


def _mark(text: str | None, columns: object) -> tuple[int, int] | None:
    """Python counts columns in bytes of UTF-8; the screen counts characters of the cleaned line."""
    if text is None or not isinstance(columns, (list, tuple)) or len(columns) != 2:
        return None
    first, last = columns
    if not (type(first) is int and type(last) is int and 0 <= first < last):
        return None
    encoded = text.encode("utf-8", "replace")
    start = len(clean(encoded[:first].decode("utf-8", "ignore"), MAX_SOURCE_WIDTH))
    stop = len(clean(encoded[:last].decode("utf-8", "ignore"), MAX_SOURCE_WIDTH))
    return (start, stop) if start < stop else None


def _list(value: object, limit: int) -> Sequence[Any]:
    return value[:limit] if isinstance(value, (list, tuple)) else ()
