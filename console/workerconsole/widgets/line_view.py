"""Lines of Content in a scroll view that draws only what is in sight."""

from collections.abc import Hashable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.content import Content
from textual.events import Resize
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip
from textual.style import Style


class LineView(ScrollView, can_focus=True, inherit_bindings=False):
    """Shows lines; ten thousand cost as little as ten.

    Lines are either set as a whole (`set_lines`, which redraws only those that differ), or made on demand by a
    subclass that overrides `line_count`, `line` and, where lines move, `line_key`.
    """

    DEFAULT_CSS = """
    LineView {
        height: 1fr;
        overflow: auto auto;
        scrollbar-gutter: stable;
        scrollbar-size: 0 1;
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "Down", show=False, id="view.down"),
        Binding("up,k", "move(-1)", "Up", show=False, id="view.up"),
        Binding("pagedown,ctrl+d", "page(1)", "Page down", show=False, id="view.page-down"),
        Binding("pageup,ctrl+u", "page(-1)", "Page up", show=False, id="view.page-up"),
        Binding("home,g", "edge(-1)", "Top", show=False, id="view.top"),
        Binding("end,G", "edge(1)", "Bottom", show=False, id="view.bottom"),
        Binding("right", "shift(8)", "Right", show=False, id="view.right"),
        Binding("left", "shift(-8)", "Left", show=False, id="view.left"),
    ]

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes=classes)
        self._lines: Sequence[Content] = ()
        self._strips: LRUCache[Hashable, Strip] = LRUCache(1024)

    # What there is to show

    @property
    def line_count(self) -> int:
        return len(self._lines)

    @property
    def line_width(self) -> int:
        """Cells of the widest line; more than the view has lets it scroll sideways."""
        return max((line.cell_length for line in self._lines), default=0)

    def line(self, y: int) -> Content:
        return self._lines[y]

    def line_key(self, y: int) -> Hashable:
        """What the drawn line is remembered by; with a cursor, also whether it is on the line."""
        return y

    def line_style(self, y: int) -> Style:  # noqa: ARG002 - for subclasses
        """The style under a line."""
        return self.visual_style

    @property
    def width(self) -> int:
        """Cells a line has; 0 before the first layout."""
        return max(0, self.size.width - self.scrollbar_gutter.width)

    def set_lines(self, lines: Sequence[Content]) -> None:
        """Show these lines instead; scroll position stays, and only lines that differ are drawn again."""
        before, self._lines = self._lines, lines
        common = min(len(before), len(lines))
        changed = [y for y in range(common) if not before[y].is_same(lines[y])]
        for y in (*changed, *range(common, max(len(before), len(lines)))):
            self._strips.discard(y)
        for y in changed:
            self.refresh_line(y)
        if len(before) != len(lines):
            self.refresh_lines(common, max(len(before), len(lines)) - common)
        self.fit()

    def fit(self) -> None:
        """Tell the scroll bars how much there is. Lines that fit are as wide as the view: otherwise all would be laid
        out anew whenever the longest of them changes."""
        size = Size(max(self.line_width, self.width, 1), self.line_count)
        if size != self.virtual_size:
            self.virtual_size = size

    def redraw(self) -> None:
        """Forget every drawn line."""
        self._strips.clear()
        self.refresh()

    # Drawing

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._strips.clear()

    def selection_updated(self, selection: Selection | None) -> None:  # noqa: ARG002 - the base's signature
        self.redraw()

    def get_selection(self, selection: Selection) -> tuple[str, str]:
        return selection.extract("\n".join(self.line(y).plain for y in range(self.line_count))), "\n"

    def render_line(self, y: int) -> Strip:
        left, top = self.scroll_offset
        width, row = self.width, top + y
        if not 0 <= row < self.line_count:
            return Strip.blank(width, self.visual_style.rich_style)
        style = self.line_style(row)
        strip = self._drawn(row, style).crop_extend(left, left + width, style.rich_style)
        return strip.apply_offsets(left, row)

    def _drawn(self, row: int, style: Style) -> Strip:
        selection = self.text_selection
        key = self.line_key(row)
        if selection is None and (strip := self._strips.get(key)) is not None:
            return strip
        line = self.line(row)
        if selection is not None and (span := selection.get_span(row)) is not None:
            start, end = span
            chosen = self.screen.get_visual_style("screen--selection", partial=True)
            line = line.stylize(chosen, start, None if end == -1 else end)
        strip = Strip(line.render_segments(style), line.cell_length)
        if selection is None:
            self._strips[key] = strip
        return strip

    # Moving

    def move_by(self, lines: int) -> None:
        """Scroll, or in a view with a cursor, move it."""
        self.scroll_to(y=self.scroll_offset.y + lines, animate=False)

    def action_move(self, lines: int) -> None:
        self.move_by(lines)

    def action_page(self, direction: int) -> None:
        self.move_by(direction * max(1, self.size.height - 1))

    def action_edge(self, direction: int) -> None:
        self.move_by(direction * self.line_count)

    def action_shift(self, cells: int) -> None:
        self.scroll_to(x=self.scroll_offset.x + cells, animate=False)

    def on_resize(self, _: Resize) -> None:
        """Subclasses whose lines depend on the width override `resized`."""
        self.resized()
        self.fit()

    def resized(self) -> None:
        self.redraw()
