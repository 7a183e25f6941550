"""Keeps the database within its bounds: the oldest goes first, a little at a time, and never a run in flight."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Table, bindparam, delete, func, or_, select, update

from workerkit.clock import DAY, Micros
from workerkit.outcome import Outcome
from workerkit.store import codec
from workerkit.store.groups import forget_old_groups, forget_old_hours
from workerkit.store.models import activity, commands, failure_groups, failures, gaps, hosts, log_lines, runs, workers
from workerkit.store.prepared import Prepared

MAX_AGE: Micros = 30 * DAY
"""How long a run is kept after its end."""
MAX_RUNS_PER_WORKER = 1000
MAX_RUNS = 1_000_000
MAX_BYTES = 2 * 1024**3
"""Beyond it the oldest runs go, until what is in the file fits; their room is used again, the file does not shrink."""
LEAST_RUNS = 1000
"""The latest runs, which are kept whatever the size: something else may be what is large."""
BATCH = 250
"""Rows of each table that one call deletes at most."""
PATIENCE = 0.005
"""Seconds after which a call begins nothing more: what it holds up is the start of runs. To commit it takes as long
again, and some runs have thousands of lines."""
SLICE = 25
"""Rows that are deleted between two looks at the time."""
RECORDS_AGE: Micros = 90 * DAY
"""How long gaps and answered commands are kept; open groups of failures as well, after they were last seen."""
JUDGED_AGE: Micros = 365 * DAY
"""The same of groups that somebody has given a state: what was said of a fault is to count when it comes back."""
MAX_GAPS = 100_000
MAX_COMMANDS = 10_000
ACTIVITY_AGE: Micros = 8 * DAY
MAX_GROUPS = 5_000
"""Groups of failures. Beyond it those go that were not seen for longest, open ones first: a worker may fail in a
new way each time."""
MAX_HOSTS = 1000
"""Beyond it a host's row goes once no run and no gap refers to it."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many rows one call deleted."""

    runs: int
    gaps: int
    commands: int
    hosts: int
    groups: int

    @property
    def anything(self) -> bool:
        """Whether there may be more to delete."""
        return any((self.runs, self.gaps, self.commands, self.hosts, self.groups))


class _Doomed(NamedTuple):
    id: int
    worker: str
    outcome: str
    counted: bool
    """Whether the worker's counters were moved by it."""


def prune(
    connection: Connection,
    *,
    now: Micros,
    max_age: Micros = MAX_AGE,
    max_runs_per_worker: int = MAX_RUNS_PER_WORKER,
    max_runs: int = MAX_RUNS,
    max_bytes: int = MAX_BYTES,
    batch: int = BATCH,
    patience: float = PATIENCE,
) -> Pruned:
    """Deletes what is too old, too many or too large: at most `batch` runs, with their failures and lines, and as many
    other rows; what can't be done within about `patience` seconds is left for the next call.

    Call it until it deletes no more. `now` is not simply the wall clock, see ages_from(). Counters stay as they are,
    and remain explainable: what is pruned of them is noted in the worker's row. Costs a few small
    queries when there is nothing to do.
    """
    ends_at = time.monotonic() + patience
    doomed = _too_old_or_too_many(connection, now - max_age, _excess(connection, max_runs, max_bytes, batch), batch)
    if len(doomed) < batch:
        known = {run.id for run in doomed}
        crowded = _too_many_of_one_worker(connection, max_runs_per_worker, batch)
        doomed += [run for run in crowded if run.id not in known][: batch - len(doomed)]
    deleted = _delete_for_a_while(connection, doomed, ends_at)
    if deleted and time.monotonic() > ends_at:
        return Pruned(deleted, 0, 0, 0, 0)
    connection.execute(delete(activity).where(activity.c.minute < now - ACTIVITY_AGE))
    forget_old_hours(connection, now)
    old = now - RECORDS_AGE
    return Pruned(
        runs=deleted,
        gaps=_delete_oldest(connection, gaps, MAX_GAPS, batch, age=gaps.c.last_due_at < old),
        commands=_delete_oldest(
            connection,
            commands,
            MAX_COMMANDS,
            batch,
            age=commands.c.finished_at < old,
            only=commands.c.state != "pending",
        ),
        hosts=_delete_oldest(connection, hosts, MAX_HOSTS, batch, only=_UNREFERRED),
        groups=forget_old_groups(
            connection,
            open_before=old,
            judged_before=now - JUDGED_AGE,
            most=MAX_GROUPS,
            batch=min(batch, SLICE),  # each has the hours and the workers that it was seen in
        ),
    )


def ages_from(connection: Connection, now: Micros) -> Micros:
    """The moment from which a host that starts now counts ages: the last sign of life of the host before, at most now.

    To it the host adds the time for which it has been up. So neither a clock that jumps ahead nor a long downtime makes
    the history old at one stroke.
    """
    before = connection.scalar(_LAST_SIGN)
    return now if before is None else min(now, before)


_LAST_SIGN = (
    select(func.max(hosts.c.started_at, hosts.c.heartbeat_at, func.coalesce(hosts.c.stopped_at, 0)))
    .where(hosts.c.ending.is_not(None))
    .order_by(hosts.c.id.desc())
    .limit(1)
)


def _excess(connection: Connection, max_runs: int, max_bytes: int, batch: int) -> int:
    """How many of the oldest runs have to go for want of room, as far as this batch is concerned."""
    count = _COUNT_RUNS.column(connection)[0] or 0
    too_large = min(batch, count - LEAST_RUNS) if _bytes_used(connection) > max_bytes else 0
    return max(count - max_runs, too_large)


