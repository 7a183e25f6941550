"""The table of groups of failures: any number of rows, drawn line by line, none of them a widget."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace

from rich.cells import cell_len, set_cell_size
from textual.content import Content

from workerconsole import format as fmt
from workerconsole.groups import GroupSort, state_label, state_of, state_style
from workerconsole.text import clean
from workerconsole.widgets.columns import compact
from workerconsole.widgets.cursor_view import CursorView
from workerconsole.widgets.sparkline import BARS
from workerkit.clock import Micros
from workerkit.store.groups import TREND_HOURS
from workerkit.store.records import FailureGroupRecord

MUTED = "$text-muted"
GAP = 2
NO_FAILURE = "·"
"""An hour without one: a lowest bar would look like a few."""
FULL = 4
"""Occurrences of a full bar where there are no more: one alone is no mountain."""
LEAST_TITLE = 30
MOST_TITLE = 110


@dataclass(frozen=True, slots=True)
class GroupColumn:
    """One column. The smaller `rank`, the longer it stays when the screen narrows; the title takes what is left."""

    name: str
    width: int
    rank: int
    cell: Callable[[FailureGroupRecord, Micros, int], tuple[str, str]]
    """Text and style in so many cells."""
    right: bool = False
    sort: GroupSort | None = None


def trend_line(counts: Sequence[int], width: int) -> str:
    """Occurrences an hour as bars, the latest at the right. Narrower than its hours, several share a cell."""
    if width <= 0 or not counts:
        return ""
    each = -(-len(counts) // width)
    padded = [*[0] * (each * width - len(counts)), *counts]
    sums = [sum(padded[start : start + each]) for start in range(0, len(padded), each)]
    top = max(*sums, FULL)
    return "".join(BARS[min(len(BARS) - 1, number * len(BARS) // top)] if number else NO_FAILURE for number in sums)


def _state(group: FailureGroupRecord, now: Micros, width: int) -> tuple[str, str]:  # noqa: ARG001 - one signature for all cells
    state = state_of(group)
    return state_label(state), state_style(state)


def _seen(group: FailureGroupRecord, now: Micros, width: int) -> tuple[str, str]:  # noqa: ARG001 - one signature for all cells
    return fmt.ago(group.last_seen_at, now).removesuffix(" ago"), ""


def _count(group: FailureGroupRecord, now: Micros, width: int) -> tuple[str, str]:  # noqa: ARG001 - one signature for all cells
    return compact(group.count), ""


def _trend(group: FailureGroupRecord, now: Micros, width: int) -> tuple[str, str]:  # noqa: ARG001 - one signature for all cells
    return trend_line(group.trend, width), "$text-primary"


def _title(group: FailureGroupRecord, now: Micros, width: int) -> tuple[str, str]:  # noqa: ARG001 - one signature for all cells
    return clean(group.title, 400), ""


def _workers(group: FailureGroupRecord, now: Micros, width: int) -> tuple[str, str]:  # noqa: ARG001 - one signature for all cells
    names = [clean(name, 64) for name, _ in group.workers]
    text = ", ".join(names)
    if cell_len(text) > width and len(names) > 1:
        text = f"{names[0]} and {len(names) - 1} more"
    return text, MUTED


COLUMNS = (
    GroupColumn("state", 14, 0, _state, sort=GroupSort.URGENCY),
    GroupColumn("last", 6, 1, _seen, right=True, sort=GroupSort.LAST_SEEN),
    GroupColumn("count", 7, 2, _count, right=True, sort=GroupSort.COUNT),
    GroupColumn("last 24 hours", TREND_HOURS, 3, _trend),
    GroupColumn("failure", 0, 0, _title, sort=GroupSort.TITLE),
    GroupColumn("workers", 20, 4, _workers),
)


def fitting(width: int) -> tuple[GroupColumn, ...]:
    """The columns for a table of this width, the title with what is left."""
    shown = list(COLUMNS)

    def left() -> int:
        return width - 1 - sum(column.width for column in shown) - GAP * (len(shown) - 1)

    if left() < LEAST_TITLE:
        # Two hours a cell.
        shown = [replace(c, name="24 hours", width=TREND_HOURS // 2) if c.cell is _trend else c for c in shown]
    while left() < LEAST_TITLE and len(shown) > 2:
        shown.remove(max(shown, key=lambda column: column.rank))
    room = max(8, left())
    spare = max(0, room - MOST_TITLE)
    widths = {"failure": room - spare, "workers": 20 + spare}
    return tuple(replace(column, width=widths.get(column.name, column.width)) for column in shown)


class GroupTable(CursorView):
    """The rows. The cursor follows its group, but not one that the operator is done with."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._groups: Sequence[FailureGroupRecord] = ()
        self._columns: tuple[GroupColumn, ...] = ()
        self._now: Micros = 0
        self._done: FailureGroupRecord | None = None

    @property
    def line_count(self) -> int:
        return len(self._groups)

    @property
    def selected(self) -> FailureGroupRecord | None:
        """The group under the cursor."""
        return self._groups[self.cursor] if self.cursor < len(self._groups) else None

    def show(self, groups: Sequence[FailureGroupRecord], now: Micros) -> None:
        """Show these groups, in this order."""
        followed = self.selected.fingerprint if self.selected is not None else None
        before, self._groups, self._now = self.selected, groups, now
        place = next((y for y, group in enumerate(groups) if group.fingerprint == followed), None)
        if place is not None and self._let_go(groups[place]):
            place = None
        self.cursor = place if place is not None else max(0, min(self.cursor, len(groups) - 1))
        self._columns = fitting(self.width) if self.width else self._columns
        self.fit()
        self.refresh()
        self.bring_into_sight()
        if self.selected is not before:
            self.post_message(self.Moved(self))

    def done_with(self, group: FailureGroupRecord) -> None:
        """The operator gave it a state: when that moves it, the cursor goes to the row that takes its place."""
        self._done = group

    def _let_go(self, group: FailureGroupRecord) -> bool:
        """Whether the group under the cursor has just got the state that the operator gave it."""
        done = self._done
        if done is None or done.fingerprint != group.fingerprint or state_of(done) == state_of(group):
            return False
        self._done = None
        return True

    def tick(self, now: Micros) -> None:
        """Time has passed."""
        self._now = now
        self.refresh()

    def header(self, sort: GroupSort, *, backwards: bool) -> Content:
        """The titles, the one that rules the order with an arrow."""
        cells = []
        for column in self._columns:
            arrow = (" ▴" if backwards else " ▾") if column.sort is sort else ""
            cells.append(_fit(f"{column.name}{arrow}", column))
        return Content.assemble(" ", ("  ".join(cells), MUTED))

    def resized(self) -> None:
        self._columns = fitting(self.width) if self.width else ()
        super().resized()

    def row_key(self, y: int) -> Hashable:
        group = self._groups[y]
        told = (group.fingerprint, state_of(group), group.count, group.last_seen_at, group.trend, group.title)
        return *told, group.workers, fmt.ago(group.last_seen_at, self._now), len(self._columns)

    def row(self, y: int) -> Content:
        group = self._groups[y]
        parts: list[str | tuple[str, str]] = []
        quiet = group.state in ("resolved", "snoozed")
        for place, column in enumerate(self._columns):
            text, style = column.cell(group, self._now, column.width)
            parts += ["  " if place else "", (_fit(text, column), MUTED if quiet and not style else style)]
        return Content.assemble(*parts)


