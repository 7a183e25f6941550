"""A history of a million runs: what screens ask of it, what pruning it costs, how large it is."""

import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import histories
from benchmarks.past.questions import INDEX
from benchmarks.report import Limit, Row, Table
from benchmarks.rounds import Figures, Values, figures_of, in_turn

RUNS_PER_WORKER = 1_000
"""As many as retention keeps."""
SIZES = (100_000, 1_000_000)
LARGEST = SIZES[-1]
CALLS = 20
"""Times that each question is asked in a round."""
PRUNED = 20_000
"""Runs that are pruned in a round: five rounds make a hundred thousand."""
RECORDED = 5_000
"""Runs that are added in a round, for their size."""
YOUNG = 1_000
"""Runs of the history that is only begun."""

ANSWER = Limit(3.0)
DELAY = Limit(50.0)
BYTES = Limit(250.0)
OPENING = 1.2


REMARKS = {
    "p50, p95 and p99 of a worker's 1,000 runs": (
        " Workers take turns, so each of its runs lies on a page of its own: four megabytes are read. An index of "
        "durations would answer in a tenth of the time, and make every run dearer to write."
    ),
    "groups of failures by urgency": (
        " The answer has the workers and the hours of each group: of 1,000,000 runs twenty workers a group."
    ),
}
"""What else is to be said of a question."""


def tables(rounds: int) -> list[Table]:
    with TemporaryDirectory() as folder:
        past = _Past(Path(folder))
        found = in_turn(
            {
                **{_runs(size): partial(past.ask, size) for size in SIZES},
                "pruning": partial(figures_of, "benchmarks.past.pruning", (past.pruned, PRUNED)),
                "size": partial(figures_of, "benchmarks.past.size", (past.growing, RECORDED)),
                "young": partial(figures_of, "benchmarks.past.opening", (past.young,)),
                "old": partial(figures_of, "benchmarks.past.opening", (past.kept[LARGEST],)),
            },
            rounds,
        )
    return [
        *(_question(name, found) for name in _questions(found, "raw")),
        _others(found[_runs(LARGEST)], _questions(found, "raw")),
        _pruning(found["pruning"]),
        _size(found["size"]),
        _opening(found),
    ]


class _Past:
    """The histories that are asked, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.kept = {size: folder / f"{size}.db" for size in SIZES}
        for size, path in self.kept.items():
            histories.build(path, size // RUNS_PER_WORKER, size)
        self.young = folder / "young.db"
        histories.build(self.young, LARGEST // RUNS_PER_WORKER, YOUNG)
        self._indexed, self.pruned, self.growing = (folder / f"{name}.db" for name in ("indexed", "pruned", "growing"))
        for copy in (self._indexed, self.pruned, self.growing):
            shutil.copy(self.kept[LARGEST], copy)
        with closing(sqlite3.connect(self._indexed)) as connection:
            connection.execute(INDEX)

    def ask(self, size: int) -> Figures:
        beside = (self._indexed,) if size == LARGEST else ()
        return figures_of("benchmarks.past.questions", (CALLS, self.kept[size], *beside))


def _runs(size: int) -> str:
    return f"{size:,} runs"


def _questions(found: dict[str, Values], answered_by: str) -> list[str]:
    prefix = f"{answered_by}, median: "
    return [figure.removeprefix(prefix) for figure in found[_runs(LARGEST)] if figure.startswith(prefix)]


def _question(name: str, found: dict[str, Values]) -> Table:
    first, *larger = map(_runs, SIZES)
    ours, largest = f"ours, median: {name}", found[_runs(LARGEST)]
    return Table(
        f"History: {name}",
        "ms",
        f"Medians of {CALLS} calls, each about another worker or moment, from the question to frozen records; raw "
        f"sqlite3 fetches the same as tuples, by an index of its own. {RUNS_PER_WORKER:,} runs a worker over 20 days, "
        "2 % of them failed; the file is in the machine's memory. p95: 95 of 100 calls took no longer."
        + REMARKS.get(name, ""),
        (
            Row(f"raw sqlite3, {_runs(LARGEST)}", largest[f"raw, median: {name}"]),
            Row(first, found[first][ours]),
            *(Row(size, found[size][ours]) for size in larger),
            Row(f"{_runs(LARGEST)}, p95", largest[f"ours, p95: {name}"], (ANSWER,)),
            Row(f"raw sqlite3, {_runs(LARGEST)}, p95", largest[f"raw, p95: {name}"]),
        ),
    )


def _others(largest: Values, told: Sequence[str]) -> Table:
    prefix = "ours, p95: "
    names = [figure.removeprefix(prefix) for figure in largest if figure.startswith(prefix)]
    return Table(
        f"History: all else that the feed, the screens and `why` ask, {_runs(LARGEST)}",
        "ms",
        f"The 95th percentile of {CALLS} calls, as above.",
        tuple(Row(name, largest[prefix + name], (ANSWER,)) for name in names if name not in told),
    )


def _pruning(values: Values) -> Table:
    return Table(
        f"Starts of runs while {PRUNED:,} old ones are pruned",
        "ms",
        "From the submission of a start to its commit (WAL, synchronous=NORMAL: a killed process loses nothing), 200 a "
        f"second, on {_runs(LARGEST)}; at least {min(values['runs pruned a second']):,.0f} of them a second are pruned "
        "meanwhile, with all that belongs to them.",
        (
            Row("without pruning, median", values["alone, median"]),
            Row("without pruning, longest", values["alone, longest"]),
            Row("while pruning, median", values["beside, median"]),
            Row("while pruning, longest", values["beside, longest"], (DELAY,)),
        ),
    )


def _size(values: Values) -> Table:
    return Table(
        "Size of a run in the database",
        "bytes",
        f"By how much the file grows for each of {RECORDED:,} plain runs that a host's writer adds to "
        f"{_runs(LARGEST)}, with their share of all indexes; and the whole file, with failures, groups and lines, for "
        "each run in it.",
        (
            Row("a further plain run", values["a further run"], (BYTES,)),
            Row("the whole file", values["all"], (BYTES,)),
        ),
    )


def _opening(found: dict[str, Values]) -> Table:
    young, old = _runs(YOUNG), _runs(LARGEST)
    return Table(
        "The console's first picture of the database",
        "ms",
        f"From the start of its feed to the first picture of {LARGEST // RUNS_PER_WORKER:,} workers; its modules are "
        "imported before.",
        (
            Row(young, found["young"]["first picture"]),
            Row(old, found["old"]["first picture"], (Limit(OPENING, young),)),
        ),
    )
