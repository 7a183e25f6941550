"""What the database says: one read-only connection, every answer a frozen record."""

import sqlite3
import sys
from collections.abc import Sequence
from operator import attrgetter
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Engine, Select, bindparam, func, literal_column, select, union_all
from sqlalchemy.exc import DBAPIError

from workerkit.clock import Micros
from workerkit.errors import DatabaseError
from workerkit.outcome import Outcome
from workerkit.store import codec, columns, groups, rows
from workerkit.store.connect import trouble_of
from workerkit.store.files import Home
from workerkit.store.models import (
    activity,
    commands,
    failure_groups,
    failures,
    gaps,
    hosts,
    log_lines,
    runs,
    worker_state,
    workers,
)
from workerkit.store.prepared import Prepared
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
from workerkit.store.thinning import IS_FULL
from workerkit.store.window import FIRST_RUN_FROM

RUNS_SEARCHED_FOR_LINES = 200
"""How many of a worker's latest runs are searched for its latest lines."""

_BAD_ENDINGS = ("failed", "cancelled", "interrupted")
_COMMITS_OF_OTHERS = "PRAGMA data_version"
_PENDING = select(*columns.COMMAND).where(columns.PENDING).order_by(commands.c.id)
_MARKS = Prepared(
    union_all(
        select(func.max(log_lines.c.seq)).where(log_lines.c.run_id == bindparam("run_id")),
        select(func.max(commands.c.id)).where(commands.c.worker == bindparam("worker")),
        select(func.count(commands.c.id)).where(columns.PENDING),
    )
)
_ANY_PENDING = Prepared(select(commands.c.id).where(columns.PENDING).limit(1))


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
        found = self._all(select(*columns.WORKER).where(workers.c.change > since))
        return sorted(map(rows.worker, found), key=attrgetter("name"))

    def worker(self, name: str) -> WorkerRecord | None:
        row = self._first(select(*columns.WORKER).where(workers.c.name == name))
        return None if row is None else rows.worker(row)

    def counts(self) -> dict[str, int]:
        """How many workers have which status."""
        query = select(workers.c.status, func.count()).group_by(workers.c.status)
        return {row[0]: row[1] for row in self._all(query)}

    def state(self, worker: str) -> dict[str, Any]:
        """The worker's ctx.state as its last run left it; empty where there is none."""
        row = self._first(select(worker_state.c.state).where(worker_state.c.worker == worker))
        return {} if row is None else dict(codec.from_json(row[0], {}))

    def host(self) -> HostRecord | None:
        """The latest host, alive or not."""
        return next(iter(self.hosts(1)), None)

    def hosts(self, limit: int = 20) -> list[HostRecord]:
        """The latest hosts, latest first."""
        return [rows.host(row) for row in self._all(select(*columns.HOST).order_by(hosts.c.id.desc()).limit(limit))]

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
        query = columns.SELECT_RUNS.order_by(runs.c.id.desc()).limit(limit)
        if worker is not None:
            query = query.where(runs.c.worker == worker)
        if outcome == "running":
            query = query.where(runs.c.outcome.is_(None))
        elif outcome in _BAD_ENDINGS:
            # Spelled out, not bound: only so can SQLite prove that its partial index covers the question.
            query = query.where(runs.c.outcome == literal_column(f"'{outcome}'"))
        elif outcome is not None:
            query = query.where(runs.c.outcome == outcome)
        if before is not None:
            query = query.where(runs.c.id < before)
        if since is not None:
            query = query.where(runs.c.id >= self._first_run_from(since))
        if until is not None:
            query = query.where(runs.c.id < self._first_run_from(until))
        return [rows.run(row) for row in self._all(query)]

    def durations(self, worker: str, limit: int = 1000) -> list[Micros]:
        """How long the worker's latest runs took that succeeded, latest first."""
        succeeded = (runs.c.worker == worker) & (runs.c.outcome == Outcome.SUCCEEDED.value)
        latest = select(runs.c.duration_us).where(succeeded).order_by(runs.c.id.desc()).limit(limit).subquery()
        # As one row: a thousand would take longer to pass on than to find.
        ((spans,),) = self._all(select(func.json_group_array(latest.c.duration_us)))
        return list(map(int, codec.from_json(spans, [])))

    def run(self, run_id: int) -> RunRecord | None:
        row = self._first(columns.SELECT_RUNS.where(runs.c.id == run_id))
        return None if row is None else rows.run(row)

    def in_flight(self) -> list[RunRecord]:
        """Runs that have begun and not ended, oldest first."""
        query = columns.SELECT_RUNS.where(runs.c.outcome.is_(None)).order_by(runs.c.id)
        return [rows.run(row) for row in self._all(query)]

    def failure(self, run_id: int) -> FailureRecord | None:
        """Why that run failed; None where it didn't."""
        found = self._failures(select(*columns.FAILURE).where(failures.c.run_id == run_id))
        return found[0] if found else None

    def failures(self, worker: str | None = None, limit: int = 20) -> list[FailureRecord]:
        """Failures with their captures, latest first."""
        query = select(*columns.FAILURE).order_by(failures.c.run_id.desc()).limit(limit)
        if worker is not None:
            query = query.where(failures.c.worker == worker)
        return self._failures(query)

    def failures_of_group(self, fingerprint: str, *, before: int | None = None, limit: int = 20) -> list[FailureRecord]:
        """Occurrences of one group that are still kept, latest first; of runs before `before`, where given."""
        query = select(*columns.FAILURE).where(failures.c.fingerprint == fingerprint)
        if before is not None:
            query = query.where(failures.c.run_id < before)
        return self._failures(query.order_by(failures.c.run_id.desc()).limit(limit))

    def _failures(self, query: Select[Any]) -> list[FailureRecord]:
        """What a query finds, latest first; to those that were only counted the capture of the one next before them."""
        found: list[FailureRecord] = []
        latest: dict[str, FailureRecord] = {}
        for row in reversed(self._all(query)):
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
        query = select(failures.c.run_id, failures.c.capture).where(
            failures.c.fingerprint == counted.fingerprint, IS_FULL
        )
        before = query.where(failures.c.run_id < counted.run_id).order_by(failures.c.run_id.desc()).limit(1)
        after = query.where(failures.c.run_id > counted.run_id).order_by(failures.c.run_id).limit(1)
        row = self._first(before) or self._first(after)
        return counted if row is None else counted._replace(packed=row[1], capture_of=row[0])

    def runs_of_group(self, fingerprint: str, limit: int = 1000) -> list[int]:
        """The runs of one group's occurrences that are still kept, latest first."""
        query = select(failures.c.run_id).where(failures.c.fingerprint == fingerprint)
        return [row[0] for row in self._all(query.order_by(failures.c.run_id.desc()).limit(limit))]

    def failure_groups(self, now: Micros, limit: int = 500) -> list[FailureGroupRecord]:
        """Groups with their trend up to `now`, the latest seen first."""
        return self._groups(select(failure_groups).order_by(groups.LATEST_SEEN).limit(limit), now)

    def failure_group(self, fingerprint: str, now: Micros) -> FailureGroupRecord | None:
        """One group; also by the beginning of its fingerprint, where that is enough to tell it."""
        matching = failure_groups.c.fingerprint.between(fingerprint, fingerprint + chr(sys.maxunicode))
        found = self._groups(select(failure_groups).where(matching).limit(2), now)
        return found[0] if len(found) == 1 else None

    def _groups(self, query: Select[Any], now: Micros) -> list[FailureGroupRecord]:
        if not (found := self._all(query)):
            return []
        marks = query.with_only_columns(failure_groups.c.fingerprint)
        workers_of, hours = self._all(groups.select_workers(marks)), self._all(groups.select_hours(marks, now))
        return groups.records(found, workers_of, hours, now)

    def log_lines(self, run_id: int, *, after: int = -1, limit: int = 1000) -> list[LogRecord]:
        """Lines of one run whose seq is later than `after`, oldest first."""
        query = (
            select(*columns.LINE)
            .where(log_lines.c.run_id == run_id, log_lines.c.seq > after)
            .order_by(log_lines.c.seq)
            .limit(limit)
        )
        return [rows.line(row) for row in self._all(query)]

    def latest_log_lines(self, worker: str, limit: int = 500) -> list[LogRecord]:
        """The newest lines of a worker over its latest runs, oldest first."""
        latest = (
            select(runs.c.id)
            .where(runs.c.worker == worker)
            .order_by(runs.c.id.desc())
            .limit(RUNS_SEARCHED_FOR_LINES)
            .subquery()
        )
        query = (
            select(*columns.LINE)
            .where(log_lines.c.run_id.in_(select(latest.c.id)))
            .order_by(log_lines.c.run_id.desc(), log_lines.c.seq.desc())
            .limit(limit)
        )
        return [rows.line(row) for row in reversed(self._all(query))]

    def gaps(
        self, worker: str | None = None, limit: int = 50, *, since: Micros | None = None, reason: str | None = None
    ) -> list[GapRecord]:
        """Slots that got no run, latest first; those that lasted beyond a moment, or that have this reason."""
        query = select(*columns.GAP).order_by(gaps.c.id.desc()).limit(limit)
        if worker is not None:
            query = query.where(gaps.c.worker == worker)
        if since is not None:
            query = query.where(gaps.c.last_due_at >= since)
        if reason is not None:
            query = query.where(gaps.c.reason == reason)
        return [rows.gap(row) for row in self._all(query)]

    def commands(
        self, worker: str | None = None, limit: int = 50, verbs: Sequence[str] | None = None
    ) -> list[CommandRecord]:
        """What operators asked for, latest first; of one worker, of certain verbs."""
        query = select(*columns.COMMAND).order_by(commands.c.id.desc()).limit(limit)
        if worker is not None:
            query = query.where(commands.c.worker == worker)
        if verbs is not None:
            query = query.where(commands.c.verb.in_(verbs))
        return [rows.command(row) for row in self._all(query)]

    def command(self, command_id: int) -> CommandRecord | None:
        row = self._first(select(*columns.COMMAND).where(commands.c.id == command_id))
        return None if row is None else rows.command(row)

    def pending_commands(self) -> list[CommandRecord]:
        """What waits for a host's answer, oldest first."""
        return [rows.command(row) for row in self._all(_PENDING)] if self._is_any_pending() else []

    def _is_any_pending(self) -> bool:
        """The host asks after each of its own commits, and there hardly ever is."""
        try:
            return bool(_ANY_PENDING.column(self._connection))
        except sqlite3.Error as error:
            raise self._unreadable(error) from error

    def latest_command(self, worker: str, verb: str) -> CommandRecord | None:
        return next(iter(self.commands(worker, limit=1, verbs=(verb,))), None)

    def marks(self, worker: str, run_id: int | None) -> list[int | None]:
        """Numbers of which one moves when this run prints, or when somebody asks something of the worker or is
        answered: of all that its record does not tell."""
        try:
            return _MARKS.column(self._connection, {"worker": worker, "run_id": run_id})
        except sqlite3.Error as error:
            raise self._unreadable(error) from error

    def activity(self, since: Micros) -> list[ActivityRecord]:
        """The minutes from `since` on in which anything happened, oldest first."""
        query = select(*columns.ACTIVITY).where(activity.c.minute >= since).order_by(activity.c.minute)
        return [rows.minute(row) for row in self._all(query)]

    def totals(self, since: Micros) -> Totals:
        """What happened in the minutes from `since` on; of the last eight days."""
        sums = (func.coalesce(func.sum(activity.c[name]), 0) for name in ("started", "succeeded", "failed", "other"))
        return Totals._make(self._all(select(*sums).where(activity.c.minute >= since))[0])

    def _first_run_from(self, moment: Micros) -> int:
        row = self._first(FIRST_RUN_FROM.params(moment=moment))
        return 0 if row is None else int(row[0])

    def _all(self, query: Select[*tuple[Any, ...]]) -> Sequence[Sequence[Any]]:
        # Fetched whole: a cursor left open would hold this snapshot, and with it the WAL, for as long.
        try:
            return self._connection.execute(query).all()
        except DBAPIError as error:
            raise self._unreadable(error) from error

    def _first(self, query: Select[*tuple[Any, ...]]) -> Sequence[Any] | None:
        return next(iter(self._all(query)), None)

    def _unreadable(self, error: DBAPIError | sqlite3.Error) -> DatabaseError:
        words = trouble_of(error) or (error.orig if isinstance(error, DBAPIError) else error)
        return DatabaseError(f"{self._home.path} can't be read: {words}; try again, or check the disk")
