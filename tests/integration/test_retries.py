"""A failed run is tried again within its occurrence: each attempt is a run, and the occurrence fails once."""

import threading
from typing import Any

from tests.integration.conftest import Bench
from tests.integration.test_guarded_runs import AsyncTask, Task
from tests.waiting import DEADLINE, wait_for
from workerkit import Cancel, Retry, RetryAfter, RunContext
from workerkit.store.records import GapRecord, RunRecord

SOON = Retry(attempts=3, base=0.02, jitter=0)
NEVER_SOON = Retry(attempts=3, base="1h")


def failing(times: int) -> Any:
    """Fails on the first attempts, and succeeds then."""

    def work(ctx: RunContext) -> str:
        if ctx.attempt <= times:
            raise ConnectionError(f"attempt {ctx.attempt}")
        return f"attempt {ctx.attempt}"

    return work


def attempts(bench: Bench, count: int) -> list[RunRecord]:
    """The runs, oldest first, once there are so many and all have ended."""
    wait_for(lambda: len(bench.reader.runs()) >= count, f"{count} attempts")
    return [bench.ended(run.id) for run in reversed(bench.reader.runs())]


def test_each_attempt_is_a_run_with_the_same_slot_and_the_occurrence_succeeds(bench: Bench) -> None:
    bench.host(Task(failing(2), retry=SOON))
    bench.begin("task", order=17)
    runs = attempts(bench, 3)
    assert [(run.attempt, run.outcome, run.trigger) for run in runs] == [
        (1, "failed", "manual"),
        (2, "failed", "manual"),
        (3, "succeeded", "manual"),
    ]
    assert {run.due_at for run in runs} == {runs[0].due_at}
    assert all(run.params == {"order": 17} for run in runs)
    assert [run.retry_at is not None for run in runs] == [True, True, False]
    assert runs[0].retry_at is not None
    assert runs[0].finished_at is not None
    assert abs(runs[0].retry_at - runs[0].finished_at - 20_000) < 10_000, "the wait begins where the attempt ended"
    assert runs[1].started_at >= runs[0].retry_at
    record = bench.worker("task")
    assert (record.status, record.success_count, record.failure_count) == ("idle", 1, 2)
    assert record.consecutive_failures == 0


def test_an_occurrence_whose_attempts_all_fail_counts_once_among_those_in_a_row(bench: Bench) -> None:
    bench.host(Task(failing(9), retry=SOON))
    bench.begin("task")
    runs = attempts(bench, 3)
    assert [run.error for run in runs] == [f"ConnectionError: attempt {number}" for number in (1, 2, 3)]
    record = bench.wait_worker("task", lambda worker: worker.status == "failed")
    assert (record.failure_count, record.consecutive_failures) == (3, 1)
    assert runs[-1].retry_at is None


def test_between_two_attempts_the_worker_is_retrying_and_its_slots_are_gaps(bench: Bench) -> None:
    bench.host(Task(failing(9), retry=NEVER_SOON, interval=0.1))

    def found() -> list[GapRecord]:
        return [gap for gap in bench.reader.gaps("task") if gap.reason == "retrying"]

    (gap,) = wait_for(found, "a slot that found it retrying")
    assert "run 1 failed and is tried again at" in gap.detail
    assert bench.worker("task").status == "retrying"
    assert bench.worker("task").consecutive_failures == 0


def test_run_now_hastens_the_attempt_that_waits(bench: Bench) -> None:
    bench.host(Task(failing(1), retry=NEVER_SOON))
    bench.begin("task")
    bench.wait_worker("task", lambda worker: worker.status == "retrying")
    assert "own parameters" in (bench.ask("run", "task", params={"order": 2}).result or "")
    answer = bench.ask("run", "task")
    assert answer.result == "attempt 2 of task begins now, as run 2"
    assert bench.ended(2).outcome == "succeeded"


def test_cancelling_a_worker_that_waits_gives_the_attempt_up(bench: Bench) -> None:
    bench.host(Task(failing(9), retry=NEVER_SOON))
    bench.begin("task")
    bench.wait_worker("task", lambda worker: worker.status == "retrying")
    answer = bench.ask("cancel", "task")
    assert (answer.state, answer.result) == ("done", "the next attempt of run 1 is given up")
    record = bench.wait_worker("task", lambda worker: worker.status == "failed")
    assert record.consecutive_failures == 1
    assert bench.ended(1).retry_at is None


def test_pausing_a_worker_that_waits_gives_the_attempt_up(bench: Bench) -> None:
    bench.host(Task(failing(9), retry=NEVER_SOON))
    bench.begin("task")
    bench.wait_worker("task", lambda worker: worker.status == "retrying")
    bench.ask("pause", "task")
    record = bench.wait_worker("task", lambda worker: worker.status == "paused")
    assert record.consecutive_failures == 1


def test_an_attempt_that_a_host_owed_is_made_by_the_next_one(bench: Bench) -> None:
    first = bench.host(Task(failing(1), retry=Retry(attempts=3, base=0.3, jitter=0)))
    bench.begin("task", order=4)
    bench.wait_worker("task", lambda worker: worker.status == "retrying")
    first.stop()
    assert bench.worker("task").status == "retrying"
    bench.host(Task(failing(1), retry=SOON))
    runs = attempts(bench, 2)
    assert [(run.attempt, run.outcome, run.params) for run in runs] == [
        (1, "failed", {"order": 4}),
        (2, "succeeded", {"order": 4}),
    ]
    assert bench.wait_worker("task", lambda worker: worker.status == "idle").success_count == 1


