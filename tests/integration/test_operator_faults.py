"""What operators do at bad moments, and what becomes of a worker whose code changes: nothing is lost or done twice."""

import os
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import Bench
from tests.integration.test_guarded_runs import AsyncTask, Task, raiser
from tests.waiting import wait_for
from workerkit import Retry, RunContext, WorkerManager
from workerkit.operator import Operator
from workerkit.store import operations
from workerkit.store.database import Database
from workerkit.store.records import CommandRecord


def tick(_ctx: RunContext) -> None: ...


class Held:
    """A worker that runs until the test lets it go."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.entered = threading.Event()

    def __call__(self, _ctx: RunContext) -> str:
        self.entered.set()
        assert self.let_go.wait(20)
        return "done"


# What comes at a bad moment


def test_a_pause_during_a_run_lets_it_end_and_nothing_follows(bench: Bench) -> None:
    held = Held()
    bench.host(Task(held, interval="1h"))
    run_id = bench.begin("task")
    assert held.entered.wait(20)
    assert "is paused after the run in flight" in (bench.ask("pause", "task", reason="night").result or "")
    assert (bench.worker("task").status, bench.worker("task").paused) == ("running", True)
    held.let_go.set()
    assert bench.ended(run_id).outcome == "succeeded"
    assert bench.worker("task").status == "paused"


def test_run_now_twice_at_once_begins_one_run_and_refuses_the_other_with_its_number(bench: Bench) -> None:
    held = Held()
    host = bench.host(Task(held))
    operator = Operator(bench.database, by="ada", nudge=host.nudge)
    first, second = operator.submit("run", "task"), operator.submit("run", "task")
    answers = [operator.wait(number, 20) for number in (first, second)]
    assert [answer.state for answer in answers] == ["done", "refused"]
    assert answers[1].run_id == answers[0].run_id == 1
    assert "run 1 is still running" in (answers[1].result or "")
    held.let_go.set()
    bench.ended(1)
    assert len(bench.reader.runs()) == 1


def test_a_cancel_at_the_instant_of_the_end_is_answered_and_the_run_ends_once(bench: Bench) -> None:
    bench.host(Task(tick))
    outcomes = set()
    for _ in range(20):
        run_id = bench.begin("task")
        answer = bench.ask("cancel", "task")
        run = bench.ended(run_id)
        assert answer.state in ("done", "refused")
        assert run.outcome in (("succeeded", "cancelled") if answer.state == "done" else ("succeeded",))
        outcomes.add(run.outcome)
    record = bench.worker("task")
    assert record.success_count == len(bench.reader.runs(outcome="succeeded"))
    assert len(bench.reader.runs()) == 20
    assert bench.hosts[0].running_count() == 0
    assert "succeeded" in outcomes


def test_cancel_between_two_attempts_gives_up_the_next(bench: Bench) -> None:
    bench.host(Task(raiser(ValueError("no")), retry=Retry(3, base="1h")))
    bench.begin("task")
    bench.wait_worker("task", lambda worker: worker.status == "retrying")
    assert bench.ask("cancel", "task").result == "the next attempt of run 1 is given up"
    record = bench.worker("task")
    assert (record.status, record.consecutive_failures) == ("failed", 1)


def test_a_thread_is_asked_to_stop_and_cannot_be_ended_by_force(bench: Bench) -> None:
    def looks(ctx: RunContext) -> None:
        ctx.sleep(20)

    bench.host(Task(looks))
    run_id = bench.begin("task")
    answer = bench.ask("cancel", "task", params={"force": True})
    assert (answer.state, answer.run_id) == ("refused", run_id)
    assert "was asked to stop, but a thread can't be ended by force" in (answer.result or "")
    assert "isolation='process'" in (answer.result or "")
    assert bench.ended(run_id).outcome == "cancelled", "it saw the request"


def test_force_for_a_task_of_the_event_loop_is_a_cancellation(bench: Bench) -> None:
    async def looks(ctx: RunContext) -> None:
        await ctx.sleep_async(20)

    bench.host(AsyncTask(looks))
    run_id = bench.begin("task")
    assert "which is all that can be done to a task" in (
        bench.ask("cancel", "task", params={"force": True}).result or ""
    )
    assert bench.ended(run_id).outcome == "cancelled"
    assert bench.ask("cancel", "task", params={"force": True}).result == "task is not running"


# A host that dies under a command

HOST = """
import os, sys, threading
from workerkit import BaseWorker, WorkerManager
from workerkit.store import operations, writes

