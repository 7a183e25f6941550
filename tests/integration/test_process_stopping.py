"""Runs in processes end when they are told to: politely, then by force, and always with everything they started."""

import gc
import os
import resource
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration import process_workers as workers
from tests.integration.process_bench import Trial, functions
from tests.integration.test_process_faults import alive
from tests.waiting import wait_for
from workerkit import stacks
from workerkit.executors.processes import ProcessExecutor
from workerkit.outcome import StopCause
from workerkit.processes import samples, supervisor

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@pytest.fixture(scope="module")
def executor() -> Iterator[ProcessExecutor]:
    executor = ProcessExecutor()
    executor.start()
    yield executor
    executor.stop()


@pytest.mark.parametrize(
    ("worker", "function"),
    [
        (workers.loops, "loops"),
        (workers.sleeps, "sleeps"),
        (workers.holds_the_lock, "holds_the_lock"),
        (workers.deaf, "deaf"),
        (workers.sleeps_async, "sleeps_async"),
    ],
    ids=["loop", "system call", "interpreter's lock", "deaf to SIGTERM", "async"],
)
def test_a_timeout_is_recorded_with_the_stack_and_nothing_goes_on(
    executor: ProcessExecutor, worker: object, function: str
) -> None:
    trial = Trial(executor, worker).begin_and_wait()
    began = time.monotonic()
    failure = trial.stop(StopCause.TIMEOUT).failure()
    assert time.monotonic() - began < 6
    assert (failure.kind, failure.error) == ("timeout", "Timeout: it took longer than 1s")
    assert function in functions(failure.capture["stack"])


def test_at_a_timeout_a_worker_may_still_tidy_up(executor: ProcessExecutor) -> None:
    trial = Trial(executor, workers.tidies_up_when_told).begin_and_wait()
    assert trial.stop(StopCause.TIMEOUT).failure().kind == "timeout"
    assert "stdout: tidied up" in trial.lines()


@pytest.mark.parametrize("worker", [workers.polite, workers.sleeps_async], ids=["plain", "async"])
def test_a_cancelled_run_that_looks_leaves_at_once(executor: ProcessExecutor, worker: object) -> None:
    trial = Trial(executor, worker).begin_and_wait()
    began = time.monotonic()
    assert trial.stop(StopCause.OPERATOR, "wrong customer").result().outcome == "cancelled"
    assert time.monotonic() - began < supervisor.CANCEL_GRACE


def test_a_cancelled_run_that_does_not_look_is_ended_after_its_grace(
    executor: ProcessExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "CANCEL_GRACE", 0.2)
    trial = Trial(executor, workers.tidies_up_when_told).begin_and_wait()
    assert trial.stop(StopCause.OPERATOR, "wrong customer").result().outcome == "cancelled"
    assert "stdout: tidied up" in trial.lines(), "SIGTERM raises in the worker's code"


def test_a_run_that_was_cancelled_before_its_process_began_never_begins(executor: ProcessExecutor) -> None:
    trial = Trial(executor, workers.polite).stop(StopCause.OPERATOR, "too late")
    assert trial.run().outcome == "cancelled"


def test_at_shutdown_a_run_is_told_and_left_to_the_hosts_own_grace(executor: ProcessExecutor) -> None:
    trial = Trial(executor, workers.polite).begin_and_wait()
    assert trial.stop(StopCause.SHUTDOWN, "the host is stopping").result().outcome == "interrupted"


def test_force_ends_a_run_at_once(executor: ProcessExecutor) -> None:
    trial = Trial(executor, workers.holds_the_lock_with_a_child).begin()
    pids = pids_of(trial)
    began = time.monotonic()
    trial.stop(StopCause.OPERATOR, "now")
    assert executor.kill(trial.active)
    assert trial.result().outcome == "cancelled"
    assert time.monotonic() - began < 2
    assert not any(alive(pid) for pid in pids)
    assert not executor.kill(trial.active), "there is nothing left to kill"


