"""Every action of the console, once: its keys, its help, what it does, and why it can't be done now.

Key bindings, the footer, the help screen and the palette are all made from ACTIONS.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from textual.binding import Binding

from workerconsole.action import Action as BaseAction
from workerconsole.action import Group, Reason, Scope, bindings_of
from workerkit.outcome import Status
from workerkit.store.records import WorkerRecord

BULK_ASKS = 20
"""More workers than this are run at once only after a question."""
NO_HOST = "No host is alive: start one with `workerconsole serve`, or open the console with a target."
READ_ONLY = "This screen is read-only; open it without --read-only to act."
NO_WORKER = "No worker is selected."

Verb = Literal["pause", "resume", "run", "cancel", "pause-all", "resume-all", "reset-counters", "stack"]
Panel = Literal["overview", "runs", "failures", "logs", "stack"]


class Desk(Protocol):
    """What an action can do. The main screen is one; tests have another."""

    def order(self, verb: Verb, workers: Sequence[WorkerRecord] = (), params: dict[str, Any] | None = None) -> None:
        """Give a command to the host, for each worker, or for all with a verb that names none."""

    def ask(self, question: str, yes: str, then: Callable[[], None]) -> None:
        """Ask before something that is hard to reverse."""

    def ask_params(self, worker: WorkerRecord) -> None: ...
    def show_panel(self, panel: Panel) -> None: ...
    def turn_panel(self, step: int) -> None: ...
    def open_traceback(self) -> None: ...
    def open_failures(self) -> None: ...
    def show_workers(self) -> None: ...
    def open_detail(self) -> None: ...
    def go_back(self) -> None: ...
    def leave(self) -> None: ...
    def open_help(self) -> None: ...
    def open_palette(self) -> None: ...
    def open_filter(self) -> None: ...
    def freeze(self) -> None: ...
    def copy_error(self) -> None: ...
    def move_cursor(self, rows: int = 0, pages: int = 0) -> None: ...
    def move_cursor_to_end(self, bottom: bool) -> None: ...
    def toggle_mark(self) -> None: ...
    def mark_all(self) -> None: ...
    def sort_next(self) -> None: ...
    def sort_reverse(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Context:
    """The state of the screen that decides what can be done now."""

    desk: Desk
    selected: WorkerRecord | None = None
    marked: tuple[WorkerRecord, ...] = ()
    known: int = 0
    """How many workers there are."""
    all_paused: bool = False
    host_alive: bool = True
    ready: bool = True
    """The database is open."""
    read_only: bool = False
    frozen: bool = False

    @property
    def targets(self) -> tuple[WorkerRecord, ...]:
        """Whom an action means: the marked workers, else the one under the cursor."""
        if self.marked:
            return self.marked
        return (self.selected,) if self.selected is not None else ()


Action = BaseAction[Context]


# -- why not now -------------------------------------------------------------------------------------------------------


def _can_write(context: Context) -> Reason:
    if context.read_only:
        return READ_ONLY
    return None if context.ready else "The database is not open yet."


def _can_read(context: Context) -> Reason:
    return None if context.ready else "The database is not open yet."


def _has_worker(context: Context) -> Reason:
    return None if context.selected is not None else NO_WORKER


def _has_targets(context: Context) -> Reason:
    return _can_write(context) or (None if context.targets else NO_WORKER)


def _has_rows(context: Context) -> Reason:
    return None if context.known else "There are no workers."


def _can_pause(context: Context) -> Reason:
    if reason := _has_targets(context):
        return reason
    if len(context.targets) == 1 and (worker := context.targets[0]).status in (Status.UNREGISTERED, Status.BROKEN):
        return f"{worker.name} is {worker.status}: there is nothing to pause."
    return None


def _needs_host(context: Context) -> Reason:
    return _has_targets(context) or (None if context.host_alive else NO_HOST)


def _can_run(context: Context) -> Reason:
    if reason := _needs_host(context):
        return reason
    if len(context.targets) == 1:
        return cannot_run(context.targets[0])
    return None


def _can_run_with_params(context: Context) -> Reason:
    if len(context.marked) > 1:
        return "Parameters are for one worker; unmark the others first."
    return _can_run(context)


def cannot_run(worker: WorkerRecord) -> Reason:
    """Why this worker can't be run now."""
    if worker.status == Status.RUNNING:
        return f"{worker.name} is running already; x cancels the run."
    if worker.status == Status.STUCK:
        return f"{worker.name} is stuck: its last run still occupies a thread. b shows where it hangs."
    if worker.status == Status.BROKEN:
        return f"{worker.name} failed to load; t shows why."
    if worker.status == Status.UNREGISTERED:
        return f"{worker.name} is not in the code that the host loaded."
    return None


