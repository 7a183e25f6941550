"""A host's whole life as a script on one thread, and a database that fails, or a process that ends, at its n-th call.

What the database holds is compared with what the same script leaves, transaction by transaction, without a fault.
"""

import itertools
import logging
import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection

from tests.unit.store.bench import CANCELLED, FAILED, SUCCEEDED, Bench
from workerkit.clock import DAY, SECOND
from workerkit.outcome import Failure, FailureKind, GapReason, Outcome, Result, Status
from workerkit.store import operations, retention, writer
from workerkit.store.counters import rebuild_counters
from workerkit.store.database import Database
from workerkit.store.events import (
    Event,
    HostBeat,
    LinesCaptured,
    LogLine,
    NextRunMoved,
    RetryDropped,
    RunGoesOn,
    RunProgressed,
    SlotsMissed,
    StatusChanged,
    WorkerSuspended,
)
from workerkit.store.queued import Call, Submission
from workerkit.store.writer import Writer

T = TypeVar("T")
PANIC = Result(Outcome.FAILED, Failure(FailureKind.PANIC, "Worker panic: SystemExit", {"version": 1, "exceptions": []}))


# The database that fails


Plan = Callable[[int, str, Callable[[], Any], sqlite3.Connection | None], Any]
"""What happens at a call: its number, the SQL (or COMMIT, ROLLBACK, CONNECT), what carries it out, on what."""


class _Calls:
    """Counts the calls of all connections for writing while a plan is set."""

    plan: Plan | None = None
    number = 0

    @classmethod
    def do(cls, what: str, act: Callable[[], Any], connection: sqlite3.Connection | None) -> Any:
        if cls.plan is None:
            return act()
        cls.number += 1
        return cls.plan(cls.number, what, act, connection)


class _Cursor(sqlite3.Cursor):
    def execute(self, sql: str, parameters: Any = (), /) -> Any:
        return _Calls.do(sql, lambda: super(_Cursor, self).execute(sql, parameters), self.connection)

    def executemany(self, sql: str, parameters: Any, /) -> Any:
        return _Calls.do(sql, lambda: super(_Cursor, self).executemany(sql, parameters), self.connection)


class _Connection(sqlite3.Connection):
    def cursor(self, factory: Any = None) -> Any:
        return super().cursor(_Cursor)

    def execute(self, sql: str, parameters: Any = (), /) -> Any:
        return self.cursor().execute(sql, parameters)

    def executemany(self, sql: str, parameters: Any, /) -> Any:
        return self.cursor().executemany(sql, parameters)

    def commit(self) -> None:
        _Calls.do("COMMIT", super().commit, self)

    def rollback(self) -> None:
        _Calls.do("ROLLBACK", super().rollback, self)


@contextmanager
def planned(plan: Plan | None) -> Iterator[None]:
    """Carries out every call on connections for writing as the plan says; they are opened within."""
    plain = sqlite3.connect

    def faulty(database: Any, **options: Any) -> sqlite3.Connection:
        if not str(database).endswith("mode=rw"):
            ordinary: sqlite3.Connection = plain(database, **options)
            return ordinary
        opened: sqlite3.Connection = _Calls.do("CONNECT", lambda: plain(database, factory=_Connection, **options), None)
        return opened

    _Calls.plan, _Calls.number = plan, 0
    vars(sqlite3)["connect"] = faulty
    try:
        yield
    finally:
        vars(sqlite3)["connect"] = plain
        _Calls.plan = None


# The script


class Stage(Bench):
    """A bench whose writer works on the caller's thread, so that the n-th call is always the same one."""

    def __init__(self, path: Path, committed: Callable[[], None] = lambda: None) -> None:
        self._committed = committed
        super().__init__(path)

    def new_writer(self) -> Writer:
        self.writer = self.database.writer(self.clock)
        self.writer._channel.open()
        self.writer.call = self.call  # type: ignore[method-assign]
        return self.writer

    def write(self, *events: Event) -> list[BaseException | None]:
        """All in one transaction."""
        told: list[BaseException | None] = []
        self.writer._write([Submission(event, told.append) for event in events])
        self._end_of_transaction()
        return told

    def call(self, function: Callable[[Connection, int], T], timeout: float = 0) -> T:
        item = Call(function)
        self.writer._write([item])
        self._end_of_transaction()
        if item.error is not None:
            raise item.error
        result: T = item.result
        return result

    def _end_of_transaction(self) -> None:
        if self.writer._batch:
            raise GivenUp
        self._committed()

    def close(self) -> None:
        self.writer._channel.close()
        self.reader.close()


class GivenUp(Exception):
    """The writer was told to give up, as at the end of a host."""


