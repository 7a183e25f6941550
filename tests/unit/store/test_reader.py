import threading
from collections.abc import Sequence
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import Connection

from tests.unit.store.bench import CANCELLED, FAILED, SUCCEEDED, Bench, names
from workerkit.clock import MINUTE, SECOND
from workerkit.errors import DatabaseError
from workerkit.outcome import Failure, FailureKind, Fingerprint, Outcome, Result, Status
from workerkit.store import codec, operations
from workerkit.store.events import LinesCaptured, LogLine, StatusChanged
from workerkit.store.prepared import Prepared
from workerkit.store.records import Totals


def test_the_tick_says_whether_anybody_has_committed(bench: Bench) -> None:
    assert bench.reader.changed()
    assert not bench.reader.changed()
    bench.write(StatusChanged("a", Status.STUCK))
    assert bench.reader.changed()
    assert not bench.reader.changed()
    with bench.database.transaction() as connection:
        connection.exec_driver_sql("UPDATE workers SET description = 'x'")
    assert bench.reader.changed()


def test_a_reader_may_be_handed_to_another_thread(bench: Bench) -> None:
    found: list[object] = []
    other = threading.Thread(target=lambda: found.extend(bench.reader.workers()))
    other.start()
    other.join()
    assert len(found) == 2


def test_only_workers_that_changed_are_fetched(bench: Bench) -> None:
    everything = bench.reader.workers()
    assert names(everything) == ["a", "b"]
    seen = max(worker.change for worker in everything)
    assert bench.reader.workers(since=seen) == []
    bench.run("b")
    assert names(bench.reader.workers(since=seen)) == ["b"]


def test_who_is_not_there_is_none(bench: Bench) -> None:
    reader = bench.reader
    nothing: list[object] = [reader.worker("x"), reader.run(99), reader.failure(99), reader.command(99)]
    assert nothing == [None] * 4
    assert reader.latest_command("a", "stack") is None
    assert reader.state("x") == {}


def test_the_latest_host_is_the_host(bench: Bench) -> None:
    bench.begin_host(pid=2)
    host = bench.reader.host()
    assert host is not None
    assert (host.pid, host.targets, host.ending) == (2, ("jobs.py",), None)
    assert [host.pid for host in bench.reader.hosts(limit=5)] == [2, 4711]


def test_runs_come_latest_first_in_pages(bench: Bench) -> None:
    ids = [bench.run("ab"[number % 2]) for number in range(6)]
    assert [run.id for run in bench.reader.runs(limit=2)] == ids[:-3:-1]
    assert [run.id for run in bench.reader.runs(limit=2, before=ids[-2])] == [ids[-3], ids[-4]]
    assert [run.id for run in bench.reader.runs(worker="b")] == ids[5::-2]


def test_runs_can_be_asked_for_by_outcome(bench: Bench) -> None:
    good, bad, stopped = bench.run("a"), bench.run("a", FAILED), bench.run("b", CANCELLED)
    going = bench.started("b")
    bench.write(going)

    def found(outcome: str, **more: Any) -> list[int]:
        return [run.id for run in bench.reader.runs(outcome=outcome, **more)]

    assert (found("succeeded"), found("failed"), found("cancelled")) == ([good], [bad], [stopped])
    assert (found("running"), found("interrupted"), found("nonsense' OR 1=1")) == ([going.run_id], [], [])
    assert found("failed", worker="b") == []
    assert found("failed", before=bad) == []
    assert [run.id for run in bench.reader.in_flight()] == [going.run_id]


def test_workers_are_counted_by_status(bench: Bench) -> None:
    bench.run("a", FAILED)
    assert bench.reader.counts() == {"failed": 1, "idle": 1}


def test_failures_come_latest_first_with_their_captures(bench: Bench) -> None:
    first, second = bench.run("a", FAILED), bench.run("b", FAILED)
    assert [failure.run_id for failure in bench.reader.failures()] == [second, first]
    assert [failure.run_id for failure in bench.reader.failures("a")] == [first]
    assert len(bench.reader.failures(limit=1)) == 1


