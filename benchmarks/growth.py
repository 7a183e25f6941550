"""Whether a run costs more the more workers there are, and the more runs are kept."""

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import histories
from benchmarks.hosts.abreast import abreast
from benchmarks.report import Limit, Row, Table
from benchmarks.rounds import Figures, Values, figures_of
from benchmarks.throughput import DURABLE

RATE = 100
"""Runs a second: ten workers can't be due more often."""
SECONDS = 3.0
WORKERS = (10, 100, 1_000, 10_000)
KEPT = (10_000, 100_000, 1_000_000)
"""Runs in the database before it begins."""
OF_KEPT = 1_000
"""Workers whose runs they are."""
FLAT = 1.5
"""How many times the cost at the smallest size that at the others may be."""

COST = (
    f"Processor time of the whole process for one of {RATE} runs a second, with all that a host does beside them. "
    f"{DURABLE} The hosts of a round work at the same time."
)


def tables(rounds: int) -> list[Table]:
    with TemporaryDirectory() as folder:
        kept = {runs: Path(folder) / f"{runs}.db" for runs in KEPT}
        for runs, path in kept.items():
            histories.build(path, OF_KEPT, runs)
        subjects = {f"{workers:,} workers": partial(_cost, workers) for workers in WORKERS}
        subjects |= {f"{runs:,} runs kept": partial(_cost, OF_KEPT, path) for runs, path in kept.items()}
        found = abreast(subjects, rounds)
    by_workers = {name: found[name] for name in list(found)[: len(WORKERS)]}
    by_kept = {name: found[name] for name in list(found)[len(WORKERS) :]}
    return [
        Table("Cost of a run, by the number of workers", "µs", COST, _rows(by_workers)),
        Table("Cost of a run, by the number of runs kept", "µs", f"{OF_KEPT:,} workers. {COST}", _rows(by_kept)),
    ]


def _cost(workers: int, database: Path | None = None) -> Figures:
    there = () if database is None else ("--database", database)
    arguments = ("plain", "--workers", workers, "--rate", RATE, "--seconds", SECONDS, *there)
    return figures_of("benchmarks.hosts.steady", arguments)


def _rows(found: dict[str, Values]) -> tuple[Row, ...]:
    first = next(iter(found))
    return tuple(
        Row(name, values["cost"], () if name == first else (Limit(FLAT, first),)) for name, values in found.items()
    )
