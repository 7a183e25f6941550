"""How late workers begin, from the moment that they are due to the first line of their code, and what that costs."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from benchmarks.report import Limit, Row, Table
from benchmarks.rounds import Figures, Values, figures_of, in_turn
from benchmarks.throughput import DURABLE

SECONDS = {100: 1.5, 1_000: 0.7, 10_000: 0.7}
"""Length of what is measured, after a warm-up, by the number of workers: few of them are due only now and then."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Somebody who hosts so many workers."""

    hosting: str
    workers: int

    def __str__(self) -> str:
        return f"{NAMES[self.hosting]}, {self.workers:,} workers"

    @property
    def ours(self) -> bool:
        return self.hosting == "plain"

    def measure(self) -> Figures:
        arguments = (self.hosting, "--workers", self.workers, "--seconds", SECONDS[self.workers])
        return figures_of("benchmarks.hosts.steady", arguments)


NAMES = {
    "heap": "bare heap loop",
    "threads": "APScheduler with threads",
    "asyncio": "APScheduler with asyncio",
    "plain": "workerkit",
}
SUBJECTS = (
    Subject("threads", 100),
    Subject("plain", 100),
    Subject("threads", 1_000),
    Subject("plain", 1_000),
    Subject("heap", 10_000),
    Subject("threads", 10_000),
    Subject("asyncio", 10_000),
    Subject("plain", 10_000),
)
LATE = {100: 10, 1_000: 15, 10_000: 60}
"""Milliseconds that the 99th of 100 runs may be late, by the number of workers."""
BUSY = {100: 3, 1_000: 20, 10_000: 90}
"""Percent of a core, by the number of workers."""
SCHEDULED = {10_000: 2}
"""Seconds for the workers to be registered and scheduled, by their number."""

LOAD = (
    "Workers of 1 to 10 s that do nothing: 100 of them are due about 30 times a second, 1,000 about 290 times, 10,000 "
    "about 2,930 times."
)


def tables(rounds: int) -> list[Table]:
    found = in_turn({str(subject): subject.measure for subject in SUBJECTS}, rounds)
    table = partial(_table, found)
    recorded = f"{DURABLE} The others record nothing."
    return [
        table(
            "Lateness, 99 of 100 runs",
            "ms",
            "p99",
            f"{LOAD} From the moment that a slot is due to the first line of the worker's code. {recorded}",
            LATE,
        ),
        table("Lateness, the median run", "ms", "p50", "Of the same runs."),
        table("Lateness, the latest run", "ms", "max", "Of the same runs."),
        table(
            "Slots that were missed",
            "slots",
            "missed",
            "Of the same: due within the time that was measured, and not begun before the next one was due.",
            dict.fromkeys(LATE, 0),
            always=True,
        ),
        table(
            "Processor time of schedulers",
            "% of a core",
            "cpu",
            f"Of the whole process in the same time, the recording included. {recorded}",
            BUSY,
        ),
        table(
            "Time to register and schedule workers",
            "s",
            "registered",
            "From the first registration until all are scheduled; ours also writes a row for each.",
            SCHEDULED,
        ),
    ]


def _table(
    found: Mapping[str, Values],
    title: str,
    unit: str,
    figure: str,
    says: str,
    bounds: Mapping[int, float] | None = None,
    *,
    always: bool = False,
) -> Table:
    def limits(subject: Subject) -> tuple[Limit, ...]:
        bound = (bounds or {}).get(subject.workers) if subject.ours else None
        return () if bound is None else (Limit(bound, always=always),)

    rows = tuple(Row(str(subject), found[str(subject)][figure], limits(subject)) for subject in SUBJECTS)
    return Table(title, unit, says, rows)
