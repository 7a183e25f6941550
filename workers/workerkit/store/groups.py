"""Failures that are one fault, as groups: counted as they come, and with a state that operators give them.

A group is updated in the transaction that records the failure. It outlives its runs: pruning them takes nothing away.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Select, bindparam, case, delete, func, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from workerkit.clock import DAY, HOUR, Micros
from workerkit.outcome import Failure, Fingerprint
from workerkit.store import codec
from workerkit.store.models import failure_group_hours, failure_group_workers, failure_groups, failures, runs
from workerkit.store.records import FailureGroupRecord
from workerkit.store.text import LINE_LIMIT, NAME_LIMIT, storable, storable_or_none

TREND_HOURS = 24
"""Hours of the trend that a group shows."""
HOURS_AGE: Micros = 8 * DAY
"""How long the hourly counts are kept."""
MAX_WORKERS_SHOWN = 20
"""Workers of one group that a record names."""
REMEMBERED = 2_000
"""Groups whose JSON is not read again while it stays the same."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A failure as it happened, and the group it belongs to."""

    run_id: int
    worker: str
    at: Micros
    failure: Failure
    mark: Fingerprint


class GroupState(StrEnum):
    """What operators make of a group. A new failure turns resolved, and snoozed past its time, into open again."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"


_insert_group = upsert(failure_groups)
_new = _insert_group.excluded
_snooze_over = (failure_groups.c.state == GroupState.SNOOZED.value) & (
    failure_groups.c.snoozed_until <= _new.last_seen_at
)
_came_back = failure_groups.c.state == GroupState.RESOLVED.value
_count_group = _insert_group.on_conflict_do_update(
    index_elements=[failure_groups.c.fingerprint],
    set_={
        "count": failure_groups.c["count"] + _new["count"],
        "title": _new.title,
        "last_seen_at": func.max(failure_groups.c.last_seen_at, _new.last_seen_at),
        "last_run_id": func.max(failure_groups.c.last_run_id, _new.last_run_id),
        "last_worker": _new.last_worker,
        "state": case((_came_back | _snooze_over, GroupState.OPEN.value), else_=failure_groups.c.state),
        "regressed_at": case((_came_back, _new.last_seen_at), else_=failure_groups.c.regressed_at),
    },
)
_insert_worker = upsert(failure_group_workers)
_count_worker = _insert_worker.on_conflict_do_update(
    index_elements=[failure_group_workers.c.fingerprint, failure_group_workers.c.worker],
    set_={"count": failure_group_workers.c["count"] + _insert_worker.excluded["count"]},
)
_insert_hour = upsert(failure_group_hours)
_count_hour = _insert_hour.on_conflict_do_update(
    index_elements=[failure_group_hours.c.fingerprint, failure_group_hours.c.hour],
    set_={"count": failure_group_hours.c["count"] + _insert_hour.excluded["count"]},
)


def count_failures(connection: Connection, occurrences: Sequence[Occurrence]) -> None:
    """Adds failures to their groups, and makes the groups that are new."""
    if not occurrences:
        return
    workers: Counter[tuple[str, str]] = Counter()
    hours: Counter[tuple[str, Micros]] = Counter()
    for occurrence in occurrences:
        workers[occurrence.mark.digest, occurrence.worker] += 1
        hours[occurrence.mark.digest, occurrence.at - occurrence.at % HOUR] += 1
    connection.execute(_count_group, [_group_row(occurrence) for occurrence in occurrences])
    connection.execute(
        _count_worker,
        [{"fingerprint": mark, "worker": worker, "count": count} for (mark, worker), count in workers.items()],
    )
    connection.execute(
        _count_hour, [{"fingerprint": mark, "hour": hour, "count": count} for (mark, hour), count in hours.items()]
    )


def _group_row(occurrence: Occurrence) -> dict[str, Any]:
    return {
        "fingerprint": occurrence.mark.digest,
        "kind": occurrence.failure.kind.value,
        "title": storable(occurrence.failure.error, LINE_LIMIT),
        "parts": codec.to_json([storable(part, LINE_LIMIT) for part in occurrence.mark.parts]),
        "first_seen_at": occurrence.at,
        "last_seen_at": occurrence.at,
        "count": 1,
        "first_run_id": occurrence.run_id,
        "last_run_id": occurrence.run_id,
        "last_worker": occurrence.worker,
    }


def set_group_state(
    connection: Connection,
    fingerprint: str,
    state: GroupState,
    *,
    by: str,
    note: str,
    now: Micros,
    until: Micros | None = None,
) -> bool:
    """Gives a group a state, with who, when, why and, for a snooze, until when. False where there is no such group."""
    changed = connection.execute(
        update(failure_groups)
        .where(failure_groups.c.fingerprint == fingerprint)
        .values(
            state=state.value,
            state_at=now,
            state_by=storable(by, NAME_LIMIT),
            note=storable_or_none(note or None, LINE_LIMIT),
            snoozed_until=until if state is GroupState.SNOOZED else None,
            regressed_at=None,
        )
    )
    return changed.rowcount == 1


def forget_old_hours(connection: Connection, now: Micros) -> None:
    """Deletes hourly counts that no trend shows any more."""
    connection.execute(delete(failure_group_hours).where(failure_group_hours.c.hour < now - HOURS_AGE))


def forget_old_groups(
    connection: Connection, *, open_before: Micros, judged_before: Micros, most: int, batch: int
) -> int:
    """Deletes about `batch` groups at most; how many.

    Those that were last seen before a moment, an earlier one where an operator has given them a state; and of more than
    `most` the open ones first, the longest unseen first.
    """
    ages = {"open_before": open_before, "judged_before": judged_before, "batch": batch}
    doomed = set(connection.scalars(_OLD, ages))
    excess = min(batch, (connection.scalar(_COUNT_GROUPS) or 0) - most)
    if excess > len(doomed):
        doomed.update(connection.scalars(_LEAST_WANTED, {"excess": excess}))
    if doomed:
        marks = codec.to_json(sorted(doomed))
        for statement in _DELETE_GROUPS:
            connection.execute(statement, {"marks": marks})
    return len(doomed)


_is_open = failure_groups.c.state == GroupState.OPEN.value
_COUNT_GROUPS = select(func.count()).select_from(failure_groups)
_OLD = (
    select(failure_groups.c.fingerprint)
    .where(
        failure_groups.c.last_seen_at < bindparam("open_before"),
        _is_open | (failure_groups.c.last_seen_at < bindparam("judged_before")),
        ~select(runs.c.id)
        .join(failures, failures.c.run_id == runs.c.id)
        .where(failures.c.fingerprint == failure_groups.c.fingerprint)
        .exists(),
    )
    .limit(bindparam("batch"))
)
_LEAST_WANTED = (
    select(failure_groups.c.fingerprint)
    .order_by(_is_open.desc(), failure_groups.c.last_seen_at)
    .limit(bindparam("excess"))
)
_THESE = select(func.json_each(bindparam("marks")).table_valued("value").c.value)
_DELETE_GROUPS = (
    # Only the first of a group outlives its run.
    delete(failures).where(
        failures.c.fingerprint.in_(_THESE), ~select(runs.c.id).where(runs.c.id == failures.c.run_id).exists()
    ),
    *(
        delete(table).where(table.c.fingerprint.in_(_THESE))
        for table in (failure_group_workers, failure_group_hours, failure_groups)
    ),
)


def select_workers(marks: Select[Any]) -> Select[Any]:
    """Of each of the groups that `marks` selects who has it, and how often: one row a group, as JSON by name."""
    count = func.json_group_object(failure_group_workers.c.worker, failure_group_workers.c["count"])
    mark = failure_group_workers.c.fingerprint
    return select(mark, count).where(mark.in_(marks)).group_by(mark)


def select_hours(marks: Select[Any]) -> Select[Any]:
    """The same of the hours after `hour`."""
    count = func.json_group_object(failure_group_hours.c.hour, failure_group_hours.c["count"])
    mark = failure_group_hours.c.fingerprint
    within = mark.in_(marks) & (failure_group_hours.c.hour > bindparam("hour"))
    return select(mark, count).where(within).group_by(mark)


def hour_before_trend(now: Micros) -> Micros:
    """The hour before the first one of a trend that ends now."""
    return now - now % HOUR - TREND_HOURS * HOUR


Values = Sequence[Any]
"""One row, its values in the order of the table's columns."""


