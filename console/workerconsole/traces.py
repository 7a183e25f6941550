"""A failure as the things that have frames: its exceptions in the order of their tree, and where the run stood."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from workerconsole.captures import Capture, CaughtException, Frame
from workerconsole.text import clean

RELATIONS = {"cause": "caused by", "context": "while handling"}
"""What a tree says of the exception below: Python prints the same as sentences between two tracebacks."""


@dataclass(frozen=True, slots=True)
class Trace:
    """One exception, or where a run stood when its time was over."""

    type: str
    """Its full name; empty where it is no exception."""
    message: str
    notes: tuple[str, ...] = ()
    label: str = ""
    """How it hangs on the one above it."""
    depth: int = 0
    last: bool = True
    """No other hangs on the same one below it."""
    frames: tuple[Frame, ...] = ()
    """Outermost first."""
    cut: str = ""
    """Why frames were left out."""
    number: int | None = None
    """Its place in the capture; None where it is no exception of it."""

    @property
    def name(self) -> str:
        """The type without its module."""
        return self.type.rpartition(".")[2]

    @property
    def title(self) -> str:
        """`Type: message`; the message may have several lines."""
        return f"{self.name}: {self.message}" if self.name and self.message else self.name or self.message

    @property
    def start(self) -> Frame | None:
        """The frame that people want to see first: the innermost of their own, else the innermost."""
        own = (frame for frame in reversed(self.frames) if frame.own)
        return next(own, self.frames[-1] if self.frames else None)


def traces(capture: Capture, title: str) -> tuple[Trace, ...]:
    """At least one. `title` is the failure's own line, for one that kept no exception."""
    if capture.corrupt:
        note = f"Its details can't be shown: the record is damaged ({capture.corrupt})."
        return (Trace("", clean(title, newlines=True), (note,)),)
    found = list(_tree(capture.exceptions, 0, Trace("", ""))) if capture.exceptions else []
    if not found:
        found = [Trace("", clean(title, newlines=True))]
    if capture.note and capture.note not in title:
        found[0] = replace(found[0], notes=(*found[0].notes, capture.note))
    if (stack := capture.stack) is not None:
        where = f"where it stood ({stack.label})" if stack.label else "where it stood"
        notes = (stack.note,) if stack.note else ()
        if capture.exceptions:
            found.append(Trace("", where, notes, frames=stack.frames))
        else:
            # Nothing was raised: its one line, and the frames where it stood, are one thing.
            first = found[0]
            found[0] = replace(first, notes=(*first.notes, where, *notes), frames=stack.frames)
    return tuple(found)


def _tree(entries: Sequence[CaughtException], index: int, place: Trace) -> Iterator[Trace]:
    """An exception and those that hang on it. `place` has the label, the depth and the rank that it gets."""
    entry = entries[index]
    yield replace(
        place,
        type=entry.type,
        message=entry.message,
        notes=entry.notes,
        frames=entry.frames,
        cut=entry.cut,
        number=index,
    )
    children = [number for number in range(index + 1, len(entries)) if entries[number].parent == index]
    members = [number for number in children if entries[number].relation == "member"]
    ordered = [*members, *(number for number in children if number not in members)]
    for number in ordered:
        relation = entries[number].relation
        label = f"{members.index(number) + 1} of {len(members)}" if relation == "member" else RELATIONS[relation]
        below = Trace("", "", label=label, depth=place.depth + 1, last=number == ordered[-1])
        yield from _tree(entries, number, below)
