"""Our host, as `workerconsole serve` has it: everything is recorded, in a database on disk."""

import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.hosts.load import Arrived, Task
from workerkit import BaseWorker, RunContext
from workerkit.clock import Micros
from workerkit.host import Host
from workerkit.registry import Registry
from workerkit.schedule import Every
from workerkit.store.database import Database


class Plain(BaseWorker):
    catch_up = "skip"

    def __init__(self, task: Task, arrived: Arrived) -> None:
        super().__init__(name=task.name, schedule=OnGrid(task.period, task.phase))
        self.number = task.number
        self.arrived = arrived

    def run(self, ctx: RunContext) -> None:  # noqa: ARG002
        self.arrived((self.number, time.time_ns()))


class Async(Plain):
    async def run(self, ctx: RunContext) -> None:  # type: ignore[override]  # noqa: ARG002
        self.arrived((self.number, time.time_ns()))


@dataclass(frozen=True)
class OnGrid(Every):
    """An interval whose phase is given, so that everybody's workers are due at the same moments."""

    given: Micros

    def phase(self, name: str) -> Micros:  # noqa: ARG002
        return self.given


class Ours:
    """A host on a fresh database, or on one that is there already."""

    def __init__(self, database: Path, worker: type[Plain]) -> None:
        self._database = Database.open(database)
        self._reading = sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)
        self._reading.execute("PRAGMA cache_size=0")  # what we look at is not to be in the host's memory
        self._worker = worker
        self._host: Host | None = None

    def start(self, tasks: Sequence[Task], arrived: Arrived) -> None:
        registry = Registry()
        for task in tasks:
            registry.register(self._worker(task, arrived))
        self._host = Host(self._database, registry, mode="headless")
        self._host.start()

    def recorded(self) -> int:
        return int(self._reading.execute("SELECT coalesce(sum(success_count), 0) FROM workers").fetchone()[0])

    def stop(self) -> None:
        if self._host is not None:
            self._host.stop()
        self._reading.close()
        self._database.close()
