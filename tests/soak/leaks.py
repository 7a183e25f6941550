"""A hundred thousand runs in one process: does anything grow with them?

Run as `python -m tests.soak.leaks DATABASE RUNS CHECKPOINTS` it is the host, which measures itself while all workers
are paused and nothing is in flight; run_many() starts that, and judges.
"""

import asyncio
import gc
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tests.soak.sampling import MIB, slope
from tests.waiting import wait_for
from workerkit import BaseWorker, RunContext
from workerkit.host import Host
from workerkit.operator import Operator, Verb
from workerkit.registry import Registry
from workerkit.store.database import Database

CHECKPOINTS = 20
WARM_UP = 1 / 4
"""Of the checkpoints; caches fill there."""
MEMORY_LIMIT = 8.0
"""MiB by which memory may grow behind the warm-up."""
OBJECT_LIMIT = 2000
"""Objects by which the interpreter's count may grow behind the warm-up."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a host holds with nothing in flight."""

    runs: int
    rss_mib: float
    objects: int
    """That the garbage collector knows, after a collection."""
    threads: int
    files: int
    children: int


@dataclass
class LeakReport:
    """How the figures went. `faults` is empty when none of them grows."""

    seconds: float = 0.0
    checkpoints: list[Checkpoint] = field(default_factory=list)
    grown: list[tuple[str, int]] = field(default_factory=list)
    """Types of which there are more at the end than after the warm-up."""
    faults: list[str] = field(default_factory=list)

    def markdown(self) -> str:
        """The checkpoints as a table."""
        names = list(Checkpoint.__dataclass_fields__)
        lines = [f"| {' | '.join(names)} |", "|---" * len(names) + "|"]
        lines += [f"| {' | '.join(f'{value:,}' for value in asdict(each).values())} |" for each in self.checkpoints]
        more = ", ".join(f"{count:+,} {name}" for name, count in self.grown) or "of no type"
        lines += ["", f"{self.seconds:.0f} s. More objects at the end than after the warm-up: {more}."]
        return "\n".join([*lines, *(f"- FAULT: {fault}" for fault in self.faults)])


def run_many(runs: int, folder: Path, checkpoints: int = CHECKPOINTS) -> LeakReport:
    """Lets a host in a process of its own do so many runs, and judges what it measured on the way."""
    began = time.monotonic()
    command = [sys.executable, "-m", "tests.soak.leaks", str(folder / "leaks.db"), str(runs), str(checkpoints)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    report = LeakReport(time.monotonic() - began)
    if done.returncode != 0:
        report.faults.append(f"the host ended with {done.returncode}")
        return report
    answer = json.loads(done.stdout)
    report.checkpoints = [Checkpoint(**each) for each in answer["checkpoints"]]
    report.grown = [(name, count) for name, count in answer["grown"]]
    report.faults += _judge(report.checkpoints[int(checkpoints * WARM_UP) :])
    return report


def _judge(late: Sequence[Checkpoint]) -> list[str]:
    faults = []
    for name, limit in (("rss_mib", MEMORY_LIMIT), ("objects", OBJECT_LIMIT), ("threads", 3), ("files", 3)):
        points = [(float(each.runs), float(getattr(each, name))) for each in late]
        rise = slope(points) * (late[-1].runs - late[0].runs)
        if rise > limit:
            faults.append(f"{name} grew by {rise:,.1f} in {late[-1].runs - late[0].runs:,} runs")
    if late[-1].children:
        faults.append(f"{late[-1].children} children are left")
    return faults


class Plain(BaseWorker):
    def run(self, ctx: RunContext) -> int:
        ctx.state["count"] = ctx.state.get("count", 0) + 1
        print("run", ctx.run_id)
        ctx.progress(1, 1)
        return int(ctx.state["count"])


class Async(BaseWorker):
    async def run(self, ctx: RunContext) -> None:
        ctx.log.info("run %d", ctx.run_id)
        await asyncio.sleep(0)


class Failing(BaseWorker):
    def run(self, ctx: RunContext) -> None:
        text = "x" * 1000
        raise ValueError(ctx.run_id, text)


class FailingAsync(BaseWorker):
    timeout = "10s"

    async def run(self, ctx: RunContext) -> None:
        await asyncio.sleep(0)
        raise KeyError(ctx.run_id)


def _registry() -> Registry:
    registry = Registry()
    for number in range(120):
        kind = Failing if number % 20 == 0 else FailingAsync if number % 20 == 1 else (Plain, Async)[number % 2]
        registry.register(kind(name=f"w{number}", interval=0.1))
    return registry


class _Measured:
    """A host that is paused whenever it is measured."""

    def __init__(self, path: Path) -> None:
        self._database = Database.open(path)
        self._host = Host(self._database, _registry(), max_threads=2)
        self._operator = Operator(self._database, nudge=self._host.nudge)
        self._reader = self._database.reader()
        self._process = psutil.Process()

    def run(self, runs: int, checkpoints: int) -> dict[str, Any]:
        """The checkpoints, and the types that grew behind the warm-up."""
        taken: list[Checkpoint] = []
        early: Counter[str] = Counter()
        self._host.start()
        for number in range(1, checkpoints + 1):
            self._wait_for_runs(runs * number // checkpoints)
            self._do(Verb.PAUSE_ALL)
            wait_for(lambda: self._host.running_count() == 0, "the end of what is in flight")
            taken.append(self._measure())
            if number == max(1, int(checkpoints * WARM_UP)):
                early = _types()
            if number == checkpoints:
                break
            self._do(Verb.RESUME_ALL)
        grown = (_types() - early).most_common(10)
        self._host.stop()
        self._reader.close()
        self._database.close()
        return {"checkpoints": [asdict(each) for each in taken], "grown": grown}

    def _wait_for_runs(self, wanted: int) -> None:
        wait_for(lambda: self._runs() >= wanted, f"{wanted} runs", 600)

    def _runs(self) -> int:
        latest = self._reader.runs(limit=1)
        return latest[0].id if latest else 0

    def _do(self, verb: Verb) -> None:
        answer = self._operator.wait(self._operator.submit(verb), timeout=30)
        assert answer.state == "done", answer.result

    def _measure(self) -> Checkpoint:
        gc.collect()
        return Checkpoint(
            runs=self._runs(),
            rss_mib=round(self._process.memory_info().rss / MIB, 1),
            objects=len(gc.get_objects()),
            threads=threading.active_count(),
            files=self._process.num_fds(),
            children=len(self._process.children(recursive=True)),
        )


def _types() -> "Counter[str]":
    return Counter(f"{type(each).__module__}.{type(each).__qualname__}" for each in gc.get_objects())


if __name__ == "__main__":
    print(json.dumps(_Measured(Path(sys.argv[1])).run(int(sys.argv[2]), int(sys.argv[3]))), file=sys.__stdout__)
