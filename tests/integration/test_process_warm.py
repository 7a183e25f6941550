"""Warm processes, and the zygotes that children come from: what stays, and what is replaced when it dies."""

import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.integration import process_workers as workers
from tests.integration.process_bench import Trial
from tests.integration.test_process_faults import alive
from tests.integration.test_process_stopping import pids_of
from tests.waiting import wait_for
from workerkit.executors import processes
from workerkit.executors.processes import ProcessExecutor
from workerkit.importing import import_file
from workerkit.outcome import StopCause
from workerkit.processes import zygotes
from workerkit.registry import Registry

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@pytest.fixture
def executor() -> Iterator[ProcessExecutor]:
    executor = ProcessExecutor()
    executor.start()
    yield executor
    executor.stop()


@pytest.fixture(scope="module")
def shared() -> Iterator[ProcessExecutor]:
    """For tests that need no zygote of their own; each begins without a warm process."""
    executor = ProcessExecutor()
    executor.start()
    yield executor
    executor.stop()


@pytest.fixture
def cold(shared: ProcessExecutor) -> ProcessExecutor:
    for name in ("counts", "counts-async"):
        if (connection := shared._warm.pop(name, None)) is not None:
            connection.process.close()
    return shared


def run(executor: ProcessExecutor, worker: object = workers.counts, **params: object) -> tuple[int, int]:
    result = Trial(executor, worker, params).run()
    assert result.outcome == "succeeded", result.failure and result.failure.error
    pid, number = (result.summary or "").split()
    return int(pid), int(number)


@pytest.mark.parametrize("worker", [workers.counts, workers.counts_async], ids=["plain", "async"])
def test_a_warm_process_serves_the_next_run_too_and_keeps_its_memory(cold: ProcessExecutor, worker: object) -> None:
    first, second, third = (run(cold, worker) for _ in range(3))
    assert [first[1], second[1], third[1]] == [1, 2, 3]
    assert first[0] == second[0] == third[0]


def test_each_run_of_a_warm_process_has_its_own_output(cold: ProcessExecutor) -> None:
    trials = [Trial(cold, workers.counts, {"print": True}) for _ in range(2)]
    for trial in trials:
        trial.run()
    assert [trial.lines() for trial in trials] == [["stdout: line of run 1"], ["stdout: line of run 2"]]


def test_a_failure_replaces_a_warm_process(cold: ProcessExecutor) -> None:
    pid, _ = run(cold)
    assert Trial(cold, workers.counts, {"fail": True}).run().outcome == "failed"
    other, number = run(cold)
    assert other != pid
    assert number == 1


def test_a_cancelled_run_replaces_a_warm_process(cold: ProcessExecutor) -> None:
    pid, _ = run(cold)
    trial = Trial(cold, workers.counts, {"wait": True}).begin_and_wait()
    trial.stop(StopCause.OPERATOR, "whatever")
    assert trial.result().outcome == "cancelled"
    assert pid != run(cold)[0]


def test_a_warm_process_is_replaced_after_so_many_runs(cold: ProcessExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "MAX_WARM_RUNS", 2)
    pids = [run(cold)[0] for _ in range(4)]
    assert pids[0] == pids[1] != pids[2] == pids[3]


def test_a_warm_process_that_died_between_runs_is_replaced_without_a_word(cold: ProcessExecutor) -> None:
    pid, _ = run(cold)
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not psutil.pid_exists(pid))
    assert run(cold)[0] != pid


def parent_of_a_run(executor: ProcessExecutor) -> int:
    return int(Trial(executor, workers.tells_its_parent).run().summary or 0)


def parents(executor: ProcessExecutor) -> tuple[int, int]:
    """The bare zygote, and the one of the module, once that is ready."""
    first = parent_of_a_run(executor)
    wait_for(lambda: parent_of_a_run(executor) != first, "a zygote that has the module imported")
    return first, parent_of_a_run(executor)


def zygote_of(executor: ProcessExecutor, module: str) -> zygotes.Zygote:
    assert executor._zygotes is not None
    return next(zygote for (name, _), zygote in executor._zygotes._own.items() if name == module)


def test_children_come_from_a_zygote_that_has_their_module_imported(executor: ProcessExecutor) -> None:
    bare, own = parents(executor)
    assert psutil.Process(bare).ppid() == psutil.Process(own).ppid() == os.getpid()
    assert parent_of_a_run(executor) == own


