"""A host's life: start, stop, start again; one per database; what it leaves behind when it dies."""

import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from tests.integration.conftest import Bench
from tests.integration.test_guarded_runs import Task
from tests.waiting import wait_for
from workerkit import HostRunningError, RunContext, WorkerManager, commands
from workerkit.errors import WorkerkitError
from workerkit.host import Host
from workerkit.operator import Operator
from workerkit.registry import Registry
from workerkit.store.doorbell import Doorbell


def tick(_ctx: RunContext) -> None: ...


def test_a_scheduled_worker_runs_by_itself_and_the_database_tells_when(bench: Bench) -> None:
    bench.host(Task(tick, interval=0.1))
    record = bench.wait_worker("task", lambda w: w.success_count >= 3)
    runs = bench.reader.runs(worker="task")
    assert all(run.trigger == "schedule" for run in runs)
    assert record.next_run_at is not None
    assert record.last_run_at is not None
    dues = [run.due_at for run in runs]
    assert all((due - dues[0]) % 100_000 == 0 for due in dues), "slots lie on one grid"


def test_counts_and_pause_survive_a_restart(bench: Bench) -> None:
    host = bench.host(Task(tick))
    bench.run("task")
    bench.ask("pause", "task", reason="holidays")
    host.stop()
    bench.host(Task(tick))
    record = bench.worker("task")
    assert (record.status, record.paused, record.pause_reason) == ("paused", True, "holidays")
    assert (record.paused_by, record.success_count) == ("tester", 1)


def test_a_paused_worker_does_not_run_and_goes_on_after_resume(bench: Bench) -> None:
    bench.host(Task(tick, interval=0.1))
    bench.ask("pause", "task")
    bench.wait_worker("task", lambda w: w.status == "paused")
    wait_for(lambda: bench.reader.gaps("task"), "a gap")
    count = bench.worker("task").success_count
    wait_for(lambda: bench.reader.gaps("task")[0].count >= 3, "more gaps")
    assert bench.worker("task").success_count == count
    assert bench.run("task").outcome == "succeeded", "run now works while paused"
    assert bench.worker("task").status == "paused"
    assert bench.ask("resume", "task").state == "done"
    bench.wait_worker("task", lambda w: w.success_count > count + 1)


def test_commands_given_while_no_host_lived_are_applied_or_refused_at_its_start(bench: Bench) -> None:
    from workerkit.operator import Operator

    host = bench.host(Task(tick, interval=0.1))
    host.stop()
    operator = Operator(bench.database, by="ada")
    pause, run = operator.submit("pause", "task", reason="night"), operator.submit("run", "task")
    before = len(bench.reader.runs())
    bench.host(Task(tick, interval=0.1))
    assert operator.wait(pause).state == "done"
    refused = operator.wait(run)
    assert refused.state == "refused"
    assert "no host was alive" in (refused.result or "")
    assert bench.worker("task").status == "paused"
    assert len(bench.reader.runs()) == before, "it was paused before anything was scheduled"


def test_run_now_of_a_running_worker_is_refused_and_not_queued(bench: Bench) -> None:
    go_on = threading.Event()
    bench.host(Task(lambda _: go_on.wait(20)))
    run_id = bench.begin("task")
    answer = bench.ask("run", "task")
    assert (answer.state, answer.run_id) == ("refused", run_id)
    assert f"run {run_id} is still running" in (answer.result or "")
    go_on.set()
    bench.ended(run_id)
    assert len(bench.reader.runs()) == 1


def test_every_command_keeps_who_when_why_and_result(bench: Bench) -> None:
    bench.host(Task(tick), Task(tick, name="other"))
    bench.ask("pause-all", reason="maintenance")
    bench.ask("resume-all")
    bench.ask("reset-counters", "task")
    bench.ask("pause", "nobody")
    bench.ask("dance", "task")
    commands = bench.reader.commands()
    assert [(c.verb, c.state) for c in reversed(commands)] == [
        ("pause-all", "done"),
        ("resume-all", "done"),
        ("reset-counters", "done"),
        ("pause", "refused"),
        ("dance", "refused"),
    ]
    first = commands[-1]
    assert (first.requested_by, first.reason) == ("tester", "maintenance")
    assert first.result == "2 workers paused; no slot starts until they are resumed"
    assert first.finished_at is not None
    assert first.finished_at >= first.requested_at


def test_reset_counters_begin_at_zero_and_the_history_stays(bench: Bench) -> None:
    bench.host(Task(lambda ctx: 1 / 0 if ctx.params else None))
    bench.run("task")
    bench.run("task", fail=True)
    assert bench.worker("task").status == "failed"
    bench.ask("reset-counters", "task")
    record = bench.worker("task")
    assert (record.success_count, record.failure_count, record.consecutive_failures) == (0, 0, 0)
    assert len(bench.reader.runs()) == 2
    bench.run("task")
    assert bench.worker("task").success_count == 1