def _bytes_used(connection: Connection) -> int:
    """What the file holds, without pages that are free to be used again."""
    return int(connection.exec_driver_sql(_BYTES_USED).scalar_one())


_BYTES_USED = (
    "SELECT (page_count - freelist_count) * page_size"
    " FROM pragma_page_count(), pragma_freelist_count(), pragma_page_size()"
)


def _too_old_or_too_many(connection: Connection, cutoff: Micros, excess: int, batch: int) -> list[_Doomed]:
    """Looks at the oldest only: ids grow with time, so where none of them is due, none is."""
    oldest = _OLDEST.rows(connection, batch)
    return [
        _Doomed._make(doomed)
        for place, (finished_at, *doomed) in enumerate(oldest)
        if place < excess or finished_at < cutoff
    ]


_COUNT_RUNS = Prepared(select(func.sum(workers.c.stored_runs)))
_OLDEST_RUNS = (
    select(
        runs.c.finished_at,
        runs.c.id,
        runs.c.worker,
        runs.c.outcome,
        (runs.c.id >= func.coalesce(workers.c.counted_from_run, 0)).label("counted"),
    )
    .join_from(runs, workers, workers.c.name == runs.c.worker, isouter=True)
    .where(runs.c.outcome.is_not(None))
    .order_by(runs.c.id)
    .limit(bindparam("batch"))
)
_OLDEST = Prepared(_OLDEST_RUNS, "batch")


def _too_many_of_one_worker(connection: Connection, max_runs_per_worker: int, batch: int) -> list[_Doomed]:
    doomed: list[_Doomed] = []
    for name, excess in _CROWDED.rows(connection, max_runs_per_worker, batch):
        found = _OLDEST_OF_WORKER.rows(connection, name, min(excess, batch - len(doomed)))
        doomed += [_Doomed._make(values) for _, *values in found]
        if len(doomed) >= batch:
            break
    return doomed


_CROWDED = Prepared(
    select(workers.c.name, workers.c.stored_runs - bindparam("most"))
    .where(workers.c.stored_runs > bindparam("most"))
    .limit(bindparam("batch")),
    *("most", "batch"),
)
_OLDEST_OF_WORKER = Prepared(_OLDEST_RUNS.where(runs.c.worker == bindparam("name")), "name", "batch")


def _delete_for_a_while(connection: Connection, doomed: Sequence[_Doomed], ends_at: float) -> int:
    """Deletes runs, the first of them first, until the time is up; how many."""
    for start in range(0, len(doomed), SLICE):
        _delete_runs(connection, doomed[start : start + SLICE])
        if time.monotonic() > ends_at:
            return min(start + SLICE, len(doomed))
    return len(doomed)


def _delete_runs(connection: Connection, doomed: Sequence[_Doomed]) -> None:
    stored = Counter(run.worker for run in doomed)
    counted = Counter((run.worker, run.outcome) for run in doomed if run.counted)
    _NOTE_PRUNED.execute(
        connection,
        [
            (worker, number, counted[worker, Outcome.SUCCEEDED.value], counted[worker, Outcome.FAILED.value])
            for worker, number in stored.items()
        ],
    )
    ids = codec.to_json([run.id for run in doomed])
    for statement in _DELETE_RUNS:
        statement.execute(connection, [(ids,)])


_NOTE_PRUNED = Prepared(
    update(workers)
    .where(workers.c.name == bindparam("_worker"))
    .values(
        stored_runs=workers.c.stored_runs - bindparam("stored"),
        pruned_successes=workers.c.pruned_successes + bindparam("successes"),
        pruned_failures=workers.c.pruned_failures + bindparam("failures"),
    ),
    *("_worker", "stored", "successes", "failures"),
)
_THESE = select(func.json_each(bindparam("ids")).table_valued("value").c.value)
_first_of_its_group = (
    select(failure_groups.c.fingerprint)
    .where(failure_groups.c.fingerprint == failures.c.fingerprint, failure_groups.c.first_run_id == failures.c.run_id)
    .exists()
)
_DELETE_RUNS = (
    Prepared(delete(log_lines).where(log_lines.c.run_id.in_(_THESE)), "ids"),
    Prepared(delete(failures).where(failures.c.run_id.in_(_THESE), ~_first_of_its_group), "ids"),
    Prepared(delete(runs).where(runs.c.id.in_(_THESE)), "ids"),
)
_UNREFERRED = ~(
    select(runs.c.id).where(runs.c.host_id == hosts.c.id).exists()
    | select(gaps.c.id).where(gaps.c.host_id == hosts.c.id).exists()
)


def _delete_oldest(
    connection: Connection,
    table: Table,
    most: int,
    batch: int,
    *,
    age: ColumnElement[bool] | None = None,
    only: ColumnElement[bool] | None = None,
) -> int:
    """Of the oldest `batch` rows, those that are beyond the latest `most`, or of that age."""
    latest = select(func.max(table.c.id)).scalar_subquery()
    due = table.c.id <= latest - most if age is None else or_(age, table.c.id <= latest - most)
    oldest = select(table.c.id).order_by(table.c.id).limit(batch)
    statement = delete(table).where(table.c.id.in_(oldest), due)
    return _rowcount(connection, statement if only is None else statement.where(only))


def _rowcount(connection: Connection, statement: Any) -> int:
    return int(connection.execute(statement).rowcount)
