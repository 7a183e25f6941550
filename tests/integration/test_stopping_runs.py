"""Timeouts, cancellation and shutdown: by context, on time, and recorded whether or not the worker gives way."""

import asyncio
import threading
import time

import pytest

from tests.integration.conftest import Bench
from tests.integration.test_guarded_runs import AsyncTask, Task
from tests.waiting import wait_for
from workerkit import RunContext
from workerkit.roster import ActiveRun, Roster


def polite(ctx: RunContext) -> None:
    ctx.sleep(60)


async def polite_async(ctx: RunContext) -> None:
    await asyncio.sleep(60)


@pytest.mark.parametrize("task", [Task(polite), AsyncTask(polite_async)], ids=["thread", "async"])
def test_a_cancelled_run_is_neither_success_nor_failure(bench: Bench, task: Task) -> None:
    bench.host(task)
    run_id = bench.begin("task")
    answer = bench.ask("cancel", "task", reason="wrong customer")
    assert (answer.state, answer.run_id) == ("done", run_id)
    run = bench.ended(run_id)
    assert (run.outcome, run.kind) == ("cancelled", None)
    record = bench.worker("task")
    assert (record.status, record.success_count, record.failure_count) == ("idle", 0, 0)


def test_a_run_that_sees_the_request_and_returns_counts_as_cancelled(bench: Bench) -> None:
    def work(ctx: RunContext) -> str:
        while not ctx.cancelled:
            threading.Event().wait(0.01)
        return f"left because {ctx.cancel_reason}"

    bench.host(Task(work))
    run_id = bench.begin("task")
    bench.ask("cancel", "task")
    assert bench.ended(run_id).outcome == "cancelled"


def test_a_run_that_never_looked_has_simply_succeeded(bench: Bench) -> None:
    go_on = threading.Event()
    bench.host(Task(lambda _: go_on.wait(20)))
    run_id = bench.begin("task")
    assert bench.ask("cancel", "task").state == "done"
    assert bench.ask("cancel", "task").state == "refused", "asked already"
    go_on.set()
    assert bench.ended(run_id).outcome == "succeeded"
    assert bench.ask("cancel", "task").state == "refused"


@pytest.mark.parametrize(
    "task", [Task(polite, timeout=0.2), AsyncTask(polite_async, timeout=0.2)], ids=["thread", "async"]
)
def test_a_timeout_is_a_failure_with_the_stack_at_that_moment(bench: Bench, task: Task) -> None:
    bench.host(task)
    run = bench.run("task")
    assert (run.outcome, run.kind, run.error) == ("failed", "timeout", "Timeout: it took longer than 200ms")
    failure = bench.reader.failure(run.id)
    assert failure is not None
    functions = [frame["function"] for frame in failure.capture["stack"]["frames"]]
    assert "polite" in functions or "polite_async" in functions
    assert bench.worker("task").status == "failed"


def test_a_thread_that_ignores_its_timeout_is_stuck_and_its_slots_are_gaps(bench: Bench) -> None:
    go_on = threading.Event()

    def deaf(_ctx: RunContext) -> None:
        go_on.wait(60)

    bench.host(Task(deaf, timeout=0.1, interval=0.1), Task(lambda _: "well", name="other"), max_threads=1)
    try:
        bench.wait_worker("task", lambda w: w.status == "stuck")
        (run,) = bench.reader.runs(worker="task")
        assert (run.outcome, run.kind) == ("failed", "timeout")
        gap = wait_for(lambda: bench.reader.gaps("task"), "the gap")[0]
        assert gap.reason == "overlap"
        assert gap.run_id == run.id
        assert bench.run("other").outcome == "succeeded", "the stuck thread was replaced"
        assert bench.ask("run", "task").state == "refused"
    finally:
        go_on.set()
    bench.wait_worker("task", lambda w: w.status != "stuck")


