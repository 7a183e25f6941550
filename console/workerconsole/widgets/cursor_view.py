"""A view of lines with a cursor on one of them."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import ClassVar

from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.style import Style

from workerconsole.widgets.line_view import LineView

CURSOR = "▌"
"""Stands before the line under the cursor, so that it is found without colours."""


class CursorView(LineView):
    """Subclasses make lines in `row` and say by `row_key` when they are others; the first cell is the cursor's.

    The cursor moves by `move_by` and skips lines that `selectable` refuses.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"cursor-view--cursor"}
    DEFAULT_CSS = """
    CursorView {
        & > .cursor-view--cursor { background: $block-cursor-blurred-background; }
        &:focus > .cursor-view--cursor { background: $block-cursor-background; color: $block-cursor-foreground; }
        &:ansi > .cursor-view--cursor { text-style: none; background: ansi_default; }
        &:ansi:focus > .cursor-view--cursor { text-style: reverse; color: ansi_default; background: ansi_default; }
        &:nocolor > .cursor-view--cursor { text-style: none; }
        &:nocolor:focus > .cursor-view--cursor { text-style: reverse; }
    }
    """

    @dataclass
    class Moved(Message):
        """Another line is under the cursor."""

        view: "CursorView"

        @property
        def control(self) -> "CursorView":
            return self.view

    @dataclass
    class Opened(Message):
        """The line under the cursor was clicked twice."""

        view: "CursorView"

        @property
        def control(self) -> "CursorView":
            return self.view

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes=classes)
        self.cursor = 0

    def row(self, y: int) -> Content:
        """The line without the cursor's cell."""
        raise NotImplementedError

    def row_key(self, y: int) -> Hashable:
        """What the line is remembered by."""
        return y

    def selectable(self, y: int) -> bool:  # noqa: ARG002 - for subclasses
        """Whether the cursor may stand there."""
        return True

    def shows_cursor(self, y: int) -> bool:
        """Whether the cursor is drawn on this line."""
        return y == self.cursor

    @property
    def line_width(self) -> int:
        return self.width

    def line(self, y: int) -> Content:
        line = Content.assemble((CURSOR if self.shows_cursor(y) else " ", "$text-primary"), self.row(y))
        return Content(line.plain) if self._reversed(y) else line

    def line_key(self, y: int) -> Hashable:
        here = self.shows_cursor(y)
        return y, self.row_key(y), self.width, here, here and self.has_focus

    def line_style(self, y: int) -> Style:
        if not self.shows_cursor(y):
            return self.visual_style
        style = self.get_visual_style("cursor-view--cursor")
        # Textual's visual style leaves reverse out, on which the cursor lives where there are no colours of ours.
        return style + Style(reverse=True) if self._reversed(y) else style

    def _reversed(self, y: int) -> bool:
        """Colours turned inside out make a patchwork of a line, so it has none then."""
        return self.shows_cursor(y) and bool(self.get_component_styles("cursor-view--cursor").text_style.reverse)

    def move_by(self, lines: int) -> None:
        self.move_to(self.cursor + lines, 1 if lines >= 0 else -1)

    def move_to(self, y: int, direction: int = 1) -> None:
        """Put the cursor on a line, or on the next one in this direction that takes it."""
        if not self.line_count:
            return
        y = max(0, min(self.line_count - 1, y))
        places = [*range(y, self.line_count)] if direction > 0 else [*range(y, -1, -1)]
        # At an end that takes no cursor it stays where it was.
        y = next((place for place in places if self.selectable(place)), self.cursor)
        if y != self.cursor:
            before, self.cursor = self.cursor, y
            self.refresh_line(before)
            self.refresh_line(y)
            self.post_message(self.Moved(self))
        self.bring_into_sight()

    def bring_into_sight(self) -> None:
        """Scroll so far that the cursor's line is seen."""
        top, height = self.scroll_offset.y, self.size.height
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False, immediate=True, force=True)
        elif height and self.cursor >= top + height:
            self.scroll_to(y=self.cursor - height + 1, animate=False, immediate=True, force=True)

    def resized(self) -> None:
        super().resized()
        self.call_after_refresh(self.bring_into_sight)

    def on_click(self, event: Click) -> None:
        y = event.y + self.scroll_offset.y
        if 0 <= y < self.line_count and self.selectable(y):
            self.move_to(y)
            if event.chain == 2:
                self.post_message(self.Opened(self))