def put_lines(bench: Bench, run_id: int, count: int) -> None:
    text = tuple(LogLine(seq, seq, "stdout", f"{run_id}/{seq}") for seq in range(count))
    bench.write(LinesCaptured(run_id, "a", text))


def test_lines_of_a_run_can_be_followed(bench: Bench) -> None:
    run_id = bench.run("a")
    put_lines(bench, run_id, 5)
    assert [line.seq for line in bench.reader.log_lines(run_id, limit=2)] == [0, 1]
    assert [line.seq for line in bench.reader.log_lines(run_id, after=3)] == [4]
    assert bench.reader.log_lines(run_id, after=4) == []


def test_the_latest_lines_of_a_worker_span_its_runs(bench: Bench) -> None:
    first, silent, last = bench.run("a"), bench.run("a"), bench.run("a")
    other = bench.run("b")
    for run_id, count in ((first, 3), (last, 2), (other, 9)):
        put_lines(bench, run_id, count)
    assert silent
    shown = [line.text for line in bench.reader.latest_log_lines("a")]
    assert shown == [f"{first}/0", f"{first}/1", f"{first}/2", f"{last}/0", f"{last}/1"]
    assert [line.text for line in bench.reader.latest_log_lines("a", limit=3)] == shown[-3:]


def test_commands_can_be_found_by_worker_verb_and_id(bench: Bench) -> None:
    with bench.database.transaction() as connection:
        ids = [
            operations.submit_command(connection, verb=verb, worker=worker, params={}, reason="", by="op", now=1)
            for verb, worker in (("pause", "a"), ("stack", "a"), ("pause", "b"), ("pause-all", None))
        ]
    reader = bench.reader
    assert [command.id for command in reader.commands()] == ids[::-1]
    assert [command.id for command in reader.commands("a")] == [ids[1], ids[0]]
    assert [command.id for command in reader.commands(verbs=["pause", "resume"])] == [ids[2], ids[0]]
    assert [command.id for command in reader.commands(limit=1)] == [ids[3]]
    found = [reader.latest_command("a", "stack"), reader.command(ids[2])]
    assert [command.id for command in found if command] == [ids[1], ids[2]]


def test_marks_move_with_lines_and_with_commands_and_their_answers(bench: Bench) -> None:
    run_id = bench.run("a")
    seen = [bench.reader.marks("a", run_id)]
    put_lines(bench, run_id, 2)
    seen.append(bench.reader.marks("a", run_id))
    with bench.database.transaction() as connection:
        command = operations.submit_command(
            connection, verb="stack", worker="a", params={}, reason="", by="op", now=bench.clock.now()
        )
    seen.append(bench.reader.marks("a", run_id))
    with bench.database.transaction() as connection:
        operations.finish_command(connection, command, state="done", result="", now=bench.clock.now())
    seen.append(bench.reader.marks("a", run_id))
    assert len(set(seen)) == len(seen)
    assert bench.reader.marks("a", run_id) == seen[-1]
    assert bench.reader.marks("b", None) == (None, None, 0)


def test_runs_of_a_time_are_found_by_their_moments(bench: Bench) -> None:
    began = [bench.record(bench.run("a", seconds=1)).started_at for _ in range(20)]
    bench.sql("DELETE FROM runs WHERE id IN (1, 2, 7, 8, 9, 20)")

    def ids(**bounds: Any) -> list[int]:
        return [run.id for run in bench.reader.runs(**bounds)]

    for since in (0, *began, bench.clock.now()):
        for until in (*began, bench.clock.now() + 1):
            expected = sorted((run.id for run in bench.reader.runs() if since <= run.started_at < until), reverse=True)
            assert ids(since=since, until=until) == expected
    assert ids(since=began[15]) == [19, 18, 17, 16]
    assert ids(since=began[15], limit=2) == [19, 18]


