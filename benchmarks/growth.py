"""Whether a run, or a key, costs more the more workers there are, and the more runs are kept."""

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import histories
from benchmarks.hosts.abreast import abreast
from benchmarks.keys import console
from benchmarks.report import Limit, Row, Table
from benchmarks.rounds import Figures, Values, figures_of
from benchmarks.throughput import DURABLE

RATE = 100
"""Runs a second: ten workers can't be due more often."""
SECONDS = 1.0
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

KEY = (
    "Processor time of the console, attached to a database without a host, for one of 32 keys, four rows down, four "
    "up, one at a time, 10 to 30 ms after the frame before: cursor, table, and the details of another worker. All "
    "consoles work at the same time."
)


def tables(rounds: int) -> list[Table]:
    with TemporaryDirectory() as folder:
        kept = {f"{runs:,} runs kept": Path(folder) / f"{runs}.db" for runs in KEPT}
        for path, runs in zip(kept.values(), KEPT, strict=True):
            histories.build(path, OF_KEPT, runs)
        known = {f"{workers:,} workers": Path(folder) / f"of {workers}.db" for workers in WORKERS}
        for path, workers in zip(known.values(), WORKERS, strict=True):
            histories.build(path, workers, KEPT[0])
        keys = _of_keys({**known, **kept}, rounds)
        runs_by_workers = {name: partial(_cost, workers) for name, workers in zip(known, WORKERS, strict=True)}
        runs_by_kept = {name: partial(_cost, OF_KEPT, path) for name, path in kept.items()}
        costs = abreast({**runs_by_workers, **runs_by_kept}, rounds)
    return [
        Table("Cost of a run, by the number of workers", "µs", COST, _rows(costs, known)),
        Table("Cost of a run, by the number of runs kept", "µs", f"{OF_KEPT:,} workers. {COST}", _rows(costs, kept)),
        Table("Cost of a key, by the number of workers", "µs", f"{KEPT[0]:,} runs. {KEY}", _rows(keys, known)),
        Table("Cost of a key, by the number of runs kept", "µs", f"{OF_KEPT:,} workers. {KEY}", _rows(keys, kept)),
    ]


def _of_keys(databases: Mapping[str, Path], rounds: int) -> dict[str, Values]:
    with ExitStack() as stack:
        subjects = {name: stack.enter_context(console("attach", "--db", path)).work for name, path in databases.items()}
        return abreast(subjects, rounds)


def _cost(workers: int, database: Path | None = None) -> Figures:
    there = () if database is None else ("--database", database)
    arguments = ("plain", "--workers", workers, "--rate", RATE, "--seconds", SECONDS, *there)
    return figures_of("benchmarks.hosts.steady", arguments)


def _rows(found: Mapping[str, Values], names: Iterable[str]) -> tuple[Row, ...]:
    first, *others = names
    return (
        Row(first, found[first]["cost"]),
        *(Row(name, found[name]["cost"], (Limit(FLAT, first),)) for name in others),
    )
