"""The line above a traceback: what failed, when, and how often it has."""

from textual.content import Content

from workerconsole import format as fmt
from workerconsole.cases import Case
from workerconsole.groups import state_label, state_of, state_style
from workerconsole.text import clean
from workerkit.clock import Micros
from workerkit.outcome import Outcome
from workerkit.store.records import FailureGroupRecord

MUTED = "$text-muted"
LEAST = 10
"""Cells of the left part, however narrow it is."""


def facts_line(case: Case, now: Micros, width: int) -> Content:
    """The failure at the left, its group at the right, which is told shorter where it is narrow."""
    failure, group = case.failure, case.group
    when = f"{fmt.clock_time(failure.at, now)}, {fmt.ago(failure.at, now)}"
    params = case.run.params if case.run is not None else None
    left = Content.assemble(
        (f"{fmt.outcome_symbol(Outcome.FAILED)} {clean(failure.kind, 20)}", fmt.outcome_style(Outcome.FAILED)),
        "  ",
        (clean(failure.worker, 64), "bold"),
        (f" · run {failure.run_id} · {when}", MUTED),
        (f" · params {clean(params, 60)}" if params else "", MUTED),
    )
    if group is None:
        return left
    right = next(
        (text for text in _of_group(case, group, now) if left.cell_length + text.cell_length + 2 <= width),
        _of_group(case, group, now)[-1],
    )
    left = left.truncate(max(LEAST, width - right.cell_length - 2), ellipsis=True)
    return Content.assemble(left, " " * max(2, width - left.cell_length - right.cell_length), right)


def _of_group(case: Case, group: FailureGroupRecord, now: Micros) -> list[Content]:
    """How often and in what state, from the longest to the shortest way to say it."""
    walk = f" · {case.place} of {case.kept}" if case.kept > 1 else ""
    times = fmt.plural(group.count, "time")
    since = f" since {fmt.ago(group.first_seen_at, now)}" if group.count > 1 else ""
    state = state_of(group)
    ways = (f"{times}{since}{walk} · ", f"{group.count:,}×{walk} · ", f"{group.count:,}× · ")
    return [Content.assemble((text, MUTED), (state_label(state), state_style(state))) for text in ways]
