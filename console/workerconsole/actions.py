"""Every action of the console, once: its keys, its help, what it does, and why it can't be done now.

Key bindings, the footer, the help screen and the palette are all made from ACTIONS.
"""

from collections.abc import Callable

from textual.binding import Binding

from workerconsole.action import Action as BaseAction
from workerconsole.action import Group, Scope, bindings_of
from workerconsole.desk import Context, Panel
from workerconsole.reasons import (
    can_cancel,
    can_change_all,
    can_copy,
    can_pause,
    can_read,
    can_run,
    can_run_with_params,
    can_stack,
    can_write,
    cancellable,
    cannot_run,
    has_rows,
    has_targets,
    has_worker,
)
from workerkit.outcome import Status
from workerkit.store.records import WorkerRecord

BULK_ASKS = 20
"""More workers than this are run at once only after a question."""

Action = BaseAction[Context]


# -- what is done ------------------------------------------------------------------------------------------------------


def _able(context: Context) -> list[WorkerRecord]:
    return [worker for worker in context.targets if worker.status not in (Status.UNREGISTERED, Status.BROKEN)]


def _pause(context: Context) -> None:
    able = _able(context)
    to_pause = [worker for worker in able if not worker.paused and worker.suspended_because is None]
    if to_pause:
        context.desk.order("pause", to_pause)
    else:
        context.desk.order("resume", able)


def _pause_until(context: Context) -> None:
    context.desk.ask_pause(_able(context))


def _pause_all(context: Context) -> None:
    desk = context.desk
    if context.all_paused:
        desk.ask("Resume all workers?", "resume all", lambda: desk.order("resume-all"))
    else:
        desk.ask_pause((), everyone=True)


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
    context.desk.order("cancel", [worker for worker in context.targets if cancellable(worker)])


def _force(context: Context) -> None:
    desk, targets = context.desk, [worker for worker in context.targets if cancellable(worker)]
    whose = targets[0].name if len(targets) == 1 else f"{len(targets):,} workers"
    what = "Its process group is killed" if len(targets) == 1 else "Their process groups are killed"
    if any(worker.isolation != "process" for worker in targets):
        what += "; a run on a thread or the event loop can only be asked to stop"
    question = f"End what {whose} {'runs' if len(targets) == 1 else 'run'} by force? {what}."
    desk.ask(question, "end it now", lambda: desk.order("cancel", targets, {"force": True}))


def _stack(context: Context) -> None:
    context.desk.show_panel("stack")
    if context.selected is not None and can_write(context) is None and context.host_alive:
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
        "pause",
        ("p",),
        "pause",
        "Pause it; resume what is paused or suspended",
        Group.WORKER,
        _pause,
        can_pause,
        footer=3,
    ),
    Action(
        "pause-until",
        ("u",),
        "pause until…",
        "Pause it for a while, and say why",
        Group.WORKER,
        _pause_until,
        can_pause,
    ),
    Action("run", ("r",), "run now", "Run it now; its schedule stays as it is", Group.WORKER, _run, can_run, footer=2),
    Action(
        "run-with",
        ("R",),
        "run with…",
        "Run it now with parameters",
        Group.WORKER,
        _run_with_params,
        can_run_with_params,
    ),
    Action(
        "cancel",
        ("x",),
        "cancel",
        "Cancel its run, or the attempt to come",
        Group.WORKER,
        _cancel,
        can_cancel,
        footer=4,
    ),
    Action(
        "force",
        ("X",),
        "end by force",
        "End a run that has a process by force",
        Group.WORKER,
        _force,
        can_cancel,
        dangerous=True,
    ),
    Action(
        "pause-all",
        ("P",),
        "pause all",
        "Pause all for maintenance, or resume all",
        Group.WORKER,
        _pause_all,
        can_change_all,
        dangerous=True,
    ),
    Action(
        "reset-counters",
        (),
        "reset counters",
        "Set its counters to zero; the history stays",
        Group.WORKER,
        _reset,
        has_targets,
        dangerous=True,
    ),
    Action(
        "open",
        ("enter",),
        "open",
        "Go into the details of the worker",
        Group.LOOK,
        lambda c: c.desk.open_detail(),
        has_worker,
        footer=1,
    ),
    Action(
        "traceback",
        ("t",),
        "traceback",
        "Why it failed: frames, source, variables",
        Group.LOOK,
        lambda c: c.desk.open_traceback(),
        has_worker,
        footer=5,
    ),
    Action("logs", ("l",), "logs", "What it printed and logged", Group.LOOK, _panel("logs"), has_worker, footer=6),
    Action("stack", ("b",), "stack", "Where its run stands just now", Group.LOOK, _stack, can_stack, footer=7),
    Action(
        "why",
        ("y",),
        "why",
        "What it does, why it did not run, what is next",
        Group.LOOK,
        lambda c: c.desk.open_why(),
        has_worker,
    ),
    Action(
        "copy",
        ("c",),
        "copy",
        "Copy its last traceback or error to the clipboard",
        Group.LOOK,
        lambda c: c.desk.copy_error(),
        can_copy,
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
        can_read,
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
        has_worker,
        scope="table",
        footer=10,
    ),
    Action(
        "mark-all", ("A",), "mark all", "Mark all shown, or none", Group.FIND, lambda c: c.desk.mark_all(), has_rows
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
