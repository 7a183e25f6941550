"""What the database says: one read-only connection, every answer a frozen record."""

import sqlite3
import sys
from collections.abc import Sequence
from operator import attrgetter
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from workerkit.clock import Micros
from workerkit.errors import DatabaseError
from workerkit.store import codec, groups, questions, rows
from workerkit.store.connect import trouble_of
from workerkit.store.files import Home
from workerkit.store.prepared import Question
from workerkit.store.records import (
    ActivityRecord,
    CommandRecord,
    FailureGroupRecord,
    FailureRecord,
    GapRecord,
    HostRecord,
    LogRecord,
    RunRecord,
    Totals,
    WorkerRecord,
)
from workerkit.store.window import FIRST_RUN_FROM

_COMMITS_OF_OTHERS = "PRAGMA data_version"
_ALL = -1
"""A limit that is none."""


class Reader:
    """Reads one database. Each thread has its own, or takes turns; close it when done (it is a context manager).

    Every method raises DatabaseError when the file can't be read. Nothing is held between calls: each answer is
    the database at that instant.
    """

    def __init__(self, engine: Engine, home: Home) -> None:
        self._engine = engine
        self._connection = engine.connect()
        self._home = home
        self._identity = home.identity
        self._seen_version: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection; idempotent."""
        self._connection.close()

    def changed(self) -> bool:
        """Whether anybody has committed since the last call; the first call says yes. The cheap tick of a screen.

        Raises:
            DatabaseError: also when the file was deleted or replaced since it was opened.
        """
        try:
            self._follow()
            version = int(self._connection.connection.cursor().execute(_COMMITS_OF_OTHERS).fetchone()[0])
        except OSError as error:
            raise DatabaseError(f"{self._home.path} can't be reached ({error.strerror}); check the disk") from error
        except (DBAPIError, sqlite3.Error) as error:
            raise self._unreadable(error) from error
        seen, self._seen_version = self._seen_version, version
        return seen != version

    def _follow(self) -> None:
        """Opens the file anew that the writer in this process has put back."""
        if not self._home.is_there():
            raise DatabaseError(self._home.away or f"{self._home.path} was deleted or replaced; open it again")
        if self._identity != self._home.identity:
            fresh = self._engine.connect()
            self._connection.close()
            self._connection, self._identity, self._seen_version = fresh, self._home.identity, None

    def workers(self, since: int = 0) -> list[WorkerRecord]:
        """The workers whose `change` is later than `since`, by name. Pass the greatest change seen so far."""
        # Sorted here: told to sort, SQLite would walk through all by name, instead of to the few by their change.
        return sorted(map(rows.worker, self._all(questions.WORKERS, since=since)), key=attrgetter("name"))

    def worker(self, name: str) -> WorkerRecord | None:
        row = self._first(questions.WORKERS, name=name)
        return None if row is None else rows.worker(row)

    def counts(self) -> dict[str, int]:
        """How many workers have which status."""
        return dict(self._all(questions.STATUSES))

    def state(self, worker: str) -> dict[str, Any]:
        """The worker's ctx.state as its last run left it; empty where there is none."""
        row = self._first(questions.STATE, worker=worker)
        return {} if row is None else dict(codec.from_json(row[0], {}))

    def host(self) -> HostRecord | None:
        """The latest host, alive or not."""
        return next(iter(self.hosts(1)), None)

    def hosts(self, limit: int = 20) -> list[HostRecord]:
        """The latest hosts, latest first."""
        return [rows.host(row) for row in self._all(questions.HOSTS, limit=limit)]

    def runs(
        self,
        *,
        worker: str | None = None,
        outcome: str | None = None,
        limit: int = 50,
        before: int | None = None,
        since: Micros | None = None,
        until: Micros | None = None,
    ) -> list[RunRecord]:
        """Runs, latest first. `outcome` may also be `running`; `before` is the id at which the page before ended.

        Of those that began at `since` or later, and before `until`, where given.
        """
        ended = {outcome: True} if outcome in questions.SPELLED_OUT else {"outcome": outcome}
        found = self._all(
            questions.RUNS,
            limit=limit,
            worker=worker,
            before=before,
            first=None if since is None else self._first_run_from(since),
            beyond=None if until is None else self._first_run_from(until),
            **ended,
        )
        return [rows.run(row) for row in found]

    def durations(self, worker: str, limit: int = 1000) -> list[Micros]:
        """How long the worker's latest runs took that succeeded, latest first."""
        ((spans,),) = self._all(questions.DURATIONS, worker=worker, limit=limit)
        return list(map(int, codec.from_json(spans, [])))

    def run(self, run_id: int) -> RunRecord | None:
        row = self._first(questions.RUNS, id=run_id, limit=1)
        return None if row is None else rows.run(row)

    def in_flight(self) -> list[RunRecord]:
        """Runs that have begun and not ended, oldest first."""
        return self.runs(outcome="running", limit=_ALL)[::-1]

    def failure(self, run_id: int) -> FailureRecord | None:
        """Why that run failed; None where it didn't."""
        return next(iter(self._failures(run=run_id, limit=1)), None)

    def failures(self, worker: str | None = None, limit: int = 20) -> list[FailureRecord]:
        """Failures with their captures, latest first."""
        return self._failures(worker=worker, limit=limit)

    def failures_of_group(self, fingerprint: str, *, before: int | None = None, limit: int = 20) -> list[FailureRecord]:
        """Occurrences of one group that are still kept, latest first; of runs before `before`, where given."""
        return self._failures(fingerprint=fingerprint, before=before, limit=limit)

    def _failures(self, **values: Any) -> list[FailureRecord]:
        """Those found, latest first; to those that were only counted the capture of the one next before them."""
        found: list[FailureRecord] = []
        latest: dict[str, FailureRecord] = {}
        for row in reversed(self._all(questions.FAILURES, **values)):
            record = rows.failure(row)
            if not record.packed:
                record = self._like(record, latest.get(record.fingerprint))
            if record.packed:
                latest[record.fingerprint] = record
            found.insert(0, record)
        return found

    def _like(self, counted: FailureRecord, other: FailureRecord | None) -> FailureRecord:
        if other is not None:
            return counted._replace(packed=other.packed, capture_of=other.capture_of)
        about = {"fingerprint": counted.fingerprint, "run": counted.run_id}
        row = self._first(questions.CAPTURE_BEFORE, **about) or self._first(questions.CAPTURE_AFTER, **about)
        return counted if row is None else counted._replace(packed=row[1], capture_of=row[0])

    def runs_of_group(self, fingerprint: str, limit: int = 1000) -> list[int]:
        """The runs of one group's occurrences that are still kept, latest first."""
        return [row[0] for row in self._all(questions.RUNS_OF_GROUP, fingerprint=fingerprint, limit=limit)]

    def failure_groups(self, now: Micros, limit: int = 500) -> list[FailureGroupRecord]:
        """Groups with their trend up to `now`, the latest seen first."""
        return self._groups(questions.LATEST_GROUPS, now, limit=limit)

    def failure_group(self, fingerprint: str, now: Micros) -> FailureGroupRecord | None:
        """One group; also by the beginning of its fingerprint, where that is enough to tell it."""
        beyond = fingerprint + chr(sys.maxunicode)
        found = self._groups(questions.GROUPS_BETWEEN, now, low=fingerprint, high=beyond, limit=2)
        return found[0] if len(found) == 1 else None

    def _groups(self, asked: questions.Groups, now: Micros, **values: Any) -> list[FailureGroupRecord]:
        if not (found := self._all(asked.rows, **values)):
            return []
        workers_of = self._all(asked.workers, **values)
        hours = self._all(asked.hours, hour=groups.hour_before_trend(now), **values)
        return groups.records(found, workers_of, hours, now)

    def log_lines(self, run_id: int, *, after: int = -1, limit: int = 1000) -> list[LogRecord]:
        """Lines of one run whose seq is later than `after`, oldest first."""
        return [rows.line(row) for row in self._all(questions.LINES, run=run_id, after=after, limit=limit)]

    def latest_log_lines(self, worker: str, limit: int = 500) -> list[LogRecord]:
        """The newest lines of a worker over its latest runs, oldest first."""
        return [rows.line(row) for row in reversed(self._all(questions.LATEST_LINES, worker=worker, limit=limit))]

    def gaps(
        self, worker: str | None = None, limit: int = 50, *, since: Micros | None = None, reason: str | None = None
    ) -> list[GapRecord]:
        """Slots that got no run, latest first; those that lasted beyond a moment, or that have this reason."""
        found = self._all(questions.GAPS, limit=limit, worker=worker, since=since, reason=reason)
        return [rows.gap(row) for row in found]

    def commands(
        self, worker: str | None = None, limit: int = 50, verbs: Sequence[str] | None = None
    ) -> list[CommandRecord]:
        """What operators asked for, latest first; of one worker, of certain verbs."""
        wanted = None if verbs is None else codec.to_json(list(verbs))
        return [rows.command(row) for row in self._all(questions.COMMANDS, limit=limit, worker=worker, verbs=wanted)]

    def command(self, command_id: int) -> CommandRecord | None:
        row = self._first(questions.COMMANDS, id=command_id, limit=1)
        return None if row is None else rows.command(row)

    def pending_commands(self) -> list[CommandRecord]:
        """What waits for a host's answer, oldest first."""
        return [rows.command(row) for row in self._all(questions.PENDING_COMMANDS)]

    def latest_command(self, worker: str, verb: str) -> CommandRecord | None:
        return next(iter(self.commands(worker, limit=1, verbs=(verb,))), None)

    def marks(self, worker: str, run_id: int | None) -> tuple[int | None, ...]:
        """Numbers of which one moves when this run prints, or when somebody asks something of the worker or is
        answered: of all that its record does not tell."""
        return self._all(questions.MARKS, worker=worker, run=run_id or 0)[0]

    def activity(self, since: Micros) -> list[ActivityRecord]:
        """The minutes from `since` on in which anything happened, oldest first."""
        return [rows.minute(row) for row in self._all(questions.ACTIVITY, since=since)]

    def totals(self, since: Micros) -> Totals:
        """What happened in the minutes from `since` on; of the last eight days."""
        return Totals._make(self._all(questions.TOTALS, since=since)[0])

    def _first_run_from(self, moment: Micros) -> int:
        row = self._first(FIRST_RUN_FROM, moment=moment)
        return 0 if row is None else int(row[0])

    def _all(self, question: Question, **values: Any) -> Sequence[tuple[Any, ...]]:
        try:
            return question.rows(self._connection, **values)
        except sqlite3.Error as error:
            raise self._unreadable(error) from error

    def _first(self, question: Question, **values: Any) -> tuple[Any, ...] | None:
        return next(iter(self._all(question, **values)), None)

    def _unreadable(self, error: DBAPIError | sqlite3.Error) -> DatabaseError:
        words = trouble_of(error) or (error.orig if isinstance(error, DBAPIError) else error)
        return DatabaseError(f"{self._home.path} can't be read: {words}; try again, or check the disk")
