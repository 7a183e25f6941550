"""The main screen: header, table, details, footer. It applies snapshots; what its actions do is the desk's."""

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Vertical
from textual.geometry import Size
from textual.screen import Screen

from workerconsole import actions
from workerconsole.compositor import SparseCompositor
from workerconsole.desk import Context
from workerconsole.notices import Watch
from workerconsole.screens.main_desk import MainDesk
from workerconsole.snapshot import Snapshot, WorkerDetail
from workerconsole.widgets.banner import Banner, banner_items
from workerconsole.widgets.detail_pane import DetailPane
from workerconsole.widgets.empty_state import EmptyState, empty_message
from workerconsole.widgets.filter_bar import FilterBar
from workerconsole.widgets.footer import KeyFooter
from workerconsole.widgets.header import HeaderState, StatusHeader
from workerconsole.widgets.worker_table import HEADER_LINES, WorkerTable
from workerkit.clock import Clock, Micros
from workerkit.store.records import RunRecord

if TYPE_CHECKING:
    from workerconsole.app import ConsoleApp

SOON, LATELY = 0.7, 0.5
"""Seconds since times were told: from the one on a picture tells them again, and within the other no tick does."""
TALL = 34
"""From this many lines on, the details have room enough under the table."""
WIDE = 170
"""From this many columns on, the details stand beside the table when they have no room under it."""
LEAST_ROWS = 5
"""Lines that the table keeps, however few the workers."""


