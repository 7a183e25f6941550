"""`python -m benchmarks.past.questions CALLS DATABASE [INDEXED]`: how long the answers to what the screens ask take.

Each question is asked of our reader, and right after it of raw sqlite3 on a copy that has an index for each, if one is
given. Prints milliseconds as JSON: by who answered and the question, the median and the 95th percentile of its calls.
"""

import json
import random
import sqlite3
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import histories
from workerconsole.cases import MAX_GROUPS, MAX_OCCURRENCES
from workerconsole.cli.percentiles import percentiles
from workerconsole.groups import GroupFilter, GroupSort, arrange
from workerconsole.picture import COMMANDS, FAILURES, GAPS, LINES, RUNS
from workerkit.clock import DAY, HOUR, MINUTE, Micros, SystemClock
from workerkit.store.database import Database
from workerkit.store.reader import Reader

LATEST = 50
IN_WINDOW = 2 * LATEST
"""Runs in the time window, on average."""
CHANGED = 10
"""Workers that have changed since somebody looked last."""
WARM_UP = 3
"""Calls of each that do not count: a console lives for long."""
INDEX = "CREATE INDEX begun ON runs (started_at)"
"""What raw sqlite3 has beside our own indexes."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question, with a choice of what it is about: each time another worker, or moment."""

    about: Callable[[], Any]
    ours: Callable[[Any], object]
    raw: Callable[[sqlite3.Connection, Any], object] | None = None


class Subjects:
    """What there is to ask about; the same choices each time."""

    def __init__(self, reader: Reader) -> None:
        workers = reader.workers()
        self.now = SystemClock().now()
        self.change = max(worker.change for worker in workers) - CHANGED
        self._workers = [worker.name for worker in workers]
        self._failures = [failure.run_id for failure in reader.failures(limit=1000)]
        self._groups = [group.fingerprint for group in reader.failure_groups(self.now, MAX_GROUPS)]
        self._last = reader.runs(limit=1)[0].id
        self.window = histories.SPAN * IN_WINDOW // self._last
        self._chance = random.Random(1)

    def worker(self) -> str:
        return self._chance.choice(self._workers)

    def run(self) -> int:
        return self._chance.randint(1, self._last)

    def failure(self) -> int:
        return self._chance.choice(self._failures)

    def group(self) -> str:
        return self._chance.choice(self._groups)

    def moment(self) -> Micros:
        return self.now - self._chance.randrange(DAY, histories.SPAN - DAY)


def named(reader: Reader, some: Subjects) -> dict[str, Question]:
    """Those that are compared."""

    def urgent(now: Micros) -> object:
        return arrange(reader.failure_groups(now, MAX_GROUPS), GroupFilter(), GroupSort.URGENCY)

    return {
        "the last 50 runs of a worker": Question(
            some.worker,
            lambda name: reader.runs(worker=name, limit=LATEST),
            lambda raw, name: raw.execute(RAW_LATEST, (name, LATEST)).fetchall(),
        ),
        "runs by outcome over 24 hours": Question(
            lambda: some.now - DAY, reader.totals, lambda raw, since: raw.execute(RAW_TOTALS, (since,)).fetchall()
        ),
        "p50, p95 and p99 of a worker's 1,000 runs": Question(
            some.worker,
            lambda name: percentiles(reader.durations(name)),
            lambda raw, name: sorted(raw.execute(RAW_DURATIONS, (name,)).fetchall()),
        ),
        "groups of failures by urgency": Question(
            lambda: some.now,
            urgent,
            lambda raw, now: [
                raw.execute(statement, values).fetchall()
                for statement, values in ((RAW_GROUPS, ()), (RAW_WORKERS, ()), (RAW_HOURS, (now - DAY,)))
            ],
        ),
        "runs in a time window": Question(
            some.moment,
            lambda until: reader.runs(since=until - some.window, until=until, limit=LATEST),
            lambda raw, until: raw.execute(RAW_WINDOW, (until - some.window, until, LATEST)).fetchall(),
        ),
        "what changed since": Question(
            lambda: some.change,
            lambda change: reader.workers(since=change),
            lambda raw, change: raw.execute(RAW_CHANGED, (change,)).fetchall(),
        ),
    }


