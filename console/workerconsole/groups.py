"""The order of groups of failures, and the filter of the failures screen."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from workerconsole.text import clean
from workerkit.clock import HOUR
from workerkit.store.groups import GroupState
from workerkit.store.records import FailureGroupRecord

REGRESSED = "regressed"
"""Not a state of its own in the database: open again after it had been resolved."""
STATES = (REGRESSED, *(state.value for state in GroupState))
"""As the screen calls them, the most urgent first."""
_FIELDS = ("text", "state", "worker", "kind")

# Shapes that differ without colour; none that a terminal may draw as emoji.
_SYMBOLS = {REGRESSED: "▲", "open": "✗", "acknowledged": "○", "snoozed": "‖", "resolved": "✓"}
_STYLES = {
    REGRESSED: "bold $text-error",
    "open": "$text-error",
    "acknowledged": "$text-warning",
    "snoozed": "$text-muted",
    "resolved": "$text-success",
}


def state_of(group: FailureGroupRecord) -> str:
    """The state as the screen calls it."""
    if group.state == GroupState.OPEN and group.regressed_at is not None:
        return REGRESSED
    return group.state


def state_label(state: str) -> str:
    """A sign and a word: `▲ regressed`."""
    return f"{_SYMBOLS.get(state, '·')} {clean(state, 20)}"


def state_style(state: str) -> str:
    return _STYLES.get(state, "$text-muted")


class GroupSort(StrEnum):
    """What the rows are ordered by; each value is what the operator reads."""

    URGENCY = "urgency"
    """Regressed, open, acknowledged, snoozed, resolved; within a state the latest first."""
    LAST_SEEN = "last seen"
    COUNT = "count"
    FIRST_SEEN = "first seen"
    TITLE = "title"

    def next(self) -> "GroupSort":
        sorts = list(GroupSort)
        return sorts[(sorts.index(self) + 1) % len(sorts)]


_KEYS: Mapping[GroupSort, Callable[[FailureGroupRecord], tuple[int | str, ...]]] = {
    GroupSort.URGENCY: lambda g: (_rank(g), -_recent(g), -g.count, -g.last_seen_at),
    GroupSort.LAST_SEEN: lambda g: (-g.last_seen_at,),
    GroupSort.COUNT: lambda g: (-g.count, -g.last_seen_at),
    GroupSort.FIRST_SEEN: lambda g: (-g.first_seen_at,),
    GroupSort.TITLE: lambda g: (g.title.lower(),),
}


def _rank(group: FailureGroupRecord) -> int:
    state = state_of(group)
    return STATES.index(state) if state in STATES else len(STATES)


def _recent(group: FailureGroupRecord) -> int:
    """The hour it was last seen in: within one, the more frequent comes first, and rows stand still for a while."""
    return group.last_seen_at // HOUR


def arrange(
    groups: Iterable[FailureGroupRecord], wanted: "GroupFilter", sort: GroupSort, *, backwards: bool = False
) -> list[FailureGroupRecord]:
    """The groups that pass the filter, in order."""
    shown = sorted((group for group in groups if wanted.accepts(group)), key=lambda group: group.fingerprint)
    shown.sort(key=_KEYS[sort], reverse=backwards)
    return shown


@dataclass(frozen=True, slots=True)
class GroupTerm:
    """One word of the filter."""

    field: str
    values: tuple[str, ...]
    """Lower case; one of them must fit."""
    inverted: bool = False

    def accepts(self, group: FailureGroupRecord) -> bool:
        return _TESTS[self.field](group, self.values) is not self.inverted


@dataclass(frozen=True, slots=True)
class GroupFilter:
    """Words that a group must meet, all of them."""

    terms: tuple[GroupTerm, ...] = ()
    mistake: str | None = None
    """Why a word can't match anything, for the operator."""

    def accepts(self, group: FailureGroupRecord) -> bool:
        return all(term.accepts(group) for term in self.terms)


def parse(text: str) -> GroupFilter:
    """Read a filter line: `timeout`, `!timeout`, `state:open,regressed`, `worker:mail`, `kind:panic`."""
    terms = tuple(term for word in text.strip().removeprefix("/").split() if (term := _term(word)) is not None)
    for term in terms:
        for value in term.values if term.field == "state" else ():
            if not any(state.startswith(value) for state in STATES):
                return GroupFilter(terms, f"no state begins with '{clean(value, 20)}'; there are {', '.join(STATES)}")
    return GroupFilter(terms)


def _term(word: str) -> GroupTerm | None:
    inverted, bare = word.startswith("!"), word.removeprefix("!").lower()
    field, colon, value = bare.partition(":")
    if not (colon and field in _FIELDS):
        field, value = "text", bare
    # A comma belongs to a text; between names it means or.
    values = (value,) if field == "text" else tuple(part for part in value.split(",") if part)
    return GroupTerm(field, values, inverted) if value and values else None


def _text(group: FailureGroupRecord, values: tuple[str, ...]) -> bool:
    whole = " ".join((group.title, *group.parts, group.note or "", *(name for name, _ in group.workers))).lower()
    return any(value in whole for value in values)


def _state(group: FailureGroupRecord, values: tuple[str, ...]) -> bool:
    # A regressed one is open as well.
    return any(state.startswith(value) for state in {state_of(group), group.state} for value in values)


def _worker(group: FailureGroupRecord, values: tuple[str, ...]) -> bool:
    return any(value in name.lower() for name, _ in group.workers for value in values)


def _kind(group: FailureGroupRecord, values: tuple[str, ...]) -> bool:
    return any(group.kind.startswith(value) for value in values)


_TESTS: Mapping[str, Callable[[FailureGroupRecord, tuple[str, ...]], bool]] = {
    "text": _text,
    "state": _state,
    "worker": _worker,
    "kind": _kind,
}
