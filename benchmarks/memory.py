"""What stays in memory: the console with the host in it, the host alone, and what people would use otherwise."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from benchmarks.hosts.abreast import abreast
from benchmarks.hosts.long import RATE
from benchmarks.report import Limit, Row, Table
from benchmarks.rounds import Figures, figures_of, in_turn
from benchmarks.screens.fleet import target
from benchmarks.screens.terminal import Terminal

MIB = 2**20
SECONDS = 1.5
"""At work before it is measured."""
EVERY = "10s"
"""Of the workers; a tenth of them run each second."""
SIZES = (1_000, 10_000)
LIMITS = {1_000: 90, 10_000: 140}
"""MiB of the console with its host, by the number of workers."""
RUNS = 120_000
"""Of a host of 1,000 workers, looked at after each 20,000: then it remembers of each the twenty runs that it shows."""
FLAT = 1.05
"""How many times the memory after 20,000 runs that after 100,000 further ones may be."""


def tables(rounds: int) -> list[Table]:
    with ThreadPoolExecutor(1) as pool:
        over_runs = pool.submit(_over_runs, rounds)
        return [_resident(rounds), over_runs.result()]


def _resident(rounds: int) -> Table:
    with TemporaryDirectory() as folder:
        subjects = {"the smallest Textual app": partial(_of, ["benchmarks.screens.minimal"], b"pressed 0")}
        limits: dict[str, Limit] = {}
        for workers in SIZES:
            place = Path(folder) / str(workers)
            place.mkdir()
            file = target(place, workers, every=EVERY)
            subjects[name := f"the console and its host, {workers:,} workers"] = partial(_console, file)
            limits[name] = Limit(LIMITS[workers])
            subjects[f"the host alone, {workers:,} workers"] = partial(_host, file)
            peer = ["benchmarks.hosts.going", "threads", "--workers", workers, "--rate", workers / 10]
            subjects[f"APScheduler with threads, {workers:,} workers"] = partial(_of, peer, b"started with")
        found = abreast(subjects, rounds)
    return Table(
        "Memory",
        "MiB",
        f"Resident in each program {SECONDS:g} s after it began to work, its workers due every {EVERY}, in a "
        "pseudo-terminal. Its children, which wait to start workers in processes of their own, are not counted. The "
        "programs of a round work at the same time.",
        tuple(
            Row(name, values["resident"], (limits[name],) if name in limits else ()) for name, values in found.items()
        ),
    )


def _over_runs(rounds: int) -> Table:
    found = in_turn({"host": partial(figures_of, "benchmarks.hosts.long", ("plain", "--runs", RUNS))}, rounds)["host"]
    first = _after(next(iter(found)))
    return Table(
        "Memory over many runs",
        "MiB",
        f"One host of 1,000 plain workers, each due {RATE // 1000} times a second, on its way to {RUNS:,} runs.",
        tuple(
            Row(_after(runs), resident, (Limit(FLAT, first),) if int(runs) == RUNS else ())
            for runs, resident in found.items()
        ),
    )


def _after(runs: str) -> str:
    return f"after {int(runs):,} runs"


def _console(workers: Path) -> Figures:
    with TemporaryDirectory() as folder:
        return _of(["workerconsole", workers, "--db", Path(folder) / "console.db"], rb"worker-\d{4}")


def _host(workers: Path) -> Figures:
    with TemporaryDirectory() as folder:
        return _of(["workerconsole", "serve", workers, "--db", Path(folder) / "host.db"], b"started with")


def _of(words: Sequence[object], ready: bytes) -> Figures:
    with _Measured(words) as program:
        program.expect(ready)
        program.skim(SECONDS)
        return {"resident": program.resident()}


class _Measured(Terminal):
    def resident(self) -> float:
        """MiB."""
        return float(psutil.Process(self._process.pid).memory_info().rss) / MIB
