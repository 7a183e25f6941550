"""ctrl+z, SIGTSTP, SIGSTOP, SIGCONT, from a real shell: the terminal is the shell's meanwhile, and comes back whole."""

import signal
from pathlib import Path

import psutil
import pytest

from tests.acceptance.commandline import CommandLine
from tests.acceptance.test_cli_screen import WORKERS, console, shell
from tests.terminal import Shell
from tests.waiting import wait_for

pytestmark = pytest.mark.terminal


@pytest.fixture
def folder(command: CommandLine, tmp_path: Path) -> Path:
    (tmp_path / "workers.py").write_text(WORKERS)
    return tmp_path


def stopped(program: psutil.Process) -> bool:
    return bool(program.status() == psutil.STATUS_STOPPED)


def given_to_the_shell(terminal: Shell) -> psutil.Process:
    """Waits until the program has stopped and the shell works as if it had never been there."""
    program = terminal.program
    wait_for(lambda: stopped(program), "the stop")
    terminal.prompted()
    terminal.type("echo the shell h''as it")
    terminal.expect("the shell has it")
    assert terminal.is_as_found()
    return program


def brought_back(terminal: Shell) -> None:
    """The shell's `fg`, on a terminal that has forgotten what was on it."""
    terminal.clear()
    terminal.type("fg")
    for text in ("alpha", "beta", "gamma", "ValueError"):
        terminal.expect(text)
    wait_for(lambda: terminal.text() and {"1049", "2004", "1000"} <= terminal.modes.keys(), "the screen's modes")


def test_ctrl_z_gives_the_terminal_to_the_shell_and_fg_brings_the_whole_screen_back(
    command: CommandLine, folder: Path
) -> None:
    with command.serving(), shell(command, "attach") as terminal:
        terminal.expect("ValueError")
        for _ in range(2):
            terminal.press("ctrl+z")
            given_to_the_shell(terminal)
            brought_back(terminal)
        terminal.press("q")
        terminal.prompted()
        assert terminal.code() == 0
        assert terminal.is_as_found()


def test_a_console_that_hosts_does_not_stop_its_workers_by_a_slip_of_the_hand(
    command: CommandLine, folder: Path
) -> None:
    with console(command) as terminal:
        terminal.expect("ValueError")
        terminal.press("ctrl+z")
        terminal.expect("ctrl+z would stop the workers")
        terminal.press("q", "enter")
        assert terminal.ended() == 0


def test_a_host_that_is_stopped_goes_on_in_the_background_and_comes_back(command: CommandLine, folder: Path) -> None:
    with shell(command) as terminal:
        terminal.expect("ValueError")
        terminal.program.send_signal(signal.SIGTSTP)
        program = given_to_the_shell(terminal)
        before = command("runs", "alpha", "--limit", "1", "--json").json["runs"][0]["id"]
        terminal.type("bg")
        wait_for(lambda: not stopped(program), "the background")
        # Three runs of each later the screen has not been touched.
        wait_for(lambda: command("runs", "alpha", "--limit", "1", "--json").json["runs"][0]["id"] > before + 6, "runs")
        assert terminal.is_as_found()
        brought_back(terminal)
        terminal.press("q", "enter")
        terminal.prompted()
        assert terminal.code() == 0
        assert terminal.is_as_found()
    gaps = command("runs", "--outcome", "running", "--json").json["runs"]
    assert gaps == []


def test_a_stop_that_nobody_can_catch_leaves_the_terminals_settings_alone(command: CommandLine, folder: Path) -> None:
    with shell(command) as terminal:
        terminal.expect("ValueError")
        program = terminal.program
        program.send_signal(signal.SIGCONT)
        program.send_signal(signal.SIGSTOP)
        wait_for(lambda: stopped(program), "the stop")
        terminal.expect("Stopped")
        brought_back(terminal)
        terminal.press("q")
        terminal.expect("stop the workers and quit")
        terminal.press("enter")
        terminal.prompted()
        assert terminal.is_as_found()
        assert terminal.code() == 0
