"""Finds text in a failure: in its exceptions, its frames, their source, and their variables."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from workerconsole.captures import Frame
from workerconsole.traces import Trace
from workerconsole.value_paths import PathError, Place, ValuePath, resolve
from workerconsole.values import Part, one_line

MAX_HITS = 999


@dataclass(frozen=True, slots=True)
class Hit:
    """Where the text stands. `frame` counts the frames of its trace, outermost first; None: it is in the message."""

    trace: int
    frame: int | None = None
    line: int | None = None
    """The number of a source line."""
    place: Place | None = None
    """Of a variable, or of a part of one."""


def find(traces: Sequence[Trace], text: str) -> list[Hit]:
    """All hits, whatever the case of letters, in the order of the screen: the innermost frame first."""
    wanted = text.strip().lower()
    if not wanted:
        return []
    found: list[Hit] = []
    for hit in _hits(traces, wanted):
        found.append(hit)
        if len(found) == MAX_HITS:
            break
    return found


def _hits(traces: Sequence[Trace], wanted: str) -> Iterator[Hit]:
    for number, trace in enumerate(traces):
        if any(wanted in text.lower() for text in (trace.type, trace.message, *trace.notes)):
            yield Hit(number)
        for place in reversed(range(len(trace.frames))):
            yield from _in_frame(trace.frames[place], number, place, wanted)


def _in_frame(frame: Frame, trace: int, place: int, wanted: str) -> Iterator[Hit]:
    if wanted in f"{frame.file}:{frame.line} {frame.function}".lower():
        yield Hit(trace, place)
    for number, text in frame.source:
        if wanted in text.lower():
            yield Hit(trace, place, line=number)
    for where in _in_parts(frame.variables, (), wanted):
        yield Hit(trace, place, place=where)


def _in_parts(parts: Sequence[Part], above: Place, wanted: str) -> Iterator[Place]:
    for number, part in enumerate(parts):
        here = (*above, number)
        value = part.value
        own = "" if value.parts else one_line(value, 2_048)
        if wanted in part.name.lower() or wanted in own.lower() or wanted in value.text.lower():
            yield here
        yield from _in_parts(value.parts, here, wanted)


def first_from(hits: Sequence[Hit], trace: int, frame: int | None) -> int:
    """The number of the first hit in this frame; else the first hit of its exception; else the first of all."""
    for wanted in ((trace, frame), (trace, None)):
        for number, hit in enumerate(hits):
            if hit.trace == wanted[0] and wanted[1] in (None, hit.frame):
                return number
    return 0


def knows(traces: Sequence[Trace], name: str) -> bool:
    """Whether any frame has a variable of this name."""
    return any(part.name == name for trace in traces for frame in trace.frames for part in frame.variables)


def find_value(traces: Sequence[Trace], path: ValuePath, trace: int, frame: int | None) -> Hit:
    """Where the value of a path stands: in the selected frame of the selected exception, else in its other frames from
    the innermost on, else in another exception's.

    Raises:
        PathError: when none has it; in the words of the first frame that has the variable, else of the first asked.
    """
    unknown: PathError | None = None
    known: PathError | None = None
    for number, place in _order(traces, trace, frame):
        asked = traces[number].frames[place]
        try:
            return Hit(number, place, place=resolve(path, asked.variables, asked.function))
        except PathError as error:
            if any(part.name == path.root for part in asked.variables):
                known = known or error
            else:
                unknown = unknown or error
    raise known or unknown or PathError("no frames were kept")


def _order(traces: Sequence[Trace], trace: int, frame: int | None) -> Iterator[tuple[int, int]]:
    """All frames, as somebody would look through them who stands at this one."""
    if frame is not None:
        yield trace, frame
    for number in (trace, *(other for other in range(len(traces)) if other != trace)):
        for place in reversed(range(len(traces[number].frames))):
            if (number, place) != (trace, frame):
                yield number, place
