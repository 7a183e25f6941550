import logging
import sqlite3
import threading
from contextlib import closing
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from sqlalchemy import Connection

from tests.unit.store.bench import FAILED, SUCCEEDED, Bench, sql
from tests.waiting import wait_for
from workerkit.errors import DatabaseError
from workerkit.outcome import Failure, FailureKind, Outcome, Result, Status
from workerkit.store import operations, queued, transaction, writer
from workerkit.store.events import HostBeat, LinesCaptured, LogLine, NextRunMoved, RunProgressed, StatusChanged


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "FIRST_RETRY", 0.01)
    monkeypatch.setattr(writer, "LAST_RETRY", 0.02)
    monkeypatch.setattr("workerkit.store.database.WRITER_BUSY_TIMEOUT", 0.01)


@pytest.fixture
def locked(bench: Bench) -> Any:
    """Another program that holds the write lock; close it to give the lock up."""
    bench.writer.stop()
    bench.new_writer()
    with closing(sqlite3.connect(bench.database.path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other


# Acknowledgement


def test_a_sender_is_told_only_when_its_event_is_committed(bench: Bench) -> None:
    event = bench.started("a")
    seen: list[Any] = []
    bench.writer.submit(event, lambda _error: seen.append(sql(bench.database.path, "SELECT id FROM runs")))
    bench.writer.flush()
    assert seen == [[(event.run_id,)]]


def test_senders_are_told_in_the_order_in_which_they_came(bench: Bench) -> None:
    told: list[int] = []

    def note(number: int, _error: BaseException | None) -> None:
        told.append(number)

    for number in range(200):
        bench.writer.submit(NextRunMoved("ab"[number % 2], number), partial(note, number))
    bench.writer.flush()
    assert told == list(range(200))


def test_events_that_wait_together_are_committed_together(bench: Bench) -> None:
    before = bench.worker("a").change
    bench.write_together(StatusChanged("a", Status.STUCK), NextRunMoved("b", 1), NextRunMoved("a", 2))
    assert bench.worker("a").change == bench.worker("b").change == before + 1


def test_what_nobody_waits_for_goes_with_what_somebody_waits_for(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "LINGER", 600)
    bench.writer.submit(NextRunMoved("a", 1))
    bench.writer.submit(NextRunMoved("b", 2))
    began = monotonic()
    assert bench.writer.flush()
    assert monotonic() - began < 60
    assert [bench.worker(name).next_run_at for name in "ab"] == [1, 2]
    assert bench.worker("a").change == bench.worker("b").change


def test_what_nobody_waits_for_does_not_linger_long_after_a_large_transaction(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "LINGER", 600)
    crowd = (NextRunMoved("ab"[number % 2], number) for number in range(writer.MANY))
    bench.write_together(*crowd)
    bench.writer.submit(NextRunMoved("a", 1_000))
    wait_for(lambda: bench.worker("a").next_run_at == 1_000, "the event that came after many")


def test_what_nobody_waits_for_is_written_all_the_same_and_before_the_stop(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.writer.submit(NextRunMoved("a", 1))
    wait_for(lambda: bench.worker("a").next_run_at == 1, "the event that lingers")
    monkeypatch.setattr(writer, "LINGER", 600)
    bench.writer.submit(NextRunMoved("a", 2))
    assert bench.writer.stop(timeout=60)
    assert bench.worker("a").next_run_at == 2


def test_every_transaction_has_a_later_number(bench: Bench) -> None:
    changes = []
    for number in range(3):
        bench.write(NextRunMoved("a", number))
        changes.append(bench.worker("a").change)
    assert changes == sorted(set(changes))
    bench.writer.stop()
    bench.new_writer()
    bench.write(NextRunMoved("a", 9))
    assert bench.worker("a").change > changes[-1]


# Calls


def test_a_call_returns_what_its_function_returned_once_committed(bench: Bench) -> None:
    bench.writer.submit(NextRunMoved("a", 5))
    query = "SELECT next_run_at FROM workers WHERE name = 'a'"
    assert bench.writer.call(lambda connection, _change: connection.exec_driver_sql(query).scalar()) == 5


def test_a_call_that_raises_undoes_its_own_part_only(bench: Bench) -> None:
    def fail(connection: Connection, _change: int) -> None:
        connection.exec_driver_sql("UPDATE workers SET description = 'half'")
        raise ZeroDivisionError

    told: list[BaseException | None] = []
    bench.writer.submit(NextRunMoved("a", 5), told.append)
    with pytest.raises(ZeroDivisionError):
        bench.writer.call(fail)
    assert told == [None]
    assert (bench.worker("a").description, bench.worker("a").next_run_at) == ("", 5)


def test_a_call_may_even_exit(bench: Bench) -> None:
    def leave(_connection: Connection, _change: int) -> None:
        raise SystemExit

    with pytest.raises(SystemExit):
        bench.writer.call(leave)
    assert bench.write(NextRunMoved("a", 1)) == [None]


def test_a_call_that_can_not_be_written_in_time_is_never_written(bench: Bench, locked: sqlite3.Connection) -> None:
    update = "UPDATE workers SET description = 'late'"
    with pytest.raises(DatabaseError, match=r"within 0\.05 s: another program has locked it"):
        bench.writer.call(lambda connection, _change: connection.exec_driver_sql(update), timeout=0.05)
    locked.execute("ROLLBACK")
    assert bench.writer.flush()
    assert bench.worker("a").description == ""


def test_a_call_on_the_writers_own_thread_is_refused_rather_than_waited_for(bench: Bench) -> None:
    caught: list[BaseException] = []

    def call_again(_error: BaseException | None) -> None:
        try:
            bench.writer.call(lambda _connection, _change: None)
        except RuntimeError as error:
            caught.append(error)

    bench.writer.submit(NextRunMoved("a", 1), call_again)
    bench.writer.flush()
    assert "wait for itself" in str(caught[0])


# Events at fault


def test_an_event_at_fault_is_reported_and_the_others_are_written(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    good, bad = bench.started("a"), bench.started("b", host_id=99)
    nonsense: Any = "no event at all"
    told = bench.write_together(good, bad, NextRunMoved("b", 5), nonsense, bench.finished(good, FAILED))
    assert [type(error).__name__ for error in told] == [
        "NoneType",
        "IntegrityError",
        "NoneType",
        "KeyError",
        "NoneType",
    ]
    assert bench.counters("a") == (0, 1, 1)
    assert bench.worker("b").next_run_at == 5
    assert [run.id for run in bench.reader.runs()] == [good.run_id]
    assert [record.message for record in caplog.records] == [
        "RunStarted b 2 could not be written (nor 1 more of its batch)"
    ]


def test_the_end_of_a_run_is_recorded_without_what_the_database_refuses(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    results = [
        FAILED._replace(state=object()),  # type: ignore[arg-type]  # what is refused
        Result(Outcome.FAILED, Failure(FailureKind.PANIC, 5, {}, named="x")),  # type: ignore[arg-type]
        SUCCEEDED._replace(summary="fine", state={"not": "text"}),  # type: ignore[arg-type]
    ]
    starts = [bench.started("a") for _ in results]
    bench.write(*starts)
    ends = [bench.finished(start, result) for start, result in zip(starts, results, strict=True)]
    assert bench.write_together(*ends, bench.started("b")) == [None] * 4
    error, panic, success = (bench.record(start.run_id) for start in starts)
    assert (error.outcome, error.kind) == ("failed", "error")
    assert error.error is not None
    assert error.error.startswith("its details could not be stored: ")
    assert (panic.kind, panic.error and panic.error.startswith("Worker panic: its details could")) == ("panic", True)
    assert (success.outcome, success.error) == ("succeeded", None)
    assert bench.counters("a") == (1, 2, 0)
    assert bench.reader.state("a") == {}
    assert "could not be written in full" in caplog.text
    assert bench.writer.call(operations.rebuild_counters) == []


def test_numbers_beyond_64_bits_do_not_keep_a_run_in_flight(bench: Bench) -> None:
    start = bench.started("a")
    assert bench.write(start, bench.finished(start, duration=2**70, dropped_lines=2**64)) == [None, None]
    assert bench.record(start.run_id).duration == 2**63 - 1


def test_a_leftover_that_is_in_the_way_does_not_keep_a_run_in_flight(bench: Bench) -> None:
    start = bench.started("a")
    bench.write(start)
    bench.sql("INSERT INTO failures VALUES (?, 'a', 0, 'error', 'planted', x'00', '')", start.run_id)
    assert bench.write(bench.finished(start, FAILED)) == [None]
    assert bench.record(start.run_id).outcome == "failed"
    assert bench.counters("a") == (0, 1, 1)
    assert bench.reader.activity(0)[0].failed == 1


@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(1), KeyboardInterrupt()])
def test_a_callback_that_raises_is_logged_and_the_writer_lives(
    bench: Bench, caplog: pytest.LogCaptureFixture, error: BaseException
) -> None:
    def fail(_error: BaseException | None) -> None:
        raise error

    bench.writer.submit(NextRunMoved("a", 1), fail)
    assert bench.write(NextRunMoved("a", 2)) == [None]
    assert "the sender of NextRunMoved a failed" in caplog.text


# Trouble


def test_while_the_database_is_locked_everything_waits_and_the_trouble_is_named(
    bench: Bench, locked: sqlite3.Connection
) -> None:
    told: list[BaseException | None] = []
    start = bench.started("a")
    for event in (start, bench.finished(start, FAILED)):
        bench.writer.submit(event, told.append)
    assert "another program has locked it" in wait_for(lambda: bench.writer.trouble or "", "trouble")
    assert told == []
    locked.execute("ROLLBACK")
    assert bench.writer.flush()
    assert told == [None, None]
    assert bench.writer.trouble is None
    assert bench.counters("a") == (0, 1, 1)


def test_a_full_disk_is_outwaited(bench: Bench) -> None:
    pages = bench.writer.call(
        lambda connection, _change: connection.exec_driver_sql("PRAGMA max_page_count=1").scalar_one()
    )
    wide = LinesCaptured(1, "a", tuple(LogLine(seq, 0, "stdout", "x" * 4000) for seq in range(200)))
    told: list[BaseException | None] = []
    bench.writer.submit(wide, told.append)
    assert "the disk is full" in wait_for(lambda: bench.writer.trouble or "", "trouble")
    assert pages < 100
    assert told == []
    bench.writer._channel._driver().execute("PRAGMA max_page_count=100000")
    assert bench.writer.flush(20)
    assert told == [None]
    assert len(bench.reader.log_lines(1)) == 200


def test_trouble_is_logged_once_when_it_comes_and_once_when_it_goes(
    bench: Bench, locked: sqlite3.Connection, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = 0
    transact = transaction.transact

    def counted(*args: Any, **options: Any) -> None:
        nonlocal attempts
        attempts += 1
        transact(*args, **options)

    monkeypatch.setattr(writer, "transact", counted)
    bench.writer.submit(NextRunMoved("a", 1))
    wait_for(lambda: attempts > 3, "four attempts")
    locked.execute("ROLLBACK")
    bench.writer.flush()
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2
    assert "can't be written: another program" in caplog.records[0].message
    assert "is written again" in caplog.records[1].message


def test_when_too_much_waits_detail_is_dropped_first_and_ends_of_runs_never(
    bench: Bench, locked: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queued, "MAX_WAITING", 10)
    monkeypatch.setattr(queued.Call, "limit", 20)
    start = bench.started("a")
    told: list[str] = []

    def submit(event: Any, what: str) -> None:
        bench.writer.submit(event, lambda error: told.append(f"{what}: {'dropped' if error else 'written'}"))

    bench.writer.submit(start)
    for _ in range(8):
        bench.writer.submit(NextRunMoved("a", 1))
    submit(LinesCaptured(start.run_id, "a", (LogLine(0, 0, "log", "x"),)), "one line")
    submit(RunProgressed(start.run_id, "a", 1, 2, ""), "progress")
    assert told == ["one line: dropped"]
    for _ in range(10):
        bench.writer.submit(NextRunMoved("a", 1))
    submit(bench.started("b"), "start")
    with pytest.raises(DatabaseError, match="too much waits"):
        bench.writer.call(lambda _connection, _change: None)
    submit(bench.finished(start), "end")
    assert told == ["one line: dropped", "start: dropped"]
    locked.execute("ROLLBACK")
    wait_for(lambda: len(told) == 4, "the rest")
    assert told[2:] == ["progress: written", "end: written"]
    assert bench.writer.dropped == 3
    assert bench.write(LinesCaptured(start.run_id, "a", (LogLine(0, 0, "log", "x"),))) == [None]


def test_failures_that_wait_in_great_number_lose_their_captures_and_nothing_else(
    bench: Bench, locked: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queued, "MAX_WAITING", 3 * queued.CAPTURE_WEIGHT)
    large = Failure(FailureKind.ERROR, "ValueError: no", {"version": 1, "exceptions": [], "note": "large"})
    starts = [bench.started("a") for _ in range(6)]
    told: list[BaseException | None] = []
    for start in starts:
        bench.writer.submit(start, told.append)
        bench.writer.submit(bench.finished(start, Result(Outcome.FAILED, large, state=str(start.run_id))), told.append)
    locked.execute("ROLLBACK")
    assert bench.writer.flush(20)
    assert told == [None] * 12
    assert bench.counters("a") == (0, 6, 6)
    notes = [failure.capture["note"] for failure in reversed(bench.reader.failures())]
    assert notes == ["large"] * 2 + ["its details were dropped: too much waited to be written"] * 4
    assert bench.sql("SELECT state FROM worker_state") == [("6",)]
    assert bench.writer.dropped == 0


def test_a_lock_of_a_moment_is_not_called_trouble_and_heartbeats_do_not_pile_up(
    bench: Bench, locked: sqlite3.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    bench.writer.submit(NextRunMoved("a", 1))
    wait_for(lambda: bench.writer.trouble, "trouble")
    waiting = bench.writer._waiting
    for _ in range(100):
        bench.writer.submit(HostBeat(bench.host_id, bench.clock.now()))
    assert bench.writer._waiting == waiting
    bench.clock.advance(7)
    assert bench.writer.aftermath() is None
    locked.execute("ROLLBACK")
    assert bench.writer.flush()
    assert "could not be written for 7 s (another program has locked it" in (bench.writer.aftermath() or "")
    assert "nothing was lost" in (bench.writer.aftermath() or "")
    bench.clock.advance(61)
    assert bench.writer.aftermath() is None


def test_memory_that_is_short_is_outwaited(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    attempts: list[None] = []
    apply = transaction._apply

    def short(*args: Any, **options: Any) -> None:
        attempts.append(None)
        if len(attempts) < 3:
            raise MemoryError
        apply(*args, **options)

    monkeypatch.setattr(transaction, "_apply", short)
    start = bench.started("a")
    assert bench.write(start, bench.finished(start)) == [None, None]
    assert bench.counters("a") == (1, 0, 0)


# Life cycle


def test_start_and_stop_are_idempotent(bench: Bench) -> None:
    bench.writer.start()
    bench.writer.start()
    assert bench.writer.stop()
    assert bench.writer.stop()
    with pytest.raises(RuntimeError, match="ask the database for another"):
        bench.writer.start()


def test_ten_threads_may_start_and_stop_at_once(bench: Bench) -> None:
    for _ in range(10):
        fresh = bench.new_writer()
        fresh.submit(NextRunMoved("a", 1))
        threads = [threading.Thread(target=step) for step in (fresh.stop, fresh.flush) * 5]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert not any(thread.is_alive() for thread in threads)


def test_stop_writes_all_that_waits(bench: Bench) -> None:
    told: list[BaseException | None] = []
    for number in range(20_000):
        bench.writer.submit(NextRunMoved("a", number), told.append)
    assert bench.writer.stop()
    assert told == [None] * 20_000
    assert bench.worker("a").next_run_at == 19_999


def test_after_the_stop_senders_are_told_that_nothing_is_written(bench: Bench) -> None:
    bench.writer.stop()
    told: list[BaseException | None] = []
    bench.writer.submit(NextRunMoved("a", 1), told.append)
    bench.writer.submit(NextRunMoved("a", 1))
    assert "has stopped" in str(told[0])
    assert bench.writer.dropped == 2
    with pytest.raises(DatabaseError, match="has stopped"):
        bench.writer.call(lambda _connection, _change: None)


def test_stop_gives_up_in_time_when_nothing_can_be_written(bench: Bench, locked: sqlite3.Connection) -> None:
    told: list[BaseException | None] = []
    for number in range(writer.MAX_BATCH + 10):
        bench.writer.submit(NextRunMoved("a", number), told.append)
    assert not bench.writer.stop(timeout=0.05)
    wait_for(lambda: len(told) == writer.MAX_BATCH + 10, "all senders to be told")
    assert "before the end: another program has locked it" in str(told[0])
    assert bench.writer.dropped == writer.MAX_BATCH + 10


def test_a_writer_that_never_started_stops_and_tells_its_senders(bench: Bench) -> None:
    fresh = bench.database.writer(bench.clock)
    told: list[BaseException | None] = []
    fresh.submit(NextRunMoved("a", 1), told.append)
    assert not fresh.stop()
    assert isinstance(told[0], DatabaseError)


def test_a_writer_can_be_stopped_from_its_own_thread(bench: Bench) -> None:
    def stop(_error: BaseException | None) -> None:
        bench.writer.stop()

    bench.writer.submit(NextRunMoved("a", 1), stop)
    wait_for(lambda: bench.writer._thread is not None and not bench.writer._thread.is_alive(), "the end of the thread")


def test_when_the_thread_dies_all_the_same_nobody_waits_in_vain(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(_batch: object) -> None:
        raise SystemExit

    monkeypatch.setattr("threading.excepthook", lambda _args: None)
    monkeypatch.setattr(bench.writer, "_write", die)
    bench.writer.submit(NextRunMoved("a", 1))
    wait_for(lambda: bench.writer._thread is not None and not bench.writer._thread.is_alive(), "the end of the thread")
    with pytest.raises(DatabaseError, match="has stopped"):
        bench.writer.call(lambda _connection, _change: None)
    assert not bench.writer.stop()


def test_start_says_when_the_database_is_gone(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "jobs.db")
    bench.close()
    fresh = bench.database.writer(bench.clock)
    bench.database.path.unlink()
    with pytest.raises(DatabaseError, match="can't be opened for writing"):
        fresh.start()
    fresh.stop()