def test_a_dead_zygote_is_started_again_and_said_to_be(
    executor: ProcessExecutor, caplog: pytest.LogCaptureFixture
) -> None:
    for pid in parents(executor):
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda pid=pid: not alive(pid))  # type: ignore[misc]  # bound now
    with caplog.at_level(logging.WARNING):
        assert Trial(executor, workers.waits).run().summary == "waited"
    assert "the process that forks workers ended (SIGKILL); another one is started" in caplog.text


def test_runs_whose_zygote_dies_are_lost_and_their_processes_too(executor: ProcessExecutor) -> None:
    trial = Trial(executor, workers.holds_the_lock_with_a_child).begin()
    pids = pids_of(trial)
    os.kill(psutil.Process(pids[0]).ppid(), signal.SIGKILL)
    assert trial.failure().error == "Its process is lost: the process that had forked it ended"
    wait_for(lambda: not any(psutil.pid_exists(pid) for pid in pids))


def test_a_zygote_that_dies_while_it_forks_leaves_nobody_behind(executor: ProcessExecutor) -> None:
    Trial(executor, workers.waits).run()
    for _ in range(8):
        trial = Trial(executor, workers.holds_the_lock).begin()
        trial.wait_for_its_process()
        assert executor._zygotes is not None
        for zygote in (executor._zygotes._bare, *executor._zygotes._own.values()):
            if zygote._start is not None:
                zygote._start.popen.kill()
        assert trial.failure().error.startswith("Its process is lost: ")
    wait_for(lambda: not [p for p in psutil.process_iter(["name"]) if p.info["name"] == "holds-the-lock"])


def test_a_zygote_outlives_a_storm_of_ends_and_kills(executor: ProcessExecutor) -> None:
    zygote = parents(executor)[1]
    for _ in range(5):
        trials = [Trial(executor, workers.exits, {"code": 3}).begin() for _ in range(12)]
        for trial in trials:
            executor.kill(trial.active)
        assert {trial.result().outcome.value for trial in trials} <= {"failed", "cancelled", "interrupted"}
        assert not any("lost" in str(trial.result().failure) for trial in trials)
    assert parent_of_a_run(executor) == zygote


def test_what_a_worker_in_a_thread_does_to_all_sockets_does_nothing_to_processes(executor: ProcessExecutor) -> None:
    socket.setdefaulttimeout(0.05)
    try:
        trial = Trial(executor, workers.sleeps).begin_and_wait()
        assert Trial(executor, workers.waits).run().summary == "waited"
        assert executor.stack(trial.active) is not None
        executor.kill(trial.active)
        assert trial.result().outcome == "cancelled"
        assert run(executor)[1] == 1
        assert run(executor)[1] == 2
    finally:
        socket.setdefaulttimeout(None)


def test_a_crash_has_its_stack_also_where_every_python_writes_one_already(
    executor: ProcessExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONFAULTHANDLER", "1")
    for _ in range(2):
        assert Trial(executor, workers.reads_null).failure().error == "Killed by SIGSEGV: Segmentation fault"


UNFIT = {
    "exits": "os._exit(5)",
    "hangs": "time.sleep(60)",
    "raises": "raise RuntimeError('not in a zygote')",
    "threads": "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
    "files": "kept = open(__file__)",
    "children": "child = subprocess.Popen(['true'])",
}
MODULE = """
import os, subprocess, threading, time
from workerkit import worker
if os.getppid() == {host}:  # the zygote's own parent; its children have another
    {unfit}
@worker(isolation="process")
def task(): return "done"
"""


@pytest.mark.parametrize("how", UNFIT)
def test_a_module_that_is_not_fit_to_be_forked_is_imported_by_each_run(
    executor: ProcessExecutor, how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zygotes, "PRELOAD_DEADLINE", 0.5)
    file = tmp_path / f"unfit_{how}.py"
    file.write_text(MODULE.format(host=os.getpid(), unfit=UNFIT[how]))
    task = Registry().register(import_file(file).task)
    assert Trial(executor, task).run().summary == "done"

    def given_up() -> str | None:
        assert Trial(executor, task).run().summary == "done"
        return zygote_of(executor, file.stem).unfit

    assert wait_for(given_up)
    assert Trial(executor, task).run().summary == "done"
    assert Trial(executor, workers.waits).run().summary == "waited", "the others have lost nothing"


def test_without_a_zygote_that_starts_runs_have_interpreters_of_their_own(
    executor: ProcessExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zygotes, "interpreter", lambda *_: [sys.executable, "-c", "raise SystemExit('broken')"])
    for _ in range(zygotes.MAX_DEATHS + 1):
        Trial(executor, workers.waits).run()
    assert Trial(executor, workers.waits).run().summary == "waited"
