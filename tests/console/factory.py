"""Records and databases for tests of the console: workers with a past, without any host or scheduler."""

import json
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

from sqlalchemy import update

from workerconsole.snapshot import Snapshot
from workerkit.clock import MINUTE, SECOND, Micros
from workerkit.failures import headline
from workerkit.outcome import Failure, FailureKind, GapReason, Outcome, Result, Status, Trigger
from workerkit.store.database import Database
from workerkit.store.events import (
    Event,
    HostBeat,
    LinesCaptured,
    LogLine,
    RunFinished,
    RunProgressed,
    RunStarted,
    SlotsMissed,
)
from workerkit.store.groups import GroupState, set_group_state
from workerkit.store.models import failures
from workerkit.store.operations import (
    WorkerSpec,
    begin_host,
    end_host,
    finish_command,
    set_paused,
    submit_command,
    sync_workers,
)
from workerkit.store.records import ActivityRecord, FailureGroupRecord, HostRecord, WorkerRecord

NOW: Micros = 1_700_000_000 * SECOND


class HandClock:
    """A clock that tests move by hand."""

    def __init__(self, now: Micros = NOW) -> None:
        self.time = now

    def now(self) -> Micros:
        return self.time

    def monotonic(self) -> float:
        return self.time / SECOND

    def move(self, span: Micros) -> None:
        self.time += span


def worker(name: str = "web", **changes: Any) -> WorkerRecord:
    """A healthy idle worker of ten seconds, with what the test wants to be different."""
    fields: dict[str, Any] = {
        "name": name,
        "status": "idle",
        "schedule": "every 10s",
        "interval": 10 * SECOND,
        "timeout": None,
        "isolation": "thread",
        "tags": (),
        "description": "",
        "source": "/srv/app/workers.py:12",
        "load_error": None,
        "registered": True,
        "paused": False,
        "paused_at": None,
        "paused_by": None,
        "pause_reason": None,
        "paused_until": None,
        "suspended_at": None,
        "suspended_because": None,
        "success_count": 12,
        "failure_count": 0,
        "consecutive_failures": 0,
        "last_run_at": NOW - 4 * SECOND,
        "next_run_at": NOW + 6 * SECOND,
        "last_outcome": "succeeded",
        "last_duration": 120_000,
        "last_error": None,
        "running_run_id": None,
        "recent": tuple(("succeeded", 100_000 + 10_000 * step) for step in range(8)),
        "covered_until": NOW - 4 * SECOND,
        "created_at": NOW - 3600 * SECOND,
        "change": 1,
        "policy": {},
    }
    fields |= changes
    return WorkerRecord(recent_json=json.dumps(fields.pop("recent")), **fields)


def failing(name: str = "mail", **changes: Any) -> WorkerRecord:
    """A worker whose last three runs failed."""
    fields: dict[str, Any] = {
        "status": "failed",
        "failure_count": 3,
        "consecutive_failures": 3,
        "last_outcome": "failed",
        "last_error": "ConnectionRefusedError: [Errno 111] Connection refused",
        "recent": (("succeeded", 100_000), ("failed", 90_000), ("failed", 90_000), ("failed", 90_000)),
    }
    return worker(name, **(fields | changes))


def host(**changes: Any) -> HostRecord:
    """A host that began an hour ago."""
    fields: dict[str, Any] = {
        "id": 1,
        "hostname": "box",
        "pid": 4211,
        "username": "ops",
        "mode": "headless",
        "version": "0.1.0",
        "targets": ("workers.py",),
        "started_at": NOW - 3600 * SECOND,
        "heartbeat_at": NOW,
        "stopped_at": None,
        "ending": None,
        "recovered_runs": 0,
        "notice": None,
    }
    return HostRecord(**(fields | changes))


def activity(*failed: int, started: int = 6) -> tuple[ActivityRecord, ...]:
    """One record for each of the last minutes, the last one the current minute."""
    first = NOW - NOW % MINUTE - (len(failed) - 1) * MINUTE
    return tuple(
        ActivityRecord(first + step * MINUTE, started, max(0, started - count), count, 0)
        for step, count in enumerate(failed)
    )


