"""serve, end to end: a host in a process of its own, and everything else in others."""

import json
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.commandline import PROGRAM, CommandLine, environment
from tests.waiting import wait_for

WORKERS = """
import time
from workerkit import worker

@worker(every="200ms")
def plain():
    return "ok"

@worker(every="200ms")
async def waits(ctx):
    await ctx.sleep_async(0.01)

@worker(every="200ms")
def raises():
    raise ValueError("on purpose")

@worker
def patient(ctx):
    ctx.sleep(60)

@worker
def stubborn():
    print("begun")
    end = time.monotonic() + 60
    while time.monotonic() < end:
        time.sleep(0.05)
"""


@pytest.fixture
def served(command: CommandLine, tmp_path: Path) -> CommandLine:
    """The command line in a folder with three busy workers and two that run by hand."""
    (tmp_path / "workers.py").write_text(WORKERS)
    return command


def begin_stubborn(command: CommandLine) -> None:
    """Has it run, and waits until its code does: before that a stop simply takes the run back."""
    command("run", "stubborn")
    wait_for(lambda: "begun" in command("logs", "stubborn").out, "the run")


def outcomes(command: CommandLine, name: str) -> list[Any]:
    return [run["outcome"] for run in command("runs", name, "--json").json["runs"]]


def counters(command: CommandLine) -> dict[str, tuple[int, int]]:
    workers = command("workers", "--json").json["workers"]
    return {worker["name"]: (worker["success_count"], worker["failure_count"]) for worker in workers}


def test_a_day_in_the_life_of_three_workers(served: CommandLine) -> None:
    with served.serving() as host:
        wait_for(lambda: {"succeeded"} <= set(outcomes(served, "plain")) & set(outcomes(served, "waits")))
        wait_for(lambda: "failed" in outcomes(served, "raises"))
        failed = served("runs", "raises", "--failed", "--json").json["runs"][0]
        assert failed["error"] == "ValueError: on purpose"
        assert failed["host"].endswith(f":{host.process.pid}")
        assert served("pause", "plain").code == 0
        assert served("run", "patient").code == 0
        assert served("cancel", "patient").code == 0
        wait_for(lambda: outcomes(served, "patient") == ["cancelled"])
        host.signal(signal.SIGTERM)
        assert host.ended() == 0
        assert "stopping (SIGTERM)" in host.narration
        assert host.narration.endswith("stopped\n")
    before = counters(served)
    with served.serving():
        after = counters(served)
        assert all(after[name] >= before[name] for name in before)
        plain = next(each for each in served("workers", "--json").json["workers"] if each["name"] == "plain")
        assert (plain["status"], (plain["success_count"], plain["failure_count"])) == ("paused", before["plain"])


def test_running_workers_are_told_to_leave_and_leave_nothing_in_flight(served: CommandLine) -> None:
    with served.serving() as host:
        served("run", "patient")
        host.signal(signal.SIGINT)
        assert host.ended() == 0
    assert served("runs", "--outcome", "running", "--json").json["runs"] == []
    assert outcomes(served, "patient") == ["interrupted"]


def test_a_stuck_thread_does_not_hold_the_process_beyond_grace_and_two_seconds(served: CommandLine) -> None:
    with served.serving("--grace", "1") as host:
        begin_stubborn(served)
        started = time.monotonic()
        host.signal(signal.SIGTERM)
        assert host.ended() == 0
        assert time.monotonic() - started < 3
        assert "interrupted: stubborn" in host.narration
    assert outcomes(served, "stubborn") == ["interrupted"]


def test_a_second_signal_ends_the_grace_period(served: CommandLine) -> None:
    with served.serving("--grace", "60") as host:
        begin_stubborn(served)
        host.signal(signal.SIGTERM)
        wait_for(lambda: "stopping (SIGTERM)" in host.narration)
        host.signal(signal.SIGTERM)
        assert host.ended(10) == 0
        assert "stopping now" in host.narration
    assert outcomes(served, "stubborn") == ["interrupted"]


def test_after_kill_9_the_next_host_says_what_was_in_flight(served: CommandLine) -> None:
    with served.serving() as host:
        run = served("run", "patient", "--json").json["commands"][0]["run_id"]
        host.process.kill()
        host.process.wait()
    assert served("status", "--json").json["host"] is None
    with served.serving() as host:
        assert "the host before died with runs in flight" in host.narration
        assert f"patient (run {run})" in host.narration
    assert (outcomes(served, "patient"), counters(served)["patient"]) == (["failed"], (0, 1))


def test_a_second_host_is_refused_and_says_how_to_attach(served: CommandLine) -> None:
    with served.serving():
        said = served.program("serve")
        assert said.code == 1
        assert "another host lives on" in said.err
        assert "workerconsole attach" in said.err