def records(
    found: Sequence[Values], workers: Sequence[Values], hours: Sequence[Values], now: Micros
) -> list[FailureGroupRecord]:
    """Rows of the groups, and of the two selections above, put together."""
    start = hour_before_trend(now) + HOUR
    of_group = {mark: _most_often(counts) for mark, counts in workers}
    trends = {mark: _trend(counts, start) for mark, counts in hours}
    return [_record(row, of_group.get(row[0], ()), trends.get(row[0], (0,) * TREND_HOURS), now) for row in found]


# A screen asks again and again, and of most groups hears the same.
@lru_cache(maxsize=REMEMBERED)
def _most_often(counts: str) -> tuple[tuple[str, int], ...]:
    """Who has it most often; of equals the first by name, which is the order in which they come."""
    return tuple(sorted(codec.from_json(counts, {}).items(), key=itemgetter(1), reverse=True)[:MAX_WORKERS_SHOWN])


@lru_cache(maxsize=REMEMBERED)
def _trend(counts: str, start: Micros) -> tuple[int, ...]:
    trend = [0] * TREND_HOURS
    for hour, count in codec.from_json(counts, {}).items():
        place = (int(hour) - start) // HOUR
        if 0 <= place < TREND_HOURS:
            trend[place] += count
    return tuple(trend)


@lru_cache(maxsize=REMEMBERED)
def _parts(text: str) -> tuple[str, ...]:
    return tuple(map(str, codec.from_json(text, [])))


def _record(
    row: Values, workers: tuple[tuple[str, int], ...], trend: tuple[int, ...], now: Micros
) -> FailureGroupRecord:
    values = [*row, workers, trend]
    values[_PARTS] = _parts(row[_PARTS])
    if row[_STATE] == GroupState.SNOOZED and (row[_SNOOZED_UNTIL] or 0) <= now:
        values[_STATE] = GroupState.OPEN.value
    return FailureGroupRecord(*values)


_PARTS, _STATE, _SNOOZED_UNTIL = map(failure_groups.c.keys().index, ("parts", "state", "snoozed_until"))
