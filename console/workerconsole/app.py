"""The Textual app: paints first, then opens the database and the host on a thread, and ends both in good order."""

import os
import shutil
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

from textual import events
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.filter import LineFilter, Monochrome, NoColor
from textual.geometry import Size
from textual.screen import Screen

from workerconsole import clipboard, collector, editor, theme
from workerconsole.actions import BULK_ASKS
from workerconsole.ending import Ending
from workerconsole.feed import Asking, DetailFetched, Feed, Following, SnapshotDrawn, SnapshotTaken
from workerconsole.format import localised
from workerconsole.orders import ANSWER_WITHIN, Order, Report, Severity, carry_out
from workerconsole.picture import Answered, Question
from workerconsole.safe_filter import SafeFilter
from workerconsole.screens.main import MainScreen
from workerconsole.session import Opened, Session, Stage
from workerconsole.snapshot import WorkerDetail
from workerconsole.text import clean
from workerconsole.visits import Visits
from workerkit.clock import Clock, SystemClock
from workerkit.store.records import WorkerRecord

OPEN_AGAIN = 2.0
"""Seconds between two attempts to open a database that can't be opened."""
TOAST_LIMIT = 300
"""Characters of a toast."""
GOOD_NEWS, BAD_NEWS = 3.0, 8.0
"""Seconds that a toast stays."""
COPY_LIMIT = 200_000
"""Characters that go to the clipboard; terminals drop more."""
CRASH_FRAMES = 12
"""Innermost frames of the console's own traceback, should it crash."""

if TYPE_CHECKING:
    from textual.command import Provider

    from workerconsole.screens.confirm import Farewell
    from workerconsole.widgets.detail_pane import DetailPane
    from workerconsole.widgets.panel import Panel

Result = TypeVar("Result")
End = Literal["left", "stopped", "headless", "crashed", "failed"]


@dataclass(frozen=True, slots=True)
class Exit:
    """How the console ended, for the command line."""

    end: End
    """left: it was only attached. stopped: its host has ended. headless: a host without a screen took over.
    failed: there was nothing to show."""
    message: str = ""
    """A sentence for the restored terminal; may be empty."""
    leftover_threads: bool = False
    """A worker's thread never ended: leave the process by os._exit."""
    error: Exception | None = None
    """Why there was nothing to show."""


def _action_commands() -> "type[Provider]":
    from workerconsole.screens.palette import ActionCommands

    return ActionCommands


def _worker_commands() -> "type[Provider]":
    from workerconsole.screens.palette import WorkerCommands

    return WorkerCommands


