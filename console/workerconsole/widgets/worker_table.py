"""The table of workers: any number of rows, drawn line by line, none of them a widget."""

from collections.abc import Collection, Mapping, Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual import events
from textual.binding import BindingType
from textual.color import Color
from textual.filter import LineFilter
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.style import Style

from workerconsole.actions import bindings
from workerconsole.filters import Filter
from workerconsole.roster import Order, arrange, stays
from workerconsole.safe_filter import safe_text
from workerconsole.snapshot import Snapshot
from workerconsole.widgets.bar_position import bar_position
from workerconsole.widgets.columns import MARK, Cell, Moment, Placed, fit, header_cells, joined, row_cells, row_width
from workerkit.clock import SECOND, Clock, Micros
from workerkit.store.records import WorkerRecord

HEADER_LINES = 1
ARRANGE_EVERY: Micros = SECOND
"""Rows move at most this often, so that they don't jump under the operator's hands."""
KEPT_STRIPS = 512
"""Drawn rows that are kept, of all that were in sight since something changed how they all look."""


class WorkerTable(ScrollView, can_focus=True):
    """Shows `Snapshot.workers` through a filter and an order; the cursor follows its worker by name.

    Only changed lines in sight are drawn again. Countdowns move by `tick()`, once a second, likewise.
    """

    DEFAULT_CSS = """
    WorkerTable {
        scrollbar-size-vertical: 1;
        overflow-x: hidden;
        overflow-y: auto;
        background: $background;
        & > .worker-table--header { background: $panel; }
        & > .worker-table--cursor { background: $block-cursor-blurred-background; }
        &:focus > .worker-table--cursor { background: $block-cursor-background; color: $block-cursor-foreground; }
        & > .worker-table--hover { background: $block-hover-background; }
        &:ansi > .worker-table--cursor { text-style: underline; background: ansi_default; }
        &:ansi:focus > .worker-table--cursor { text-style: reverse; color: ansi_default; background: ansi_default; }
        &:ansi > .worker-table--header { background: ansi_default; }
        &:nocolor > .worker-table--cursor { text-style: underline; }
        &:nocolor:focus > .worker-table--cursor { text-style: reverse; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "worker-table--header",
        "worker-table--cursor",
        "worker-table--hover",
        "worker-table--row",
    }
    BINDINGS: ClassVar[list[BindingType]] = list(bindings("table"))

    class CursorMoved(Message):
        """Another worker is under the cursor; None where no row is shown."""

        def __init__(self, name: str | None) -> None:
            super().__init__()
            self.worker = name

    class Opened(Message):
        """The worker was double-clicked."""

    class Arranged(Message):
        """Rows, their order, the filter or the marks are others now."""

    def __init__(self, clock: Clock, *, id: str | None = None) -> None:  # noqa: A002 -- Textual's own name
        super().__init__(id=id)
        self._clock = clock
        self._workers: Mapping[str, WorkerRecord] = {}
        self._names: list[str] = []
        self._rows: dict[str, int] = {}
        self._filter = Filter()
        self._order = Order()
        self._marks: set[str] = set()
        self._cursor: str | None = None
        self._hover: int | None = None
        self._arranged_at: Micros = 0
        self._stale = False
        self._placed: tuple[Placed, ...] = ()
        self._measured_for = 0
        """The width that the columns are placed for."""
        self._moment = Moment(clock.now())
        self._cells: dict[str, tuple[Cell, ...]] = {}
        """Of rows that have been drawn since their worker changed, or the time passed."""
        self._strips: dict[str, tuple[tuple[Cell, ...], Strip]] = {}
        """Rows as they were drawn last, and of what cells."""
        self._drawn_for: tuple[object, ...] = ()
        """What all of these have in common."""
        self._filters: Sequence[LineFilter] = ()
        self._background = Color.parse("ansi_default")
        self._styles: dict[tuple[str, str], RichStyle] = {}

    # -- what others read ------------------------------------------------------------------------------------------

    @property
    def selected(self) -> WorkerRecord | None:
        """The worker under the cursor."""
        return self._workers.get(self._cursor) if self._cursor is not None else None

    @property
    def marked(self) -> tuple[WorkerRecord, ...]:
        """The marked workers, also those that the filter hides, in the order of their names."""
        return tuple(self._workers[name] for name in sorted(self._marks) if name in self._workers)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the rows, from top to bottom."""
        return tuple(self._names)

    @property
    def row_count(self) -> int:
        return len(self._names)

    @property
    def order(self) -> Order:
        return self._order

    @property
    def filter(self) -> Filter:
        return self._filter

    def in_sight(self, name: str) -> bool:
        """Whether the worker's row can be seen now."""
        row = self._rows.get(name)
        return row is not None and row in self._visible_rows()

    # -- what changes it -------------------------------------------------------------------------------------------

    def show(self, snapshot: Snapshot) -> None:
        """Take over a snapshot: draw the changed lines, and put the rows in order if that is due."""
        before = self._workers
        others = len(before) != len(snapshot.workers) or not snapshot.changed <= before.keys()
        self._workers = snapshot.workers
        alive_changed = self._moment.host_alive is not snapshot.host_alive
        now = self._clock.now()
        self._moment = Moment(now, snapshot.host_alive)
        self._marks &= snapshot.workers.keys()
        if others and self._measure():
            self.refresh()
        self._stale = self._stale or others or any(self._moves(before[name]) for name in snapshot.changed)
        if others or (self._stale and abs(now - self._arranged_at) >= ARRANGE_EVERY):
            self._arrange()
        self._redraw_changed(None if alive_changed else snapshot.changed)

    def _moves(self, before: WorkerRecord) -> bool:
        return not stays(before, self._workers[before.name], self._filter, self._order)

    def tick(self) -> None:
        """Once a second: countdowns in sight, and the order if changes are waiting for it."""
        self._moment = Moment(self._clock.now(), self._moment.host_alive)
        if self._stale:
            self._arrange()
        self._redraw_changed()

    def set_filter(self, wanted: Filter) -> None:
        """Show only the workers that pass."""
        if wanted != self._filter:
            self._filter = wanted
            self._arrange()

    def set_order(self, order: Order) -> None:
        """Put the rows in another order."""
        self._order = order
        self._arrange()
        self._redraw_all()

    def toggle_mark(self) -> None:
        """Mark or unmark the worker under the cursor and go to the next row."""
        if self._cursor is None:
            return
        self._marks ^= {self._cursor}
        self.move(1)
        self._redraw_all()
        self.post_message(self.Arranged())

    def mark_all(self) -> None:
        """Mark every shown worker; when all of them are marked, or some outside the filter only, unmark all."""
        self._marks = set() if self._marks >= set(self._names) else self._marks | set(self._names)
        self._redraw_all()
        self.post_message(self.Arranged())

    def clear_marks(self) -> None:
        self._marks.clear()
        self._redraw_all()
        self.post_message(self.Arranged())

    def move(self, rows: int) -> None:
        """Move the cursor down by so many rows; it stops at the ends."""
        if self._names:
            current = self._rows.get(self._cursor, 0) if self._cursor is not None else 0
            self.go_to(self._names[max(0, min(len(self._names) - 1, current + rows))])

    def move_page(self, pages: int) -> None:
        self.move(pages * max(1, self._page_size - 1))

    def move_to_end(self, bottom: bool) -> None:
        self.move(len(self._names) if bottom else -len(self._names))

    def go_to(self, name: str) -> None:
        """Put the cursor on a worker, if it is shown, and bring its row into sight."""
        row = self._rows.get(name)
        if row is None:
            return
        if name != self._cursor:
            previous, self._cursor = self._cursor, name
            self._refresh_row(previous)
            self._refresh_row(name)
            self.post_message(self.CursorMoved(name))
        self._bring_into_sight(row)

    # -- rows and their order --------------------------------------------------------------------------------------

    @property
    def _width(self) -> int:
        """Cells beside the scroll bar."""
        return self.scrollable_content_region.width

    @property
    def _page_size(self) -> int:
        return max(1, self.size.height - HEADER_LINES)

    def _visible_rows(self) -> range:
        top = self.scroll_offset.y
        return range(top, min(len(self._names), top + self._page_size))

    def _arrange(self) -> None:
        """Filter and order the rows anew; the cursor keeps its worker, and that its line on the screen."""
        self._arranged_at = self._clock.now()
        self._stale = False
        names = arrange(self._workers.values(), self._filter, self._order)
        if names == self._names:
            return
        top = self.scroll_offset.y
        old_row = self._rows.get(self._cursor) if self._cursor is not None else None
        self._names = names
        self._rows = {name: row for row, name in enumerate(names)}
        self._measure_height()
        self._keep_cursor(old_row, top)
        self._redraw_all()
        self.post_message(self.Arranged())

    def _keep_cursor(self, old_row: int | None, top: int) -> None:
        row = self._rows.get(self._cursor) if self._cursor is not None else None
        if row is None:
            # Its worker is hidden now: the row that took its place, so that the eye stays where it was.
            name = self._names[min(old_row or 0, len(self._names) - 1)] if self._names else None
            if name != self._cursor:
                self._cursor = name
                self.post_message(self.CursorMoved(name))
            if name is not None:
                self._bring_into_sight(self._rows[name])
        elif top and old_row is not None:
            self.scroll_to(y=max(0, top + row - old_row), animate=False, immediate=True, force=True)
            self._bring_into_sight(row)
        elif old_row is not None and old_row < self._page_size:
            # At the top the list stays at the top, for the first rows are those that matter most.
            self._bring_into_sight(row)

    def _bring_into_sight(self, row: int) -> None:
        top = self.scroll_offset.y
        if row < top:
            self.scroll_to(y=row, animate=False, immediate=True, force=True)
        elif row >= top + self._page_size:
            self.scroll_to(y=row - self._page_size + 1, animate=False, immediate=True, force=True)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """As the base class does, but a scroll bar that looks the same is not drawn again for each row."""
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.position = bar_position(new_value, self.virtual_size.height, self.size.height)
        if round(old_value) != round(new_value):
            self.refresh(Region(0, HEADER_LINES, self._width, self._page_size))

    def _measure(self) -> bool:
        """Find the columns that fit; whether they are others now."""
        longest = max(map(len, self._workers), default=0)
        schedule = max((len(worker.schedule) for worker in self._workers.values()), default=0)
        self._measured_for = self.size.width
        placed = fit(self.scrollable_content_region.width or self.size.width, longest, schedule)
        if placed == self._placed:
            return False
        self._placed = placed
        self._cells.clear()
        return True

    def _measure_height(self) -> None:
        self.virtual_size = Size(self.size.width, len(self._names) + HEADER_LINES)

    def on_resize(self) -> None:
        self._measure_height()
        if self._measure():
            self.refresh()
        if self._cursor in self._rows:
            self._bring_into_sight(self._rows[self._cursor])

    # -- drawing ---------------------------------------------------------------------------------------------------

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._styles.clear()
        self._strips.clear()

    def _redraw_changed(self, changed: Collection[str] | None = None) -> None:
        """Refresh the lines in sight that say something else now: of changed workers, or of all as time has passed."""
        before = self._cells
        self._cells = {} if changed is None else {name: known for name, known in before.items() if name not in changed}
        lines = []
        for y, row in enumerate(self._visible_rows(), HEADER_LINES):
            name = self._names[row]
            worker = self._workers.get(name)
            if worker is None or name in self._cells:
                continue
            drawn = before.get(name)
            if self._cells_of(worker) != drawn:
                lines.append(y)
            else:
                self._cells[name] = drawn
        self._refresh_lines(lines)

    def _cells_of(self, worker: WorkerRecord) -> tuple[Cell, ...]:
        cells = self._cells.get(worker.name)
        if cells is None:
            cells = self._cells[worker.name] = row_cells(self._placed, worker, self._moment)
        return cells

    def _refresh_row(self, name: str | None) -> None:
        row = self._rows.get(name) if name is not None else None
        if row is not None:
            self._strips.pop(self._names[row], None)
            self._refresh_lines([row - self.scroll_offset.y + HEADER_LINES])

    def _refresh_lines(self, lines: Collection[int]) -> None:
        width, height = self._width, self.size.height
        regions = [Region(0, y, width, 1) for y in lines if HEADER_LINES <= y < height]
        if regions:
            self.refresh(*regions)

    def _redraw_all(self) -> None:
        self._strips.clear()
        self.refresh()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Past Textual's cache, which knows lines by their place: a table that scrolls has them all elsewhere."""
        if self._measured_for != self.size.width:
            # Its first frame; the event of its new size comes only after that.
            self._measure()
        self._see_what_is_common()
        left, right = crop.column_span
        width, top = self.size.width, self.scroll_offset.y
        return [self._line(y, top, width).crop(left, right) for y in crop.line_range]

    def render_line(self, y: int) -> Strip:
        return self._line(y, self.scroll_offset.y, self.size.width)

    def _line(self, y: int, top: int, width: int) -> Strip:
        """One line of what is in sight; as it was drawn last, if it would be the same."""
        if y < HEADER_LINES:
            return self._strip(header_cells(self._placed, self._order), "worker-table--header", " ", width)
        row = y - HEADER_LINES + top
        if not 0 <= row < len(self._names) or (worker := self._workers.get(self._names[row])) is None:
            return Strip.blank(width, self._style("worker-table--row", ""))
        cells = self._cells_of(worker)
        drawn = self._strips.get(worker.name)
        if drawn is not None and drawn[0] is cells:
            return drawn[1]
        mark = MARK if worker.name in self._marks else " "
        strip = self._strip(cells, self._component(row, worker.name), mark, width)
        self._strips[worker.name] = (cells, strip)
        return strip

    def _see_what_is_common(self) -> None:
        """Forgets what is drawn where all of it would be drawn otherwise now, or where it has become too much."""
        filters, background = self.get_line_filters(), self.background_colors[1]
        drawn_for = (*filters, background, self.size.width, self.has_focus, self._placed)
        if drawn_for != self._drawn_for:
            self._drawn_for, self._filters, self._background = drawn_for, filters, background
            self._styles.clear()
            self._strips.clear()
        elif len(self._strips) > KEPT_STRIPS:
            self._strips.clear()

    def _component(self, row: int, name: str) -> str:
        if name == self._cursor:
            return "worker-table--cursor"
        return "worker-table--hover" if row == self._hover else "worker-table--row"

    def _strip(self, cells: tuple[Cell, ...], component: str, mark: str, width: int) -> Strip:
        segments = [Segment(mark, self._style(component, "$text-primary"))]
        segments += [Segment(safe_text(text), self._style(component, style)) for text, style in joined(cells)]
        used = row_width(self._placed)
        if used < width:
            segments.append(Segment(" " * (width - used), self._style(component, "")))
        strip = Strip(segments, max(used, width))
        return strip if used <= width else strip.crop(0, width)

    def _style(self, component: str, style: str) -> RichStyle:
        """The style as the filters leave it: they are the same for all that is drawn in it."""
        key = (component, style)
        known = self._styles.get(key)
        if known is None:
            # Textual's visual style leaves reverse out, on which the cursor lives where there are no colours of ours.
            reverse = self.get_component_styles(component).text_style.reverse
            base = self.get_visual_style(component) + Style(reverse=reverse or None)
            extra = Style.parse(style, self.app.theme_variables) if style else Style()
            if reverse:
                # Colours turned inside out make a patchwork of the line.
                extra = Style(bold=extra.bold)
            drawn = [Segment(" ", (base + extra).rich_style)]
            for line_filter in self._filters:
                drawn = line_filter.apply(drawn, self._background)
            known = self._styles[key] = drawn[0].style or RichStyle()
        return known

    def watch_has_focus(self, has_focus: bool) -> None:
        super().watch_has_focus(has_focus)
        self._styles.clear()
        self._strips.clear()

    # -- the mouse -------------------------------------------------------------------------------------------------

    def on_click(self, event: events.Click) -> None:
        if event.y < HEADER_LINES:
            self._sort_by_title(event.x)
            return
        row = event.y - HEADER_LINES + self.scroll_offset.y
        if 0 <= row < len(self._names):
            self.go_to(self._names[row])
            if event.chain == 2:
                self.post_message(self.Opened())

    def _sort_by_title(self, x: int) -> None:
        for place in self._placed:
            if place.left <= x < place.left + place.width and place.column.sort is not None:
                same = place.column.sort is self._order.sort
                self.set_order(self._order.reversed() if same else Order(place.column.sort))

    def on_mouse_move(self, event: events.MouseMove) -> None:
        row = event.y - HEADER_LINES + self.scroll_offset.y
        self._set_hover(row if event.y >= HEADER_LINES and row < len(self._names) else None)

    def on_leave(self) -> None:
        self._set_hover(None)

    def _set_hover(self, row: int | None) -> None:
        if row != self._hover:
            for changed in (self._hover, row):
                if changed is not None and 0 <= changed < len(self._names):
                    self._refresh_row(self._names[changed])
            self._hover = row