def test_of_no_runs_none_are_of_a_time(bench: Bench) -> None:
    assert bench.reader.runs(since=0, until=bench.clock.now()) == []


def test_durations_are_those_of_successes_latest_first(bench: Bench) -> None:
    for span, worker, result in (
        (3, "a", SUCCEEDED), (9, "a", FAILED), (1, "a", SUCCEEDED), (5, "b", SUCCEEDED), (2, "a", SUCCEEDED)
    ):  # fmt: skip
        bench.run(worker, result, seconds=span)
    assert bench.reader.durations("a") == [2 * SECOND, 1 * SECOND, 3 * SECOND]
    assert bench.reader.durations("a", limit=2) == [2 * SECOND, 1 * SECOND]
    assert bench.reader.durations("c") == []


def test_totals_are_those_of_the_minutes_since(bench: Bench) -> None:
    bench.run("a", FAILED)
    bench.clock.advance(120)
    since = bench.clock.now() - bench.clock.now() % MINUTE
    for result in (SUCCEEDED, FAILED, CANCELLED, SUCCEEDED):
        bench.run("a", result)
    assert bench.reader.totals(since) == Totals(started=4, succeeded=2, failed=1, other=1)
    assert bench.reader.totals(bench.clock.now() + MINUTE) == Totals(0, 0, 0, 0)


# Poisoned rows


def test_rows_that_somebody_broke_are_shown_and_hide_no_other(bench: Bench) -> None:
    run_id = bench.run("a", FAILED)
    bench.sql("UPDATE workers SET tags = '[', recent = '[[1],2]' WHERE name = 'a'")
    bench.sql("UPDATE workers SET tags = '{}', recent = '[[\"failed\", \"x\"]]' WHERE name = 'b'")
    bench.sql("UPDATE runs SET params = 'no json'")
    bench.sql("UPDATE failures SET capture = x'1234'")
    bench.sql("UPDATE hosts SET targets = '{'")
    bench.sql("INSERT INTO worker_state VALUES ('b', '[]', 0)")
    assert [(worker.tags, worker.recent) for worker in bench.reader.workers()] == [((), ()), ((), ())]
    assert bench.record(run_id).params == {}
    assert "corrupt" in bench.reader.failures()[0].capture
    assert bench.reader.hosts()[0].targets == ()
    assert bench.reader.state("b") == {}


@pytest.mark.parametrize("value", ["text", b"\x00bytes", 1.5, None])
def test_a_capture_of_another_type_reads_as_corrupt(bench: Bench, value: object) -> None:
    run_id = bench.run("a", FAILED)
    bench.sql("CREATE TABLE copy AS SELECT * FROM failures")
    bench.sql("DROP TABLE failures")
    bench.sql("ALTER TABLE copy RENAME TO failures")
    bench.sql("UPDATE failures SET capture = ?", value)
    failure = bench.reader.failure(run_id)
    assert failure is not None
    assert "corrupt" in failure.capture


def test_an_unreadable_database_is_reported_in_words(bench: Bench) -> None:
    bench.sql("DROP TABLE gaps")
    with pytest.raises(DatabaseError, match=r"can't be read: no such table: gaps"):
        bench.reader.gaps()


def test_recent_runs_are_read_as_pairs(bench: Bench) -> None:
    start = bench.started("a")
    bench.write(start, bench.finished(start, recent=codec.to_json([["failed", 3], ["succeeded", 4]])))
    assert bench.worker("a").recent == (("failed", 3), ("succeeded", 4))


# Cost


def plans(bench: Bench, *asked: Any) -> list[str]:
    """How SQLite goes about the queries that these calls make."""
    made: list[tuple[str, Any]] = []
    answer = Prepared.rows

    def note(prepared: Prepared, connection: Connection, *values: Any) -> Sequence[tuple[Any, ...]]:
        made.append((prepared._compiled(connection), values))
        return answer(prepared, connection, *values)

    with patch.object(Prepared, "rows", note):
        for ask in asked:
            ask()
    return [row[3] for statement, values in made for row in bench.sql(f"EXPLAIN QUERY PLAN {statement}", *values)]


