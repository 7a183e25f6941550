"""What a dead host left behind is put right, before the next host does anything else."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, case, func, select, update

from workerkit.clock import Micros
from workerkit.outcome import Failure, FailureKind, Outcome, Result, Status, Trigger
from workerkit.store import codec, columns, rows
from workerkit.store.events import RunFinished
from workerkit.store.models import hosts, runs, workers
from workerkit.store.records import HostRecord, RunRecord
from workerkit.store.run_writes import run_finished

RECENT_RUNS = 20
"""How many of its latest runs a worker's row lists in `recent`."""
CRASH_LOOP = 3
"""Deaths of the host in a row with the same worker in flight; then it is started no more until somebody says so."""


def resting_status(*, paused: bool, suspended: bool, last_outcome: str | None) -> str:
    """What a worker is while none of its runs is in flight."""
    if suspended:
        return Status.SUSPENDED
    if paused:
        return Status.PAUSED
    return Status.FAILED if last_outcome == Outcome.FAILED else Status.IDLE


def recover(connection: Connection, change: int, now: Micros) -> tuple[RunRecord, ...]:
    """Ends every run in flight as failed by a crash, closes the rows of dead hosts, and lets no worker look busy.

    A worker that was in flight, within the host's own process, at CRASH_LOOP deaths of the host in a row is suspended:
    it may be what kills the host. A run of it that ends in between sets the count back to zero.

    Only to be called while no host lives. Returns the runs as they are recorded now, oldest first.
    """
    found = connection.execute(columns.SELECT_RUNS.where(runs.c.outcome.is_(None)).order_by(runs.c.id)).all()
    in_flight = [rows.run(row) for row in found]
    owners = {run.host_id: _host(connection, run.host_id) for run in in_flight}
    crashed = tuple(_crashed(run, owners[run.host_id]) for run in in_flight)
    deaths = _deaths(connection, {run.worker for run in in_flight if owners[run.host_id].ending is None})
    run_finished(connection, change, _endings(connection, crashed))
    if deaths:
        connection.execute(_COUNT_DEATH, [{"_worker": name, "deaths": count} for name, count in deaths.items()])
    suspended = [
        {"_worker": name, "since": now, "because": _SUSPICION.format(count)}
        for name, count in deaths.items()
        if count >= CRASH_LOOP
    ]
    if suspended:
        connection.execute(_SUSPEND, suspended)
    connection.execute(_REST, {"changed": change})
    connection.execute(_CLOSE)
    return crashed


_REST = (
    update(workers)
    .where(
        workers.c.status.in_([Status.RUNNING.value, Status.STUCK.value])
        | workers.c.running_run_id.is_not(None)
        | (workers.c.suspended_because.is_not(None) & (workers.c.status == Status.FAILED.value))
    )
    .values(
        status=case(
            (workers.c.suspended_because.is_not(None), Status.SUSPENDED.value),
            (workers.c.paused, Status.PAUSED.value),
            (workers.c.last_outcome == Outcome.FAILED.value, Status.FAILED.value),
            else_=Status.IDLE.value,
        ),
        running_run_id=None,
        change=bindparam("changed"),
    )
)
_COUNT_DEATH = update(workers).where(workers.c.name == bindparam("_worker")).values(host_crashes=bindparam("deaths"))
_SUSPEND = (
    update(workers)
    .where(workers.c.name == bindparam("_worker"), workers.c.suspended_because.is_(None))
    .values(suspended_at=bindparam("since"), suspended_because=bindparam("because"))
)
_SUSPICION = (
    "it was running at {} deaths of the host in a row, and may be what kills it; "
    "mend it, or give it isolation='process', then resume it"
)
_CLOSE = (
    update(hosts)
    .where(hosts.c.ending.is_(None))
    .values(ending="crashed", stopped_at=func.max(hosts.c.started_at, hosts.c.heartbeat_at))
)


def _host(connection: Connection, host_id: int) -> HostRecord:
    return rows.host(connection.execute(select(*columns.HOST).where(hosts.c.id == host_id)).one())


def _deaths(connection: Connection, in_flight: set[str]) -> dict[str, int]:
    """For each worker that ran inside a host that died: how many such deaths that makes in a row."""
    query = select(workers.c.name, workers.c.host_crashes).where(workers.c.isolation != "process")
    return {row.name: row.host_crashes + 1 for row in connection.execute(query) if row.name in in_flight}


def _crashed(run: RunRecord, host: HostRecord) -> RunRecord:
    """The run as its host's death ends it: at the host's last sign of life."""
    what = "died while this run was in flight" if host.ending is None else "left without recording how this run ended"
    finished_at = max(run.started_at, host.heartbeat_at)
    return run._replace(
        outcome=Outcome.FAILED.value,
        kind=FailureKind.CRASH.value,
        error=f"the host {what} (host {host.id}, {run.host})",
        finished_at=finished_at,
        duration=finished_at - run.started_at,
        dropped_lines=run.dropped_lines or 0,
    )


@dataclass(slots=True)
class _Told:
    """What a worker's row is to say once its runs in flight have ended. Their starts may have left that out."""

    paused: bool = False
    recent: list[list[Any]] = field(default_factory=list)
    last_run_at: Micros = 0
    next_run_at: Micros | None = None
    covered_until: Micros = 0

    def take_in(self, run: RunRecord) -> None:
        self.recent = [*self.recent, [run.outcome, run.duration]][-RECENT_RUNS:]
        self.last_run_at = max(self.last_run_at, run.started_at)
        if run.trigger != Trigger.MANUAL:
            self.covered_until = max(self.covered_until, run.due_at)


def _endings(connection: Connection, crashed: tuple[RunRecord, ...]) -> list[RunFinished]:
    told = {run.worker: _Told() for run in crashed}
    for name, paused, recent, last_run_at, next_run_at, covered_until in connection.execute(_SAID).all():
        if name in told:
            told[name] = _Told(paused, codec.from_json(recent, []), last_run_at or 0, next_run_at, covered_until or 0)
    endings = []
    for run in crashed:
        assert run.finished_at is not None
        assert run.duration is not None
        assert run.error is not None
        assert run.dropped_lines is not None
        worker = told[run.worker]
        worker.take_in(run)
        capture = {"version": 1, "exceptions": [], "note": run.error}
        endings.append(
            RunFinished(
                run_id=run.id,
                worker=run.worker,
                finished_at=run.finished_at,
                duration=run.duration,
                result=Result(Outcome.FAILED, Failure(FailureKind.CRASH, run.error, capture)),
                status=Status.PAUSED if worker.paused else Status.FAILED,
                recent=codec.to_json(worker.recent),
                last_run_at=worker.last_run_at,
                next_run_at=worker.next_run_at,
                covered_until=worker.covered_until,
                dropped_lines=run.dropped_lines,
            )
        )
    return endings


_SAID = select(
    workers.c.name,
    workers.c.paused,
    workers.c.recent,
    workers.c.last_run_at,
    workers.c.next_run_at,
    workers.c.covered_until,
)
