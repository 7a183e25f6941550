"""A database with a host's writer and a reader on it, and short words for what tests do with them."""

import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.clocks import HandClock
from tests.waiting import wait_for
from workerkit.clock import SECOND, Micros
from workerkit.outcome import Failure, FailureKind, Outcome, Result, Status, Trigger
from workerkit.store import operations
from workerkit.store.database import Database
from workerkit.store.events import Event, HostBeat, RunFinished, RunStarted
from workerkit.store.operations import HostBegun, WorkerSpec
from workerkit.store.records import RunRecord, WorkerRecord
from workerkit.store.writer import Writer

SUCCEEDED = Result(Outcome.SUCCEEDED)
FAILED = Result(Outcome.FAILED, Failure(FailureKind.ERROR, "ValueError: no", {"version": 1, "exceptions": []}))
CANCELLED = Result(Outcome.CANCELLED)


def spec(name: str, **changes: Any) -> WorkerSpec:
    """A worker of one second."""
    fields = {
        "schedule": "every 1s",
        "interval": SECOND,
        "timeout": None,
        "isolation": "thread",
        "tags": (),
        "description": "",
        "source": "",
        "load_error": None,
        "next_run_at": None,
    }
    return WorkerSpec(name=name, **{**fields, **changes})


class Bench:
    """What a host does to its database, without the host. Begin a host before runs."""

    def __init__(self, path: Path) -> None:
        self.clock = HandClock()
        self.database = Database.open(path)
        self.reader = self.database.reader()
        self.writer = self.new_writer()
        self.host_id = 0
        self.next_run_id = 1

    def new_writer(self) -> Writer:
        self.writer = self.database.writer(self.clock)
        self.writer.start()
        return self.writer

    def begin_host(self, *names: str, pid: int = 4711) -> HostBegun:
        """Begins a host with workers of these names."""
        begun = self.writer.call(
            lambda connection, change: operations.begin_host(
                connection,
                change,
                hostname="box",
                pid=pid,
                username="op",
                mode="library",
                version="0",
                targets=["jobs.py"],
                now=self.clock.now(),
            )
        )
        self.host_id, self.next_run_id = begun.host_id, begun.next_run_id
        if names:
            self.sync(*(spec(name) for name in names))
        return begun

    def sync(self, *specs: WorkerSpec) -> dict[str, WorkerRecord | None]:
        return dict(
            self.writer.call(
                lambda connection, change: operations.sync_workers(connection, change, specs, self.clock.now())
            )
        )

    def write(self, *events: Event) -> list[BaseException | None]:
        """Submits events and waits until they are committed; what each sender was told."""
        told: list[BaseException | None] = []
        for event in events:
            self.writer.submit(event, told.append)
        assert self.writer.flush(20)
        return told

    def write_together(
        self, *events: Event, meanwhile: Callable[[], object] = lambda: None
    ) -> list[BaseException | None]:
        """The same in one transaction: they are submitted, and `meanwhile` is called, while the writer is busy."""
        busy, go_on = threading.Event(), threading.Event()

        def hold(_error: BaseException | None) -> None:
            busy.set()
            go_on.wait(20)

        told: list[BaseException | None] = []
        self.writer.submit(HostBeat(self.host_id, self.clock.now()), hold)
        assert busy.wait(20)
        for event in events:
            self.writer.submit(event, told.append)
        meanwhile()
        go_on.set()
        wait_for(lambda: len(told) == len(events), "all senders to be told")
        return told

    def started(self, worker: str, **changes: Any) -> RunStarted:
        """The event of a run that begins now, with the next id."""
        fields: dict[str, Any] = {
            "run_id": self.next_run_id,
            "attempt": 1,
            "trigger": Trigger.SCHEDULE,
            "due_at": self.clock.now(),
            "started_at": self.clock.now(),
            "host_id": self.host_id,
            "next_run_at": self.clock.now() + SECOND,
            "covered_until": self.clock.now(),
        }
        event = RunStarted(worker=worker, **{**fields, **changes})
        self.next_run_id = max(self.next_run_id, event.run_id) + 1
        return event

    def finished(self, start: RunStarted, result: Result = SUCCEEDED, **changes: Any) -> RunFinished:
        """The event of that run's end, now."""
        fields: dict[str, Any] = {
            "finished_at": self.clock.now(),
            "duration": self.clock.now() - start.started_at,
            "status": Status.FAILED if result.outcome is Outcome.FAILED else Status.IDLE,
            "recent": "[]",
            "last_run_at": start.started_at,
            "next_run_at": start.next_run_at,
            "covered_until": start.covered_until or 0,
        }
        return RunFinished(run_id=start.run_id, worker=start.worker, result=result, **{**fields, **changes})

    def run(self, worker: str, result: Result = SUCCEEDED, seconds: float = 0.25) -> int:
        """A whole run; its id."""
        start = self.started(worker)
        self.clock.advance(seconds)
        assert self.write(start, self.finished(start, result)) == [None, None]
        return start.run_id

    def worker(self, name: str) -> WorkerRecord:
        record = self.reader.worker(name)
        assert record is not None
        return record

    def record(self, run_id: int) -> RunRecord:
        record = self.reader.run(run_id)
        assert record is not None
        return record

    def counters(self, name: str) -> tuple[int, int, int]:
        """Successes, failures, and failures in a row."""
        record = self.worker(name)
        return record.success_count, record.failure_count, record.consecutive_failures

    def sql(self, statement: str, *parameters: Any) -> list[Any]:
        """Runs plain SQL beside everything else."""
        return sql(self.database.path, statement, *parameters)

    def close(self) -> None:
        self.writer.stop()
        self.reader.close()
        self.database.close()


def sql(path: Path, statement: str, *parameters: Any) -> list[Any]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return connection.execute(statement, parameters).fetchall()


def names(records: Sequence[WorkerRecord]) -> list[str]:
    return [record.name for record in records]


def moment(bench: Bench, seconds: float) -> Micros:
    """So many seconds from the bench's now."""
    return bench.clock.now() + round(seconds * SECOND)