def play(stage: Stage) -> None:
    """A host from its beginning to its end. The same calls every time."""
    clock = stage.clock
    stage.begin_host("a", "b", "c")
    first, second = stage.started("a"), stage.started("b")
    expect_written(stage.write(first, second))
    expect_written(
        stage.write(
            HostBeat(stage.host_id, clock.now()),
            LinesCaptured(first.run_id, "a", tuple(LogLine(seq, clock.now(), "stdout", "x") for seq in range(5))),
            RunProgressed(first.run_id, "a", 1, 2, "half"),
        )
    )
    clock.advance(1)
    expect_written(
        stage.write(
            LinesCaptured(first.run_id, "a", (LogLine(5, clock.now(), "log", "y", "INFO", "z"),), 1, 3, 2),
            stage.finished(first, FAILED._replace(state='{"n":1}')),
            stage.finished(second, SUCCEEDED._replace(summary="fine")),
            NextRunMoved("b", clock.now() + SECOND, clock.now()),
        )
    )
    third = stage.started("c")
    gap = SlotsMissed(
        1, "a", GapReason.OVERLAP, clock.now(), clock.now(), 1, "", stage.host_id, None, None, clock.now()
    )
    expect_written(stage.write(third, gap, stage.finished(third, PANIC), StatusChanged("c", Status.STUCK)))
    fourth = stage.started("c", attempt=2)
    expect_written(
        stage.write(
            gap._replace(slots=2, last_due_at=clock.now() + SECOND),
            fourth,
            stage.finished(fourth, FAILED, retry_at=clock.now() + SECOND, status=Status.RETRYING),
        )
    )
    expect_written(
        stage.write(
            RetryDropped(fourth.run_id, "c", Status.FAILED),
            fifth := stage.started("b", quiet=True),
            RunGoesOn(fifth.run_id, "b", fifth.started_at, fifth.next_run_at, fifth.due_at),
            stage.finished(fifth, SUCCEEDED),
            WorkerSuspended("c", clock.now(), "it failed 2 times in a row", Status.SUSPENDED),
        )
    )
    stage.call(
        lambda connection, change: operations.set_paused(
            connection, change, "a", paused=True, by="op", reason="disk", now=clock.now(), status="paused"
        )
    )
    stage.call(lambda connection, _change: _answer_a_command(connection, clock.now()))
    clock.advance(40 * DAY / SECOND)
    last = stage.started("b")
    expect_written(stage.write(last))
    expect_written(stage.write(stage.finished(last, CANCELLED)))
    now = clock.now()
    assert stage.call(lambda connection, _change: retention.prune(connection, now=now, patience=60)).runs == 5
    stage.call(lambda connection, change: operations.reset_counters(connection, change, "c", 100))
    stage.call(lambda connection, change: operations.end_host(connection, change, stage.host_id, now))


def _answer_a_command(connection: Connection, now: int) -> None:
    asked = operations.submit_command(connection, verb="run", worker="b", params={}, reason="", by="op", now=now)
    operations.finish_command(connection, asked, state="done", result="run 5 began", now=now, run_id=5)


def expect_written(told: Sequence[BaseException | None]) -> None:
    assert set(told) == {None}, told


# What is compared


def contents(path: Path) -> list[str]:
    """Every row of every table, but for the numbers of the transactions."""
    with closing(sqlite3.connect(path)) as connection:
        tables = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")
        ]
        found = []
        for table in tables:
            rows = connection.execute(f"SELECT * FROM {table}")
            columns = [column for column, *_ in rows.description]
            left_out = columns.index("change") if "change" in columns else len(columns)
            found += sorted(f"{table} {row[:left_out]} {row[left_out + 1 :]}" for row in rows)
        return found


def reference(path: Path) -> tuple[list[list[str]], int]:
    """What the database holds after each transaction of the script, the empty one first; and its number of calls."""
    states: list[list[str]] = []
    with planned(lambda _number, _what, act, _connection: act()):
        stage = Stage(path, lambda: states.append(contents(path)))
        states.append(contents(path))
        play(stage)
        stage.close()
        return states, _Calls.number


def faults_of(path: Path) -> list[str]:
    """What is wrong with a database in itself."""
    with closing(sqlite3.connect(path)) as connection:
        found = [row[0] for row in connection.execute("PRAGMA integrity_check") if row != ("ok",)]
        found += [f"no parent: {row}" for row in connection.execute("PRAGMA foreign_key_check")]
    with Database.open(path).transaction() as connection:
        found += [f"counters: {drift}" for drift in rebuild_counters(connection, 0)]
    return found


# Faults


def error_of(code: int, text: str) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError(text)
    error.sqlite_errorcode = code
    return error


def io_error(act: Callable[[], Any], _connection: sqlite3.Connection | None) -> Any:
    raise error_of(sqlite3.SQLITE_IOERR, "disk I/O error")


def disk_full(act: Callable[[], Any], connection: sqlite3.Connection | None) -> Any:
    """SQLite itself then rolls the transaction back."""
    if connection is not None:
        sqlite3.Connection.rollback(connection)
    raise error_of(sqlite3.SQLITE_FULL, "database or disk is full")


def locked(act: Callable[[], Any], _connection: sqlite3.Connection | None) -> Any:
    raise error_of(sqlite3.SQLITE_BUSY, "database is locked")