when, path = sys.argv[1:]

class Task(BaseWorker):
    name = "task"
    def run(self, ctx):
        with open(path + ".ran", "a") as file:
            file.write("ran\\n")

def die(*_, **__):
    os.kill(os.getpid(), 9)

manager = WorkerManager(path)
manager.register(Task())
manager.start()
if when == "unseen":
    manager._host._engine.inbox.stop()
elif when == "before the commit":
    operations.finish_command = writes.begun = die
elif when == "before the inbox writes":
    wait = manager._host._engine._writer.call
    def call(function, timeout=30.0):
        wait(lambda connection, change: None)  # what was queued before is committed
        die()
    manager._host._engine._writer.call = call
elif when == "after the commit":
    wait = manager._host._engine._writer.call
    def call(function, timeout=30.0):
        answer = wait(function, timeout)
        die()
    manager._host._engine._writer.call = call
print("ready", flush=True)
threading.Event().wait(60)
"""


def killed_at(when: str, path: Path, verb: str, **what: Any) -> int:
    """A host gets a command and is killed at this moment of it; the command's id."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", HOST, when, str(path)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as host:
        try:
            assert host.stdout is not None
            assert host.stdout.readline() == "ready\n"
            with closing(Database.open(path)) as database:
                number = Operator(database, by="ada").submit(verb, "task", **what)
            if when == "unseen":
                host.kill()
            assert host.wait(20) == -9
        finally:
            host.kill()
    return number


def next_host(path: Path) -> WorkerManager:
    manager = WorkerManager(path)
    manager.register(Task(tick))
    return manager


def answered(path: Path, number: int) -> CommandRecord:
    with closing(Database.open(path)) as database, database.reader() as reader:
        command = reader.command(number)
    assert command is not None
    return command


