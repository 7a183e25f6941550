"""The main screen: header, table, details, footer. It applies snapshots and carries out the actions of the registry."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Vertical
from textual.screen import Screen

from workerconsole import actions
from workerconsole.desk import Context, Panel, Verb
from workerconsole.notices import Watch
from workerconsole.orders import Order
from workerconsole.screens.confirm import Confirm
from workerconsole.screens.help import Help
from workerconsole.screens.logs import LogsScreen
from workerconsole.screens.params import AskParams
from workerconsole.screens.pause import AskPause, PauseWish
from workerconsole.snapshot import Snapshot, WorkerDetail
from workerconsole.widgets.banner import Banner, banner_items
from workerconsole.widgets.detail_pane import DetailPane
from workerconsole.widgets.empty_state import EmptyState, empty_message
from workerconsole.widgets.filter_bar import FilterBar
from workerconsole.widgets.footer import KeyFooter
from workerconsole.widgets.header import HeaderState, StatusHeader
from workerconsole.widgets.worker_table import HEADER_LINES, WorkerTable
from workerkit.clock import Clock, Micros
from workerkit.store.records import RunRecord, WorkerRecord

if TYPE_CHECKING:
    from workerconsole.app import ConsoleApp

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

    def __init__(self, clock: Clock, *, title: str, read_only: bool) -> None:
        super().__init__()
        self._clock = clock
        self._title = title
        self._read_only = read_only
        self._watch = Watch()
        self._held: Snapshot | None = None
        self._recovered: tuple[RunRecord, ...] = ()
        self._opening_trouble: str | None = None
        self.snapshot: Snapshot | None = None
        self.detail: WorkerDetail | None = None
        self.frozen = False

    def compose(self) -> ComposeResult:
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
        self.set_interval(1.0, self.tick)
        self._show_around()

    def on_resize(self, event: events.Resize) -> None:
        tall = event.size.height >= TALL
        self.set_class(tall, "-tall")
        self.set_class(not tall and event.size.width >= WIDE, "-wide")
        self._share_room()

    def _share_room(self) -> None:
        """Under each other, the table gets the lines it needs, up to half; by all workers, not by those that pass
        the filter, or the details would jump while one types."""
        part = self.query_one("#list")
        if self.has_class("-tall") and not self.has_class("-bare") and self.snapshot is not None:
            rows = len(self.snapshot.workers) + HEADER_LINES + 1
            half = (self.size.height - 4) // 2
            part.styles.height = max(LEAST_ROWS, min(rows, half))
        else:
            part.styles.height = None

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
        self._watch.see(snapshot, self._in_sight)
        self._tell()
        self._show_around()
        return True

    def take_detail(self, detail: WorkerDetail) -> None:
        """Show the details of a worker, if it is still the selected one."""
        selected = self.table.selected
        if selected is not None and selected.name == detail.worker.name:
            self.detail = detail
            self.pane.show(detail, self._clock.now())

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
        """Once a second: whatever shows the time."""
        if not self.frozen:
            self.table.tick()
            if self.detail is not None:
                self.pane.show(self.detail, self._clock.now())
            self._tell()
            self._show_around()

    def _in_sight(self, name: str) -> bool:
        return self.app.screen is self and not self.has_class("-expanded") and self.table.in_sight(name)

    def _tell(self) -> None:
        for notice in self._watch.due(self._clock.now()):
            self.console.tell(notice.text, severity="error" if notice.failing else "information")

    def _show_around(self) -> None:
        """Header, banner, footer, and what stands in place of an empty table."""
        now = self._now()
        snapshot = self.snapshot
        self.query_one(StatusHeader).show(
            HeaderState(
                snapshot,
                now,
                self.console.database_path,
                self._title,
                frozen=self.frozen,
                read_only=self._read_only,
                marked=len(self.table.marked),
            )
        )
        if snapshot is not None:
            self.query_one(Banner).show_items(
                banner_items(snapshot, now, self._recovered, self.console.session.trouble)
            )
        empty = not self.table.names
        self.set_class(empty, "-empty")
        self.set_class(snapshot is None or not snapshot.workers, "-bare")
        self._share_room()
        if empty:
            self.query_one(EmptyState).show_message(empty_message(snapshot, self.table.filter, self._opening_trouble))
        elif self.focused is None:
            self.table.focus()
        self._show_footer()

    def _now(self) -> Micros:
        return self.snapshot.taken_at if self.frozen and self.snapshot is not None else self._clock.now()

    def _show_footer(self) -> None:
        self.query_one(KeyFooter).show(self.context())
        known = len(self.snapshot.workers) if self.snapshot is not None else 0
        wanted = self.table.filter
        self.filter_bar.show_count(len(self.table.names), known, wanted.mistake)

    # -- the registry's actions ------------------------------------------------------------------------------------

    def context(self) -> Context:
        """What the actions need to know of now."""
        snapshot = self.snapshot
        workers = snapshot.workers if snapshot is not None else {}
        return Context(
            desk=self,
            selected=self.table.selected,
            marked=self.table.marked,
            known=len(workers),
            all_paused=bool(workers) and all(w.paused for w in workers.values() if w.registered),
            host_alive=snapshot is not None and snapshot.host_alive,
            ready=self.console.session.operator is not None,
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
            self._show_footer()

    def order(
        self,
        verb: Verb,
        workers: Sequence[WorkerRecord] = (),
        params: dict[str, Any] | None = None,
        reason: str = "",
    ) -> None:
        self.console.give(Order(verb, tuple(worker.name for worker in workers), params, reason))

    def ask(self, question: str, yes: str, then: Callable[[], None]) -> None:
        def answered(answer: bool | None) -> None:
            if answer:
                then()

        self.app.push_screen(Confirm(question, yes), answered)

    def ask_params(self, worker: WorkerRecord) -> None:
        def answered(params: dict[str, Any] | None) -> None:
            if params is not None:
                self.order("run", [worker], params)

        self.app.push_screen(AskParams(worker.name), answered)

    def ask_pause(self, workers: Sequence[WorkerRecord], *, everyone: bool = False) -> None:
        concerned = tuple(self._pausable()) if everyone else tuple(workers)

        def answered(wish: PauseWish | None) -> None:
            if wish is not None:
                params = {"until": wish.until} if wish.until is not None else None
                self.order("pause-all" if everyone else "pause", () if everyone else workers, params, wish.reason)

        self.app.push_screen(AskPause(concerned, self._clock, everyone=everyone), answered)

    def _pausable(self) -> Iterable[WorkerRecord]:
        workers = self.snapshot.workers.values() if self.snapshot is not None else ()
        return (worker for worker in workers if worker.registered and worker.load_error is None)

    def open_why(self) -> None:
        if (worker := self.table.selected) is not None:
            self.console.open_why(worker.name)

    def show_panel(self, panel: Panel) -> None:
        self.pane.show_panel(panel)

    def turn_panel(self, step: int) -> None:
        self.pane.turn_panel(step)

    def open_traceback(self) -> None:
        worker = self.table.selected
        if worker is not None:
            self.console.open_latest_failure(worker)

    def open_failures(self) -> None:
        self.console.open_failures()

    def show_workers(self) -> None:
        self.remove_class("-expanded")
        self.table.focus()

    def open_detail(self) -> None:
        if self.pane.has_focus_within:
            self._open_full()
            return
        small = not (self.has_class("-wide") or self.has_class("-tall"))
        self.set_class(small, "-expanded")
        self.pane.focus_panel()

    def _open_full(self) -> None:
        """The logs or the tracebacks over the whole screen; the other panels have no need of it."""
        if self.detail is None:
            return
        if self.pane.panel == "logs":
            self.app.push_screen(LogsScreen(self.detail, self._now()))
        elif self.pane.panel == "failures" and (failure := self.pane.failures_panel.failure) is not None:
            self.console.open_failure(failure.run_id)

    def go_back(self) -> None:
        if self.has_class("-expanded"):
            self.remove_class("-expanded")
            self.table.focus()
        elif self.filter_bar.has_focus_within or (self.table.has_focus and self.filter_bar.filtering):
            self.filter_bar.clear()
            self.table.focus()
        elif not self.table.has_focus:
            self.table.focus()
        elif self.table.marked:
            self.table.clear_marks()
        else:
            self.query_one(Banner).dismiss()

    def leave(self) -> None:
        if self.has_class("-expanded") or self.pane.has_focus_within:
            self.go_back()
        else:
            self.console.leave()

    def open_help(self) -> None:
        self.app.push_screen(Help())

    def open_palette(self) -> None:
        self.app.action_command_palette()

    def open_filter(self) -> None:
        self.remove_class("-expanded")
        self.filter_bar.open()

    def freeze(self) -> None:
        self.frozen = not self.frozen
        held, self._held = self._held, None
        if not self.frozen and held is not None:
            self.take(held)
            self.console.drawn()
        self._show_around()

    def copy_error(self) -> None:
        self.console.copy_error(self.table.selected, self.detail)

    def move_cursor(self, rows: int = 0, pages: int = 0) -> None:
        if pages:
            self.table.move_page(pages)
        else:
            self.table.move(rows)

    def move_cursor_to_end(self, bottom: bool) -> None:
        self.table.move_to_end(bottom)

    def toggle_mark(self) -> None:
        self.table.toggle_mark()

    def mark_all(self) -> None:
        self.table.mark_all()

    def sort_next(self) -> None:
        self.table.set_order(self.table.order.next())

    def sort_reverse(self) -> None:
        self.table.set_order(self.table.order.reversed())

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
        self.console.select(message.worker)
        if message.worker is None:
            self.detail = None
            self.pane.show(None, self._now())
        self._show_footer()

    @on(WorkerTable.Opened)
    def _opened(self) -> None:
        self.perform("open")

    @on(WorkerTable.Arranged)
    def _arranged(self) -> None:
        self._show_around()

    @on(DetailPane.Left)
    def _pane_left(self) -> None:
        self.go_back()

    @on(DetailPane.StackWanted)
    def _stack_wanted(self) -> None:
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
