"""A host whose workers run in processes: what the database shows, what operators may do, and how workers are found."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.integration import process_workers as workers
from tests.integration.conftest import Bench
from tests.integration.test_process_faults import alive
from tests.waiting import wait_for
from workerkit import RegistrationError, WorkerManager, worker
from workerkit.host import Host
from workerkit.loading import load
from workerkit.outcome import Status
from workerkit.registry import Registry
from workerkit.store.records import RunRecord

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def test_a_run_in_a_process_is_recorded_as_any_other(bench: Bench) -> None:
    bench.host(workers.reports)
    for number in (1, 2):
        run = bench.run("reports", colour="red")
        assert (run.outcome, run.summary) == ("succeeded", "reports 1 red False"), run.error
        assert bench.reader.worker("reports").success_count == number  # type: ignore[union-attr]
    lines = [line.text for line in bench.reader.log_lines(run.id)]
    assert sorted(lines) == ["by a library", "logged 5", "printed", "to stderr"]


def test_a_crash_leaves_the_host_alive_and_its_stack_in_the_database(bench: Bench) -> None:
    bench.host(workers.reads_null, workers.waits)
    run = bench.run("reads-null")
    assert (run.outcome, run.kind, run.error) == ("failed", "crash", "Killed by SIGSEGV: Segmentation fault")
    failure = bench.reader.failure(run.id)
    assert failure is not None
    assert "reads_null" in [frame["function"] for frame in failure.capture["stack"]["frames"]]
    assert bench.worker("reads-null").status == "failed"
    assert bench.run("waits").outcome == "succeeded"


def test_a_timeout_ends_the_process_and_the_worker_is_never_stuck(bench: Bench) -> None:
    registry = Registry()
    registry.register(workers.holds_the_lock, timeout="700ms")
    host = Host(bench.database, registry)
    bench.hosts.append(host)
    host.start()
    run = bench.run("holds-the-lock")
    assert (run.kind, run.error) == ("timeout", "Timeout: it took longer than 700ms")
    failure = bench.reader.failure(run.id)
    assert failure is not None
    assert [frame["function"] for frame in failure.capture["stack"]["frames"]] == ["holds_the_lock"]
    assert bench.worker("holds-the-lock").status == Status.FAILED


def test_operators_see_where_it_stands_and_end_it_by_force(bench: Bench) -> None:
    bench.host(workers.holds_the_lock)
    run_id = bench.begin("holds-the-lock")
    wait_for(lambda: any(line.text == "ready" for line in bench.reader.log_lines(run_id)), "its first line")
    stack = bench.ask("stack", "holds-the-lock")
    assert stack.state == "done"
    assert (stack.result or "").startswith("1 of 1 samples in holds_the_lock, process_workers.py:")
    assert stack.data["label"] == f"run {run_id} of holds-the-lock, in a process of its own"
    assert bench.ask("cancel", "holds-the-lock").state == "done"
    assert bench.ask("cancel", "holds-the-lock", params={"force": True}).state == "done"
    assert bench.ended(run_id).outcome == "cancelled"


def test_a_host_that_stops_leaves_no_process(bench: Bench) -> None:
    host = bench.host(workers.holds_the_lock, workers.polite)
    runs = [bench.begin(name) for name in ("holds-the-lock", "polite")]
    for run_id in runs:
        wait_for(lambda run_id=run_id: any(line.text == "ready" for line in bench.reader.log_lines(run_id)))  # type: ignore[misc]
    below = [process.pid for process in psutil.Process().children(recursive=True)]
    report = host.stop(grace=0.3)
    assert report.interrupted == ("holds-the-lock",)
    assert [bench.ended(run_id).outcome for run_id in runs] == ["interrupted", "interrupted"]
    assert not any(alive(pid) for pid in below)
    assert not host.leftover_threads()


def test_a_lost_process_may_be_tried_again(bench: Bench) -> None:
    bench.host(workers.is_killed_once)
    first = bench.run("is-killed-once")
    assert first.kind == "crash"

    def second() -> list[RunRecord]:
        return [run for run in bench.reader.runs(worker="is-killed-once") if run.attempt == 2 and run.outcome]

    assert wait_for(second, "the second attempt")[0].outcome == "succeeded"


def test_workers_are_found_again_whatever_way_they_were_registered(bench: Bench) -> None:
    loaded = load(["tests.integration.process_managed"])
    assert not loaded.problems
    assert sorted(registration.name for registration in loaded.registry) == ["made-0", "made-1", "made-2"]
    registry = Registry()
    for registration in loaded.registry:
        registry.add(registration)
    registry.register(workers.Settings)
    for name in ("assigned", "waits"):
        for registration in load([f"tests.integration.process_workers:{name}"]).registry:
            registry.add(registration)
    host = Host(bench.database, registry)
    bench.hosts.append(host)
    host.start()
    for name in ("made-0", "made-2", "settings", "assigned"):
        run = bench.run(name)
        assert (run.outcome, run.summary) == ("succeeded", "made"), run.error
    assert bench.run("waits").summary == "waited"


SCRIPT = """
import sys
from workerkit import BaseWorker, WorkerManager, worker