def test_shutdown_tells_running_workers_and_calls_them_interrupted(bench: Bench) -> None:
    host = bench.host(Task(polite), AsyncTask(polite_async, name="async"))
    runs = [bench.begin("task"), bench.begin("async")]
    report = host.stop(grace=0.5)
    outcomes = [bench.ended(run_id).outcome for run_id in runs]
    assert outcomes == ["interrupted", "interrupted"]
    assert report.interrupted == ()
    assert not host.leftover_threads()
    last = bench.reader.host()
    assert last is not None
    assert last.ending == "stopped"
    assert bench.worker("task").failure_count == 0


def test_what_does_not_leave_within_the_grace_period_is_recorded_as_interrupted(bench: Bench) -> None:
    go_on = threading.Event()
    host = bench.host(Task(lambda _: go_on.wait(60)))
    run_id = bench.begin("task")
    began = time.monotonic()
    report = host.stop(grace=0.3)
    assert time.monotonic() - began < 2.3
    assert report.interrupted == ("task",)
    assert host.leftover_threads()
    assert bench.ended(run_id).outcome == "interrupted"
    assert bench.worker("task").status == "idle"
    go_on.set()
    wait_for(lambda: not host.leftover_threads())


def test_a_run_that_ends_within_the_grace_period_has_succeeded(bench: Bench) -> None:
    go_on = threading.Event()
    host = bench.host(Task(lambda _: go_on.wait(20)))
    run_id = bench.begin("task")
    stopping = threading.Thread(target=host.stop)
    stopping.start()
    go_on.set()
    stopping.join(20)
    assert bench.ended(run_id).outcome == "succeeded"


def test_a_run_that_ends_in_the_instant_of_the_stop_is_recorded(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    claimed, asked, release = threading.Event(), threading.Event(), threading.Event()
    claim, active = ActiveRun.claim, Roster.active

    def held_up_claim(self: ActiveRun) -> bool:
        first = claim(self)
        claimed.set()
        assert release.wait(20)
        return first

    def active_as_asked(self: Roster) -> list[ActiveRun]:
        asked.set()
        return active(self)

    host = bench.host(Task(lambda _: None))
    monkeypatch.setattr(ActiveRun, "claim", held_up_claim)
    run_id = bench.ask("run", "task").run_id
    assert claimed.wait(20)
    asked.clear()
    monkeypatch.setattr(Roster, "active", active_as_asked)
    stopper = threading.Thread(target=host.stop, kwargs={"grace": 0})
    stopper.start()
    assert asked.wait(20)
    stopper.join(0.3)  # it may not have got past the run that is about to be recorded
    release.set()
    stopper.join(20)
    assert bench.ended(run_id).outcome == "succeeded"


def test_hurry_ends_the_grace_period(bench: Bench) -> None:
    go_on = threading.Event()
    host = bench.host(Task(lambda _: go_on.wait(60)), grace=60)
    bench.begin("task")
    stopping = threading.Thread(target=host.stop)
    stopping.start()
    host.hurry()
    stopping.join(20)
    assert not stopping.is_alive()
    go_on.set()


def test_the_live_stack_names_the_line_where_a_worker_stands(bench: Bench) -> None:
    go_on = threading.Event()

    def waits_for_godot(_ctx: RunContext) -> None:
        go_on.wait(60)

    async def awaits_godot(_ctx: RunContext) -> None:
        await deeper()

    async def deeper() -> None:
        while not go_on.is_set():
            await asyncio.sleep(0.05)

    bench.host(Task(waits_for_godot), AsyncTask(awaits_godot, name="async"))
    runs = [bench.begin("task"), bench.begin("async")]
    try:
        for name, function in (("task", "waits_for_godot"), ("async", "deeper")):

            def stands(name: str = name, function: str = function) -> bool:
                answer = bench.ask("stack", name)
                return any(frame["function"].endswith(function) for frame in (answer.data or {}).get("frames", []))

            wait_for(stands, f"the stack of {name}")
    finally:
        go_on.set()
    for run_id in runs:
        bench.ended(run_id)
    assert bench.ask("stack", "task").state == "refused"