class ConsoleApp(App[Exit]):
    """The console on one database.

    `set_stage` is called on a thread, after the first paint; `opening` says meanwhile what goes on. What it raises ends
    the console. Where it says how to make a host the console runs one, or attaches where another one lives.
    """

    COMMANDS: ClassVar = {*App.COMMANDS, _action_commands, _worker_commands}
    CSS: ClassVar[str] = """
    CommandPalette SearchIcon { display: none; }
    ToastRack { margin-bottom: 1; }
    Toast { padding: 0 1; margin-top: 0; max-width: 80%; width: auto; background: $panel-lighten-1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "leave", show=False, priority=True),
        Binding("ctrl+z", "suspend_process", show=False, priority=True),
    ]

    def __init__(
        self,
        set_stage: Callable[[], Stage],
        *,
        opening: str = "Opening the database …",
        read_only: bool = False,
        title: str = "workerconsole",
        clock: Clock | None = None,
        theme_name: str | None = None,
    ) -> None:
        super().__init__()
        self.title = title
        self.session = Session(set_stage)
        self.read_only = read_only
        self.feed: Feed | None = None
        self._clock = clock or SystemClock()
        self._theme_name = theme.choose(theme_name, os.environ)
        self._stopping = False
        self.may_evaluate = False
        """The operator has agreed to run expressions in the host; asked once for each console."""
        self._guard = SafeFilter()
        self._no_colours = (NoColor(),) if self.no_color else ()
        self._ending = Ending(self.session, self.told_to_stop)
        self.visits = Visits(self, self._clock)
        self.main = MainScreen(self._clock, title=title, opening=opening, read_only=read_only)

    # -- life ------------------------------------------------------------------------------------------------------

    def get_default_screen(self) -> Screen[Any]:
        return self.main

    def get_line_filters(self) -> Sequence[LineFilter]:
        filters = [known for known in super().get_line_filters() if not isinstance(known, Monochrome)]
        # Textual turns colours to grey where NO_COLOR is set, and chose that before it knew our theme: the terminal's
        # own colours would all be black. NO_COLOR means none at all.
        others = (*filters, *self._no_colours)
        if others != self._guard.others:
            self._guard = SafeFilter(others)
        return (self._guard,)

    def on_load(self) -> None:
        self._ending.screen_comes()
        for known in theme.THEMES:
            self.register_theme(known)
        self.theme = self._theme_name

    def on_ready(self) -> None:
        """The first picture is on the screen: only now begin what may take long."""
        if not self.is_headless and self._driver is not None:
            self._ending.screen_stands(self._driver, partial(self.refresh, layout=True))
        self._open()

    def see_to_size(self) -> None:
        """Textual may hear of two sizes in the wrong order, when a second signal comes while it handles the first; and
        it lets a new size wait for a one-shot timer, which is dropped where the machine stalls just then."""
        size = self.size if self.is_headless else Size(*shutil.get_terminal_size(self.size))
        if size != self.size:
            self.post_message(events.Resize(size, size))
        elif size != self.screen.outer_size:
            self.screen.post_message(events.Resize(size, size))

    def on_unmount(self) -> None:
        if self.feed is not None:
            self.feed.stop()

    def run(self, *args: Any, **kwargs: Any) -> Exit:
        """Run until the operator leaves; then end the host and close the database, whatever happened."""
        result: Exit | None = None
        self._ending.begin()
        try:
            result = super().run(*args, **kwargs)
        finally:
            grace = self.session.grace if result is not None else 0.0
            self._ending.screen_gone(grace)
            self.session.close(grace)
            self._ending.finish()
        return result or Exit("crashed", leftover_threads=self.session.leftover_threads)

    def in_background(
        self, job: Callable[[], Result], done: Callable[[Result], object], failed: Callable[[Exception], object]
    ) -> None:
        """Do a job that blocks on a thread of its own; `done` or `failed` is called on the screen's thread.

        Not Textual's workers: asyncio waits for their threads when it ends, and a stalled disk would hold the exit.
        """

        def work() -> None:
            try:
                result = job()
            except Exception as error:  # noqa: BLE001 -- whatever it is belongs on the screen, not on stderr
                self._call_back(failed, error)
            else:
                self._call_back(done, result)

        threading.Thread(target=work, name="workerconsole-job", daemon=True).start()

    def _call_back(self, callback: Callable[[Any], object], value: object) -> None:
        with suppress(RuntimeError):  # the loop may have ended meanwhile
            self.call_later(lambda: callback(value) if self.is_running else None)

    # -- the database and the host ---------------------------------------------------------------------------------

    @property
    def database_path(self) -> Path | None:
        """Where the data is; None until it is open."""
        return self.session.database.path if self.session.database is not None else None

    def _open(self) -> None:
        self.in_background(self.session.open, self._opened, self._not_opened)

    def _opened(self, opened: Opened) -> None:
        database = self.session.database
        if database is None or self._stopping:
            return
        self.main.take_recovery(opened.recovered)
        if opened.attached_instead is not None:
            self.tell(f"Attached: {opened.attached_instead}")
        from workerkit.store.database import Database

        path = database.path
        host = self.session.host
        self.feed = Feed(
            lambda: Database.open(path, create=False),
            self.post_message,
            clock=self._clock,
            nudge=host.nudge if host is not None else None,
        )
        self.feed.start()

    def _not_opened(self, error: Exception) -> None:
        if self.session.stage is None:
            self._ending.screen_goes()
            self.exit(Exit("failed", error=error))
            return
        collector.let_go()
        self.main.show_opening_trouble(clean(str(error) or type(error).__name__, TOAST_LIMIT))
        self.set_timer(OPEN_AGAIN, self._open)

    def on_snapshot_taken(self, message: SnapshotTaken) -> None:
        if self.is_running and self.main.take(message.snapshot):
            # Behind everything that is queued by now: a screen that lags behind gets its next picture later.
            self.post_message(SnapshotDrawn())
            if collector.is_held_back():
                self.call_after_refresh(collector.let_go)

    def on_snapshot_drawn(self) -> None:
        self.drawn()

    def on_detail_fetched(self, message: DetailFetched) -> None:
        if not self.is_running:
            return  # While it ends, the screens lose their parts one by one.
        now = self._clock.now()
        self.main.take_detail(message.detail, now)
        if self.screen is not self.main and isinstance(self.screen, Following):
            self.screen.take_detail(message.detail, now)

    def on_answered(self, message: Answered) -> None:
        # The screen that asked may have a dialog over it.
        for screen in self.screen_stack if self.is_running else ():
            if isinstance(screen, Asking):
                screen.take_answer(message.question, message.answer)

    def drawn(self) -> None:
        """The last snapshot is on the screen."""
        if self.feed is not None:
            self.feed.drawn()

    def select(self, worker: str | None) -> None:
        """Fetch the details of this worker from now on."""
        if self.feed is not None:
            self.feed.select(worker)

    def ask(self, question: Question | None) -> None:
        """Have the feed answer a screen's own question from now on."""
        if self.feed is not None:
            self.feed.ask(question)

    def give(self, order: Order) -> None:
        """Give commands to the host, and say what came of them."""
        alive = self._host_alive

        def report(result: Report) -> None:
            # A stack answers in its panel, where the operator looks already.
            if order.verb != "stack" or result.severity != "information":
                self.tell(localised(result.sentence(alive), self._clock.now()), severity=result.severity)

        if len(order.workers) > BULK_ASKS:
            self.tell(f"{order.verb}: telling {len(order.workers):,} workers …")
        self.give_and_tell(order, report)

    def give_and_tell(self, order: Order, report: Callable[[Report], object]) -> None:
        """Give commands to the host; `report` is called on the screen's thread with what came of them."""
        if not self.session.ready or self.read_only:
            return
        if self.feed is not None:
            self.feed.hurry()
        patience = ANSWER_WITHIN if self._host_alive else 0.0
        self.in_background(lambda: carry_out(self.session.operator(), order, patience), report, self._not_given)

    @property
    def _host_alive(self) -> bool:
        return self.main.snapshot is not None and self.main.snapshot.host_alive

    def _not_given(self, error: Exception) -> None:
        self.tell(f"The command could not be stored: {error}", severity="error")

    # -- words and text --------------------------------------------------------------------------------------------

    def tell(self, text: str, *, severity: Severity = "information") -> None:
        """A toast; any text is safe in it."""
        timeout = GOOD_NEWS if severity == "information" else BAD_NEWS
        self.notify(clean(text, TOAST_LIMIT), severity=severity, timeout=timeout, markup=False)

    def copy_error(self, worker: WorkerRecord | None, detail: WorkerDetail | None) -> None:
        """Put the worker's latest traceback, or its last error, on the clipboard."""
        if worker is None:
            return
        from workerconsole.captures import plain_text

        text, what = worker.load_error or worker.last_error or "", "the last error"
        if worker.load_error:
            what = "the load error"
        elif detail is not None and detail.worker.name == worker.name and detail.failures:
            text, what = plain_text(detail.failures[0].capture) or text, "the last traceback"
        self._copy(text, f"{what} of {worker.name}")

    def on_detail_pane_run_opened(self, message: "DetailPane.RunOpened") -> None:
        self.visits.run(message.run_id, failed=message.failed)

    def copy_failure(self, capture: dict[str, Any], error: str, what: str) -> None:
        """Put a traceback on the clipboard, as Python prints it; its one line where the record is damaged."""
        from workerconsole.captures import plain_text

        self._copy(plain_text(capture) or error, what)

    def on_panel_copy_wanted(self, message: "Panel.CopyWanted") -> None:
        self._copy(message.text, message.what)

    def _copy(self, text: str, what: str) -> None:
        text = clean(text, COPY_LIMIT, newlines=True)
        self.copy_to_clipboard(text)
        clipboard.copy(text)
        self.tell(f"Copied {what}.")

    def on_panel_editor_wanted(self, message: "Panel.EditorWanted") -> None:
        try:
            command = editor.command(message.path, message.line, os.environ)
        except editor.EditorError as error:
            self.tell(str(error), severity="warning")
            return
        with self._ending.lend(), self.suspend():
            problem = editor.run(command)
        if problem is not None:
            self.tell(problem, severity="error")

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:  # noqa: ARG002 -- Textual's
        for known in theme.THEMES:
            help_text = f"Colours: {known.name}"
            yield SystemCommand(f"theme {known.name}", help_text, partial(setattr, self, "theme", known.name))

    # -- the end ---------------------------------------------------------------------------------------------------

    def action_leave(self) -> None:
        self.leave()

    def action_help_quit(self) -> None:
        """ctrl+c where no screen of ours has it."""
        self.leave()

    def leave(self) -> None:
        """Leave at once when only attached; else ask what becomes of the workers."""
        from workerconsole.screens.confirm import Leave

        if self.session.host is None:
            self._left()
        elif not self._stopping and not isinstance(self.screen, Leave):
            leave = Leave(
                self.main.in_flight(), self.session.grace, may_leave_headless=self._leave_headless is not None
            )
            self.push_screen(leave, self._farewell)

    @property
    def _leave_headless(self) -> Callable[[], str] | None:
        return self.session.stage.leave_headless if self.session.stage is not None else None

    def _farewell(self, answer: "Farewell | None") -> None:
        if answer == "headless" and self._leave_headless is not None:
            self.in_background(self._leave_headless, partial(self._stop, "headless"), self._not_left)
        elif answer == "stop":
            self._stop("stopped")

    def _not_left(self, error: Exception) -> None:
        self.tell(f"No host without a screen could be started: {error}", severity="error")

    def _stop(self, end: End, message: str = "") -> None:
        from workerconsole.screens.stopping import Stopping

        if self._stopping:
            return
        self._stopping = True
        if self.main.frozen:
            self.main.freeze()
        session, ending = self.session, self._ending
        self.push_screen(
            Stopping(self.main.in_flight, session.grace, ending.hurry, self._clock, headless=end == "headless")
        )
        ending.host_stops()

        def stop() -> None:
            session.stop_host(session.grace)
            ending.screen_goes()

        def leave(_: object) -> None:
            self.exit(Exit(end, message, leftover_threads=session.leftover_threads))

        self.in_background(stop, leave, leave)

    def _left(self) -> None:
        self._ending.screen_goes()
        self.exit(Exit("left"))

    def told_to_stop(self, now: bool = False) -> None:
        """A signal: stop without asking. A second one, or `now`: without a grace period."""
        if self.session.host is None:
            self._left()
            return
        again = self._stopping
        self._stop("stopped")
        if again or now:
            self._ending.hurry()

    def action_suspend_process(self) -> None:
        """ctrl+z, for a screen that hosts nobody."""
        if self.session.host is not None:
            self.tell("ctrl+z would stop the workers, too; q leaves them running without a screen", severity="warning")
        else:
            self._ending.suspend()

    # -- a crash of our own ----------------------------------------------------------------------------------------

    def _fatal_error(self) -> None:
        from rich.text import Text

        from workerkit.failures import Redactor

        # Textual's own crash screen prints the locals of every frame: data of workers, perhaps secrets.
        error = sys.exception()
        lines = traceback.format_exception(error, limit=-CRASH_FRAMES) if error is not None else []
        text = clean(Redactor().text("".join(lines)), COPY_LIMIT, newlines=True)
        self._exit_renderables.append(Text(f"{text}\nThe console crashed. The workers' records are safe.\n"))
        self._close_messages_no_wait()