def snapshot(workers: Iterable[WorkerRecord] = (), **changes: Any) -> Snapshot:
    """A snapshot of a live host with these workers, all of them changed."""
    mapping = MappingProxyType({record.name: record for record in workers})
    fields: dict[str, Any] = {
        "taken_at": NOW,
        "host": host(),
        "host_alive": True,
        "workers": mapping,
        "statuses": Counter(record.status for record in mapping.values()),
        "changed": frozenset(mapping),
        "activity": (),
        "trouble": None,
    }
    return Snapshot(**(fields | changes))


CAPTURE: dict[str, Any] = {
    "version": 1,
    "exceptions": [
        {
            "type": "ConnectionRefusedError",
            "message": "[Errno 111] Connection refused",
            "notes": [],
            "relation": "root",
            "parent": None,
            "frames": [
                {
                    "file": "/srv/app/workers.py",
                    "line": 14,
                    "function": "Mail.run",
                    "own": True,
                    "columns": [8, 30],
                    "source": [[13, "    def run(self, ctx):"], [14, "        self.connect(HOST, 25)"]],
                },
                {
                    "file": "/usr/lib/python3.11/socket.py",
                    "line": 851,
                    "function": "create_connection",
                    "own": False,
                    "columns": None,
                    "source": [[850, "            exceptions.append(exc)"], [851, "            sock.connect(sa)"]],
                },
            ],
        }
    ],
}


def spec(name: str, **changes: Any) -> WorkerSpec:
    """A worker of ten seconds as the code describes it."""
    fields: dict[str, Any] = {
        "name": name,
        "schedule": "every 10s",
        "interval": 10 * SECOND,
        "timeout": None,
        "isolation": "thread",
        "tags": (),
        "description": "",
        "source": "/srv/app/workers.py:12",
        "load_error": None,
        "next_run_at": NOW + 6 * SECOND,
    }
    return WorkerSpec(**(fields | changes))


