"""Histories to measure on: a database as the product leaves it after so many runs of so many workers.

The schema is the store's own; the rows are those that its writer would have written, in the order in which it would
have written them, only in one go. The same numbers give the same history, but for the moment at which it ends: now.
"""

import contextlib
import json
import shutil
import sqlite3
import traceback
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from workerkit.clock import DAY, HOUR, MINUTE, SECOND, Micros, SystemClock
from workerkit.failures import Capture, Redactor
from workerkit.failures.fingerprint import fingerprint
from workerkit.outcome import FailureKind, Fingerprint, GapReason, Outcome, Status, Trigger
from workerkit.roster import RECENT_RUNS
from workerkit.store import codec
from workerkit.store.database import Database
from workerkit.store.groups import HOURS_AGE, GroupState
from workerkit.store.retention import ACTIVITY_AGE
from workerkit.version import __version__

SEED = 20260305
SPAN: Micros = 20 * DAY
"""Between the first run and the last."""
FAILED, CANCELLED = 0.02, 0.002
"""Shares of the runs."""
FAULTS = 100
"""What goes wrong in all. Each worker meets a few, and shares them with its neighbours."""
LINES_PER_FAILURE = 2
HOSTS = 8
"""One after the other, each for an equal part of the time."""
GAPS_PER_RUN, COMMANDS_PER_RUN = 0.001, 0.0005
CACHE_KIB = 256 * 1024


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong again and again: the same stack each time."""

    error: str
    capture: bytes
    mark: Fingerprint


@dataclass(slots=True)
class Story:
    """What has become of one worker so far."""

    name: str
    usual: Micros
    """How long its runs take."""
    successes: int = 0
    failures: int = 0
    consecutive_failures: int = 0
    stored_runs: int = 0
    last_started_at: Micros | None = None
    last_outcome: str | None = None
    last_duration: Micros | None = None
    last_error: str | None = None
    change: int = 0
    recent: deque[tuple[str, Micros]] = field(default_factory=lambda: deque(maxlen=RECENT_RUNS))


@dataclass(frozen=True, slots=True)
class Failed:
    """One occurrence of a fault."""

    run_id: int
    worker: str
    at: Micros
    fault: Fault


def build(path: Path, workers: int, runs: int) -> None:
    """Makes a database with so many plain workers, and so many ended runs of theirs, at a path where there is none.

    A history of the same numbers that this process has made before is copied; it ends when that one did.
    """
    shutil.copy(_original(workers, runs), path)


@cache
def _folder() -> TemporaryDirectory[str]:
    """Kept until the process ends."""
    return TemporaryDirectory()


@cache
def _original(workers: int, runs: int) -> Path:
    path = Path(_folder().name) / f"{workers}-{runs}.db"
    _fill(path, workers, runs)
    return path


def _fill(path: Path, workers: int, runs: int) -> None:
    Database.open(path).close()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in ("journal_mode=OFF", "synchronous=OFF", f"cache_size=-{CACHE_KIB}"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("BEGIN")
        _Filling(connection, workers, runs).fill()
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode=WAL")


class _Filling:
    """Fills the tables of one empty database."""

    def __init__(self, connection: sqlite3.Connection, workers: int, runs: int) -> None:
        self._connection = connection
        self._random = Random(SEED)
        self._runs = runs
        self._now = SystemClock().now()
        self._began_at = self._now - SPAN
        self._stories = [
            Story(f"worker-{number:04}", round(self._random.lognormvariate(0, 1) * SECOND / 5))
            for number in range(workers)
        ]
        self._faults = [_fault(number) for number in range(FAULTS)]
        self._faults_each = max(2, 2 * FAULTS // workers)
        self._failed: list[Failed] = []
        self._activity: Counter[tuple[Micros, str]] = Counter()

    def fill(self) -> None:
        self._insert("hosts", _HOST, self._hosts())
        self._insert("runs", _RUN, self._ended_runs())
        self._insert("workers", _WORKER, map(self._worker, self._stories))
        self._insert("activity", _MINUTE, self._minutes())
        self._insert("failures", _FAILURE, map(_failure, self._failed))
        self._insert("log_lines", _LINE, self._lines())
        self._fill_groups()
        self._insert("gaps", _GAP, self._gaps())
        self._insert("commands", _COMMAND, self._commands())

    def _insert(self, table: str, columns: Sequence[str], values: Iterable[Sequence[Any]]) -> None:
        places = ", ".join("?" * len(columns))
        names = ", ".join(f'"{column}"' for column in columns)
        self._connection.executemany(f"INSERT INTO {table} ({names}) VALUES ({places})", values)

    def _moment(self, number: int, of: int) -> Micros:
        """When the first, second, ... of so many happened, which are spread evenly."""
        return self._began_at + SPAN * number // of

    def _hosts(self) -> Iterator[Sequence[Any]]:
        for number in range(HOSTS):
            began, ended = self._moment(number, HOSTS), self._moment(number + 1, HOSTS)
            yield number + 1, "machine", 4000 + number, "ada", "headless", __version__, began, ended, ended, "stopped"

    def _host_of(self, number: int, of: int) -> int:
        return 1 + HOSTS * number // of

    def _ended_runs(self) -> Iterator[Sequence[Any]]:
        """All runs, the oldest first; what they leave beside their rows is kept for the other tables."""
        random, stories, activity = self._random.random, self._stories, self._activity
        counted_from = self._now - ACTIVITY_AGE
        for number in range(self._runs):
            story = stories[number % len(stories)]
            due = self._moment(number, self._runs)
            started = due + int(random() * 5_000)
            took = round(story.usual * (0.5 + random()) / (1 - 0.9 * random()))
            finished = started + took
            outcome, kind, error = Outcome.SUCCEEDED.value, None, None
            lot = random()
            if lot < FAILED:
                fault = self._fault_of(number % len(stories), lot / FAILED)
                outcome, kind, error = Outcome.FAILED.value, FailureKind.ERROR.value, fault.error
                self._failed.append(Failed(number + 1, story.name, finished, fault))
            elif lot < FAILED + CANCELLED:
                outcome = Outcome.CANCELLED.value
            _remember(story, number, started, took, outcome, error)
            if finished > counted_from:
                activity[started - started % MINUTE, "started"] += 1
                activity[finished - finished % MINUTE, outcome] += 1
            yield (
                *(number + 1, story.name, Trigger.SCHEDULE.value, due, started, finished, outcome, kind, took, error),
                self._host_of(number, self._runs),
            )

    def _fault_of(self, worker: int, lot: float) -> Fault:
        each = self._faults_each
        return self._faults[(worker * each // 2 + int(lot * each)) % FAULTS]

    def _worker(self, story: Story) -> Sequence[Any]:
        period = max(SECOND, SPAN * len(self._stories) // max(1, self._runs))
        status = Status.FAILED if story.last_outcome == Outcome.FAILED else Status.IDLE
        return (
            *(story.name, status.value, f"every {period // SECOND} s", period, "thread", "a plain worker"),
            *(True, story.successes, story.failures, story.consecutive_failures, story.stored_runs),
            *(story.last_started_at, self._now + period, story.last_outcome, story.last_duration, story.last_error),
            *(json.dumps(list(story.recent), separators=(",", ":")), self._now, self._began_at, story.change),
        )

    def _minutes(self) -> Iterator[Sequence[int]]:
        count = self._activity
        for minute in sorted({minute for minute, _ in count}):
            started, succeeded, failed, cancelled = (
                count[minute, what] for what in ("started", Outcome.SUCCEEDED, Outcome.FAILED, Outcome.CANCELLED)
            )
            yield minute, started, succeeded, failed, cancelled

    def _lines(self) -> Iterator[Sequence[Any]]:
        for failed in self._failed:
            for seq in range(LINES_PER_FAILURE):
                yield failed.run_id, seq, failed.at - SECOND, "stdout", f"step {seq} of {failed.worker} begins"

    def _fill_groups(self) -> None:
        of_group: dict[str, list[Failed]] = {}
        for failed in self._failed:
            of_group.setdefault(failed.fault.mark.digest, []).append(failed)
        self._insert("failure_groups", _GROUP, [self._group(found) for found in of_group.values()])
        workers = Counter((failed.fault.mark.digest, failed.worker) for failed in self._failed)
        self._insert("failure_group_workers", _GROUP_WORKER, [(*of, count) for of, count in workers.items()])
        hours = Counter(
            (failed.fault.mark.digest, failed.at - failed.at % HOUR)
            for failed in self._failed
            if failed.at > self._now - HOURS_AGE
        )
        self._insert("failure_group_hours", _GROUP_HOUR, [(*of, count) for of, count in hours.items()])

    def _group(self, found: Sequence[Failed]) -> Sequence[Any]:
        """Every other group has been looked at by somebody."""
        first, last, mark = found[0], found[-1], found[0].fault.mark
        states = (GroupState.OPEN, GroupState.ACKNOWLEDGED, GroupState.OPEN, GroupState.RESOLVED)
        state = states[first.run_id % len(states)]
        by = (None, None) if state is GroupState.OPEN else (last.at, "ada")
        return (
            *(mark.digest, FailureKind.ERROR.value, last.fault.error, codec.to_json(list(mark.parts))),
            *(first.at, max(each.at for each in found), len(found), first.run_id, last.run_id, last.worker),
            *(state.value, *by),
        )

    def _gaps(self) -> Iterator[Sequence[Any]]:
        count = round(self._runs * GAPS_PER_RUN)
        for number in range(count):
            due, story = self._moment(number, count), self._random.choice(self._stories)
            detail = "the run before was still going"
            yield story.name, GapReason.OVERLAP.value, due, due, 1, detail, self._host_of(number, count)

    def _commands(self) -> Iterator[Sequence[Any]]:
        count = round(self._runs * COMMANDS_PER_RUN)
        for number in range(count):
            at, story = self._moment(number, count), self._random.choice(self._stories)
            verb = ("pause", "resume")[number % 2]
            yield verb, story.name, "maintenance", at, "ada", "done", f"{story.name}: {verb} done", at


def _remember(story: Story, number: int, started: Micros, took: Micros, outcome: str, error: str | None) -> None:
    story.stored_runs += 1
    story.last_started_at, story.last_outcome, story.last_duration = started, outcome, took
    story.last_error = error or story.last_error
    story.recent.append((outcome, took))
    story.change = number + 1
    if outcome == Outcome.SUCCEEDED:
        story.successes += 1
        story.consecutive_failures = 0
    elif outcome == Outcome.FAILED:
        story.failures += 1
        story.consecutive_failures += 1


def _failure(failed: Failed) -> Sequence[Any]:
    fault = failed.fault
    kind = FailureKind.ERROR.value
    return failed.run_id, failed.worker, failed.at, kind, fault.error, fault.capture, fault.mark.digest


def _fault(number: int) -> Fault:
    """An error of a type of its own, so that it is a group of its own."""
    kind = type(f"Fault{number}Error", (Exception,), {})
    try:
        raise kind(f"page {number} of the order is missing")
    except Exception as error:  # noqa: BLE001 -- it is what is captured
        capture = Capture(error, Redactor(environment={}))
        capture.read_messages()
        line = traceback.format_exception_only(error)[-1].strip().rpartition(".")[2]
    return Fault(line, codec.pack(capture.data), fingerprint(capture.data, FailureKind.ERROR.value))


_HOST = ("id", "hostname", "pid", "username", "mode", "version", "started_at", "heartbeat_at", "stopped_at", "ending")
_RUN = (
    *("id", "worker", "trigger", "due_at", "started_at", "finished_at", "outcome", "kind", "duration_us", "error"),
    "host_id",
)
_WORKER = (
    *("name", "status", "schedule", "interval_us", "isolation", "description"),
    *("registered", "success_count", "failure_count", "consecutive_failures", "stored_runs"),
    *("last_run_at", "next_run_at", "last_outcome", "last_duration_us", "last_error"),
    *("recent", "covered_until", "created_at", "change"),
)
_MINUTE = ("minute", "started", "succeeded", "failed", "other")
_FAILURE = ("run_id", "worker", "at", "kind", "error", "capture", "fingerprint")
_LINE = ("run_id", "seq", "at", "stream", "text")
_GROUP = (
    *("fingerprint", "kind", "title", "parts"),
    *("first_seen_at", "last_seen_at", "count", "first_run_id", "last_run_id", "last_worker"),
    *("state", "state_at", "state_by"),
)
_GROUP_WORKER = ("fingerprint", "worker", "count")
_GROUP_HOUR = ("fingerprint", "hour", "count")
_GAP = ("worker", "reason", "first_due_at", "last_due_at", "count", "detail", "host_id")
_COMMAND = ("verb", "worker", "reason", "requested_at", "requested_by", "state", "result", "finished_at")
