"""What can be done on the failures screen."""

from dataclasses import dataclass
from typing import Literal, Protocol

from workerconsole.action import Action as BaseAction
from workerconsole.action import Group, Reason
from workerconsole.groups import state_of
from workerconsole.reasons import READ_ONLY
from workerkit.store.records import FailureGroupRecord

GroupVerb = Literal["acknowledge", "snooze", "resolve", "reopen"]


class GroupDesk(Protocol):
    """What the actions act on; the failures screen is one."""

    def open_occurrences(self) -> None: ...
    def give_state(self, verb: GroupVerb) -> None: ...
    def open_filter(self) -> None: ...
    def sort_next(self) -> None: ...
    def sort_reverse(self) -> None: ...
    def copy(self) -> None: ...
    def go_back(self) -> None: ...
    def leave_screen(self) -> None: ...
    def open_help(self) -> None: ...
    def open_palette(self) -> None: ...


@dataclass(frozen=True, slots=True)
class GroupContext:
    """The state of the failures screen that decides what can be done now."""

    desk: GroupDesk
    group: FailureGroupRecord | None = None
    """The one under the cursor."""
    ready: bool = True
    read_only: bool = False


Action = BaseAction[GroupContext]


def _has_group(context: GroupContext) -> Reason:
    return None if context.group is not None else "No failure is selected."


def _can_change(context: GroupContext) -> Reason:
    if reason := _has_group(context):
        return reason
    if context.read_only:
        return READ_ONLY
    return None if context.ready else "The database is not open yet."


def _can_reopen(context: GroupContext) -> Reason:
    if reason := _can_change(context):
        return reason
    group = context.group
    return "It is open already." if group is not None and state_of(group) == "open" else None


def _can_resolve(context: GroupContext) -> Reason:
    if reason := _can_change(context):
        return reason
    group = context.group
    return "It is resolved already." if group is not None and group.state == "resolved" else None


GROUP_ACTIONS: tuple[Action, ...] = (
    Action(
        "group.open",
        ("enter",),
        "open",
        "Its latest occurrence; [ and ] go through all",
        Group.FAULT,
        lambda c: c.desk.open_occurrences(),
        _has_group,
        footer=1,
    ),
    Action(
        "group.acknowledge",
        ("a",),
        "acknowledge",
        "Say that somebody is on it",
        Group.FAULT,
        lambda c: c.desk.give_state("acknowledge"),
        _can_change,
        footer=2,
    ),
    Action(
        "group.resolve",
        ("d",),
        "done",
        "Resolved; should it come back, it is regressed",
        Group.FAULT,
        lambda c: c.desk.give_state("resolve"),
        _can_resolve,
        footer=3,
    ),
    Action(
        "group.snooze",
        ("w",),
        "snooze",
        "Wait with it: 1h, 2d",
        Group.FAULT,
        lambda c: c.desk.give_state("snooze"),
        _can_change,
        footer=4,
    ),
    Action(
        "group.reopen",
        ("o",),
        "reopen",
        "Open it again",
        Group.FAULT,
        lambda c: c.desk.give_state("reopen"),
        _can_reopen,
        footer=7,
    ),
    Action(
        "group.copy",
        ("c",),
        "copy",
        "Copy its line and what makes it one",
        Group.FAULT,
        lambda c: c.desk.copy(),
        _has_group,
        footer=8,
    ),
    Action(
        "group.filter",
        ("slash",),
        "filter",
        "timeout, state:open, worker:mail, kind:panic",
        Group.FIND,
        lambda c: c.desk.open_filter(),
        footer=5,
    ),
    Action("group.sort", ("s",), "sort", "Next order", Group.FIND, lambda c: c.desk.sort_next(), footer=6),
    Action("group.reverse", ("S",), "reverse", "Turn the order", Group.FIND, lambda c: c.desk.sort_reverse()),
    Action(
        "group.workers",
        ("1",),
        "workers",
        "Back to the workers",
        Group.CONSOLE,
        lambda c: c.desk.leave_screen(),
        footer=9,
    ),
    Action(
        "group.palette",
        ("colon", "ctrl+p"),
        "palette",
        "All of this by name",
        Group.CONSOLE,
        lambda c: c.desk.open_palette(),
    ),
    Action(
        "group.help",
        ("question_mark", "f1"),
        "help",
        "This help",
        Group.CONSOLE,
        lambda c: c.desk.open_help(),
        footer=98,
    ),
    Action(
        "group.back",
        ("escape", "q"),
        "back",
        "Out of the filter; back to the workers",
        Group.CONSOLE,
        lambda c: c.desk.go_back(),
        footer=99,
    ),
)

BY_ID = {action.id: action for action in GROUP_ACTIONS}
