import pytest

from tests.unit.store.bench import CANCELLED, FAILED, SUCCEEDED, Bench
from workerkit.clock import MINUTE, SECOND
from workerkit.outcome import Failure, FailureKind, GapReason, Outcome, Result, Status, Trigger
from workerkit.store.events import (
    HostBeat,
    LinesCaptured,
    LogLine,
    NextRunMoved,
    RunGoesOn,
    RunProgressed,
    SlotsMissed,
    StatusChanged,
)


def test_a_run_that_begins_is_recorded_with_its_worker(bench: Bench) -> None:
    event = bench.started("a", trigger=Trigger.MANUAL, attempt=2, params='{"n":1}')
    bench.write(event)
    run = bench.record(event.run_id)
    assert (run.worker, run.trigger, run.attempt, run.params) == ("a", "manual", 2, {"n": 1})
    assert (run.outcome, run.finished_at, run.host) == (None, None, "box:4711")
    worker = bench.worker("a")
    assert (worker.status, worker.running_run_id) == ("running", event.run_id)
    assert (worker.last_run_at, worker.next_run_at) == (event.started_at, event.next_run_at)
    assert worker.covered_until == event.covered_until
    assert bench.worker("b").status == "idle"


def test_a_quiet_start_leaves_the_workers_row_to_the_runs_end(bench: Bench) -> None:
    before = bench.worker("a")
    event = bench.started("a", quiet=True)
    bench.write(event)
    assert bench.record(event.run_id).outcome is None
    assert bench.worker("a") == before
    assert sum(minute.started for minute in bench.reader.activity(0)) == 1
    bench.write(bench.finished(event))
    worker = bench.worker("a")
    assert (worker.status, worker.running_run_id, worker.success_count) == ("idle", None, 1)
    assert (worker.last_run_at, worker.next_run_at) == (event.started_at, event.next_run_at)
    assert worker.covered_until == event.covered_until
    assert worker.change > before.change


def test_a_run_that_began_quietly_and_goes_on_is_shown_as_running(bench: Bench) -> None:
    event = bench.started("a", quiet=True)
    bench.write(event, RunGoesOn(event.run_id, "a", event.started_at, event.next_run_at, event.due_at))
    worker = bench.worker("a")
    assert (worker.status, worker.running_run_id, worker.last_run_at) == ("running", event.run_id, event.started_at)
    assert (worker.next_run_at, worker.covered_until) == (event.next_run_at, event.due_at)


def test_runs_that_begin_together_are_each_as_quiet_as_they_say(bench: Bench) -> None:
    quiet, loud = bench.started("a", quiet=True), bench.started("b")
    bench.write_together(quiet, loud)
    assert (bench.worker("a").status, bench.worker("b").status) == ("idle", "running")


@pytest.mark.parametrize("number", [1, 7, 8, 40])
def test_of_several_ends_of_one_run_the_first_counts(bench: Bench, number: int) -> None:
    """However many end together; a run that never began has no end."""
    starts = [bench.started("ab"[count % 2]) for count in range(number)]
    bench.write(*starts)
    nobody = bench.finished(starts[0]._replace(run_id=10_000), FAILED)
    ends = [bench.finished(start) for start in starts]
    bench.write_together(*ends, nobody, *(bench.finished(start, FAILED) for start in starts))
    bench.write_together(*(bench.finished(start, FAILED) for start in starts))
    assert bench.worker("a").success_count + bench.worker("b").success_count == number
    assert bench.worker("a").failure_count + bench.worker("b").failure_count == 0
    assert bench.reader.failures() == []
    assert bench.reader.run(10_000) is None


def test_a_manual_run_leaves_alone_how_far_slots_are_covered(bench: Bench) -> None:
    before = bench.worker("a").covered_until
    bench.clock.advance(10)
    bench.write(bench.started("a", covered_until=None))
    assert bench.worker("a").covered_until == before


def test_a_run_that_succeeds_adds_to_the_successes(bench: Bench) -> None:
    run_id = bench.run("a", SUCCEEDED._replace(summary="3 files"), seconds=2)
    run = bench.record(run_id)
    assert (run.outcome, run.duration, run.summary, run.error) == ("succeeded", 2 * SECOND, "3 files", None)
    worker = bench.worker("a")
    assert bench.counters("a") == (1, 0, 0)
    assert (worker.status, worker.last_outcome, worker.last_duration) == ("idle", "succeeded", 2 * SECOND)
    assert worker.running_run_id is None
    assert bench.reader.failure(run_id) is None