def test_a_second_host_on_one_database_is_refused(bench: Bench) -> None:
    first = bench.host(Task(tick))
    with pytest.raises(HostRunningError, match="another host lives on"):
        bench.host(Task(tick))
    first.stop()
    bench.host(Task(tick))


def test_a_worker_that_left_the_code_is_kept_as_unregistered(bench: Bench) -> None:
    host = bench.host(Task(tick), Task(tick, name="other"))
    bench.run("other")
    host.stop()
    host = bench.host(Task(tick))
    record = bench.worker("other")
    assert (record.status, record.registered, record.success_count) == ("unregistered", False, 1)
    assert bench.ask("run", "other").state == "refused"
    host.stop()
    bench.host(Task(tick), Task(tick, name="other"))
    assert bench.worker("other").status == "idle"


def test_a_broken_worker_shows_its_traceback_and_the_others_run(bench: Bench) -> None:
    registry = Registry()
    registry.register(Task(tick))
    registry.add_broken("bad module.py", "/project/bad.py:3", "Traceback: SyntaxError")
    host = Host(bench.database, registry)
    bench.hosts.append(host)
    host.start()
    record = bench.worker("bad-module.py")
    assert (record.status, record.load_error) == ("broken", "Traceback: SyntaxError")
    assert bench.ask("run", "bad-module.py").state == "refused"
    assert bench.run("task").outcome == "succeeded"


def test_start_and_stop_are_idempotent_under_a_storm(bench: Bench) -> None:
    host = bench.host(Task(tick, interval=0.1), start=False)
    failures: list[BaseException] = []

    def storm() -> None:
        try:
            for _ in range(5):
                host.start()
                host.stop(grace=1)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=storm) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    host.start()
    bench.wait_worker("task", lambda w: w.success_count > 0)


VICTIM = """
    import os, sys, time
    from workerkit import BaseWorker, WorkerManager

    class Hang(BaseWorker):
        name = "hang"
        interval = None
        def run(self, ctx):
            print("in", flush=True, file=sys.__stdout__)
            time.sleep(60)

    manager = WorkerManager(database=sys.argv[1])
    manager.register(Hang())
    manager.start()
    manager.run_now("hang")
    time.sleep(60)
"""


def test_after_kill_9_the_next_host_marks_what_was_in_flight_before_it_schedules(bench: Bench, tmp_path: Path) -> None:
    script = tmp_path / "victim.py"
    script.write_text(textwrap.dedent(VICTIM))
    victim = subprocess.Popen([sys.executable, script, bench.path], stdout=subprocess.PIPE, text=True)
    with victim:
        assert victim.stdout is not None
        assert victim.stdout.readline() == "in\n"
        assert bench.database.host_is_live()
        victim.kill()
    assert not bench.database.host_is_live()
    (in_flight,) = bench.reader.in_flight()
    host = bench.host(Task(tick, name="hang"))
    assert [run.id for run in host.recovered] == [in_flight.id]
    run = bench.reader.run(in_flight.id)
    assert run is not None
    assert (run.outcome, run.kind) == ("failed", "crash")
    assert "the host died" in (run.error or "")
    record = bench.worker("hang")
    assert (record.status, record.failure_count, record.consecutive_failures) == ("failed", 1, 1)
    current = bench.reader.host()
    assert current is not None
    assert current.recovered_runs == 1


def test_the_manager_is_all_that_a_program_without_a_console_needs(tmp_path: Path) -> None:
    manager = WorkerManager(database=tmp_path / "jobs.db")
    manager.register(Task(lambda ctx: ctx.params.get("word", "none")), description="says a word")
    with pytest.raises(WorkerkitError, match="not running"):
        manager.workers()
    with manager:
        answer = manager.run_now("task", {"word": "hello"}, reason="a try")
        assert answer.state == "done"
        wait_for(lambda: manager.runs("task")[0].outcome == "succeeded")
        assert manager.runs()[0].summary == "hello"
        assert manager.pause("task").state == manager.resume("task").state == "done"
        assert manager.workers()[0].description == "says a word"
        with pytest.raises(WorkerkitError, match="registered are: task"):
            manager.pause("tsak")
        with pytest.raises(WorkerkitError, match="before start"):
            manager.register(Task(tick, name="late"))
    assert manager.stop().interrupted == ()


def test_a_command_of_another_process_is_heard_by_the_doorbell(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "UNASKED", 3600.0)
    bench.host(Task(tick, name="w"))
    operator = Operator(bench.database, by="somebody elsewhere")
    for verb in ("pause", "resume"):
        assert operator.wait(operator.submit(verb, "w"), timeout=20).state == "done"


def test_a_command_is_found_though_nobody_rang(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Doorbell, "ring", lambda _self: None)
    bench.host(Task(tick, name="w"))
    operator = Operator(bench.database, by="somebody who was killed before the ring")
    assert operator.wait(operator.submit("pause", "w"), timeout=20).state == "done"