class Seed:
    """Writes workers with a past into a database, as a host would have, through the store's own writer.

    Holds the host lock while it is open, so that a console sees a live host; nothing is scheduled and nothing runs.
    """

    def __init__(self, path: Path, *, now: Micros = NOW, alive: bool = True, mode: str = "headless") -> None:
        self.database = Database.open(path)
        self.now = now
        self._lock = self.database.host_lock()
        if alive:
            assert self._lock.acquire(timeout=1.0)
        self._writer = self.database.writer(HandClock(now))
        self._writer.start()
        self.host_id = self._writer.call(
            lambda connection, change: begin_host(
                connection,
                change,
                hostname="box",
                pid=4211,
                username="ops",
                mode=mode,
                version="0.1.0",
                targets=["workers.py"],
                now=now - 3600 * SECOND,
            )
        ).host_id
        self._writer.submit(HostBeat(self.host_id, now))
        self._next_run = 1
        self._next_gap = 1
        self._started: dict[int, RunStarted] = {}
        self._recent: dict[str, deque[tuple[str, Micros]]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Flush, and let the host lock go: the host looks dead from now on, for it never said goodbye."""
        self._writer.stop()
        self._lock.release()

    def say_goodbye(self) -> None:
        """Record that the host ended in good order."""
        self._writer.call(lambda connection, change: end_host(connection, change, self.host_id, self.now))

    def workers(self, specs: Iterable[WorkerSpec]) -> None:
        """Register exactly these workers."""
        wanted = list(specs)
        self._writer.call(lambda connection, change: sync_workers(connection, change, wanted, self.now))

    def submit(self, *events: Event) -> None:
        """Write events and wait until they are committed."""
        for event in events:
            self._writer.submit(event)
        assert self._writer.flush(timeout=10.0)

    def start(
        self,
        worker: str,
        *,
        at: Micros | None = None,
        next_in: Micros = 6 * SECOND,
        params: dict[str, Any] | None = None,
    ) -> int:
        """A run begins; its id."""
        run_id, self._next_run = self._next_run, self._next_run + 1
        at = self.now if at is None else at
        begun = self._started[run_id] = RunStarted(
            run_id,
            worker,
            1,
            Trigger.SCHEDULE,
            at,
            at,
            self.host_id,
            self.now + next_in,
            at,
            params=json.dumps(params) if params else None,
        )
        self.submit(begun)
        return run_id

    def finish(
        self,
        worker: str,
        run_id: int,
        outcome: str = "succeeded",
        *,
        at: Micros | None = None,
        took: Micros = 120_000,
        error: str = "ConnectionRefusedError: [Errno 111] Connection refused",
        status: Status | None = None,
        capture: dict[str, Any] | None = None,
        kind: FailureKind = FailureKind.ERROR,
        group: str | None = None,
    ) -> None:
        """The run ends. `group` is what the worker calls the fault."""
        failure = Failure(kind, error, capture or CAPTURE, group) if outcome == "failed" else None
        recent = self._recent.setdefault(worker, deque(maxlen=20))
        recent.append((outcome, took))
        after = status or (Status.FAILED if outcome == "failed" else Status.IDLE)
        result = Result(Outcome(outcome), failure)
        ended = self.now if at is None else at
        begun = self._started[run_id]
        self.submit(
            RunFinished(
                run_id,
                worker,
                ended,
                took,
                result,
                after,
                json.dumps(list(recent)),
                begun.started_at,
                begun.next_run_at,
                begun.due_at,
            )
        )

    def fail(self, worker: str, capture: dict[str, Any], **how: Any) -> int:
        """A run that failed like this; its id."""
        run_id = self.start(worker, at=how.get("at"), params=how.pop("params", None))
        self.finish(worker, run_id, "failed", capture=capture, **({"error": headline(capture)} | how))
        return run_id

    def only_counted(self, *run_ids: int) -> None:
        """Failures whose captures were not kept."""
        empty = update(failures).where(failures.c.run_id.in_(run_ids)).values(capture=b"")
        self._writer.call(lambda connection, _: connection.execute(empty))

    def groups(self) -> list[FailureGroupRecord]:
        """The groups as they are now."""
        with self.database.reader() as reader:
            return reader.failure_groups(self.now)

    def group_state(self, group: FailureGroupRecord, state: GroupState, note: str = "", **how: Any) -> None:
        """What an operator made of a group."""
        self._writer.call(
            lambda connection, _: set_group_state(
                connection, group.fingerprint, state, by="ops@box", note=note, now=self.now, **how
            )
        )

    def history(self, worker: str, outcomes: Sequence[str], *, every: Micros = 10 * SECOND, **how: Any) -> None:
        """Runs with these outcomes, the last of them four seconds ago."""
        for step, outcome in enumerate(outcomes):
            at = self.now - 4 * SECOND - (len(outcomes) - 1 - step) * every
            self.finish(worker, self.start(worker, at=at), outcome, at=at + how.get("took", 120_000), **how)

    def progress(self, worker: str, run_id: int, done: int, total: int | None, note: str = "") -> None:
        self.submit(RunProgressed(run_id, worker, done, total, note))

    def lines(self, worker: str, run_id: int, texts: Sequence[str], stream: str = "stdout") -> None:
        """What the run printed."""
        lines = tuple(LogLine(seq, self.now, stream, text) for seq, text in enumerate(texts))
        self.submit(LinesCaptured(run_id, worker, lines))

    def gap(self, worker: str, reason: GapReason, count: int, detail: str) -> None:
        gap_id, self._next_gap = self._next_gap, self._next_gap + 1
        first, last = self.now - 600 * SECOND, self.now - 60 * SECOND
        self.submit(
            SlotsMissed(
                gap_id, worker, reason, first, last, count, detail, self.host_id, None, self.now + 6 * SECOND, last
            )
        )

    def pause(self, worker: str, reason: str = "") -> None:
        self._writer.call(
            lambda connection, change: set_paused(
                connection, change, worker, paused=True, by="ops@box", reason=reason, now=self.now, status="paused"
            )
        )

    def command(self, verb: str, worker: str | None, *, data: Any = None, result: str = "done") -> int:
        """A command that has been answered."""

        def write(connection: Any, _: int) -> int:
            number = submit_command(
                connection, verb=verb, worker=worker, params={}, reason="", by="ops@box", now=self.now
            )
            finish_command(connection, number, state="done", result=result, now=self.now, data=data)
            return number

        return self._writer.call(write)

    def answer(self, command_id: int, state: str, result: str) -> None:
        """Answer a command, as the host would."""
        self._writer.call(
            lambda connection, _: finish_command(connection, command_id, state=state, result=result, now=self.now)
        )
