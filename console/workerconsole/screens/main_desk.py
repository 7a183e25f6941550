"""What the actions of the main screen do: to its table, to its panes, and by commands to the host."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from workerconsole.desk import Panel, Verb
from workerconsole.orders import Order
from workerconsole.widgets.banner import Banner
from workerconsole.widgets.filter_bar import FilterBar
from workerconsole.widgets.worker_table import WorkerTable
from workerkit.clock import Clock
from workerkit.store.records import WorkerRecord

if TYPE_CHECKING:
    from workerconsole.app import ConsoleApp
    from workerconsole.screens.main import MainScreen
    from workerconsole.screens.pause import PauseWish
    from workerconsole.widgets.detail_pane import DetailPane


class MainDesk:
    """The desk of a main screen; dialogs are imported when they are first asked for."""

    def __init__(self, screen: "MainScreen", clock: Clock) -> None:
        self._screen = screen
        self._clock = clock

    @property
    def _console(self) -> "ConsoleApp":
        return self._screen.console

    @property
    def _table(self) -> WorkerTable:
        return self._screen.table

    @property
    def _pane(self) -> "DetailPane":
        return self._screen.pane

    @property
    def _filter_bar(self) -> FilterBar:
        return self._screen.filter_bar

    def order(
        self,
        verb: Verb,
        workers: Sequence[WorkerRecord] = (),
        params: dict[str, Any] | None = None,
        reason: str = "",
    ) -> None:
        self._console.give(Order(verb, tuple(worker.name for worker in workers), params, reason))

    def ask(self, question: str, yes: str, then: Callable[[], None]) -> None:
        from workerconsole.screens.confirm import Confirm

        def answered(answer: bool | None) -> None:
            if answer:
                then()

        self._console.push_screen(Confirm(question, yes), answered)

    def ask_params(self, worker: WorkerRecord) -> None:
        from workerconsole.screens.params import AskParams

        def answered(params: dict[str, Any] | None) -> None:
            if params is not None:
                self.order("run", [worker], params)

        self._console.push_screen(AskParams(worker.name), answered)

    def ask_pause(self, workers: Sequence[WorkerRecord], *, everyone: bool = False) -> None:
        from workerconsole.screens.pause import AskPause

        concerned = self._pausable() if everyone else tuple(workers)

        def answered(wish: "PauseWish | None") -> None:
            if wish is not None:
                params = {"until": wish.until} if wish.until is not None else None
                self.order("pause-all" if everyone else "pause", () if everyone else workers, params, wish.reason)

        self._console.push_screen(AskPause(concerned, self._clock, everyone=everyone), answered)

    def _pausable(self) -> tuple[WorkerRecord, ...]:
        snapshot = self._screen.snapshot
        workers = snapshot.workers.values() if snapshot is not None else ()
        return tuple(worker for worker in workers if worker.registered and worker.load_error is None)

    def open_why(self) -> None:
        if (worker := self._table.selected) is not None:
            self._console.visits.why(worker.name)

    def show_panel(self, panel: Panel) -> None:
        self._pane.show_panel(panel)

    def turn_panel(self, step: int) -> None:
        self._pane.turn_panel(step)

    def open_traceback(self) -> None:
        worker = self._table.selected
        if worker is not None:
            self._console.visits.latest_failure(worker)

    def open_failures(self) -> None:
        self._console.visits.failures()

    def show_workers(self) -> None:
        self._screen.remove_class("-expanded")
        self._table.focus()

    def open_detail(self) -> None:
        if self._pane.has_focus_within:
            self._open_full()
            return
        small = not (self._screen.has_class("-wide") or self._screen.has_class("-tall"))
        self._screen.set_class(small, "-expanded")
        self._pane.focus_panel()

    def _open_full(self) -> None:
        """The logs or the tracebacks over the whole screen; the other panels have no need of it."""
        if self._screen.detail is None:
            return
        if self._pane.panel == "logs":
            self._console.visits.logs(self._screen.detail)
        elif self._pane.panel == "failures" and (failure := self._pane.failures_panel.failure) is not None:
            self._console.visits.failure(failure.run_id)

    def go_back(self) -> None:
        if self._screen.has_class("-expanded"):
            self._screen.remove_class("-expanded")
            self._table.focus()
        elif self._filter_bar.has_focus_within or (self._table.has_focus and self._filter_bar.filtering):
            self._filter_bar.clear()
            self._table.focus()
        elif not self._table.has_focus:
            self._table.focus()
        elif self._table.marked:
            self._table.clear_marks()
        else:
            self._screen.query_one(Banner).dismiss()

    def leave(self) -> None:
        if self._screen.has_class("-expanded") or self._pane.has_focus_within:
            self.go_back()
        else:
            self._console.leave()

    def open_help(self) -> None:
        from workerconsole.screens.help import Help

        self._console.push_screen(Help())

    def open_palette(self) -> None:
        self._console.action_command_palette()

    def open_filter(self) -> None:
        self._screen.remove_class("-expanded")
        self._filter_bar.open()

    def freeze(self) -> None:
        self._screen.freeze()

    def copy_error(self) -> None:
        self._console.copy_error(self._table.selected, self._screen.detail)

    def move_cursor(self, rows: int = 0, pages: int = 0) -> None:
        if pages:
            self._table.move_page(pages)
        else:
            self._table.move(rows)

    def move_cursor_to_end(self, bottom: bool) -> None:
        self._table.move_to_end(bottom)

    def toggle_mark(self) -> None:
        self._table.toggle_mark()

    def mark_all(self) -> None:
        self._table.mark_all()

    def sort_next(self) -> None:
        self._table.set_order(self._table.order.next())

    def sort_reverse(self) -> None:
        self._table.set_order(self._table.order.reversed())
