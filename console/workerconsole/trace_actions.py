"""What can be done on the traceback screen."""

from dataclasses import dataclass
from typing import Protocol

from workerconsole.action import Action as BaseAction
from workerconsole.action import Group, Reason
from workerconsole.captures import Frame
from workerconsole.cases import Case
from workerconsole.reasons import NO_HOST, READ_ONLY, cannot_run
from workerkit.store.records import WorkerRecord

NOT_READ = "The failure is not read yet."


class TraceDesk(Protocol):
    """What the actions act on; the traceback screen is one."""

    def edit(self) -> None: ...
    def copy(self) -> None: ...
    def go_to_run(self, run_id: int) -> None: ...
    def toggle_libraries(self) -> None: ...
    def run_again(self) -> None: ...
    def acknowledge(self) -> None: ...
    def evaluate(self) -> None: ...
    def turn_pane(self, step: int) -> None: ...
    def open_here(self) -> None: ...
    def open_search(self) -> None: ...
    def next_hit(self, step: int) -> None: ...
    def go_back(self) -> None: ...
    def open_help(self) -> None: ...
    def open_palette(self) -> None: ...


@dataclass(frozen=True, slots=True)
class TraceContext:
    """The state of the traceback screen that decides what can be done now."""

    desk: TraceDesk
    case: Case | None = None
    frame: Frame | None = None
    """The selected one."""
    worker: WorkerRecord | None = None
    """The failure's worker as it is now."""
    library_frames: int = 0
    hits: int = 0
    host_alive: bool = True
    ready: bool = True
    read_only: bool = False
    held_for: int = 0
    """Seconds for which the host still holds the failure's live frames; 0 where it doesn't."""


Action = BaseAction[TraceContext]


def _has_case(context: TraceContext) -> Reason:
    return None if context.case is not None else NOT_READ


def _can_write(context: TraceContext) -> Reason:
    if context.read_only:
        return READ_ONLY
    return None if context.ready else "The database is not open yet."


def _can_edit(context: TraceContext) -> Reason:
    if context.frame is None:
        return "No frame is selected."
    has_file = context.frame.line and not context.frame.file.startswith(("<", "?"))
    return None if has_file else "This frame has no file."


def _can_go_older(context: TraceContext) -> Reason:
    if context.case is None:
        return NOT_READ
    return None if context.case.older is not None else "This is the oldest failure of its group that is kept."


def _can_go_newer(context: TraceContext) -> Reason:
    if context.case is None:
        return NOT_READ
    return None if context.case.newer is not None else "This is the latest failure of its group."


def _can_run(context: TraceContext) -> Reason:
    if context.case is None:
        return NOT_READ
    if reason := _can_write(context):
        return reason
    if not context.host_alive:
        return NO_HOST
    if context.worker is None:
        return f"{context.case.failure.worker} is not known any more."
    return cannot_run(context.worker)


def _can_acknowledge(context: TraceContext) -> Reason:
    if context.case is None:
        return NOT_READ
    if context.case.group is None:
        return "This failure belongs to no group that is kept."
    return _can_write(context)


def _can_evaluate(context: TraceContext) -> Reason:
    if context.case is None:
        return NOT_READ
    if reason := _can_write(context):
        return reason
    if "held_until" not in context.case.failure.capture:
        return "Its frames are not held: that needs hold_on_failure on the worker, and a host with --allow-eval."
    if not context.held_for:
        return "Its frames are no longer held."
    return None if context.frame is not None else "No frame is selected."


def _can_fold(context: TraceContext) -> Reason:
    return None if context.library_frames else "All frames are yours."


def _has_hits(context: TraceContext) -> Reason:
    return None if context.hits else "Nothing is searched for; / searches."


def _go(context: TraceContext, run_id: int | None) -> None:
    if run_id is not None:
        context.desk.go_to_run(run_id)


def _older(context: TraceContext) -> None:
    _go(context, context.case.older if context.case is not None else None)