def test_a_run_that_fails_adds_to_the_failures_and_keeps_why(bench: Bench) -> None:
    run_id = bench.run("a", FAILED)
    assert (bench.record(run_id).kind, bench.record(run_id).error) == ("error", "ValueError: no")
    assert bench.counters("a") == (0, 1, 1)
    assert (bench.worker("a").status, bench.worker("a").last_error) == ("failed", "ValueError: no")
    failure = bench.reader.failure(run_id)
    assert failure is not None
    assert (failure.worker, failure.at, failure.kind) == ("a", bench.clock.now(), "error")
    assert failure.capture == {"version": 1, "exceptions": []}


def test_a_success_ends_a_row_of_failures_and_leaves_the_last_error_for_the_record(bench: Bench) -> None:
    for result in (FAILED, FAILED, SUCCEEDED):
        bench.run("a", result)
    assert bench.counters("a") == (1, 2, 0)
    assert bench.worker("a").last_error == "ValueError: no"


@pytest.mark.parametrize("outcome", [Outcome.CANCELLED, Outcome.INTERRUPTED])
def test_what_was_stopped_moves_no_counter(bench: Bench, outcome: Outcome) -> None:
    bench.run("a", FAILED)
    bench.run("a", Result(outcome))
    assert bench.counters("a") == (0, 1, 1)
    assert bench.worker("a").last_outcome == outcome


def test_a_second_end_of_a_run_changes_nothing(bench: Bench) -> None:
    start = bench.started("a")
    bench.write(start, bench.finished(start))
    before = bench.worker("a"), bench.record(start.run_id), bench.reader.activity(0)
    bench.clock.advance(1)
    late = bench.finished(start, FAILED._replace(state='{"n":1}'), status=Status.STUCK)
    assert bench.write(late) == [None]
    assert (bench.worker("a"), bench.record(start.run_id), bench.reader.activity(0)) == before
    assert bench.reader.failure(start.run_id) is None
    assert bench.reader.state("a") == {}


def test_of_two_ends_in_one_transaction_the_first_counts(bench: Bench) -> None:
    start = bench.started("a")
    bench.write(start)
    bench.write_together(bench.finished(start, FAILED), bench.finished(start, SUCCEEDED))
    assert bench.counters("a") == (0, 1, 1)
    assert bench.record(start.run_id).outcome == "failed"


def test_the_end_of_a_run_that_never_began_changes_nothing(bench: Bench) -> None:
    never = bench.started("a")
    assert bench.write(bench.finished(never, FAILED)) == [None]
    assert bench.counters("a") == (0, 0, 0)
    assert bench.reader.failures() == []


@pytest.mark.parametrize("status", [Status.STUCK, Status.PAUSED, Status.UNREGISTERED, Status.RUNNING])
def test_the_workers_status_is_what_the_host_says(bench: Bench, status: Status) -> None:
    start = bench.started("a")
    bench.write(start, bench.finished(start, FAILED, status=status))
    assert bench.worker("a").status == status


def test_the_end_of_an_older_run_leaves_the_running_one(bench: Bench) -> None:
    first, second = bench.started("a"), bench.started("a")
    bench.write(first, second, bench.finished(first, FAILED, status=Status.RUNNING, running_run_id=second.run_id))
    assert bench.worker("a").running_run_id == second.run_id


def test_the_state_is_saved_with_the_outcome_and_kept_where_a_run_left_it_alone(bench: Bench) -> None:
    bench.run("a", SUCCEEDED._replace(state='{"seen":3}'))
    bench.run("a", SUCCEEDED)
    assert bench.reader.state("a") == {"seen": 3}
    bench.run("a", FAILED._replace(state='{"seen":4}'))
    assert bench.reader.state("a") == {"seen": 4}


def test_a_failure_without_a_reason_still_has_a_row(bench: Bench) -> None:
    run_id = bench.run("a", Result(Outcome.FAILED))
    failure = bench.reader.failure(run_id)
    assert failure is not None
    assert failure.error == "failed without saying why"


def test_a_worker_may_say_anything(bench: Bench) -> None:
    nasty = "\0\ud800" + "x" * 10_000
    start = bench.started("a")
    told = bench.write(
        start,
        RunProgressed(start.run_id, "a", 10**40, -(10**40), nasty),
        LinesCaptured(start.run_id, "a", (LogLine(0, 1, "log", nasty, nasty, nasty),)),
        bench.finished(
            start,
            Result(Outcome.FAILED, Failure(FailureKind.PANIC, nasty, {"message": nasty, "n": 10**40}), summary=nasty),
        ),
    )
    assert told == [None] * 4
    run = bench.record(start.run_id)
    assert run.error is not None
    assert run.error.startswith("\ufffd\ufffdxxx")
    assert len(run.error) == 4096
    assert (run.progress_done, run.progress_total) == (2**63 - 1, -(2**63))
    [failure] = bench.reader.failures()
    assert failure.capture == {"message": nasty, "n": 10**40}