def test_an_owed_attempt_that_nobody_wants_any_more_is_given_up(bench: Bench) -> None:
    first = bench.host(Task(failing(1), retry=Retry(attempts=4, base="1h")))
    bench.begin("task")
    bench.wait_worker("task", lambda worker: worker.status == "retrying")
    first.stop()
    bench.host(Task(failing(1), retry=1))
    record = bench.wait_worker("task", lambda worker: worker.consecutive_failures == 1)
    assert record.status == "failed"


def test_only_exceptions_that_are_named_are_tried_again(bench: Bench) -> None:
    bench.host(Task(failing(9), retry=Retry(3, base=0.02, on=KeyError)))
    bench.run("task")
    record = bench.worker("task")
    assert (record.status, record.failure_count) == ("failed", 1)


def test_a_retry_rule_that_raises_is_contained_and_the_outcome_stands(bench: Bench) -> None:
    def rule(_error: BaseException) -> bool:
        raise SystemExit(9)

    bench.host(Task(failing(9), retry=Retry(3, base=0.02, on=rule)))
    run = bench.run("task")
    assert (run.outcome, run.error, run.retry_at) == ("failed", "ConnectionError: attempt 1", None)
    assert bench.run("task").outcome == "failed", "the host goes on"


def test_a_worker_may_say_after_how_long_it_wants_another_attempt(bench: Bench) -> None:
    def work(ctx: RunContext) -> str:
        if ctx.attempt == 1:
            raise RetryAfter(0.02, "the server is busy")
        return "ok"

    bench.host(Task(work))
    bench.begin("task")
    runs = attempts(bench, 2)
    assert [(run.attempt, run.outcome) for run in runs] == [(1, "failed"), (2, "succeeded")]
    assert runs[0].error == "RetryAfter: the server is busy"


def test_without_a_policy_retry_after_is_heard_twice(bench: Bench) -> None:
    def work(_ctx: RunContext) -> None:
        raise RetryAfter(0.01)

    bench.host(Task(work))
    bench.begin("task")
    assert len(attempts(bench, 3)) == 3
    assert bench.wait_worker("task", lambda worker: worker.status == "failed").consecutive_failures == 1


def test_retry_after_nonsense_is_no_retry(bench: Bench) -> None:
    def work(_ctx: RunContext) -> None:
        error = RetryAfter(1)
        error.seconds = "NaN"  # type: ignore[assignment]
        raise error

    bench.host(Task(work))
    assert bench.run("task").retry_at is None


def test_a_worker_may_cancel_itself_and_say_why(bench: Bench) -> None:
    def work(_ctx: RunContext) -> None:
        raise Cancel("nothing to send")

    bench.host(Task(work, retry=SOON))
    run = bench.run("task")
    assert (run.outcome, run.summary, run.error) == ("cancelled", "nothing to send", None)
    record = bench.worker("task")
    assert (record.status, record.success_count, record.failure_count) == ("idle", 0, 0)


async def _fail(ctx: RunContext) -> None:
    if ctx.attempt < 3:
        raise TimeoutError


def test_an_async_worker_is_tried_again_too(bench: Bench) -> None:
    bench.host(AsyncTask(_fail, retry=SOON))
    bench.begin("task")
    assert [run.outcome for run in attempts(bench, 3)] == ["failed", "failed", "succeeded"]


def test_a_timeout_is_tried_again_where_the_run_gave_way(bench: Bench) -> None:
    def work(ctx: RunContext) -> None:
        if ctx.attempt == 1:
            ctx.sleep(60)

    bench.host(Task(work, retry=Retry(2, base=0.02), timeout=0.1))
    bench.begin("task")
    assert [(run.outcome, run.kind) for run in attempts(bench, 2)] == [("failed", "timeout"), ("succeeded", None)]


def test_counters_that_are_rebuilt_know_of_attempts(bench: Bench) -> None:
    from workerkit.store.operations import rebuild_counters

    host = bench.host(Task(failing(2), retry=Retry(2, base=0.02)))
    bench.begin("task")
    attempts(bench, 2)
    bench.wait_worker("task", lambda worker: worker.status == "failed")
    host.stop()
    with bench.database.transaction() as connection:
        assert rebuild_counters(connection, 10**6) == []


def test_a_run_that_fails_after_it_was_cancelled_is_not_tried_again(bench: Bench) -> None:
    began = threading.Event()

    def work(ctx: RunContext) -> None:
        began.set()
        while not ctx.cancelled:
            ctx.cancellation.wait(1)
        raise ConnectionError("while it tidied up")

    bench.host(Task(work, retry=SOON))
    run_id = bench.begin("task")
    assert began.wait(DEADLINE)
    bench.ask("cancel", "task")
    run = bench.ended(run_id)
    assert (run.outcome, run.retry_at) == ("failed", None)


def test_a_slot_that_replaces_gives_up_the_attempt_that_waits(bench: Bench) -> None:
    bench.host(Task(failing(9), retry=NEVER_SOON, overlap="replace", interval=0.3))
    wait_for(lambda: len({run.due_at for run in bench.reader.runs()}) >= 3, "runs of three slots")
    assert all(run.retry_at is None for run in bench.reader.runs()[2:]), "only the latest is still to be tried again"
    assert not [gap for gap in bench.reader.gaps("task") if gap.reason == "retrying"]


def test_an_attempt_that_a_slot_gives_up_counts_as_one_failure_more_and_may_be_one_too_many(bench: Bench) -> None:
    bench.host(Task(failing(9), retry=NEVER_SOON, overlap="replace", interval=0.3, pause_after=2))
    record = bench.wait_worker("task", lambda worker: worker.status == "suspended")
    assert (record.consecutive_failures, record.suspended_because) == (2, "it failed 2 times in a row")