def _can_cancel(context: Context) -> Reason:
    if reason := _needs_host(context):
        return reason
    if not any(worker.running_run_id is not None for worker in context.targets):
        worker = context.targets[0]
        return f"{worker.name} is not running." if len(context.targets) == 1 else "None of the marked ones is running."
    return None


def _can_stack(context: Context) -> Reason:
    if reason := _has_worker(context):
        return reason
    # Reading the stack that was taken before is always possible; the panel says what it has.
    return None


def _can_change_all(context: Context) -> Reason:
    return _can_write(context) or _has_rows(context)


def _can_copy(context: Context) -> Reason:
    if reason := _has_worker(context):
        return reason
    worker = context.selected
    if worker is not None and not (worker.last_error or worker.load_error):
        return f"{worker.name} has no error to copy."
    return None


# -- what is done ------------------------------------------------------------------------------------------------------


def _pause(context: Context) -> None:
    able = [w for w in context.targets if w.status not in (Status.UNREGISTERED, Status.BROKEN)]
    to_pause = [worker for worker in able if not worker.paused]
    if to_pause:
        context.desk.order("pause", to_pause)
    else:
        context.desk.order("resume", able)


def _pause_all(context: Context) -> None:
    desk = context.desk
    if context.all_paused:
        desk.ask("Resume all workers?", "resume all", lambda: desk.order("resume-all"))
    else:
        question = f"Pause all {context.known:,} workers? Runs in flight go on; nothing new starts."
        desk.ask(question, "pause all", lambda: desk.order("pause-all"))


def _run(context: Context) -> None:
    desk, targets = context.desk, context.targets
    able = targets if len(targets) == 1 else tuple(worker for worker in targets if cannot_run(worker) is None)
    if len(able) > BULK_ASKS:
        desk.ask(f"Run {len(able):,} workers now?", "run them", lambda: desk.order("run", able))
    else:
        desk.order("run", able)


def _run_with_params(context: Context) -> None:
    context.desk.ask_params(context.targets[0])


def _cancel(context: Context) -> None:
    context.desk.order("cancel", [worker for worker in context.targets if worker.running_run_id is not None])


def _stack(context: Context) -> None:
    context.desk.show_panel("stack")
    if context.selected is not None and _can_write(context) is None and context.host_alive:
        context.desk.order("stack", [context.selected])


def _reset(context: Context) -> None:
    desk, targets = context.desk, context.targets
    whom = targets[0].name if len(targets) == 1 else f"{len(targets):,} workers"
    question = f"Reset the counters of {whom}? Successes and failures begin at zero; the history stays."
    desk.ask(question, "reset", lambda: desk.order("reset-counters", targets))


def _panel(panel: Panel) -> Callable[[Context], None]:
    return lambda context: context.desk.show_panel(panel)


