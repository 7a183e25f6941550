"""The console in a real terminal: opened, looked at, acted on, left."""

import os
import signal
from pathlib import Path

import pytest

from tests.acceptance.commandline import PROGRAM, CommandLine, environment
from tests.terminal import Shell, Terminal
from tests.waiting import wait_for

pytestmark = pytest.mark.terminal

WORKERS = """
from workerkit import worker

@worker(every="300ms")
def alpha():
    return "fine"

@worker(every="300ms")
def beta():
    raise ValueError("beta broke on purpose")

@worker
async def gamma(ctx):
    await ctx.sleep_async(60)
"""


@pytest.fixture
def folder(command: CommandLine, tmp_path: Path) -> Path:
    (tmp_path / "workers.py").write_text(WORKERS)
    return tmp_path


def console(command: CommandLine, *words: str, columns: int = 110, rows: int = 34) -> Terminal:
    return Terminal(
        [*PROGRAM, *words, "--db", str(command.database)],
        folder=command.folder,
        environment=environment(),
        columns=columns,
        rows=rows,
    )


def shell(command: CommandLine, *words: str, columns: int = 110, rows: int = 34) -> Shell:
    """The same, started from an interactive shell."""
    return Shell(
        [*PROGRAM, *words, "--db", str(command.database)],
        folder=command.folder,
        environment=environment(),
        columns=columns,
        rows=rows,
    )


def worker_status(command: CommandLine, name: str) -> str:
    return str(next(each["status"] for each in command("workers", "--json").json["workers"] if each["name"] == name))


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (140, 42)])
def test_the_console_hosts_shows_and_stops_its_workers(
    command: CommandLine, folder: Path, columns: int, rows: int
) -> None:
    with console(command, columns=columns, rows=rows) as terminal:
        for name in ("alpha", "beta", "gamma"):
            terminal.expect(name)
        terminal.expect("failed")
        terminal.press("q")
        terminal.expect("stop the workers and quit")
        terminal.press("enter")
        assert terminal.ended() == 0
        assert terminal.settings == terminal.settings_before
    assert command("status", "--json").json["host"] is None
    assert command("runs", "--outcome", "running", "--json").json["runs"] == []


def test_pause_in_the_console_survives_a_restart(command: CommandLine, folder: Path) -> None:
    with console(command) as terminal:
        terminal.expect("ValueError")
        terminal.press("/")
        terminal.expect("esc clears")
        terminal.press(*"alpha", "enter")
        terminal.absent("gamma")
        terminal.press("p")
        wait_for(lambda: worker_status(command, "alpha") == "paused")
        terminal.press("q")
        terminal.expect("stop the workers and quit")
        terminal.press("enter")
        assert terminal.ended() == 0
    before = command("workers", "--json").json["workers"][0]
    with console(command) as terminal:
        terminal.expect("paused")
        after = command("workers", "--json").json["workers"][0]
        assert (after["status"], after["success_count"]) == ("paused", before["success_count"])


def test_the_console_attaches_to_a_host_and_leaves_it_alone(command: CommandLine, folder: Path) -> None:
    with command.serving() as host:
        with console(command, "attach") as terminal:
            terminal.expect("beta")
            terminal.expect("headless")
            assert command("run", "gamma").code == 0
            terminal.expect("running")
            terminal.press("q")
            assert terminal.ended() == 0
        with console(command) as terminal:
            terminal.expect("alpha")
            terminal.press("q")
            assert terminal.ended() == 0
        assert host.process.poll() is None


def test_leaving_the_workers_headless_hands_them_over(command: CommandLine, folder: Path) -> None:
    pid = 0
    try:
        with console(command) as terminal:
            terminal.expect("ValueError")
            terminal.press("q")
            terminal.expect("leave them running")
            terminal.press("l")
            assert terminal.ended() == 0
            assert "go on without a screen" in terminal.text()
            first = terminal.process.pid
        wait_for(lambda: (command("status", "--json").json["host"] or {}).get("mode") == "headless")
        pid = command("status", "--json").json["host"]["pid"]
        assert pid != first
        log = command.database.with_name(command.database.name + ".log")
        wait_for(lambda: "started with 3 workers" in log.read_text())
        assert log.stat().st_mode & 0o777 == 0o600
    finally:
        if pid:
            os.kill(pid, signal.SIGTERM)
            wait_for(lambda: command("status", "--json").json["host"] is None)


def test_a_hangup_of_the_terminal_stops_the_workers_gracefully(command: CommandLine, folder: Path) -> None:
    with console(command) as terminal:
        terminal.expect("ValueError")
        terminal.process.send_signal(signal.SIGHUP)
        assert terminal.ended() == 0
    assert command("runs", "--outcome", "running", "--json").json["runs"] == []


def test_serve_on_a_terminal_stops_on_ctrl_c_and_on_hangup(command: CommandLine, folder: Path) -> None:
    with console(command, "serve") as terminal:
        terminal.expect("started with 3 workers")
        terminal.press("ctrl+c")
        assert terminal.ended() == 0
        assert "stopping (SIGINT)" in terminal.text()
    with console(command, "serve") as terminal:
        terminal.expect("started with 3 workers")
        terminal.process.send_signal(signal.SIGHUP)
        assert terminal.ended() == 0


def test_an_empty_folder_opens_a_console_that_says_what_to_do(command: CommandLine) -> None:
    with console(command) as terminal:
        terminal.expect("workerconsole init")
        terminal.press("q")
        assert terminal.ended() == 0


def test_tables_fit_the_terminal_and_are_coloured_there_alone(command: CommandLine, folder: Path) -> None:
    with command.serving():
        wait_for(lambda: worker_status(command, "beta") == "failed")
        with console(command, "workers", columns=60, rows=20) as terminal:
            assert terminal.ended() == 0
            lines = [line for line in terminal.text().splitlines() if line]
            assert [line.split()[1] for line in lines] == ["NAME", "alpha", "beta", "gamma"]
            assert lines[2].endswith("…")
            cells = next(line for line in terminal.lines() if line[0].data in "fr")
            assert cells[0].fg == {"f": "red", "r": "cyan"}[cells[0].data], "failed, or running once more"
    assert "\x1b" not in command("workers").out


def test_what_a_target_lacks_is_told_once_the_screen_has_gone(command: CommandLine, folder: Path) -> None:
    with console(command, "workers.py:delta") as terminal:
        assert terminal.ended() == 3
        assert "delta" in terminal.expect("workers.py:delta")
        assert terminal.settings == terminal.settings_before


def test_what_is_said_while_workers_are_loaded_is_told_once_the_screen_has_gone(
    command: CommandLine, folder: Path
) -> None:
    (folder / "workers.py").write_text(f"print('sixteen modules found')\n{WORKERS}")
    with console(command) as terminal:
        terminal.expect("alpha")
        terminal.absent("sixteen modules")
        terminal.press("q")
        terminal.expect("stop the workers and quit")
        terminal.press("enter")
        assert terminal.ended() == 0
        terminal.expect("sixteen modules found")


def test_a_console_can_be_left_while_workers_are_still_being_loaded(command: CommandLine, folder: Path) -> None:
    (folder / "workers.py").write_text(f"import threading\nthreading.Event().wait(600)\n{WORKERS}")
    with console(command) as terminal:
        terminal.expect("Loading workers.py …")
        terminal.press("q")
        assert terminal.ended() == 0
        assert terminal.settings == terminal.settings_before
