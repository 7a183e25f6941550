"""The calls of one exception, one line each.

The innermost call stands first. It is where the failure happened, right below the exception that says what happened,
and a reader goes outwards from there for as long as it helps; Python's own order would put it at the far end of a
list that has to be scrolled. A copied traceback has Python's order.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import groupby

from rich.cells import cell_len
from textual.content import Content

from workerconsole.captures import Frame
from workerconsole.format import plural
from workerconsole.traces import Trace
from workerconsole.widgets.cursor_view import CursorView
from workerconsole.widgets.frames import package_of, split_path

MUTED, OWN = "$text-muted", "bold $text-primary"
YOURS, LIBRARY = "●", "·"
"""The sign of a call in the user's code, and of one in a library."""


@dataclass(frozen=True, slots=True)
class FrameRow:
    """A call by its place among the frames, outermost first; or several that are folded into one line."""

    places: tuple[int, ...]
    """Innermost first; one unless folded."""
    repeats: bool = False
    """The folded ones are the same call again, of a recursion."""

    @property
    def folded(self) -> bool:
        return len(self.places) > 1 or self.repeats


def frame_rows(
    frames: Sequence[Frame], start: Frame | None, unfolded: frozenset[int], *, everything: bool
) -> list[FrameRow]:
    """The lines, innermost call first. Library calls are folded, but `start`, and but those named in `unfolded`."""
    rows: list[FrameRow] = []
    order = reversed(range(len(frames)))

    def shown(place: int) -> bool:
        return frames[place].own or everything or frames[place] is start or place in unfolded

    for open_, run in groupby(order, shown):
        if not open_:
            rows.append(FrameRow(tuple(run)))
            continue
        for _, same in groupby(run, lambda place: (frames[place].file, frames[place].line, frames[place].function)):
            first, *again = same
            rows.append(FrameRow((first,)))
            if again and again[0] in unfolded:
                rows += [FrameRow((place,)) for place in again]
            elif again:
                rows.append(FrameRow(tuple(again), repeats=True))
    return rows


class FrameList(CursorView):
    """The calls of one exception. `v` unfolds those of libraries; enter on a folded line unfolds that one."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._trace = Trace("", "")
        self._rows: list[FrameRow] = []
        self._unfolded: frozenset[int] = frozenset()
        self.everything = False

    @property
    def line_count(self) -> int:
        return len(self._rows) + bool(self._trace.cut)

    @property
    def place(self) -> int | None:
        """The frame under the cursor, by its place among the frames; of a folded line the innermost one."""
        return self._rows[self.cursor].places[0] if self.cursor < len(self._rows) else None

    @property
    def frame(self) -> Frame | None:
        place = self.place
        return self._trace.frames[place] if place is not None else None

    @property
    def folded(self) -> FrameRow | None:
        """The folded line under the cursor."""
        row = self._rows[self.cursor] if self.cursor < len(self._rows) else None
        return row if row is not None and row.folded else None

    def set_trace(self, trace: Trace) -> None:
        """Show the calls of this exception, with the cursor on the innermost one of the user's."""
        self._trace, self._unfolded = trace, frozenset()
        start = next((place for place, frame in enumerate(trace.frames) if frame is trace.start), None)
        self._arrange(start)
        self.scroll_to(y=0, animate=False, immediate=True, force=True)
        self.bring_into_sight()

    def select(self, place: int) -> None:
        """Put the cursor on a frame, unfolding it where it is folded."""
        if not any(row.places == (place,) for row in self._rows):
            self._unfold(place)
        y = next((y for y, row in enumerate(self._rows) if place in row.places), None)
        if y is not None:
            self.move_to(y)

    def unfold_here(self) -> None:
        """Show the calls of the folded line under the cursor."""
        if (row := self.folded) is not None:
            self._unfold(row.places[0])
            self.post_message(self.Moved(self))

    def toggle_everything(self) -> None:
        """Fold the libraries' calls, or unfold all of them."""
        self.everything = not self.everything
        self._unfolded = frozenset()
        self._arrange(self.place)
        self.post_message(self.Moved(self))

    def _unfold(self, place: int) -> None:
        row = next((row for row in self._rows if place in row.places), None)
        if row is not None:
            self._unfolded |= frozenset(row.places)
            self._arrange(place)

    def _arrange(self, place: int | None) -> None:
        frames = self._trace.frames
        self._rows = frame_rows(frames, self._trace.start, self._unfolded, everything=self.everything)
        self.cursor = next((y for y, row in enumerate(self._rows) if place in row.places), 0)
        self.fit()
        self.redraw()
        self.bring_into_sight()

    def selectable(self, y: int) -> bool:
        return y < len(self._rows)

    def row_key(self, y: int) -> Hashable:
        return self._rows[y] if y < len(self._rows) else None

    def row(self, y: int) -> Content:
        if y >= len(self._rows):
            return Content.styled(f"  … {self._trace.cut}", MUTED)
        row = self._rows[y]
        frames = [self._trace.frames[place] for place in row.places]
        if not row.folded:
            return frame_line(frames[0], self.width - 1)
        if row.repeats:
            return Content.styled(f"  … {plural(len(frames), 'more call')} from this line to itself", MUTED)
        return folded_line(frames, self.width - 1)


def frame_line(frame: Frame, width: int) -> Content:
    """`● orders.py:41  Importer.read_page`; the function loses its beginning where it is narrow."""
    _, name = split_path(frame.file)
    at = f"{name}:{frame.line}" if frame.line else name
    where = package_of(frame.file) if not frame.own else ""
    room = width - 2 - cell_len(at) - 2
    function = frame.function if cell_len(frame.function) <= room else frame.function.rpartition(".")[2]
    beside = f"  {where}" if where and cell_len(function) + cell_len(where) + 2 <= room else ""
    line = Content.assemble(
        (f"{YOURS if frame.own else LIBRARY} ", OWN if frame.own else MUTED),
        (at, OWN if frame.own else MUTED),
        "  ",
        (function, "bold" if frame.own else ""),
        (beside, MUTED),
    )
    return line.truncate(width, ellipsis=True)


def folded_line(frames: Sequence[Frame], width: int) -> Content:
    """`… 6 library frames (http, urllib3)`."""
    text = f"  … {plural(len(frames), 'library frame')}"
    packages = list(dict.fromkeys(package_of(frame.file) for frame in frames))
    for most in range(min(len(packages), 4), 0, -1):
        names = ", ".join(packages[:most]) + (" …" if len(packages) > most else "")
        if cell_len(text) + cell_len(names) + 3 <= width:
            return Content.styled(f"{text} ({names})", MUTED)
    return Content.styled(text, MUTED)