@pytest.mark.parametrize("when", ["unseen", "before the commit", "after the commit"])
def test_a_pause_given_to_a_host_that_dies_is_kept_by_it_or_by_the_next(when: str, tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    number = killed_at(when, path, "pause", reason="night")
    assert answered(path, number).state == ("done" if when == "after the commit" else "pending")
    with next_host(path) as manager:
        (worker,) = manager.workers()
        assert (worker.paused, worker.pause_reason, worker.paused_by) == (True, "night", "ada")
        answer = answered(path, number)
        assert answer.state == "done"
        assert (answer.result or "").startswith("task is paused")


@pytest.mark.parametrize("when", ["unseen", "before the commit", "before the inbox writes", "after the commit"])
def test_a_run_asked_of_a_host_that_dies_is_refused_or_on_record_and_never_run_again(when: str, tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    number = killed_at(when, path, "run", params={"order": 17})
    began = when in ("before the inbox writes", "after the commit")
    assert answered(path, number).state == ("done" if began else "pending")
    with next_host(path) as manager:
        runs = manager.runs()
        answer = answered(path, number)
    if began:
        assert (answer.state, answer.run_id, answer.result) == ("done", 1, "run 1 of task begins")
        assert [(run.id, run.params) for run in runs] == [(1, {"order": 17})]
    else:
        assert (answer.state, answer.result) == ("refused", "no host was alive to do it; ask again")
        assert runs == []
        assert not path.with_name("jobs.db.ran").exists(), "what is not on record has not run"


def test_what_was_done_while_the_disk_was_away_is_not_done_again_when_it_is_back(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workerkit.errors import DatabaseError

    held = Held()
    host = bench.host(Task(held))
    inbox = host._engine.inbox  # type: ignore[union-attr]
    original = inbox._writer.call
    failed: list[bool] = []

    def call(function: Any, timeout: float = 30.0) -> Any:
        if not failed:
            failed.append(True)
            raise DatabaseError("the disk is away")
        return original(function, timeout)

    monkeypatch.setattr(inbox._writer, "call", call)
    assert bench.ask("run", "task").result == "run 1 of task begins"
    held.let_go.set()
    bench.ended(1)
    failed.clear()
    assert (bench.ask("pause", "task").result or "").startswith("task is paused")
    assert bench.worker("task").paused
    assert len(bench.reader.runs()) == 1


# Code that changes


def test_a_worker_that_is_deleted_while_it_runs_keeps_its_history_and_its_counters(bench: Bench) -> None:
    held = Held()
    host = bench.host(Task(held), Task(tick, name="other"), grace=0)
    run_id = bench.begin("task")
    assert held.entered.wait(20)
    host.stop()
    held.let_go.set()
    bench.host(Task(tick, name="other"))
    record = bench.worker("task")
    assert (record.status, record.registered, record.running_run_id) == ("unregistered", False, None)
    assert bench.ended(run_id).outcome == "interrupted"
    answer = bench.ask("run", "task")
    assert (answer.state, answer.result) == ("refused", "this host has no worker 'task'")


def test_a_worker_with_another_interval_keeps_its_counters_and_misses_nothing_by_it(bench: Bench) -> None:
    host = bench.host(Task(tick, interval="1h"))
    bench.run("task")
    host.stop()
    bench.host(Task(raiser(ValueError("no")), interval="2h"))
    bench.run("task")
    record = bench.worker("task")
    assert (record.schedule, record.success_count, record.failure_count) == ("every 2h", 1, 1)
    assert bench.reader.gaps("task") == [], "slots of the old schedule are not held against the new one"


def test_a_renamed_worker_takes_history_counters_state_and_pause_with_it(bench: Bench) -> None:
    def work(ctx: RunContext) -> None:
        ctx.state["seen"] = ctx.state.get("seen", 0) + 1
        if ctx.params.get("fail"):
            raise ValueError("no")

    host = bench.host(Task(work, name="old"))
    bench.run("old")
    bench.run("old", fail=True)
    bench.ask("pause", "old", reason="moves house")
    host.stop()
    waiting = Operator(bench.database, by="ada").submit("resume", "old")
    bench.host(Task(work, name="new", aliases=("older", "old")))
    assert bench.reader.worker("old") is None
    record = bench.worker("new")
    assert (record.success_count, record.failure_count, record.consecutive_failures) == (1, 1, 1)
    assert {run.worker for run in bench.reader.runs()} == {"new"}
    assert bench.reader.failures("new")[0].run_id == 2
    (group,) = bench.reader.failure_groups(0)
    assert (group.last_worker, group.workers) == ("new", (("new", 1),))
    assert bench.reader.state("new") == {"seen": 2}
    answer = bench.reader.command(waiting)
    assert answer is not None
    assert (answer.worker, answer.state, record.paused) == ("new", "done", False)
    bench.run("new")
    assert bench.reader.state("new") == {"seen": 3}


def test_a_retry_that_was_owed_to_the_old_name_is_paid_to_the_new_one(bench: Bench) -> None:
    host = bench.host(Task(raiser(ValueError("no")), name="old", retry=Retry(2, base=0.2)))
    bench.begin("old")
    bench.wait_worker("old", lambda worker: worker.status == "retrying")
    host.stop()
    bench.host(Task(tick, name="new", aliases=["old"], retry=Retry(2, base=0.2)))
    wait_for(lambda: len(bench.reader.runs(worker="new", outcome="succeeded")) == 1, "the second attempt")
    assert bench.reader.runs()[0].attempt == 2


def test_a_worker_that_ran_under_both_names_has_one_history_and_counters_that_add_up(bench: Bench) -> None:
    host = bench.host(Task(raiser(ValueError("no")), name="old"))
    bench.run("old")
    bench.run("old")
    host.stop()
    host = bench.host(Task(tick, name="new"))
    bench.run("new")
    bench.ask("reset-counters", "new")
    bench.run("new")
    host.stop()
    bench.host(Task(tick, name="new", aliases=["old"]))
    record = bench.worker("new")
    assert (record.success_count, record.failure_count, record.consecutive_failures) == (1, 2, 0)
    assert [outcome for outcome, _ in record.recent] == ["failed", "failed", "succeeded", "succeeded"]
    assert len(bench.reader.runs(worker="new")) == 4
    with bench.database.transaction() as connection:
        assert operations.rebuild_counters(connection, 10**6) == []


def test_a_name_that_another_worker_has_can_be_no_alias(bench: Bench) -> None:
    from workerkit import RegistrationError

    with pytest.raises(RegistrationError, match="'old' is claimed by two workers"):
        bench.host(Task(tick, name="old"), Task(tick, name="new", aliases=["old"]), start=False)
    with pytest.raises(RegistrationError, match="own name is among its aliases"):
        bench.host(Task(tick, name="new", aliases=["new"]), start=False)
