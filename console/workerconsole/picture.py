"""What has been read of a database, and what of it is news to the screen.

An idle database costs one tiny query a look.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol, TypeAlias

from textual.message import Message

from workerconsole.snapshot import Snapshot, WorkerDetail
from workerconsole.text import clean
from workerkit.clock import HOUR, MINUTE, SECOND, Clock, Micros
from workerkit.store.glance import Glance
from workerkit.store.records import (
    ActivityRecord,
    CommandRecord,
    FailureRecord,
    GapRecord,
    HostRecord,
    LogRecord,
    RunRecord,
    WorkerRecord,
)

SLOW_EVERY: Micros = SECOND
"""How often what no commit announces is looked at: whether the host lives."""
RECORD_EVERY: Micros = SECOND // 2
"""How often details are read again when the worker's record changed."""
DETAIL_EVERY: Micros = SECOND // 2
"""How often it is asked, when the database moved but not the record, whether there are lines or answers."""
BEATS_SHOWN: Micros = 5 * SECOND
"""How often a heartbeat alone makes a new picture. A host counts as silent after twice that time."""
RUNS, FAILURES, LINES, GAPS, COMMANDS = 100, 20, 500, 20, 20


class Reading(Protocol):
    """What the feed asks of a reader; workerkit's Reader is one."""

    def changed(self) -> bool: ...
    def workers(self, since: int = 0) -> list[WorkerRecord]: ...
    def worker(self, name: str) -> WorkerRecord | None: ...
    def host(self) -> HostRecord | None: ...
    def activity(self, since: Micros) -> list[ActivityRecord]: ...
    def runs(self, *, worker: str | None = None, limit: int = 50) -> list[RunRecord]: ...
    def failures(self, worker: str | None = None, limit: int = 20) -> list[FailureRecord]: ...
    def latest_log_lines(self, worker: str, limit: int = 500) -> list[LogRecord]: ...
    def gaps(self, worker: str | None = None, limit: int = 50) -> list[GapRecord]: ...
    def commands(self, worker: str | None = None, limit: int = 50) -> list[CommandRecord]: ...
    def latest_command(self, worker: str, verb: str) -> CommandRecord | None: ...
    def pending_commands(self) -> list[CommandRecord]: ...
    def marks(self, worker: str, run_id: int | None) -> Sequence[int | None]: ...
    def close(self) -> None: ...


Question: TypeAlias = Callable[[Any, Micros], object]
"""What one screen wants to know besides: called with a reader and the time, on the feed's thread; its answer is frozen
and compares by value."""


class Readable(Protocol):
    """What the feed asks of a database; workerkit's Database is one."""

    def glance(self, since: Micros) -> Glance: ...
    def reader(self) -> Reading: ...
    def host_is_live(self) -> bool: ...


@dataclass
class Answered(Message):
    """An answer to a screen's own question, or another one than before."""

    question: Question
    answer: object


