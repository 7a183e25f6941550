"""A stored failure as lines for people: the chain in Python's order, the worker's own frames with source and variables.

Library frames are one line each, so that one's own code is what the eye finds. Without colour `>` tells it apart.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from rich.cells import cell_len

from workerconsole import values
from workerconsole.captures import Capture, CaughtException, Frame
from workerconsole.cli.output import fit

SOURCE_CONTEXT = 2
"""Lines of source shown before and after the failing one; captures hold more."""
LEAST_WIDTH = 40
"""Cells; narrower than this nothing is bounded to the width."""

BOLD, DIM, RED, ALERT, BLUE = "1", "2", "31", "1;31", "34"
_OF_STYLE = {values.STRING: "32", values.NUMBER: "36", values.MUTED: DIM, values.HIDDEN: "3;2"}

_BRIDGES = {
    "cause": "The above exception was the direct cause of the following exception:",
    "context": "During handling of the above exception, another exception occurred:",
}


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is written on: so many cells wide, in colour or not."""

    width: int
    colour: bool

    def ink(self, text: str, codes: str) -> str:
        """The text in a colour of the terminal's sixteen, where colour is wanted."""
        return f"\x1b[{codes}m{text}\x1b[0m" if self.colour and codes and text else text

    def narrowed(self, cells: int) -> "Sheet":
        return replace(self, width=max(LEAST_WIDTH, self.width - cells))


def traceback_lines(capture: Capture, sheet: Sheet) -> Iterator[str]:
    """The whole failure. Every text of the capture is clean already."""
    if capture.corrupt:
        yield f"(this capture can't be read: {capture.corrupt})"
        return
    if capture.exceptions:
        yield from _chain(capture.exceptions, 0, sheet)
    if capture.stack is not None:
        yield sheet.ink(f"Where it stood ({capture.stack.label or 'its stack'}):", BOLD)
        yield from _frames(capture.stack.frames, sheet)
        if capture.stack.note:
            yield f"  [{capture.stack.note}]"
    if capture.note:
        yield capture.note


def _chain(exceptions: Sequence[CaughtException], number: int, sheet: Sheet) -> Iterator[str]:
    """What led to an exception, the exception itself, and the members of its group."""
    children = [(place, entry) for place, entry in enumerate(exceptions) if entry.parent == number]
    for place, entry in children:
        if (bridge := _BRIDGES.get(entry.relation)) is not None:
            yield from _chain(exceptions, place, sheet)
            yield from ("", sheet.ink(bridge, DIM), "")
    yield from _exception(exceptions[number], sheet)
    members = [place for place, entry in children if entry.relation == "member"]
    for count, place in enumerate(members, 1):
        yield sheet.ink(f"  +---------------- {count} ----------------", DIM)
        bar = sheet.ink("  | ", DIM)
        yield from (bar + line for line in _chain(exceptions, place, sheet.narrowed(4)))


def _exception(entry: CaughtException, sheet: Sheet) -> Iterator[str]:
    if entry.frames:
        yield sheet.ink("Traceback (most recent call last):", DIM)
        yield from _frames(entry.frames, sheet)
    if entry.cut:
        yield f"  [{entry.cut}]"
    first, *more = (f"{entry.type}: {entry.message}" if entry.message else entry.type).split("\n")
    yield sheet.ink(first, ALERT)
    yield from (sheet.ink(line, RED) for line in more)
    for note in entry.notes:
        yield from note.split("\n")


def _frames(frames: Sequence[Frame], sheet: Sheet) -> Iterator[str]:
    """All frames; of a recursion that repeats one place, the first and the last."""
    for _, group in groupby(frames, key=lambda frame: (frame.file, frame.line, frame.function)):
        same = list(group)
        yield from _frame(same[0], sheet)
        if len(same) > 2:
            yield sheet.ink(f"  [the same {len(same) - 2} more times]", DIM)
        if len(same) > 1:
            yield from _frame(same[-1], sheet)


def _frame(frame: Frame, sheet: Sheet) -> Iterator[str]:
    where = f'File "{frame.file}", line {frame.line}, in {frame.function}'
    if not frame.own:
        yield sheet.ink(f"  {where}", DIM)
        yield from (sheet.ink(f"    {text.strip()}", DIM) for number, text in frame.source if number == frame.line)
        return
    yield sheet.ink(f"> {where}", BOLD)
    yield from _source(frame, sheet)
    if frame.note:
        yield sheet.ink(f"    (source: {frame.note})", DIM)
    for part in frame.variables:
        yield f"      {_variable(part, sheet.width - 6, sheet)}"
    if frame.variables_note and frame.variables_note != "not kept":
        yield sheet.ink(f"      (variables: {frame.variables_note})", DIM)


def _source(frame: Frame, sheet: Sheet) -> Iterator[str]:
    """The lines around the failing one, without their common indentation, and carets under what failed."""
    near = [(number, text) for number, text in frame.source if abs(number - frame.line) <= SOURCE_CONTEXT]
    while near and not near[-1][1].strip():
        near.pop()
    margin = min((len(text) - len(text.lstrip()) for _, text in near if text.strip()), default=0)
    for number, text in near:
        shown = fit(text[margin:], max(sheet.width - 12, LEAST_WIDTH))
        if number != frame.line:
            yield sheet.ink(f"    {number:>6}  {shown}".rstrip(), DIM)
            continue
        yield f"  {sheet.ink('>', RED)} {number:>6}  {sheet.ink(shown, BOLD)}"
        if frame.mark is not None:
            start, stop = (max(0, column - margin) for column in frame.mark)
            before, failing = cell_len(shown[:start]), cell_len(shown[start:stop])
            # As in Python's own tracebacks: under a whole line carets would say nothing.
            if failing and shown[start:stop].strip() != shown.strip():
                yield f"            {' ' * before}{sheet.ink('^' * failing, RED)}"


def _variable(part: values.Part, width: int, sheet: Sheet) -> str:
    """`name = value` on one line."""
    room = max(width, LEAST_WIDTH) - cell_len(part.name) - 3
    pieces = values.pieces(part.value, room)
    too_long = sum(cell_len(text) for text, _ in pieces) > room
    left = room - too_long
    drawn: list[str] = []
    for text, style in pieces:
        kept = text if cell_len(text) <= left else fit(text, left + 1).removesuffix("…")
        drawn.append(sheet.ink(kept, _OF_STYLE.get(style, "")))
        left -= cell_len(kept)
        if kept != text:
            break
    return f"{sheet.ink(part.name, BLUE)} = {''.join(drawn)}{'…' if too_long else ''}"
