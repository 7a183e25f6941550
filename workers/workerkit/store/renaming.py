"""A worker under another name: its history, counters, state and pause go with it, in the caller's transaction."""

from typing import Any

from sqlalchemy import Connection, Row, case, delete, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from workerkit.clock import Micros
from workerkit.outcome import Outcome
from workerkit.store import codec
from workerkit.store.models import (
    commands,
    failure_group_workers,
    failure_groups,
    failures,
    gaps,
    runs,
    worker_state,
    workers,
)
from workerkit.store.recovery import RECENT_RUNS


def rename_worker(connection: Connection, change: int, old: str, new: str) -> bool:
    """Moves all that is known of `old` to `new`; False where nothing is. Only to be called while neither runs.

    A worker that already ran under both names has one history afterwards, and counters that are the sums.
    """
    before = _row(connection, old)
    if before is None:
        return False
    after = _row(connection, new)
    if after is None:
        connection.execute(update(workers).where(workers.c.name == old).values(name=new, change=change))
    else:
        connection.execute(
            update(workers).where(workers.c.name == new).values(_joined(connection, before, after, change))
        )
        connection.execute(delete(workers).where(workers.c.name == old))
    for table in (runs, failures, gaps, commands):
        connection.execute(update(table).where(table.c.worker == old).values(worker=new))
    connection.execute(update(failure_groups).where(failure_groups.c.last_worker == old).values(last_worker=new))
    _move_group_counts(connection, old, new)
    _move_state(connection, old, new)
    return True


def _row(connection: Connection, name: str) -> Row[Any] | None:
    return connection.execute(select(workers).where(workers.c.name == name)).first()


def _joined(connection: Connection, before: Row[Any], after: Row[Any], change: int) -> dict[str, Any]:
    """The row of a worker that has a past under two names. What it is now, its pause included, is `after`'s."""
    counted_from = max(before.counted_from_run, after.counted_from_run)
    # Counters are what was pruned and the runs from one number on, so what counted before that number counts as pruned.
    shifted = [_counted_before(connection, row, counted_from) for row in (before, after)]
    later = after if (after.last_run_at or 0) >= (before.last_run_at or 0) else before
    recent = [*codec.from_json(before.recent, []), *codec.from_json(after.recent, [])][-RECENT_RUNS:]
    unbroken = before.consecutive_failures if not after.success_count else 0
    return {
        "success_count": before.success_count + after.success_count,
        "failure_count": before.failure_count + after.failure_count,
        "consecutive_failures": after.consecutive_failures + unbroken,
        "counted_from_run": counted_from,
        "stored_runs": before.stored_runs + after.stored_runs,
        "pruned_successes": before.pruned_successes + after.pruned_successes + sum(each[0] for each in shifted),
        "pruned_failures": before.pruned_failures + after.pruned_failures + sum(each[1] for each in shifted),
        "last_run_at": later.last_run_at,
        "last_outcome": later.last_outcome,
        "last_duration_us": later.last_duration_us,
        "last_error": after.last_error or before.last_error,
        "recent": codec.to_json(recent),
        "created_at": min(before.created_at, after.created_at),
        "change": change,
    }


def _counted_before(connection: Connection, row: Row[Any], run_id: int) -> tuple[int, int]:
    """Successes and failures among the worker's counted runs before this one."""
    found = connection.execute(
        select(
            func.count(case((runs.c.outcome == Outcome.SUCCEEDED.value, 1))),
            func.count(case((runs.c.outcome == Outcome.FAILED.value, 1))),
        ).where(runs.c.worker == row.name, runs.c.id >= row.counted_from_run, runs.c.id < run_id)
    ).one()
    return int(found[0]), int(found[1])


def _move_group_counts(connection: Connection, old: str, new: str) -> None:
    table = failure_group_workers
    counts = connection.execute(select(table.c.fingerprint, table.c.count).where(table.c.worker == old)).all()
    if counts:
        adding = upsert(table)
        adding = adding.on_conflict_do_update(
            index_elements=[table.c.fingerprint, table.c.worker],
            set_={"count": table.c.count + adding.excluded["count"]},
        )
        connection.execute(adding, [{"fingerprint": mark, "worker": new, "count": count} for mark, count in counts])
        connection.execute(delete(table).where(table.c.worker == old))


def _move_state(connection: Connection, old: str, new: str) -> None:
    """What the worker noted for its next run; its own under the new name counts, where there is such."""
    found = connection.execute(select(worker_state).where(worker_state.c.worker == old)).first()
    if found is None:
        return
    known = connection.execute(select(worker_state.c.worker).where(worker_state.c.worker == new)).first()
    if known is None:
        moved: dict[str, str | Micros] = {"worker": new, "state": found.state, "updated_at": found.updated_at}
        connection.execute(insert(worker_state).values(moved))
    connection.execute(delete(worker_state).where(worker_state.c.worker == old))
