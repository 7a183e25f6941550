"""A host on a database of its own, stopped at the end of the test."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.waiting import wait_for
from workerkit.host import Host
from workerkit.operator import Operator
from workerkit.registry import Registry
from workerkit.store.database import Database
from workerkit.store.records import CommandRecord, RunRecord, WorkerRecord


class Bench:
    """A database, and hosts on it, with short words for what tests ask."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.database = Database.open(path)
        self.reader = self.database.reader()
        self.hosts: list[Host] = []

    def host(self, *workers: Any, grace: float = 5.0, start: bool = True, **options: Any) -> Host:
        registry = Registry()
        for worker in workers:
            registry.register(worker)
        host = Host(self.database, registry, grace=grace, **options)
        self.hosts.append(host)
        if start:
            host.start()
        return host

    def ask(self, verb: str, worker: str | None = None, **options: Any) -> CommandRecord:
        """Submits a command and waits for its answer."""
        nudge = self.hosts[-1].nudge if self.hosts else lambda: None
        operator = Operator(self.database, by="tester", nudge=nudge)
        return operator.wait(operator.submit(verb, worker, **options), timeout=20)

    def run(self, worker: str, **params: Any) -> RunRecord:
        """Runs a worker now and waits until its run is recorded as ended."""
        answer = self.ask("run", worker, params=params)
        assert answer.state == "done", answer.result
        return self.ended(answer.run_id)

    def begin(self, worker: str, **params: Any) -> int:
        """Runs a worker now and returns the id of the run; its code has begun, and may still go on.

        A run that the database calls running may still wait for its thread, and a request to stop would find it there.
        """
        answer = self.ask("run", worker, params=params)
        assert answer.run_id is not None, answer.result
        run_id, engine = answer.run_id, self.hosts[-1]._engine
        assert engine is not None

        def begun() -> bool:
            return all(active.began is not None for active in engine.roster.active() if active.run.id == run_id)

        wait_for(begun, f"the first line of run {run_id}")
        return run_id

    def ended(self, run_id: int | None) -> RunRecord:
        assert run_id is not None

        def look() -> list[RunRecord]:
            record = self.reader.run(run_id)
            return [record] if record is not None and record.outcome is not None else []

        return wait_for(look, f"the end of run {run_id}")[0]

    def worker(self, name: str) -> WorkerRecord:
        record = self.reader.worker(name)
        assert record is not None, f"no worker {name}"
        return record

    def wait_worker(self, name: str, condition: Callable[[WorkerRecord], object]) -> WorkerRecord:
        wait_for(lambda: condition(self.worker(name)), f"the state of {name}")
        return self.worker(name)

    def close(self) -> None:
        for host in self.hosts:
            host.stop(grace=0)
        self.reader.close()
        self.database.close()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path / "data" / "bench.db")
    yield bench
    bench.close()
