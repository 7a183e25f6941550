"""What changes in the tables about a worker apart from its runs: its status, pauses and slots; and its host."""

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, case, func, insert, update
from sqlalchemy.dialects.sqlite import insert as upsert

from workerkit.clock import to_iso
from workerkit.store.events import (
    HostBeat,
    NextRunMoved,
    PauseEnded,
    RetryDropped,
    SlotsMissed,
    StatusChanged,
    WorkerSuspended,
)
from workerkit.store.models import commands, gaps, hosts, runs, workers
from workerkit.store.prepared import Prepared
from workerkit.store.text import LINE_LIMIT, storable, storable_or_none

_this_worker = workers.c.name == bindparam("_worker")
_this_run = runs.c.id == bindparam("_run")

_set_status = Prepared(
    update(workers).where(_this_worker).values(status=bindparam("status_now"), change=bindparam("changed")),
    *("_worker", "status_now", "changed"),
)


def status_changed(connection: Connection, change: int, events: Sequence[StatusChanged]) -> None:
    _set_status.execute(
        connection,
        [(event.worker, event.status.value, change) for event in events],
    )


_drop_retry = update(runs).where(_this_run, runs.c.retry_at.is_not(None)).values(retry_at=None)
_fail_for_good = (
    update(workers)
    .where(_this_worker)
    .values(
        status=bindparam("status_now"),
        consecutive_failures=workers.c.consecutive_failures
        + case((bindparam("run") >= workers.c.counted_from_run, 1), else_=0),
        change=bindparam("changed"),
    )
)


def retry_dropped(connection: Connection, change: int, events: Sequence[RetryDropped]) -> None:
    """One after the other: an event that comes twice must not count twice."""
    for event in events:
        if connection.execute(_drop_retry, {"_run": event.run_id}).rowcount:
            connection.execute(
                _fail_for_good,
                {"_worker": event.worker, "run": event.run_id, "status_now": event.status.value, "changed": change},
            )


_suspend = (
    update(workers)
    .where(_this_worker)
    .values(
        suspended_at=bindparam("since"),
        suspended_because=bindparam("because"),
        status=bindparam("status_now"),
        change=bindparam("changed"),
    )
)


def worker_suspended(connection: Connection, change: int, events: Sequence[WorkerSuspended]) -> None:
    connection.execute(
        _suspend,
        [
            {
                "_worker": event.worker,
                "since": event.at,
                "because": storable(event.because, LINE_LIMIT),
                "status_now": event.status.value,
                "changed": change,
            }
            for event in events
        ],
    )


_end_pause = (
    update(workers)
    .where(_this_worker, workers.c.paused)
    .values(
        paused=False,
        paused_at=None,
        paused_by=None,
        pause_reason=None,
        paused_until=None,
        status=bindparam("status_now"),
        change=bindparam("changed"),
    )
)
ITSELF = "workerconsole"
"""Who asked for what the host does unasked."""


def pause_ended(connection: Connection, change: int, events: Sequence[PauseEnded]) -> None:
    """One after the other: of an event that comes twice, or after somebody resumed the worker, nothing is written."""
    for event in events:
        ending = {"_worker": event.worker, "status_now": event.status.value, "changed": change}
        if connection.execute(_end_pause, ending).rowcount:
            connection.execute(
                insert(commands).values(
                    verb="resume",
                    worker=event.worker,
                    reason=f"its pause until {to_iso(event.until)} has ended",
                    requested_at=event.at,
                    requested_by=ITSELF,
                    state="done",
                    result=f"{event.worker} goes on",
                    finished_at=event.at,
                )
            )


_insert_gap = upsert(gaps)
_grow_gap = Prepared(
    _insert_gap.on_conflict_do_update(
        index_elements=[gaps.c.id],
        set_={"last_due_at": _insert_gap.excluded.last_due_at, "count": _insert_gap.excluded["count"]},
    ),
    *("id", "worker", "reason", "first_due_at", "last_due_at", "count", "detail", "run_id", "host_id"),
)
_move_next_run = Prepared(
    update(workers)
    .where(_this_worker)
    .values(
        next_run_at=bindparam("next_run"),
        covered_until=func.coalesce(bindparam("covered"), workers.c.covered_until),
        change=bindparam("changed"),
    ),
    *("_worker", "next_run", "covered", "changed"),
)


def slots_missed(connection: Connection, change: int, events: Sequence[SlotsMissed]) -> None:
    """The event describes the whole gap as it is now, so that a row can grow, and be written twice, without harm.

    Of a gap that has grown several times the last event says it all; a host that is too busy misses slots by thousands.
    """
    latest = {event.gap_id: event for event in events}.values()
    _grow_gap.execute(
        connection,
        [
            (
                *(event.gap_id, event.worker, event.reason.value, event.first_due_at, event.last_due_at),
                *(event.slots, storable(event.detail, LINE_LIMIT), event.run_id, event.host_id),
            )
            for event in latest
        ],
    )
    told = {event.worker: event for event in events if event.covered_until is not None}
    next_run_moved(connection, change, list(told.values()))


def next_run_moved(connection: Connection, change: int, events: Sequence[NextRunMoved | SlotsMissed]) -> None:
    _move_next_run.execute(
        connection, [(event.worker, event.next_run_at, event.covered_until, change) for event in events]
    )


_beat = Prepared(
    update(hosts)
    .where(hosts.c.id == bindparam("_host"))
    .values(heartbeat_at=bindparam("beat"), notice=bindparam("says")),
    *("_host", "beat", "says"),
)


def host_beat(connection: Connection, change: int, events: Sequence[HostBeat]) -> None:  # noqa: ARG001
    _beat.execute(
        connection,
        [(event.host_id, event.at, storable_or_none(event.notice, LINE_LIMIT)) for event in events],
    )