def test_activity_counts_each_minute(bench: Bench) -> None:
    minute = bench.clock.now() - bench.clock.now() % MINUTE
    for result in (SUCCEEDED, FAILED, CANCELLED):
        bench.run("a", result, seconds=1)
    bench.clock.advance(60)
    bench.run("b", SUCCEEDED, seconds=1)
    first, second = bench.reader.activity(0)
    assert (first.minute, first.started, first.succeeded, first.failed, first.other) == (minute, 3, 1, 1, 1)
    assert (second.minute, second.started, second.succeeded) == (minute + MINUTE, 1, 1)
    assert bench.reader.activity(minute + 1) == [second]


def test_a_status_alone_can_change(bench: Bench) -> None:
    bench.write(StatusChanged("a", Status.STUCK))
    assert bench.worker("a").status == "stuck"


def test_progress_is_kept_and_moves_the_workers_change(bench: Bench) -> None:
    start = bench.started("a")
    bench.write(start)
    seen = bench.worker("a").change
    bench.write(RunProgressed(start.run_id, "a", 3, None, "third"))
    run = bench.record(start.run_id)
    assert (run.progress_done, run.progress_total, run.progress_note) == (3, None, "third")
    assert [worker.name for worker in bench.reader.workers(since=seen)] == ["a"]


def lines(*numbers: int) -> tuple[LogLine, ...]:
    return tuple(LogLine(number, number, "stdout", f"line {number}") for number in numbers)


def test_lines_are_kept_in_order_and_those_of_the_middle_fall_out(bench: Bench) -> None:
    start = bench.started("a")
    bench.write(start, LinesCaptured(start.run_id, "a", lines(0, 1, 2, 3)))
    bench.write(LinesCaptured(start.run_id, "a", lines(4, 5), drop_from=1, drop_until=3, dropped=2))
    assert [line.seq for line in bench.reader.log_lines(start.run_id)] == [0, 3, 4, 5]
    assert bench.record(start.run_id).dropped_lines == 2
    bench.write(bench.finished(start, dropped_lines=7))
    assert bench.record(start.run_id).dropped_lines == 7


def missed(bench: Bench, gap_id: int, last: int, count: int) -> SlotsMissed:
    return SlotsMissed(
        gap_id=gap_id,
        worker="a",
        reason=GapReason.PAUSED,
        first_due_at=bench.clock.now(),
        last_due_at=last,
        slots=count,
        detail="paused by op",
        host_id=bench.host_id,
        run_id=None,
        next_run_at=last + SECOND,
        covered_until=last,
    )


def test_equal_gaps_are_one_row_that_grows(bench: Bench) -> None:
    now = bench.clock.now()
    bench.write(missed(bench, 1, now, 1), missed(bench, 1, now + SECOND, 2), missed(bench, 2, now + 2 * SECOND, 1))
    second, first = bench.reader.gaps("a")
    assert (first.count, first.first_due_at, first.last_due_at) == (2, now, now + SECOND)
    assert (second.count, second.reason, second.detail) == (1, "paused", "paused by op")
    worker = bench.worker("a")
    assert (worker.next_run_at, worker.covered_until) == (now + 3 * SECOND, now + 2 * SECOND)


def test_slots_missed_before_a_start_are_written_with_it(bench: Bench) -> None:
    now = bench.clock.now()
    start = bench.started("a", due_at=now + 3 * SECOND, covered_until=now + 3 * SECOND, next_run_at=now + 4 * SECOND)
    bench.write(missed(bench, 1, now + 2 * SECOND, 3), start)
    [gap] = bench.reader.gaps("a")
    assert (gap.count, gap.last_due_at) == (3, now + 2 * SECOND)
    worker = bench.worker("a")
    assert (worker.status, worker.next_run_at, worker.covered_until) == ("running", now + 4 * SECOND, now + 3 * SECOND)


def test_the_next_run_can_move_alone(bench: Bench) -> None:
    covered = bench.worker("a").covered_until
    bench.write(NextRunMoved("a", 77))
    assert (bench.worker("a").next_run_at, bench.worker("a").covered_until) == (77, covered)
    bench.write(NextRunMoved("a", None, 88))
    assert (bench.worker("a").next_run_at, bench.worker("a").covered_until) == (None, 88)


def test_the_hosts_heartbeat_and_notice_are_kept(bench: Bench) -> None:
    bench.write(HostBeat(bench.host_id, 5, "the scheduler was rebuilt"))
    host = bench.reader.host()
    assert host is not None
    assert (host.heartbeat_at, host.notice) == (5, "the scheduler was rebuilt")
    bench.write(HostBeat(bench.host_id, 6))
    host = bench.reader.host()
    assert host is not None
    assert (host.heartbeat_at, host.notice) == (6, None)