def test_a_host_waits_for_another_one_to_go(served: CommandLine, tmp_path: Path) -> None:
    with served.serving() as first:
        second = subprocess.Popen(
            [*PROGRAM, "serve", "--wait", "60", "--db", str(served.database)],
            cwd=tmp_path,
            env=environment(),
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            first.signal(signal.SIGTERM)
            assert first.ended() == 0
            wait_for(lambda: (served("status", "--json").json["host"] or {}).get("pid") == second.pid)
        finally:
            second.terminate()
            assert second.communicate(timeout=30)[1].count("started with") == 1


def test_what_is_broken_is_said_and_shown_and_the_others_run(served: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("import nothing_like_this\n")
    with served.serving("workers.py", "bad.py") as host:
        assert "bad is broken and will not run" in host.narration
        assert "(1 broken)" in host.narration
        wait_for(lambda: outcomes(served, "plain"))
        broken = next(each for each in served("workers", "--json").json["workers"] if each["name"] == "bad")
        assert broken["status"] == "broken"
        assert "No module named 'nothing_like_this'" in served("workers").out


def test_targets_that_do_not_exist_exit_3(served: CommandLine) -> None:
    said = served.program("serve", "wrokers.py")
    assert said.code == 3
    assert "did you mean 'workers.py'?" in said.err
    assert not served.database.exists()


def test_a_hangup_is_ignored_without_a_terminal(served: CommandLine) -> None:
    with served.serving() as host:
        host.signal(signal.SIGHUP)
        before = len(outcomes(served, "plain"))
        wait_for(lambda: len(outcomes(served, "plain")) > before)
        assert host.process.poll() is None


def test_systemd_is_told_when_it_is_ready_and_when_it_stops(served: CommandLine, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.bind(str(tmp_path / "notify"))
        notified.settimeout(30)
        process = subprocess.Popen(
            [*PROGRAM, "serve", "--db", str(served.database)],
            cwd=tmp_path,
            env=environment(NOTIFY_SOCKET=str(tmp_path / "notify")),
            stderr=subprocess.DEVNULL,
        )
        assert notified.recv(100) == b"READY=1"
        process.terminate()
        assert notified.recv(100) == b"STOPPING=1"
        assert process.wait(30) == 0


def test_a_manager_in_the_target_names_the_database(
    command: CommandLine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    managed = CommandLine(tmp_path / "managed.db", tmp_path, capsys)
    (tmp_path / "managed.py").write_text(
        "from workerkit import WorkerManager, worker\n"
        "manager = WorkerManager('managed.db')\n"
        "manager.register(worker(every='200ms')(lambda: 1), name='inside')\n"
    )
    process = subprocess.Popen(
        [*PROGRAM, "serve", "managed.py:manager"], cwd=tmp_path, env=environment(), stderr=subprocess.DEVNULL
    )
    try:
        wait_for((tmp_path / "managed.db").exists)
        wait_for(lambda: "inside" in managed("workers").out)
    finally:
        process.terminate()
        assert process.wait(30) == 0


def test_the_demo_runs_without_a_screen(command: CommandLine, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*PROGRAM, "demo", "--headless", "--db", str(command.database)],
        cwd=tmp_path,
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_for(command.database.exists)
        wait_for(lambda: command("status").code == 0)
        wait_for(lambda: "event-loop" in counters(command) and counters(command)["event-loop"][0] > 0)
        assert command("run", "web-shop", "--wait").code == 1
        assert command("run", "database", "--wait").code == 0
    finally:
        process.terminate()
        assert "started with 11 workers" in process.communicate(timeout=30)[1]


def test_a_reader_that_goes_away_is_no_error(served: CommandLine, tmp_path: Path) -> None:
    with served.serving():
        wait_for(lambda: len(outcomes(served, "plain")) > 3)
        done = subprocess.run(
            [
                "/bin/sh",
                "-c",
                f"{PROGRAM[0]} -m workerconsole runs --limit 10000 --json --db {served.database} | head -n 1",
            ],
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
    assert (done.stdout, done.stderr) == ("{\n", "")


def test_json_is_one_document_on_stdout_and_nothing_else(served: CommandLine) -> None:
    with served.serving():
        for words in (["status"], ["workers"], ["runs"], ["logs", "plain"], ["run", "plain"], ["check"]):
            said = served.program(*words, "--json")
            assert isinstance(json.loads(said.out), dict), words


def test_a_host_that_evaluates_says_so_and_others_do_not(served: CommandLine) -> None:
    with served.serving() as host:
        assert "--allow-eval" not in host.narration
        host.signal(signal.SIGTERM)
        assert host.ended() == 0
    with served.serving("--allow-eval") as host:
        wait_for(lambda: "may run any code in this host" in host.narration)
