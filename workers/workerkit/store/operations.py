"""The rare transactions: a host begins or ends, workers are synchronised, operators' commands come and go.

Plain functions over a connection that is in a transaction: `writer.call(...)` inside a host, and
`database.transaction()` elsewhere. `change` is the number of that transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, CursorResult, bindparam, func, insert, select, update

from workerkit.clock import Micros
from workerkit.outcome import Status
from workerkit.store import codec, columns, rows
from workerkit.store.counters import rebuild_counters, reset_counters
from workerkit.store.models import commands, hosts, runs, worker_state, workers
from workerkit.store.prepared import Prepared
from workerkit.store.records import CommandRecord, RunRecord, WorkerRecord
from workerkit.store.recovery import recover, resting_status
from workerkit.store.text import DOCUMENT_LIMIT, LINE_LIMIT, NAME_LIMIT, storable, storable_or_none

__all__ = [
    "HostBegun",
    "WorkerSpec",
    "begin_host",
    "end_host",
    "finish_command",
    "load_retries",
    "load_states",
    "load_workers",
    "next_change",
    "pending_commands",
    "rebuild_counters",
    "reset_counters",
    "set_paused",
    "submit_command",
    "sync_workers",
]


@dataclass(frozen=True, slots=True)
class HostBegun:
    """What a new host starts from."""

    host_id: int
    next_run_id: int
    """Never used before, also not by runs that retention has deleted."""
    next_gap_id: int
    recovered: tuple[RunRecord, ...]
    """Runs that were in flight when the host before died, as they are recorded now."""


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """A worker as the code describes it. Spans are microseconds."""

    name: str
    schedule: str
    interval: Micros | None
    timeout: Micros | None
    isolation: str
    tags: tuple[str, ...]
    description: str
    source: str
    load_error: str | None
    """The traceback, where its module failed to load."""
    next_run_at: Micros | None
    policy: Mapping[str, str] = field(default_factory=dict)
    """What was chosen beside the defaults, in words."""


def next_change(connection: Connection) -> int:
    """The number for a transaction that touches workers: later than every change a reader has seen."""
    (latest,) = _LATEST_CHANGE.column(connection)
    return int(latest or 0) + 1


_LATEST_CHANGE = Prepared(select(func.max(workers.c.change)))


def begin_host(
    connection: Connection,
    change: int,
    *,
    hostname: str,
    pid: int,
    username: str,
    mode: str,
    version: str,
    targets: Sequence[str],
    now: Micros,
) -> HostBegun:
    """Recovers what dead hosts left behind, then writes this host's row. Call it with the host lock held.

    Afterwards no run is in flight, no worker is running or stuck, and every earlier host has an ending.
    """
    recovered = recover(connection, change, now)
    inserted = connection.execute(
        insert(hosts).values(
            hostname=storable(hostname, NAME_LIMIT),
            pid=pid,
            username=storable(username, NAME_LIMIT),
            mode=mode,
            version=version,
            targets=codec.to_json(list(targets)),
            started_at=now,
            heartbeat_at=now,
            recovered_runs=len(recovered),
        )
    )
    return HostBegun(_id_of(inserted), _next_id(connection, "runs"), _next_id(connection, "gaps"), recovered)


def _id_of(inserted: CursorResult[Any]) -> int:
    key = inserted.inserted_primary_key
    assert key is not None
    return int(key[0])


def _next_id(connection: Connection, table: str) -> int:
    """SQLite's own memory of the greatest id ever used, which outlives the rows."""
    sequence = connection.exec_driver_sql("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,))
    return int(sequence.scalar_one_or_none() or 0) + 1


def end_host(connection: Connection, change: int, host_id: int, now: Micros) -> None:  # noqa: ARG001 -- one signature for all
    """Closes the host's row as stopped in good order."""
    connection.execute(
        update(hosts)
        .where(hosts.c.id == host_id)
        .values(ending="stopped", stopped_at=now, heartbeat_at=now, notice=None)
    )


def load_workers(connection: Connection) -> dict[str, WorkerRecord]:
    """All workers that the database knows, by name."""
    found = connection.execute(select(*columns.WORKER).order_by(workers.c.name)).all()
    return {row[0]: rows.worker(row) for row in found}


def sync_workers(
    connection: Connection, change: int, specs: Sequence[WorkerSpec], now: Micros
) -> Mapping[str, WorkerRecord | None]:
    """Makes the workers table say what the code says; counters and pauses stay.

    A new worker, or one whose schedule changed, is covered until now; one that comes back keeps how far it was
    covered, so that the caller can tell what it missed. Workers not in `specs` become unregistered.

    Returns:
        What the database knew of each worker in `specs` before; None for a new one.
    """
    before = load_workers(connection)
    new: list[dict[str, Any]] = []
    known: list[dict[str, Any]] = []
    for spec in specs:
        record = before.get(spec.name)
        (known if record else new).append(_described(spec, record, change, now))
    if new:
        connection.execute(insert(workers), [{**row, "created_at": now} for row in new])
    if known:
        connection.execute(_DESCRIBE, [{**row, "_worker": row["name"]} for row in known])
    wanted = {spec.name for spec in specs}
    gone = [
        {"_worker": name, "change": change}
        for name, record in before.items()
        if name not in wanted and (record.registered or record.status != Status.UNREGISTERED)
    ]
    if gone:
        connection.execute(_UNREGISTER, gone)
    return {spec.name: before.get(spec.name) for spec in specs}


_DESCRIBE = update(workers).where(workers.c.name == bindparam("_worker"))
_UNREGISTER = _DESCRIBE.values(registered=False, status=Status.UNREGISTERED.value, next_run_at=None)


def _described(spec: WorkerSpec, before: WorkerRecord | None, change: int, now: Micros) -> dict[str, Any]:
    same_schedule = before is not None and before.schedule == spec.schedule
    covered_until = before.covered_until if before is not None and same_schedule else None
    return {
        "name": spec.name,
        "status": _status(spec, before),
        "schedule": spec.schedule,
        "interval_us": spec.interval,
        "timeout_us": spec.timeout,
        "isolation": spec.isolation,
        "policy": codec.to_json(dict(spec.policy)),
        "tags": codec.to_json(list(spec.tags)),
        "description": storable(spec.description, LINE_LIMIT),
        "source": storable(spec.source, LINE_LIMIT),
        "load_error": storable_or_none(spec.load_error, DOCUMENT_LIMIT),
        "registered": True,
        "next_run_at": spec.next_run_at,
        "covered_until": now if covered_until is None else covered_until,
        "change": change,
    }


def _status(spec: WorkerSpec, before: WorkerRecord | None) -> str:
    if before is not None and before.status in (Status.RUNNING, Status.STUCK):
        return before.status  # synchronised while it runs; its end sets the next status
    if spec.load_error is not None:
        return Status.BROKEN
    if before is None:
        return Status.IDLE
    return resting_status(
        paused=before.paused, suspended=before.suspended_because is not None, last_outcome=before.last_outcome
    )


def load_states(connection: Connection) -> dict[str, str]:
    """ctx.state of every worker that has one, as the JSON that its last run left."""
    return {row[0]: row[1] for row in connection.execute(select(worker_state.c.worker, worker_state.c.state))}


def load_retries(connection: Connection) -> list[RunRecord]:
    """Failed runs whose next attempt the host before still owed: the latest run of each worker that was `retrying`.

    To be read before sync_workers(), which says what every worker is now.
    """
    latest = select(func.max(runs.c.id)).where(runs.c.worker == workers.c.name).scalar_subquery()
    retrying = select(latest).where(workers.c.status == Status.RETRYING.value).scalar_subquery()
    found = connection.execute(columns.SELECT_RUNS.where(runs.c.id.in_(retrying), runs.c.retry_at.is_not(None)))
    return [rows.run(row) for row in found]


def set_paused(
    connection: Connection,
    change: int,
    worker: str,
    *,
    paused: bool,
    by: str | None,
    reason: str | None,
    now: Micros,
    status: str,
    until: Micros | None = None,
) -> None:
    """Pauses or resumes a worker; `status` is what it is from now on. A pause remembers who, when, why and until when.

    Whoever resumes a worker also lifts its suspension.
    """
    lifted = {} if paused else {"suspended_at": None, "suspended_because": None, "host_crashes": 0}
    connection.execute(
        update(workers)
        .where(workers.c.name == worker)
        .values(
            paused=paused,
            paused_at=now if paused else None,
            paused_by=storable_or_none(by, NAME_LIMIT) if paused else None,
            pause_reason=storable_or_none(reason, LINE_LIMIT) if paused else None,
            paused_until=until if paused else None,
            status=status,
            change=change,
            **lifted,
        )
    )


def submit_command(
    connection: Connection,
    *,
    verb: str,
    worker: str | None,
    params: Mapping[str, Any],
    reason: str,
    by: str,
    now: Micros,
) -> int:
    """Writes an operator's command as pending; its id. `params` is plain JSON data.

    Raises:
        TypeError, ValueError: when the params aren't.
    """
    inserted = connection.execute(
        insert(commands).values(
            verb=verb,
            worker=worker,
            params=codec.to_json(dict(params)),
            reason=storable(reason, LINE_LIMIT),
            requested_at=now,
            requested_by=storable(by, NAME_LIMIT),
            state="pending",
        )
    )
    return _id_of(inserted)


def pending_commands(connection: Connection) -> list[CommandRecord]:
    """Commands that nobody has answered, oldest first."""
    query = select(*columns.COMMAND).where(columns.PENDING).order_by(commands.c.id)
    return [rows.command(row) for row in connection.execute(query)]


def finish_command(
    connection: Connection,
    command_id: int,
    *,
    state: str,
    result: str,
    now: Micros,
    data: Any = None,
    run_id: int | None = None,
) -> bool:
    """Answers a command: `state` is done, refused or failed, `result` one sentence.

    False, and nothing written, where it was answered before.
    """
    answered = connection.execute(
        update(commands)
        .where(commands.c.id == command_id, columns.PENDING)
        .values(
            state=state,
            result=storable(result, LINE_LIMIT),
            data=None if data is None else codec.to_json(data),
            run_id=run_id,
            finished_at=now,
        )
    )
    return answered.rowcount == 1
