"""A worker that fails again and again, or that is there whenever the host dies, is started no more until resumed."""

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from tests.integration.conftest import Bench
from tests.integration.test_guarded_runs import Task, raiser
from tests.waiting import wait_for
from workerkit import RunContext
from workerkit.store.database import Database


def test_after_so_many_failures_in_a_row_a_worker_is_suspended_and_says_why(bench: Bench) -> None:
    bench.host(Task(raiser(ValueError("no")), pause_after=3, interval=0.1))
    record = bench.wait_worker("task", lambda worker: worker.status == "suspended")
    assert record.suspended_because == "it failed 3 times in a row"
    assert record.suspended_at is not None
    assert record.consecutive_failures == 3
    # A slow machine may have had a slot come during a run as well.
    (gap,) = wait_for(lambda: bench.reader.gaps("task", reason="suspended"), "a slot after the suspension")
    assert gap.detail == "it failed 3 times in a row"
    assert len(bench.reader.runs()) == 3


def test_a_suspended_worker_runs_by_hand_and_stays_suspended_until_it_is_resumed(bench: Bench) -> None:
    outcomes = iter([ValueError("no"), ValueError("no"), None, None])

    def work(_ctx: RunContext) -> None:
        if (error := next(outcomes)) is not None:
            raise error

    bench.host(Task(work, pause_after=2))
    bench.run("task")
    bench.run("task")
    bench.wait_worker("task", lambda worker: worker.status == "suspended")
    assert bench.run("task").outcome == "succeeded"
    assert bench.worker("task").status == "suspended"
    answer = bench.ask("resume", "task")
    assert (answer.state, answer.result) == ("done", "task goes on")
    record = bench.worker("task")
    assert (record.status, record.suspended_because, record.suspended_at) == ("idle", None, None)


def test_a_suspension_outlives_the_host(bench: Bench) -> None:
    first = bench.host(Task(raiser(ValueError("no")), pause_after=1))
    bench.run("task")
    first.stop()
    bench.host(Task(raiser(ValueError("no")), pause_after=1, interval=0.1))
    wait_for(lambda: bench.reader.gaps("task"), "a slot of the next host")
    assert bench.reader.gaps("task")[0].reason == "suspended"
    assert bench.worker("task").status == "suspended"


def test_resuming_all_resumes_the_suspended_too(bench: Bench) -> None:
    bench.host(Task(raiser(ValueError("no")), pause_after=1))
    bench.run("task")
    assert bench.ask("resume-all").result == "1 worker resumed"
    assert bench.worker("task").status == "failed"


def test_attempts_of_one_occurrence_count_once(bench: Bench) -> None:
    from workerkit import Retry

    bench.host(Task(raiser(ValueError("no")), pause_after=2, retry=Retry(3, base=0.01)))
    for occurrence in (1, 2):
        bench.begin("task")
        wait_for(lambda: len(bench.reader.runs(outcome="failed")) == 3 * occurrence, "three attempts")  # noqa: B023
    record = bench.wait_worker("task", lambda worker: worker.status == "suspended")
    assert record.suspended_because == "it failed 2 times in a row"


KILLER = """
import os, sys
from workerkit import BaseWorker, WorkerManager

class Killer(BaseWorker):
    name, interval = "killer", 0.1
    def run(self, ctx):
        os._exit(9)

class Bystander(BaseWorker):
    name, interval = "bystander", 0.1
    def run(self, ctx):
        pass

manager = WorkerManager(sys.argv[1])
manager.register(Killer())
manager.register(Bystander())
manager.start()
import threading
threading.Event().wait(60)
"""


def test_a_worker_that_kills_three_hosts_in_a_row_is_not_started_a_fourth_time(tmp_path: Path) -> None:
    path = tmp_path / "killed.db"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for _ in range(3):
        host = subprocess.run([sys.executable, "-c", KILLER, str(path)], env=environment, timeout=60, check=False)
        assert host.returncode == 9
    process = subprocess.Popen([sys.executable, "-c", KILLER, str(path)], env=environment)
    try:
        with closing(Database.open(path)) as database, database.reader() as reader:
            wait_for(lambda: any(gap.reason == "suspended" for gap in reader.gaps("killer")), "a slot that it sits out")
            worker = reader.worker("killer")
            assert worker is not None
            assert worker.status == "suspended"
            assert "running at 3 deaths of the host in a row" in (worker.suspended_because or "")
            other = reader.worker("bystander")
            assert other is not None
            wait_for(lambda: len(reader.runs(worker="bystander", outcome="succeeded")) > 2, "the others go on")
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()