def _newer(context: TraceContext) -> None:
    _go(context, context.case.newer if context.case is not None else None)


TRACE_ACTIONS: tuple[Action, ...] = (
    Action(
        "trace.edit",
        ("e",),
        "editor",
        "Open the frame in your editor, at its line",
        Group.FAILURE,
        lambda c: c.desk.edit(),
        _can_edit,
        footer=2,
    ),
    Action(
        "trace.copy",
        ("c",),
        "copy",
        "Copy the traceback as plain text",
        Group.FAILURE,
        lambda c: c.desk.copy(),
        _has_case,
        footer=3,
    ),
    Action(
        "trace.run",
        ("r",),
        "run again",
        "Run the worker again, with the same parameters",
        Group.FAILURE,
        lambda c: c.desk.run_again(),
        _can_run,
        footer=6,
    ),
    Action(
        "trace.libraries",
        ("v",),
        "library frames",
        "Unfold the libraries' frames, or fold them",
        Group.FAILURE,
        lambda c: c.desk.toggle_libraries(),
        _can_fold,
        footer=7,
    ),
    Action(
        "trace.open",
        ("enter", "space"),
        "open",
        "Open a value, a folded line; follow a reference",
        Group.FAILURE,
        lambda c: c.desk.open_here(),
        footer=1,
    ),
    Action(
        "trace.older",
        ("left_square_bracket",),
        "older",
        "The failure of its group before this one",
        Group.FAULT,
        _older,
        _can_go_older,
        footer=8,
    ),
    Action(
        "trace.newer",
        ("right_square_bracket",),
        "newer",
        "The failure of its group after this one",
        Group.FAULT,
        _newer,
        _can_go_newer,
        footer=9,
    ),
    Action(
        "trace.acknowledge",
        ("a",),
        "acknowledge",
        "Acknowledge the group, with a note",
        Group.FAULT,
        lambda c: c.desk.acknowledge(),
        _can_acknowledge,
        footer=5,
    ),
    Action(
        "trace.evaluate",
        ("E",),
        "evaluate",
        "Evaluate an expression in a frame that is held",
        Group.FAILURE,
        lambda c: c.desk.evaluate(),
        _can_evaluate,
        dangerous=True,
    ),
    Action(
        "trace.search",
        ("slash",),
        "search",
        "Find text, or a value: order.items[3].qty",
        Group.FIND,
        lambda c: c.desk.open_search(),
        _has_case,
        footer=4,
    ),
    Action(
        "trace.next",
        ("n",),
        "next hit",
        "Next hit of the search",
        Group.FIND,
        lambda c: c.desk.next_hit(1),
        _has_hits,
    ),
    Action(
        "trace.previous",
        ("N",),
        "previous hit",
        "Previous hit of the search",
        Group.FIND,
        lambda c: c.desk.next_hit(-1),
        _has_hits,
    ),
    Action(
        "trace.next-pane",
        ("tab",),
        "next pane",
        "Exceptions, frames, source, variables",
        Group.MOVE,
        lambda c: c.desk.turn_pane(1),
        footer=10,
    ),
    Action(
        "trace.previous-pane",
        ("shift+tab",),
        "previous pane",
        "The pane before",
        Group.MOVE,
        lambda c: c.desk.turn_pane(-1),
    ),
    Action(
        "trace.palette",
        ("colon", "ctrl+p"),
        "palette",
        "All of this by name",
        Group.CONSOLE,
        lambda c: c.desk.open_palette(),
    ),
    Action(
        "trace.help",
        ("question_mark", "f1"),
        "help",
        "This help",
        Group.CONSOLE,
        lambda c: c.desk.open_help(),
        footer=98,
    ),
    Action(
        "trace.back",
        ("escape", "q"),
        "back",
        "Back to where you came from",
        Group.CONSOLE,
        lambda c: c.desk.go_back(),
        footer=99,
    ),
)

BY_ID = {action.id: action for action in TRACE_ACTIONS}
