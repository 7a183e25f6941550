"""The counters of a worker: set to zero, or recomputed from what is recorded of its runs."""

from dataclasses import dataclass

from sqlalchemy import Connection, Row, bindparam, case, func, select, update

from workerkit.outcome import Outcome
from workerkit.store.models import runs, workers


@dataclass(frozen=True, slots=True)
class Counters:
    """What a worker's row says of its runs."""

    successes: int
    failures: int
    consecutive_failures: int
    stored_runs: int
    """Rows in runs that have an outcome, counted or not."""


@dataclass(frozen=True, slots=True)
class Drift:
    """A worker whose counters were not what its runs add up to."""

    worker: str
    stored: Counters
    true: Counters


def reset_counters(connection: Connection, change: int, worker: str, next_run_id: int) -> None:
    """Sets the worker's counters to zero. Runs before `next_run_id`, also one in flight, no longer move them."""
    connection.execute(
        update(workers)
        .where(workers.c.name == worker)
        .values(
            success_count=0,
            failure_count=0,
            consecutive_failures=0,
            pruned_successes=0,
            pruned_failures=0,
            counted_from_run=next_run_id,
            change=change,
        )
    )


def rebuild_counters(connection: Connection, change: int) -> list[Drift]:
    """Recomputes every worker's counters from its recorded runs, and those noted as pruned; corrects what differs.

    Returns the workers that had drifted, by name; none in a healthy database. Reads all runs.
    """
    drifts = []
    for row in connection.execute(_TOTALS).all():
        stored = Counters(row.success_count, row.failure_count, row.consecutive_failures, row.stored_runs)
        true = Counters(
            successes=row.pruned_successes + row.succeeded,
            failures=row.pruned_failures + row.failed,
            consecutive_failures=_consecutive(row),
            stored_runs=row.found,
        )
        if stored != true:
            drifts.append(Drift(row.name, stored, true))
    if drifts:
        connection.execute(
            _CORRECT,
            [
                {
                    "_worker": drift.worker,
                    "successes": drift.true.successes,
                    "failures": drift.true.failures,
                    "consecutive": drift.true.consecutive_failures,
                    "stored": drift.true.stored_runs,
                    "changed": change,
                }
                for drift in drifts
            ],
        )
    return drifts


def _consecutive(row: Row[*tuple[object, ...]]) -> int:
    """Exact as long as a success is on record, or nothing was pruned; else what is stored, within what is possible."""
    found, pruned = int(row.failed_since), int(row.pruned_failures)
    if row.succeeded or not pruned:
        return found
    return max(found, min(int(row.consecutive_failures), found + pruned))


_counted = runs.c.id >= workers.c.counted_from_run
_succeeded = _counted & (runs.c.outcome == Outcome.SUCCEEDED.value)
_failed = _counted & (runs.c.outcome == Outcome.FAILED.value)
_failed_for_good = _failed & runs.c.retry_at.is_(None)
_last_success = (
    select(workers.c.name, func.max(runs.c.id).label("run_id"))
    .join_from(workers, runs, runs.c.worker == workers.c.name)
    .where(_succeeded)
    .group_by(workers.c.name)
    .subquery()
)
_TOTALS = (
    select(
        workers.c.name,
        workers.c.success_count,
        workers.c.failure_count,
        workers.c.consecutive_failures,
        workers.c.stored_runs,
        workers.c.pruned_successes,
        workers.c.pruned_failures,
        func.count(case((_succeeded, 1))).label("succeeded"),
        func.count(case((_failed, 1))).label("failed"),
        func.count(case((_failed_for_good & (runs.c.id > func.coalesce(_last_success.c.run_id, 0)), 1))).label(
            "failed_since"
        ),
        func.count(runs.c.outcome).label("found"),
    )
    .join_from(workers, _last_success, _last_success.c.name == workers.c.name, isouter=True)
    .join(runs, runs.c.worker == workers.c.name, isouter=True)
    .group_by(workers.c.name)
    .order_by(workers.c.name)
)
_CORRECT = (
    update(workers)
    .where(workers.c.name == bindparam("_worker"))
    .values(
        success_count=bindparam("successes"),
        failure_count=bindparam("failures"),
        consecutive_failures=bindparam("consecutive"),
        stored_runs=bindparam("stored"),
        change=bindparam("changed"),
    )
)