def others(reader: Reader, some: Subjects) -> dict[str, Question]:
    """All else that the feed, the screens, the panels and `why` ask."""
    return {
        "whether anybody has committed": Question(lambda: None, lambda _: reader.changed()),
        "the host": Question(lambda: None, lambda _: reader.host()),
        "workers by status": Question(lambda: None, lambda _: reader.counts()),
        "the minutes of an hour": Question(lambda: some.now - HOUR - MINUTE, reader.activity),
        "the runs of a worker's page": Question(some.worker, lambda name: reader.runs(worker=name, limit=RUNS)),
        "its failures": Question(some.worker, lambda name: reader.failures(name, limit=FAILURES)),
        "its lines": Question(some.worker, lambda name: reader.latest_log_lines(name, limit=LINES)),
        "its gaps": Question(some.worker, lambda name: reader.gaps(name, limit=GAPS)),
        "its commands": Question(some.worker, lambda name: reader.commands(name, limit=COMMANDS)),
        "its latest stack": Question(some.worker, lambda name: reader.latest_command(name, "stack")),
        "a run": Question(some.run, reader.run),
        "a failure": Question(some.failure, reader.failure),
        "a group by the beginning of its fingerprint": Question(
            some.group, lambda mark: reader.failure_group(mark[:6], some.now)
        ),
        "the runs of a group": Question(some.group, lambda mark: reader.runs_of_group(mark, MAX_OCCURRENCES)),
        "the lines of a run": Question(some.failure, reader.log_lines),
        "the latest failed runs": Question(lambda: "failed", lambda outcome: reader.runs(outcome=outcome)),
        "the runs in flight": Question(lambda: "running", lambda outcome: reader.runs(outcome=outcome)),
    }


def main() -> None:
    calls, database, *indexed = sys.argv[1:]
    for path in (database, *indexed):
        Path(path).read_bytes()  # what is measured is not the disk
    with Database.open(Path(database), create=False).reader() as reader:
        some = Subjects(reader)
        raw = sqlite3.connect(indexed[0], isolation_level=None) if indexed else None
        figures: dict[str, float] = {}
        for name, question in (named(reader, some) | others(reader, some)).items():
            for who, (median, most) in _ask(question, raw, int(calls)).items():
                figures |= {f"{who}, median: {name}": median, f"{who}, p95: {name}": most}
    print(json.dumps(figures))


def _ask(question: Question, raw: sqlite3.Connection | None, calls: int) -> dict[str, tuple[float, float]]:
    """Milliseconds of the median call, and of that which 95 of 100 don't exceed."""
    answer: dict[str, Callable[[Any], object]] = {"ours": question.ours}
    if raw is not None and question.raw is not None:
        answer["raw"] = partial(question.raw, raw)
    taken: dict[str, list[float]] = {who: [] for who in answer}
    for number in range(WARM_UP + calls):
        about = question.about()
        for who, function in answer.items():
            began = time.perf_counter()
            function(about)
            if number >= WARM_UP:
                taken[who].append((time.perf_counter() - began) * 1e3)
    return {who: (statistics.median(times), statistics.quantiles(times, n=20)[-1]) for who, times in taken.items()}


RAW_LATEST = "SELECT * FROM runs JOIN hosts ON hosts.id = host_id WHERE worker = ? ORDER BY runs.id DESC LIMIT ?"
RAW_TOTALS = "SELECT sum(started), sum(succeeded), sum(failed), sum(other) FROM activity WHERE minute >= ?"
RAW_DURATIONS = "SELECT duration_us FROM runs WHERE worker = ? AND outcome = 'succeeded'"
RAW_GROUPS = "SELECT * FROM failure_groups ORDER BY last_seen_at DESC"
RAW_WORKERS = "SELECT fingerprint, json_group_object(worker, count) FROM failure_group_workers GROUP BY fingerprint"
RAW_HOURS = (
    "SELECT fingerprint, json_group_object(hour, count) FROM failure_group_hours WHERE hour > ? GROUP BY fingerprint"
)
RAW_WINDOW = "SELECT * FROM runs WHERE started_at >= ? AND started_at < ? ORDER BY started_at DESC LIMIT ?"
RAW_CHANGED = "SELECT * FROM workers WHERE change > ?"

if __name__ == "__main__":
    main()
