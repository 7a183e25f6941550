"""The lines of a failure or a stack, with one of its own frames selected."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from workerconsole.captures import Frame
from workerconsole.widgets.frames import SELECTED, Row
from workerconsole.widgets.line_view import LineView


class FramesView(LineView):
    """Scrolls through rows of frames; `n` and `N` go from one frame of the user's code to the next."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "frame(1)", "Next frame of yours", show=False, id="frames.next"),
        Binding("N", "frame(-1)", "Previous frame of yours", show=False, id="frames.previous"),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._rows: Sequence[Row] = ()
        self._headings: list[int] = []
        self._selected = 0

    @property
    def line_count(self) -> int:
        return len(self._rows)

    @property
    def line_width(self) -> int:
        # Measuring would make every line; a source line of two hundred characters and its gutter fit in this.
        return self.width if not self._headings else max(self.width, 260)

    def line(self, y: int) -> Content:
        line = self._rows[y].make()
        if self._headings and y == self._headings[self._selected]:
            return Content.assemble((SELECTED, "$text-primary"), line[1:])
        return line

    @property
    def frame(self) -> Frame | None:
        """The selected frame."""
        return self._rows[self._headings[self._selected]].frame if self._headings else None

    def set_rows(self, rows: Sequence[Row], *, keep: bool) -> None:
        """Show these rows; with `keep` the place and the selected frame stay, else it begins at the top."""
        selected = self.frame if keep else None
        self._rows = rows
        opened = [y for y, row in enumerate(rows) if row.heading and row.frame is not None]
        own = [y for y in opened if (frame := rows[y].frame) is not None and frame.own]
        self._headings = own or opened
        self._selected = next((i for i, y in enumerate(self._headings) if rows[y].frame is selected), 0)
        self.fit()
        if not keep:
            self.scroll_to(0, 0, animate=False)
        self.redraw()

    def action_frame(self, step: int) -> None:
        if not self._headings:
            return
        self._selected = max(0, min(len(self._headings) - 1, self._selected + step))
        y = self._headings[self._selected]
        bottom = min(y + 3, self.line_count - 1)
        top = self.scroll_offset.y
        if not (top <= y and bottom < top + self.size.height):
            self.scroll_to(y=max(0, y - 1), animate=False)
        self.redraw()
