"""Failures that are one fault, as groups: counted as they come, and with a state that operators give them.

A group is updated in the transaction that records the failure. It outlives its runs: pruning them takes nothing away.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, bindparam, case, delete, func, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from workerkit.clock import DAY, HOUR, Micros
from workerkit.failures.fingerprint import Fingerprint
from workerkit.outcome import Failure
from workerkit.store import codec
from workerkit.store.models import failure_group_hours, failure_group_workers, failure_groups
from workerkit.store.records import FailureGroupRecord
from workerkit.store.text import LINE_LIMIT, NAME_LIMIT, storable, storable_or_none

TREND_HOURS = 24
"""Hours of the trend that a group shows."""
HOURS_AGE: Micros = 8 * DAY
"""How long the hourly counts are kept."""
MAX_WORKERS_SHOWN = 20
"""Workers of one group that a record names."""


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


SELECT_GROUPS = select(failure_groups).order_by(failure_groups.c.last_seen_at.desc())
SELECT_WORKERS = (
    select(failure_group_workers)
    .where(failure_group_workers.c.fingerprint.in_(bindparam("marks", expanding=True)))
    .order_by(failure_group_workers.c["count"].desc(), failure_group_workers.c.worker)
)
SELECT_HOURS = select(failure_group_hours).where(
    failure_group_hours.c.fingerprint.in_(bindparam("marks", expanding=True)),
    failure_group_hours.c.hour > bindparam("since"),
)


def first_hour(now: Micros) -> Micros:
    """The hour before the first one of a trend that ends now."""
    return now - now % HOUR - TREND_HOURS * HOUR


Values = Sequence[Any]
"""One row, its values in the order of the table's columns."""


def records(
    found: Sequence[Values], workers: Sequence[Values], hours: Sequence[Values], now: Micros
) -> list[FailureGroupRecord]:
    """Rows of the three tables, put together."""
    of_group: dict[str, list[tuple[str, int]]] = {}
    for mark, worker, count in workers:
        of_group.setdefault(mark, []).append((worker, count))
    trends: dict[str, list[int]] = {}
    start = first_hour(now) + HOUR
    for mark, hour, count in hours:
        place = (hour - start) // HOUR
        if 0 <= place < TREND_HOURS:
            trends.setdefault(mark, [0] * TREND_HOURS)[place] += count
    return [_record(row, of_group.get(row[0], []), trends.get(row[0], [0] * TREND_HOURS), now) for row in found]


def _record(row: Values, workers: list[tuple[str, int]], trend: list[int], now: Micros) -> FailureGroupRecord:
    values = dict(zip(failure_groups.c.keys(), row, strict=True))
    values["parts"] = tuple(str(part) for part in codec.from_json(values["parts"], []))
    if values["state"] == GroupState.SNOOZED and (values["snoozed_until"] or 0) <= now:
        values["state"] = GroupState.OPEN.value
    return FailureGroupRecord(**values, workers=tuple(workers[:MAX_WORKERS_SHOWN]), trend=tuple(trend))