def answer_lost(act: Callable[[], Any], _connection: sqlite3.Connection | None) -> Any:
    """It is done, and nobody hears of it."""
    act()
    raise error_of(sqlite3.SQLITE_INTERRUPT, "interrupted")


KINDS = (io_error, disk_full, locked, answer_lost)


def play_with_fault(
    path: Path, states: list[list[str]], kind: Callable[..., Any], at: int, *, lasting: bool = False
) -> list[str]:
    """Plays the script with a fault at one call; what was wrong. A lasting fault makes the writer give up."""
    wrong: list[str] = []
    done = itertools.count(1)
    committed = 0

    def count() -> None:
        nonlocal committed
        committed = next(done)

    def plan(number: int, what: str, act: Callable[[], Any], connection: sqlite3.Connection | None) -> Any:
        if number < at or (number > at and not lasting):
            return act()
        if number > at and what == "ROLLBACK":
            return act()
        if lasting and number > at + 3:
            stage.writer._give_up.set()
        # Functions are not repeatable in general; that a COMMIT went through and says it did not, no disk does.
        if kind is answer_lost and what == "COMMIT" and any(isinstance(item, Call) for item in stage.writer._batch):
            return act()
        return kind(act, connection)

    stage = Stage(path, count)
    doubt = stage.writer._channel.doubt

    def look(error: BaseException) -> None:
        if contents(path) not in (states[committed], states[committed + 1]):
            wrong.append(f"after the fault at call {at} the database is between two transactions")
        doubt(error)

    stage.writer._channel.doubt = look  # type: ignore[method-assign]
    with planned(plan):
        stage.writer._channel.close()
        stage.writer._channel._connection = None
        try:
            play(stage)
        except GivenUp:
            if not lasting:
                wrong.append(f"call {at}: given up")
        finally:
            stage.close()
    left = contents(path)
    if left != states[-1] if not lasting else left not in states:
        wrong.append(f"call {at}: the database is not what it would be without the fault")
    return wrong + [f"call {at}: {fault}" for fault in faults_of(path)]


def die_at(path: Path, states: list[list[str]], at: int, *, after: bool) -> list[str]:
    """Plays the script in a forked child that ends without a word before, or after, that call; what was wrong."""
    child = os.fork()
    if child == 0:

        def plan(number: int, _what: str, act: Callable[[], Any], _connection: sqlite3.Connection | None) -> Any:
            if number == at and not after:
                os._exit(9)
            answer = act()
            if number == at:
                os._exit(9)
            return answer

        with planned(plan):
            stage = Stage(path)
            play(stage)
            stage.close()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    ending = os.waitstatus_to_exitcode(status)
    wrong = [] if ending == 9 else [f"it did not die, but ended with {ending}"]
    if contents(path) not in states:
        wrong.append("the database is between two transactions")
    stage = Stage(path)
    stage.begin_host("a", "b", "c")
    if stage.reader.in_flight():
        wrong.append("a run is still in flight under the next host")
    stage.close()
    return [f"killed at call {at}: {fault}" for fault in wrong + faults_of(path)]


@dataclass(frozen=True, slots=True)
class Report:
    """What came of it."""

    calls: int
    transactions: int
    plays: int
    faults: tuple[str, ...]


def every_call(folder: Path, *, thorough: bool) -> Report:
    """The script with a fault at every call in turn, and deaths. Forks: not for a process with threads.

    Thorough: all faults, passing and lasting, and deaths before and after, at every call; else one fault at every call
    and a death at some.
    """
    patient = writer.FIRST_RETRY, writer.LAST_RETRY
    writer.FIRST_RETRY = writer.LAST_RETRY = 0.0
    logging.disable()
    faults: list[str] = []
    plays = 0
    try:
        empty = Database.open(folder / "empty.db").path
        states, calls = reference(_copy(empty, folder))
        for at in range(1, calls + 1):
            some = [(KINDS[at % len(KINDS)], at % 8 >= 4)]
            for kind, lasting in itertools.product(KINDS, (False, True)) if thorough else some:
                faults += play_with_fault(_copy(empty, folder), states, kind, at, lasting=lasting)
                plays += 1
            for after in (False, True) if thorough else (at % 2 == 0,) * (at % 7 == 0):
                faults += die_at(_copy(empty, folder), states, at, after=after)
                plays += 1
    finally:
        writer.FIRST_RETRY, writer.LAST_RETRY = patient
        logging.disable(logging.NOTSET)
    return Report(calls, len(states), plays, tuple(faults))


def _copy(empty: Path, folder: Path) -> Path:
    path = folder / "played.db"
    for old in folder.glob("played.db*"):
        old.unlink()
    shutil.copy(empty, path)
    return path


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as chosen:
        report = every_call(Path(chosen), thorough="thorough" in sys.argv)
    print(f"{report.plays} plays of {report.calls} calls in {report.transactions} transactions")
    print(*report.faults, sep="\n")
    sys.exit(bool(report.faults))