class Picture:
    """Grows by each look at the database. Used by one thread.

    Any error while reading becomes `Snapshot.trouble`; the database is opened anew, and looked at again every second,
    so that one which was replaced is found, too.

    `nudge` is called when commands wait for the host: one in this process need not look for them itself.
    """

    def __init__(self, open_database: Callable[[], Readable], clock: Clock, nudge: Callable[[], object] | None) -> None:
        self._open_database = open_database
        self._clock = clock
        self._nudge = nudge
        self._database: Readable | None = None
        self._reader: Reading | None = None
        self._workers: dict[str, WorkerRecord] = {}
        self._statuses: Counter[str] = Counter()
        self._change = 0
        self._dirty = False
        self._detail_dirty = False
        self._host: HostRecord | None = None
        self._alive = False
        self._activity: tuple[ActivityRecord, ...] = ()
        self._since: Micros = 0
        self._slow_at: Micros | None = None
        self._trouble: str | None = None
        self._retry_at: Micros = 0
        self._last: Snapshot | None = None
        self._detail: WorkerDetail | None = None
        self._detail_at: Micros = 0
        self._marks: Sequence[int | None] = ()
        """What told that the details need not be read again."""
        self._answered: Answered | None = None
        self._answer_dirty = False
        self._answered_at: Micros = 0

    def close(self) -> None:
        reader, self._reader, self._database = self._reader, None, None
        if reader is not None:
            with suppress(Exception):  # it was to go anyway
                reader.close()

    def look(self) -> Snapshot | None:
        """The next snapshot; None when nothing that it shows has changed."""
        now = self._clock.now()
        if self._trouble is not None and 0 <= self._retry_at - now <= SLOW_EVERY:
            return None
        try:
            changed = self._read(now)
            trouble = None
        except Exception as error:  # noqa: BLE001 -- whatever it is: a feed that died would leave a picture of the past
            changed, trouble = frozenset[str](), self._give_up(error, now)
        self._trouble = trouble
        return self._snapshot(now, changed)

    def look_at(self, name: str | None) -> WorkerDetail | None:
        """The details of a worker; None when they are what was returned last, or can't be read."""
        worker = self._workers.get(name) if name is not None else None
        if worker is None or self._database is None or self._trouble is not None:
            return None
        now = self._clock.now()
        last = self._detail
        if last is not None and 0 <= now - self._detail_at < self._patience(last, worker):
            return None
        dirty, self._detail_dirty, self._detail_at = self._detail_dirty, False, now
        try:
            reader = self._open(self._database)
            marks = reader.marks(worker.name, worker.running_run_id)
            if dirty and last is not None and last.worker == worker and marks == self._marks:
                return None
            self._detail, self._marks = _detail(reader, worker), marks
        except Exception as error:  # noqa: BLE001 -- see above
            self._trouble = self._give_up(error, now)
            return None
        return None if self._detail == last else self._detail

    def _patience(self, last: WorkerDetail, worker: WorkerRecord) -> float:
        """For how long the last details will do."""
        if last.worker.name != worker.name:
            return 0
        if last.worker != worker:
            return RECORD_EVERY
        return DETAIL_EVERY if self._detail_dirty else math.inf

    def answer(self, question: Question | None) -> Answered | None:
        """The answer to a screen's question; None when it is what was returned last, or can't be read."""
        if question is None or self._database is None or self._trouble is not None:
            return None
        now = self._clock.now()
        last = self._answered if self._answered is not None and self._answered.question is question else None
        since = now - self._answered_at
        # Now and then without a commit as well: trends and snoozes move with the time.
        due = (self._answer_dirty and not 0 <= since < DETAIL_EVERY) or not 0 <= since < MINUTE
        if last is not None and not due:
            return None
        self._answer_dirty, self._answered_at = False, now
        try:
            self._answered = Answered(question, question(self._open(self._database), now))
        except Exception as error:  # noqa: BLE001 -- see above
            self._trouble = self._give_up(error, now)
            return None
        return None if last is not None and self._answered.answer == last.answer else self._answered

    def _read(self, now: Micros) -> frozenset[str]:
        if self._database is None:
            return self._begin(now)
        database, reader = self._database, self._open(self._database)
        moved = reader.changed()
        self._dirty = self._dirty or moved
        self._detail_dirty = self._detail_dirty or moved
        self._answer_dirty = self._answer_dirty or moved
        changed: frozenset[str] = frozenset()
        if self._dirty:
            changed = self._merge(reader.workers(since=self._change))
            self._host = reader.host()
            if self._nudge is not None and reader.pending_commands():
                self._nudge()
        if self._dirty or _lately(now) != self._since:
            self._since = _lately(now)
            self._activity = tuple(reader.activity(self._since))
        if self._slow_at is None or not 0 <= now - self._slow_at < SLOW_EVERY:
            self._alive, self._slow_at = database.host_is_live(), now
        self._dirty = False
        return changed

    def _begin(self, now: Micros) -> frozenset[str]:
        """Opens the database, and takes a first look, for which no reader is needed: that is ready only later."""
        self._database = self._open_database()
        self._since = _lately(now)
        found = self._database.glance(self._since)
        self._host, self._activity = found.host, tuple(found.activity)
        self._alive, self._slow_at = self._database.host_is_live(), now
        self._workers, self._statuses, self._change = {}, Counter(), 0
        return self._merge(found.workers)

    def _open(self, database: Readable) -> Reading:
        if self._reader is None:
            self._reader = database.reader()
        return self._reader

    def _merge(self, records: list[WorkerRecord]) -> frozenset[str]:
        changed = []
        for record in records:
            before = self._workers.get(record.name)
            if before is None or before != record:
                changed.append(record.name)
            if before is not None:
                self._statuses[before.status] -= 1
            self._statuses[record.status] += 1
            self._workers[record.name] = record
            self._change = max(self._change, record.change)
        return frozenset(changed)

    def _give_up(self, error: Exception, now: Micros) -> str:
        self.close()
        self._retry_at = now + SLOW_EVERY
        cause = getattr(error, "orig", None) or error
        return f"The database can't be read: {clean(cause, 300)}. Trying again every second."

    def _snapshot(self, now: Micros, changed: frozenset[str]) -> Snapshot | None:
        last = self._last
        before = None if last is None else (_shown(last.host), last.host_alive, last.activity, last.trouble)
        # A database that was replaced may know fewer workers, of which no record tells.
        same_workers = last is not None and not changed and len(last.workers) == len(self._workers)
        if same_workers and before == (_shown(self._host), self._alive, self._activity, self._trouble):
            return None
        workers = last.workers if last is not None and same_workers else MappingProxyType(dict(self._workers))
        self._last = Snapshot(
            taken_at=now,
            host=self._host,
            host_alive=self._alive,
            workers=workers,
            statuses=MappingProxyType(dict(self._statuses)),
            changed=changed,
            activity=self._activity,
            trouble=self._trouble,
        )
        return self._last


def _shown(host: HostRecord | None) -> tuple[object, ...] | None:
    """What of a host makes a picture another one."""
    if host is None:
        return None
    beats = host.heartbeat_at // BEATS_SHOWN
    return host.id, beats, host.stopped_at, host.ending, host.recovered_runs, host.notice


def _lately(now: Micros) -> Micros:
    """From which minute on activity is shown."""
    return now - now % MINUTE - HOUR - MINUTE


def _detail(reader: Reading, worker: WorkerRecord) -> WorkerDetail:
    name = worker.name
    return WorkerDetail(
        worker=worker,
        runs=tuple(reader.runs(worker=name, limit=RUNS)),
        failures=tuple(reader.failures(name, limit=FAILURES)),
        logs=tuple(reader.latest_log_lines(name, limit=LINES)),
        gaps=tuple(reader.gaps(name, limit=GAPS)),
        commands=tuple(reader.commands(name, limit=COMMANDS)),
        stack=reader.latest_command(name, "stack"),
    )
