"""A failure at every statement in turn: the database shows the state before or after, and nothing between."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import event

from tests.unit.store.bench import FAILED, SUCCEEDED, Bench
from tests.waiting import wait_for
from workerkit.outcome import GapReason, Result
from workerkit.store import operations, transaction, writer
from workerkit.store.events import Event, LinesCaptured, LogLine, RunProgressed, SlotsMissed
from workerkit.store.prepared import Prepared

STATEMENTS = 100
"""More than any of the transactions here has."""


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr(writer, "FIRST_RETRY", 0.001)
    bench = Bench(tmp_path / "jobs.db")
    bench.begin_host("a", "b")
    yield bench
    bench.close()


class Fault:
    """Raises an error once, at the n-th statement or at the commit."""

    def __init__(self, at: int, code: int) -> None:
        self.left = at
        self.struck = False
        self.error = (sqlite3.OperationalError if code != sqlite3.SQLITE_CONSTRAINT else sqlite3.IntegrityError)(
            "fault"
        )
        self.error.sqlite_errorcode = code

    def __call__(self, *_args: Any) -> None:
        self.left -= 1
        if self.left == 0:
            self.struck = True
            raise self.error


def write_with_fault(bench: Bench, events: list[Event], planted: Fault) -> list[BaseException | None]:
    """Writes the events in one transaction, which the fault meets."""
    engine = bench.writer._channel.engine
    compiled, commit = Prepared._compiled, transaction._commit

    def at_commit(*arguments: Any) -> None:
        planted()
        commit(*arguments)

    def struck(self: Prepared, *arguments: Any) -> str:
        planted()
        return compiled(self, *arguments)

    with ExitStack() as undo:

        def plant() -> None:
            undo.enter_context(patch.object(Prepared, "_compiled", struck))
            undo.enter_context(patch.object(transaction, "_commit", at_commit))
            event.listen(engine, "before_cursor_execute", planted)
            undo.callback(event.remove, engine, "before_cursor_execute", planted)

        return bench.write_together(*events, meanwhile=plant)


def batch(bench: Bench) -> list[Event]:
    """Something of everything, for workers of which one has a run in flight."""
    going = bench.started("a")
    bench.write(going)
    next_one = bench.started("b")
    now = bench.clock.now()
    return [
        LinesCaptured(going.run_id, "a", (LogLine(0, now, "stdout", "x"),)),
        RunProgressed(going.run_id, "a", 1, 2, ""),
        bench.finished(going, Result(FAILED.outcome, FAILED.failure, state='{"n":1}')),
        next_one,
        SlotsMissed(next_one.run_id, "b", GapReason.OVERLAP, now, now, 1, "", bench.host_id, None, None, now),
        bench.finished(next_one, SUCCEEDED),
    ]


def contents(bench: Bench) -> list[str]:
    """Everything but the numbers of the transactions."""
    tables = ("runs", "failures", "log_lines", "gaps", "worker_state", "activity")
    columns = (
        "name, status, success_count, failure_count, consecutive_failures, stored_runs, running_run_id, last_error"
    )
    queries = [f"SELECT * FROM {table}" for table in tables] + [f"SELECT {columns} FROM workers"]
    return [repr(bench.sql(query)) for query in queries]


def test_trouble_at_any_statement_is_outwaited_and_everything_is_written_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for at in range(1, STATEMENTS):
        events = batch(bench)
        before = contents(bench)
        seen: list[list[str]] = []
        monkeypatch.setattr(
            bench.writer, "_report", lambda trouble, seen=seen: trouble and seen.append(contents(bench))
        )
        planted = Fault(at, sqlite3.SQLITE_FULL)
        assert write_with_fault(bench, events, planted) == [None] * len(events)
        assert seen == ([before] if planted.struck else [])
        assert bench.counters("a") == (0, at, at)
        assert bench.counters("b") == (at, 0, 0)
        if not planted.struck:
            break
    assert at > 15
    assert bench.writer.call(operations.rebuild_counters) == []


def test_a_passing_fault_at_any_statement_costs_nothing(bench: Bench) -> None:
    for at in range(1, STATEMENTS):
        events = batch(bench)
        planted = Fault(at, sqlite3.SQLITE_CONSTRAINT)
        assert write_with_fault(bench, events, planted) == [None] * len(events)
        assert (bench.counters("a"), bench.counters("b")) == ((0, at, at), (at, 0, 0))
        if not planted.struck:
            break
    assert at > 15
    assert bench.writer.call(operations.rebuild_counters) == []


def test_a_lasting_fault_costs_one_event_and_the_others_are_whole(bench: Bench) -> None:
    going, other = bench.started("a"), bench.started("b")
    bench.write(going, other)
    bench.sql("CREATE TRIGGER fault BEFORE UPDATE ON workers WHEN NEW.name = 'a' BEGIN SELECT RAISE(ABORT, 'no'); END")
    told = bench.write_together(bench.finished(going, FAILED), bench.finished(other, FAILED))
    assert [error is None for error in told] == [False, True]
    assert bench.record(going.run_id).outcome is None
    assert bench.reader.failure(going.run_id) is None
    assert bench.counters("b") == (0, 1, 1)
    assert bench.reader.activity(0)[0].failed == 1
    bench.sql("DROP TRIGGER fault")
    assert bench.write(bench.finished(going, FAILED)) == [None]
    assert bench.writer.call(operations.rebuild_counters) == []


def test_a_fault_at_any_call_of_a_hosts_life_leaves_whole_transactions_and_a_passing_one_nothing_at_all() -> None:
    """Also a death at some calls; `make soak` does all of them. In a process of its own, which forks."""
    answer = subprocess.run(
        [sys.executable, "-m", "tests.unit.store.everycall"], capture_output=True, text=True, timeout=120, check=False
    )
    assert (answer.returncode, answer.stderr) == (0, ""), answer.stdout
    assert int(answer.stdout.split()[0]) > 150


def test_the_start_of_a_run_is_not_acknowledged_before_its_commit(bench: Bench) -> None:
    start = bench.started("a")
    seen: list[list[Any]] = []

    commit = transaction._commit

    def look(*arguments: Any) -> None:
        seen.append(bench.sql("SELECT id FROM runs"))
        commit(*arguments)

    told: list[BaseException | None] = []
    with patch.object(transaction, "_commit", look):
        bench.writer.submit(start, told.append)
        wait_for(lambda: told, "the acknowledgement")
    assert seen[0] == []
    assert bench.sql("SELECT id FROM runs") == [(start.run_id,)]