ACTIONS: tuple[Action, ...] = (
    Action(
        "pause", ("p",), "pause", "Pause it, or resume it when it is paused", Group.WORKER, _pause, _can_pause, footer=3
    ),
    Action("run", ("r",), "run now", "Run it now; its schedule stays as it is", Group.WORKER, _run, _can_run, footer=2),
    Action(
        "run-with",
        ("R",),
        "run with…",
        "Run it now with parameters",
        Group.WORKER,
        _run_with_params,
        _can_run_with_params,
    ),
    Action("cancel", ("x",), "cancel", "Cancel the run in flight", Group.WORKER, _cancel, _can_cancel, footer=4),
    Action(
        "pause-all",
        ("P",),
        "pause all",
        "Pause all, or resume all when all are paused",
        Group.WORKER,
        _pause_all,
        _can_change_all,
        dangerous=True,
    ),
    Action(
        "reset-counters",
        (),
        "reset counters",
        "Set its counters to zero; the history stays",
        Group.WORKER,
        _reset,
        _has_targets,
        dangerous=True,
    ),
    Action(
        "open",
        ("enter",),
        "open",
        "Go into the details of the worker",
        Group.LOOK,
        lambda c: c.desk.open_detail(),
        _has_worker,
        footer=1,
    ),
    Action(
        "traceback",
        ("t",),
        "traceback",
        "Why it failed: frames, source, variables",
        Group.LOOK,
        lambda c: c.desk.open_traceback(),
        _has_worker,
        footer=5,
    ),
    Action("logs", ("l",), "logs", "What it printed and logged", Group.LOOK, _panel("logs"), _has_worker, footer=6),
    Action("stack", ("b",), "stack", "Where its run stands just now", Group.LOOK, _stack, _can_stack, footer=7),
    Action(
        "why",
        ("y",),
        "why",
        "Why it did not run: its gaps, in the overview",
        Group.LOOK,
        _panel("overview"),
        _has_worker,
    ),
    Action(
        "copy",
        ("c",),
        "copy",
        "Copy its last traceback or error to the clipboard",
        Group.LOOK,
        lambda c: c.desk.copy_error(),
        _can_copy,
    ),
    Action("panel-overview", (), "overview", "Panel: overview", Group.LOOK, _panel("overview")),
    Action("panel-runs", (), "runs", "Panel: runs", Group.LOOK, _panel("runs")),
    Action("panel-failures", (), "failures", "Panel: failures", Group.LOOK, _panel("failures")),
    Action("panel-logs", (), "logs", "Panel: logs", Group.LOOK, _panel("logs")),
    Action("panel-stack", (), "stack", "Panel: stack", Group.LOOK, _panel("stack")),
    Action("panel-next", ("tab",), "next panel", "Next panel", Group.LOOK, lambda c: c.desk.turn_panel(1)),
    Action(
        "panel-previous",
        ("shift+tab",),
        "previous panel",
        "Previous panel",
        Group.LOOK,
        lambda c: c.desk.turn_panel(-1),
    ),
    Action(
        "workers",
        ("1",),
        "workers",
        "The workers",
        Group.LOOK,
        lambda c: c.desk.show_workers(),
    ),
    Action(
        "failures",
        ("2",),
        "failures",
        "All failures, those of one fault as one",
        Group.LOOK,
        lambda c: c.desk.open_failures(),
        _can_read,
        footer=8,
    ),
    Action(
        "filter",
        ("slash",),
        "filter",
        "Show some: web, !web, status:failed, tag:db",
        Group.FIND,
        lambda c: c.desk.open_filter(),
        footer=9,
    ),
    Action(
        "mark",
        ("space",),
        "mark",
        "Mark it, or unmark it",
        Group.FIND,
        lambda c: c.desk.toggle_mark(),
        _has_worker,
        scope="table",
        footer=10,
    ),
    Action(
        "mark-all", ("A",), "mark all", "Mark all shown, or none", Group.FIND, lambda c: c.desk.mark_all(), _has_rows
    ),
    Action("sort", ("s",), "sort", "Order by the next column", Group.FIND, lambda c: c.desk.sort_next(), footer=11),
    Action("sort-reverse", ("S",), "reverse", "Turn the order round", Group.FIND, lambda c: c.desk.sort_reverse()),
    Action("down", ("j", "down"), "down", "Next row", Group.MOVE, lambda c: c.desk.move_cursor(1), scope="table"),
    Action("up", ("k", "up"), "up", "Previous row", Group.MOVE, lambda c: c.desk.move_cursor(-1), scope="table"),
    Action(
        "page-down",
        ("pagedown", "ctrl+d"),
        "page down",
        "Next page",
        Group.MOVE,
        lambda c: c.desk.move_cursor(pages=1),
        scope="table",
    ),
    Action(
        "page-up",
        ("pageup", "ctrl+u"),
        "page up",
        "Previous page",
        Group.MOVE,
        lambda c: c.desk.move_cursor(pages=-1),
        scope="table",
    ),
    Action(
        "top",
        ("g", "home"),
        "top",
        "First row",
        Group.MOVE,
        lambda c: c.desk.move_cursor_to_end(bottom=False),
        scope="table",
    ),
    Action(
        "bottom",
        ("G", "end"),
        "bottom",
        "Last row",
        Group.MOVE,
        lambda c: c.desk.move_cursor_to_end(bottom=True),
        scope="table",
    ),
    Action(
        "back",
        ("escape",),
        "back",
        "Back: out of the details, the filter, the marks",
        Group.MOVE,
        lambda c: c.desk.go_back(),
    ),
    Action(
        "freeze",
        ("z",),
        "freeze",
        "Hold the picture still; the workers go on",
        Group.CONSOLE,
        lambda c: c.desk.freeze(),
    ),
    Action(
        "palette",
        ("colon", "ctrl+p"),
        "palette",
        "All actions and workers by name",
        Group.CONSOLE,
        lambda c: c.desk.open_palette(),
    ),
    Action(
        "help", ("question_mark", "f1"), "help", "This help", Group.CONSOLE, lambda c: c.desk.open_help(), footer=12
    ),
    Action("quit", ("q", "ctrl+c"), "quit", "Leave the console", Group.CONSOLE, lambda c: c.desk.leave(), footer=13),
)

BY_ID = {action.id: action for action in ACTIONS}


def bindings(scope: Scope) -> list[Binding]:
    """Textual's bindings of the main screen's actions."""
    return bindings_of(ACTIONS, scope)