def test_no_question_of_the_screen_reads_or_sorts_a_whole_table(bench: Bench) -> None:
    reader = bench.reader
    found = plans(
        bench,
        *(lambda outcome=outcome: reader.runs(outcome=outcome) for outcome in ("running", "failed", "cancelled")),
        lambda: reader.runs(worker="a", before=9),
        lambda: reader.runs(worker="a", since=5, until=9),
        lambda: reader.durations("a"),
        lambda: reader.commands("a"),
        lambda: reader.workers(since=5),
        reader.in_flight,
        lambda: reader.failures("a"),
        lambda: reader.log_lines(1, after=3),
        lambda: reader.latest_log_lines("a"),
        lambda: reader.gaps("a"),
        reader.pending_commands,
        lambda: reader.activity(5),
        lambda: reader.totals(5),
        lambda: reader.failure_group("3f2a", 5),
        lambda: reader.failures_of_group("3f2a"),
        lambda: reader.runs_of_group("3f2a"),
    )
    assert len(found) >= 20
    tables = ("workers", "runs", "failures", "failure_groups", "log_lines", "gaps", "commands", "activity")
    # A scan is fine where the index holds nothing else: runs in flight, and pending commands.
    scans = [step for step in found if step.startswith(tuple(f"SCAN {table}" for table in tables))]
    assert [step for step in scans if not {"ix_runs_in_flight", "ix_commands_pending"} & set(step.split())] == []
    assert [step for step in found if "TEMP B-TREE" in step] == []


def test_successes_are_not_searched_by_an_index_of_failures(bench: Bench) -> None:
    bench.run("a", SUCCEEDED)
    assert "ix_runs_ended_badly" not in "".join(plans(bench, lambda: bench.reader.runs(outcome="succeeded")))


# Failures that were only counted


def failed(mark: str, told: str | None) -> Result:
    """A failure of a group; with a capture that tells something, or only counted."""
    capture = {"version": 1, "exceptions": [{"type": "E", "message": told, "frames": []}]} if told else {}
    return Result(Outcome.FAILED, Failure(FailureKind.ERROR, "E: no", capture, mark=Fingerprint(mark, ("error",))))


def test_a_counted_failure_shows_the_capture_of_the_one_before_it_and_says_so(bench: Bench) -> None:
    early, first, second, other, third, full_again = (
        bench.run("a", failed(mark, told))
        for mark, told in (("m", None), ("m", "one"), ("m", None), ("n", "else"), ("m", None), ("m", "two"))
    )
    expected = {early: first, first: first, second: first, other: other, third: first, full_again: full_again}
    for run_id, shown in expected.items():
        record = bench.reader.failure(run_id)
        assert record is not None
        assert record.capture_of == shown
        note = None if shown == run_id else f"this is the traceback of run {shown}; this failure was only counted"
        assert record.capture.get("note") == note
    told = {record.run_id: record.capture["exceptions"][0]["message"] for record in bench.reader.failures("a")}
    assert told == {early: "one", first: "one", second: "one", other: "else", third: "one", full_again: "two"}
    assert [record.capture_of for record in bench.reader.failures_of_group("m", before=third)] == [first, first, first]
    assert [record.capture_of for record in bench.reader.failures(limit=2)] == [full_again, first]


def test_where_no_other_is_kept_a_counted_failure_says_that_too(bench: Bench) -> None:
    record = bench.reader.failure(bench.run("a", failed("m", None)))
    assert record is not None
    assert record.error == "E: no"
    assert record.capture == {
        "version": 1,
        "exceptions": [],
        "note": "it was only counted, and no other like it is kept",
    }