def _fit(text: str, column: GroupColumn) -> str:
    if cell_len(text) > column.width:
        text = set_cell_size(text, max(0, column.width - 1)) + "…"
    pad = " " * (column.width - cell_len(text))
    return pad + text if column.right else text + pad


def group_details(group: FailureGroupRecord, now: Micros, width: int) -> list[Content]:
    """What the row has no room for: since when, who, what makes these one, and what operators said."""
    state = state_of(group)
    first = f"first {fmt.clock_time(group.first_seen_at, now)} (run {group.first_run_id})"
    last = f"last {fmt.clock_time(group.last_seen_at, now)} (run {group.last_run_id})"
    workers = ", ".join(f"{clean(name, 64)} {fmt.count(count)}" for name, count in group.workers)
    lines = [*Content.styled(clean(group.title, 600), "bold").wrap(width)[:2]]
    lines.append(
        Content.assemble(
            (state_label(state), state_style(state)),
            (f" · {fmt.plural(group.count, 'time')} · {first} · {last} · ", MUTED),
            workers,
        )
    )
    lines += Content.assemble(("one fault, because: ", MUTED), why_one(group)).wrap(width)[:2]
    if (said := _said(group, now)) is not None:
        lines.append(said)
    return [line.truncate(width, ellipsis=True) for line in lines]


def why_one(group: FailureGroupRecord) -> str:
    """What the failures of a group have in common, in one line."""
    parts = [clean(part, 200) for part in group.parts]
    return " › ".join(part for part in parts if part) or "nothing is known of it"


def _said(group: FailureGroupRecord, now: Micros) -> Content | None:
    """What was done about it, by whom, and until when a snooze lasts."""
    if group.regressed_at is not None and group.state == "open":
        before = f"came back {fmt.ago(group.regressed_at, now)}"
        who = f", after {clean(group.state_by, 60)} had resolved it" if group.state_by else ""
        note = f": {clean(group.note, 300)}" if group.note else ""
        return Content.styled(f"{before}{who}{note}", state_style("regressed"))
    if group.state_at is None:
        return None
    until = f" until {fmt.clock_time(group.snoozed_until, now)}" if group.state == "snoozed" else ""
    word = "reopened" if group.state == "open" else clean(group.state, 20)
    by = f" by {clean(group.state_by, 60)}" if group.state_by else ""
    note = f": {clean(group.note, 300)}" if group.note else ""
    return Content.assemble((f"{word}{until}{by}, {fmt.ago(group.state_at, now)}", MUTED), note)
