"""What a slot does that finds its worker busy, or comes too late; under a clock that is moved by hand."""

from typing import Any

from tests.integration.conftest import Bench
from tests.integration.test_guarded_runs import Task
from tests.integration.test_slots import Scene
from tests.waiting import wait_for
from workerkit import RunContext
from workerkit.outcome import GapReason, StopCause, Trigger


def scene(**options: Any) -> Scene:
    """One worker of one second, with these options."""
    return Scene(options=options)


def tick(scene: Scene, times: int = 1) -> None:
    for _ in range(times):
        scene.clock.advance(1)
        scene.slots.look("w")


def test_a_queued_slot_runs_as_soon_as_the_run_in_flight_has_ended() -> None:
    queue = scene(overlap="queue")
    tick(queue, 2)
    assert list(queue.verdicts()) == ["run", "NOTHING"], "it has no verdict while it waits"
    assert queue.live.covered_until < queue.live.waiting[0].due_at, "a host that dies now leaves it open"
    queue.end_run()
    assert list(queue.verdicts()) == ["run", "run"]


def test_one_slot_waits_the_latest_and_the_others_are_gaps() -> None:
    queue = scene(overlap="queue")
    tick(queue, 5)
    queue.end_run()
    assert list(queue.verdicts()) == ["run", "overlap", "overlap", "overlap", "run"]
    (gap,) = queue.writer.gaps()
    assert (gap.slots, gap.run_id, gap.detail) == (3, 1, "run 1 was still running, then a later slot came")


def test_replace_asks_the_run_in_flight_to_stop_and_waits_for_it() -> None:
    replace = scene(overlap="replace")
    tick(replace, 2)
    (old,) = replace.live.runs
    assert old.cancellation.cause is StopCause.REPLACED
    assert "replaced by the slot of 2026-01-01T00:00:0" in (old.cancellation.reason or "")
    replace.end_run()
    assert list(replace.verdicts()) == ["run", "run"]


def test_up_to_so_many_runs_go_on_at_one_time() -> None:
    three = scene(overlap=3)
    tick(three, 5)
    assert list(three.verdicts()) == ["run", "run", "run", "overlap", "overlap"]
    assert "run 1 is still running (for 4s), and 2 more" in three.writer.gaps()[0].detail
    three.end_run()
    tick(three)
    assert list(three.verdicts())[-1] == "run"


def test_a_slot_that_comes_too_late_is_a_gap_that_says_by_how_much() -> None:
    late = scene(overlap="queue", start_deadline="2s")
    tick(late, 2)
    late.clock.advance(2.5)
    late.end_run()
    assert list(late.verdicts())[:2] == ["run", "late"]
    assert "its start deadline is 2s" in late.writer.gaps()[0].detail


def test_missed_slots_are_not_caught_up_where_the_worker_does_not_want_it() -> None:
    skip = scene(catch_up="skip")
    skip.clock.advance(10)
    assert skip.slots.overdue(GapReason.HOST_DOWN, "the host was down", skip.call_later) == 0
    assert list(skip.verdicts()) == ["host down"] * 10


def test_up_to_so_many_missed_slots_are_run_after_all_one_after_the_other() -> None:
    three = scene(catch_up=3)
    three.clock.advance(10)
    three.slots.overdue(GapReason.HOST_DOWN, "the host was down", three.call_later)
    for _, call in three.later:
        call()
    assert list(three.verdicts()) == ["host down"] * 7 + ["run", "NOTHING", "NOTHING"]
    three.end_run()
    three.end_run()
    assert list(three.verdicts()) == ["host down"] * 7 + ["run"] * 3
    assert [run.trigger for run in three.writer.runs()] == [Trigger.CATCH_UP] * 3
    tick(three)
    assert list(three.verdicts())[-1] == "overlap", "the last of them is still running"


def test_a_regular_slot_takes_its_place_behind_those_that_are_caught_up() -> None:
    two = scene(catch_up=2)
    two.clock.advance(5)
    two.slots.overdue(GapReason.HOST_DOWN, "the host was down", two.call_later)
    for _, call in two.later:
        call()
    tick(two)
    two.end_run()
    two.end_run()
    assert list(two.verdicts()) == ["host down"] * 3 + ["run", "run", "run"]


def test_missed_slots_older_than_the_start_deadline_are_not_caught_up() -> None:
    fresh = scene(catch_up=100, start_deadline="3500ms")
    fresh.clock.advance(10)
    fresh.slots.overdue(GapReason.HOST_DOWN, "the host was down", fresh.call_later)
    for _, call in fresh.later:
        call()
    while fresh.live.waiting:
        fresh.end_run()
    verdicts = list(fresh.verdicts())
    assert verdicts.count("run") in (3, 4)
    assert verdicts == sorted(verdicts, key=lambda verdict: verdict == "run"), "the latest are those that run"


def test_slots_that_wait_when_the_clock_goes_back_are_accounted_for() -> None:
    queue = scene(overlap="queue")
    tick(queue, 2)
    queue.slots.begin_anew(queue.live)
    assert list(queue.verdicts()) == ["run", "overlap"]


def test_a_slot_that_waits_behind_another_run_when_its_worker_is_paused_is_a_gap_that_says_so() -> None:
    queue = scene(overlap="queue")
    tick(queue, 2)
    queue.live.paused, queue.live.paused_by = True, "ada"
    queue.end_run()
    assert list(queue.verdicts()) == ["run", "paused"]


def test_two_runs_of_one_worker_at_a_time_both_count(bench: Bench) -> None:
    def work(ctx: RunContext) -> None:
        ctx.sleep(60)

    bench.host(Task(work, overlap=2))
    first, second = bench.begin("task"), bench.begin("task")
    refused = bench.ask("run", "task")
    assert refused.state == "refused"
    assert f"run {first} is still running" in (refused.result or "")
    assert bench.worker("task").running_run_id in (first, second)
    bench.ask("cancel", "task")
    assert {bench.ended(first).outcome, bench.ended(second).outcome} == {"cancelled"}
    record = bench.wait_worker("task", lambda worker: worker.status == "idle")
    assert record.running_run_id is None


def test_a_run_that_is_replaced_is_cancelled_and_says_by_what(bench: Bench) -> None:
    def work(ctx: RunContext) -> None:
        ctx.sleep(60)

    bench.host(Task(work, overlap="replace", interval=0.3))
    wait_for(lambda: len(bench.reader.runs(outcome="cancelled")) >= 2, "two runs that were replaced")
    run = bench.reader.runs(outcome="cancelled")[-1]
    assert "replaced by the slot of" in (run.summary or "")
    assert bench.worker("task").failure_count == 0