class MainScreen(Screen[None]):
    """Owns what is shown; the app owns the database and the host."""

    DEFAULT_CSS = """
    MainScreen {
        layout: vertical;
        background: $background;
        & > #body { height: 1fr; layout: vertical; }
        & #list { height: 1fr; }
        & EmptyState { display: none; }
        & DetailPane { height: 1fr; }
        &.-wide > #body { layout: horizontal; }
        &.-wide #list { width: 11fr; }
        &.-wide DetailPane { width: 9fr; border-left: solid $border; }
        &.-empty #list EmptyState { display: block; }
        &.-empty #list WorkerTable { display: none; }
        &.-bare DetailPane { display: none; }
        &.-expanded #list { display: none; }
        &:ansi { background: ansi_default; }
    }
    """
    # The filter's key is taken before any other is looked at: over a slow line "/pay" arrives in one piece, and its p
    # must find the filter open instead of pausing a worker.
    BINDINGS: ClassVar[list[BindingType]] = [
        replace(binding, priority=binding.id == "filter") for binding in actions.bindings("screen")
    ]

    def __init__(self, clock: Clock, *, title: str, opening: str, read_only: bool) -> None:
        super().__init__()
        self._compositor = SparseCompositor()
        self._clock = clock
        self._desk = MainDesk(self, clock)
        self._title = title
        self._opening = opening
        self._read_only = read_only
        self._watch = Watch()
        self._held: Snapshot | None = None
        self._recovered: tuple[RunRecord, ...] = ()
        self._opening_trouble: str | None = None
        self._list_height: int | None = None
        self._shows_rows = False
        self._told_at = -math.inf
        """Monotonic seconds of when the times were told last. With a picture that is drawn anyway they cost little."""
        self._follows = False
        """Details and footer are about to follow what the operator did."""
        self.snapshot: Snapshot | None = None
        self.detail: WorkerDetail | None = None
        self.frozen = False

    def compose(self) -> ComposeResult:
        self._take_shape(self.app.size)
        yield StatusHeader()
        yield Banner()
        yield FilterBar()
        with Container(id="body"):
            with Vertical(id="list"):
                yield WorkerTable(self._clock)
                yield EmptyState()
            yield DetailPane()
        yield KeyFooter()

    def on_mount(self) -> None:
        self.table.focus()
        self.filter_bar.leave_to(self.table)
        self.set_interval(1.0, self._each_second)
        self._show_around()

    def _each_second(self) -> None:
        if self.console.is_running:  # while it ends, the screens lose their parts one by one
            self.console.see_to_size()
            if self._clock.monotonic() - self._told_at >= LATELY:
                self.tick()

    def on_resize(self, event: events.Resize) -> None:
        self._take_shape(event.size)
        self._share_room()

    def _take_shape(self, size: Size) -> None:
        """The classes that follow from the size and from what there is to show, at once: all parts are styled anew."""
        tall = size.height >= TALL
        shape = {
            "-tall": tall,
            "-wide": not tall and size.width >= WIDE,
            "-bare": self.snapshot is None or not self.snapshot.workers,
            "-empty": not self._shows_rows,
        }
        wanted = {name for name, holds in shape.items() if holds}
        if self.classes & shape.keys() != wanted:
            self.set_classes(self.classes - shape.keys() | wanted)

    def _share_room(self) -> None:
        """Under each other, the table gets the lines it needs, up to half; by all workers, not by those that pass
        the filter, or the details would jump while one types."""
        height: int | None
        if self.has_class("-tall") and not self.has_class("-bare") and self.snapshot is not None:
            rows = len(self.snapshot.workers) + HEADER_LINES + 1
            half = (self.size.height - 4) // 2
            height = max(LEAST_ROWS, min(rows, half))
        else:
            height = None
        if height != self._list_height:
            # Textual lays out anew whenever it is set, also to what it is.
            self._list_height = height
            self.query_one("#list").styles.height = height

    # -- parts -----------------------------------------------------------------------------------------------------

    @property
    def console(self) -> "ConsoleApp":
        return cast("ConsoleApp", self.app)

    @property
    def table(self) -> WorkerTable:
        return self.query_one(WorkerTable)

    @property
    def pane(self) -> DetailPane:
        return self.query_one(DetailPane)

    @property
    def filter_bar(self) -> FilterBar:
        return self.query_one(FilterBar)

    # -- what comes from the feed ----------------------------------------------------------------------------------

    def take(self, snapshot: Snapshot) -> bool:
        """Show a snapshot; False while the picture is held still: then it is kept for later."""
        if self.frozen:
            self._held = snapshot
            return False
        self._opening_trouble = None
        self.snapshot = snapshot
        self.table.show(snapshot)
        if self._clock.monotonic() - self._told_at >= SOON:
            self._tell_time()
        self._watch.see(snapshot, self._in_sight)
        self._tell()
        self._show_around()
        return True

    def take_detail(self, detail: WorkerDetail, now: Micros) -> None:
        """Show the details of a worker, if it is still the selected one."""
        selected = self.table.selected
        if selected is not None and selected.name == detail.worker.name:
            self.detail = detail
            self.pane.show(detail, now)

    def take_recovery(self, recovered: tuple[RunRecord, ...]) -> None:
        """Remember which runs our host found in flight at its start."""
        self._recovered = recovered

    def in_flight(self) -> int:
        """How many runs the database says are in flight."""
        workers = self.snapshot.workers.values() if self.snapshot is not None else ()
        return sum(worker.running_run_id is not None for worker in workers)

    def show_opening_trouble(self, text: str) -> None:
        """Say why there is no database yet."""
        self._opening_trouble = text
        self._show_around()

    def tick(self) -> None:
        """Whatever shows the time, as of now."""
        if not self.frozen:
            self._tell_time()
            self._tell()
            self._show_around()

    def _tell_time(self) -> None:
        self._told_at = self._clock.monotonic()
        self.table.tick()
        if self.detail is not None:
            self.pane.show(self.detail, self._clock.now())

    def _in_sight(self, name: str) -> bool:
        return self.app.screen is self and not self.has_class("-expanded") and self.table.in_sight(name)

    def _tell(self) -> None:
        for notice in self._watch.due(self._clock.now()):
            self.console.tell(notice.text, severity="error" if notice.failing else "information")

    def _show_around(self) -> None:
        """Header, banner, footer, and what stands in place of an empty table."""
        now = self.now()
        snapshot = self.snapshot
        self.query_one(StatusHeader).show(
            HeaderState(
                snapshot,
                now,
                self.console.database_path,
                self._title,
                opening=self._opening,
                frozen=self.frozen,
                read_only=self._read_only,
                marked=len(self.table.marked),
            )
        )
        if snapshot is not None:
            self.query_one(Banner).show_items(
                banner_items(snapshot, now, self._recovered, self.console.session.trouble)
            )
        self._shows_rows = bool(self.table.row_count)
        self._take_shape(self.size)
        self._share_room()
        if not self._shows_rows:
            self.query_one(EmptyState).show_message(
                empty_message(snapshot, self.table.filter, self._opening, self._opening_trouble)
            )
        elif self.focused is None:
            self.table.focus()
        self._show_footer()

    def now(self) -> Micros:
        """The time of what is shown: it stands still with the picture."""
        return self.snapshot.taken_at if self.frozen and self.snapshot is not None else self._clock.now()

    def _show_footer(self) -> None:
        self.query_one(KeyFooter).show(self.context())
        known = len(self.snapshot.workers) if self.snapshot is not None else 0
        wanted = self.table.filter
        self.filter_bar.show_count(self.table.row_count, known, wanted.mistake)

    # -- the registry's actions ------------------------------------------------------------------------------------

    def context(self) -> Context:
        """What the actions need to know of now."""
        snapshot = self.snapshot
        workers = snapshot.workers if snapshot is not None else {}
        return Context(
            desk=self._desk,
            selected=self.table.selected,
            marked=self.table.marked,
            known=len(workers),
            all_paused=bool(workers) and all(w.paused for w in workers.values() if w.registered),
            host_alive=snapshot is not None and snapshot.host_alive,
            ready=self.console.session.ready,
            read_only=self._read_only,
            frozen=self.frozen,
        )

    def action_do(self, action_id: str) -> None:
        """Textual's way in; see `perform`."""
        self.perform(action_id)

    def perform(self, action_id: str) -> None:
        """Carry out an action, or say why it can't be done now."""
        action = actions.BY_ID[action_id]
        context = self.context()
        reason = action.disabled(context)
        if reason is not None:
            self.console.tell(reason, severity="warning")
        else:
            action.perform(context)
            self._follow_later()

    def freeze(self) -> None:
        self.frozen = not self.frozen
        held, self._held = self._held, None
        if not self.frozen and held is not None:
            self.take(held)
            self.console.drawn()
        self._show_around()

    # -- the palette's workers -------------------------------------------------------------------------------------

    def palette_actions(self) -> Iterable[actions.Action]:
        return (action for action in actions.ACTIONS if action.scope == "screen" or action.id in ("open", "mark"))

    def worker_names(self) -> Iterable[str]:
        return self.snapshot.workers.keys() if self.snapshot is not None else ()

    def go_to_worker(self, name: str) -> None:
        """Put the cursor on a worker, dropping a filter that hides it."""
        if name not in self.table.names:
            self.filter_bar.clear()
            self.table.set_filter(type(self.table.filter)())
        self.table.go_to(name)

    # -- what widgets say ------------------------------------------------------------------------------------------

    @on(WorkerTable.CursorMoved)
    def _cursor_moved(self, message: WorkerTable.CursorMoved) -> None:
        if message.worker is None:
            self.detail = None
            self.pane.show(None, self.now())
        self._follow_later()

    def _follow_later(self) -> None:
        """What the operator did is drawn first; the feed's thread would have the processor before it."""
        if not self._follows:
            self._follows = True
            self.call_after_refresh(self._follow)

    def _follow(self) -> None:
        self._follows = False
        worker = self.table.selected
        self.console.select(worker.name if worker is not None else None)
        self._show_footer()

    @on(WorkerTable.Opened)
    def _opened(self) -> None:
        self.perform("open")

    @on(WorkerTable.Arranged)
    def _arranged(self) -> None:
        self._show_around()

    @on(DetailPane.Left)
    def _pane_left(self) -> None:
        self._desk.go_back()

    def on_stack_panel_wanted(self) -> None:
        self.perform("stack")

    @on(FilterBar.Changed)
    def _filter_changed(self, message: FilterBar.Changed) -> None:
        self.table.set_filter(message.filter)
        self._show_around()

    @on(FilterBar.Closed)
    def _filter_closed(self) -> None:
        self.table.focus()

    @on(KeyFooter.Pressed)
    def _footer_pressed(self, message: KeyFooter.Pressed) -> None:
        self.perform(message.action_id)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        if event.widget is self.table:
            self.remove_class("-expanded")