def pids_of(trial: Trial) -> list[int]:
    line = wait_for(lambda: next((line for line in trial.lines() if line.startswith("stdout: pids")), None), "its pids")
    assert line is not None
    return [int(word) for word in line.split()[2:]]


@pytest.mark.parametrize("worker", [workers.loops, workers.sleeps_async], ids=["plain", "async"])
def test_a_live_stack_is_sampled_in_the_child(executor: ProcessExecutor, worker: object) -> None:
    trial = Trial(executor, worker).begin_and_wait()
    answer = executor.stack(trial.active)
    assert answer is not None
    name = str(getattr(worker, "name", "")).replace("-", "_")
    assert name in functions(answer)
    assert answer["samples"] == stacks.SAMPLES
    assert " of 20 samples in " in samples.where(answer)
    executor.kill(trial.active)
    trial.result()
    assert executor.stack(trial.active) is None


def test_a_child_that_holds_the_interpreters_lock_is_looked_at_from_within_the_interpreter(
    executor: ProcessExecutor,
) -> None:
    trial = Trial(executor, workers.holds_the_lock).begin_and_wait()

    def looked() -> bool:
        answer = executor.stack(trial.active, times=1) or {}
        return functions(answer) == ["holds_the_lock"] and "lock" in (answer["note"] or "")

    wait_for(looked, "a look at what holds the lock; it may just have begun")
    executor.kill(trial.active)
    assert trial.result().outcome == "cancelled"


def test_stopping_the_executor_ends_every_run_and_all_processes() -> None:
    executor = ProcessExecutor()
    executor.start()
    trials = [Trial(executor, workers.holds_the_lock_with_a_child).begin() for _ in range(2)]
    pids = [pid for trial in trials for pid in pids_of(trial)]
    began = time.monotonic()
    executor.stop()
    executor.stop()
    assert time.monotonic() - began < 5
    for trial in trials:
        trial.result()
    assert not any(alive(pid) for pid in pids)
    assert Trial(executor, workers.waits).run().outcome == "interrupted", "it takes nothing any more"
    executor.start()
    assert Trial(executor, workers.waits).run().summary == "waited"
    executor.stop()


def test_many_runs_at_once(executor: ProcessExecutor) -> None:
    trials = [Trial(executor, workers.reports, {"colour": str(number)}).begin() for number in range(20)]
    assert [trial.result().summary for trial in trials] == [f"reports 1 {number} False" for number in range(20)]


def test_a_run_leaves_no_descriptors_or_threads_in_the_host(executor: ProcessExecutor) -> None:
    def held() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    Trial(executor, workers.waits).run()
    before, threads = held(), threading.active_count()
    for worker in (workers.waits, workers.fails, workers.reads_null):
        for _ in range(3):
            Trial(executor, worker).run()
    assert held() == before
    assert threading.active_count() == threads


def test_a_host_without_descriptors_left_says_so_and_loses_none(executor: ProcessExecutor) -> None:
    for _ in range(2):
        Trial(executor, workers.waits).run()
    bystander = Trial(executor, workers.sleeps).begin_and_wait()
    before = descriptors()
    free = next(number for number in range(1_000) if number not in before)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    outcomes = set()
    for spare in range(20):
        resource.setrlimit(resource.RLIMIT_NOFILE, (free + spare, limits[1]))
        try:
            result = Trial(executor, workers.waits).run()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        assert result.outcome == "succeeded" or "Too many open files" in str(result.failure)
        outcomes.add(result.outcome)
        gc.collect()
        assert descriptors() == before
    assert outcomes == {"succeeded", "failed"}
    executor.kill(bystander.active)
    assert bystander.result().outcome == "cancelled", "it went on all the while"
    assert Trial(executor, workers.waits).run().summary == "waited"


def descriptors() -> list[int]:
    with os.scandir("/proc/self/fd") as entries:
        found = sorted(int(entry.name) for entry in entries)
    return [number for number in found if Path(f"/proc/self/fd/{number}").exists()]