@worker(isolation="process")
def function():
    return __name__

class Backup(BaseWorker):
    isolation = "process"
    interval = None
    def __init__(self, where="here", **options):
        super().__init__(**options)
        self.where = where
    def run(self, ctx):
        return f"{self.where} {__name__}"

manager = WorkerManager(sys.argv[1] if len(sys.argv) > 1 else None)
manager.register(function)
manager.register(Backup)
for place in ("attic", "cellar"):
    manager.register(Backup(place, name=f"backup-{place}"))

if __name__ == "__main__":
    manager.register(Backup("nowhere", name="hidden"))
    with manager:
        for name in ("function", "backup", "backup-attic", "backup-cellar", "hidden"):
            run = manager.run_now(name).run_id
            while True:
                record = next(run_ for run_ in manager.runs() if run_.id == run)
                if record.outcome is not None:
                    break
            print(name, record.outcome, record.summary or record.error)
"""


def execute(*words: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, *map(str, words)], check=False, capture_output=True, text=True, timeout=60)


def test_a_script_may_host_its_own_workers_in_processes(tmp_path: Path) -> None:
    script = tmp_path / "jobs.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "data" / "jobs.db")],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.splitlines()[:4] == [
        "function succeeded jobs",
        "backup succeeded here jobs",
        "backup-attic succeeded attic jobs",
        "backup-cellar succeeded cellar jobs",
    ], done.stderr
    hidden = done.stdout.splitlines()[4]
    assert hidden.startswith("hidden failed LocatorError: hidden is not in jobs")
    assert 'not under `if __name__ == "__main__":`' in hidden


@pytest.mark.parametrize("how", ["closure", "object"])
def test_a_worker_that_no_other_process_can_find_is_refused_with_the_remedy(how: str) -> None:
    @worker(isolation="process")
    def inner() -> None: ...

    thing = inner if how == "closure" else workers.Settings(name="nameless")
    with pytest.raises(RegistrationError, match="needs a worker that another process finds again; assign it"):
        WorkerManager().register(thing)


def test_what_makes_no_sense_with_a_process_is_refused() -> None:
    from workerkit.stock import Command

    refused = [
        (workers.waits, {"hold_on_failure": True}, "can't be held"),
        (workers.waits, {"fingerprint": str}, "does not reach the worker's process"),
        (Command("true", name="true"), {"isolation": "process"}, "leave isolation out"),
        (Command("true", name="true"), {"memory_limit": "1GB"}, "give memory_limit to Command"),
        (plain, {"memory_limit": "1GB"}, "needs isolation='process'"),
        (plain, {"warm": True}, "needs isolation='process'"),
    ]
    for thing, options, text in refused:
        with pytest.raises(RegistrationError, match=text):
            Registry().register(thing, **options)  # type: ignore[arg-type]


@worker
def plain() -> None: ...


def test_a_workers_own_process_hosts_nothing(tmp_path: Path) -> None:
    script = tmp_path / "unguarded.py"
    script.write_text(
        "import sys, time\nfrom workerkit import WorkerManager, worker\n"
        "@worker(isolation='process')\ndef task(): return 'done'\n"
        f"manager = WorkerManager({str(tmp_path / 'data' / 'x.db')!r})\nmanager.register(task)\n"
        "manager.start()\nrun = manager.run_now('task').run_id\n"
        "while not (record := manager.runs()[0]).outcome: time.sleep(0.01)\nprint(record.error)\nmanager.stop()\n"
    )
    done = execute(script)
    assert 'start the manager under `if __name__ == "__main__":`' in done.stdout, done.stderr


def test_killing_a_child_from_outside_is_no_matter_for_the_host(bench: Bench) -> None:
    bench.host(workers.sleeps)
    run_id = bench.begin("sleeps")
    wait_for(lambda: any(line.text == "ready" for line in bench.reader.log_lines(run_id)))
    (child,) = [process for process in psutil.Process().children(recursive=True) if process.name() == "sleeps"]
    os.kill(child.pid, signal.SIGKILL)
    run = bench.ended(run_id)
    assert (run.error or "").startswith("Killed from outside by SIGKILL")
