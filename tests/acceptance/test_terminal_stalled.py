"""Nobody reads the terminal any more: the workers go on, nothing spins, and the console can still be ended."""

import signal
import time
from pathlib import Path

import pytest

from tests.acceptance.commandline import CommandLine
from tests.acceptance.test_cli_screen import WORKERS, console, shell
from tests.terminal import Terminal
from tests.waiting import wait_for

pytestmark = pytest.mark.terminal

QUIET = 0.5
"""The share of a core below which a program does not spin."""


@pytest.fixture
def folder(command: CommandLine, tmp_path: Path) -> Path:
    (tmp_path / "workers.py").write_text(WORKERS)
    return tmp_path


def latest_run(command: CommandLine) -> int:
    runs = command("runs", "--limit", "1", "--json").json["runs"]
    return int(runs[0]["id"]) if runs else 0


def stall(terminal: Terminal) -> None:
    """Nobody reads, until the kernel takes nothing more of what the screen draws."""
    sizes = iter(range(10_000))

    def full() -> bool:
        # Each new size has the whole screen drawn.
        terminal.resize(120 + next(sizes) % 2, 40)
        return terminal.is_full()

    wait_for(full, "a full terminal")


def test_workers_go_on_nothing_spins_and_the_picture_comes_back(command: CommandLine, folder: Path) -> None:
    with console(command) as terminal:
        terminal.expect("ValueError")
        stall(terminal)
        before = latest_run(command)
        assert terminal.busy() < QUIET
        wait_for(lambda: latest_run(command) > before + 4, "runs while the terminal is stalled")
        terminal.resize(110, 34)
        terminal.expect("ValueError")
        terminal.press("q")
        terminal.expect("stop the workers and quit")
        terminal.press("enter")
        assert terminal.ended() == 0
        assert terminal.is_as_found(), (
            terminal.modes,
            terminal.settings == terminal.settings_before,
            terminal.bytes[-300:],
        )


@pytest.mark.parametrize("hosting", [True, False])
def test_a_signal_ends_it_in_time_and_the_terminal_is_as_found(
    command: CommandLine, folder: Path, hosting: bool
) -> None:
    if hosting:
        end_while_stalled(command)
        assert command("runs", "--outcome", "running", "--json").json["runs"] == []
    else:
        with command.serving():
            end_while_stalled(command, "attach")
            assert command("status", "--json").json["host"] is not None


def end_while_stalled(command: CommandLine, *words: str) -> None:
    with shell(command, *words) as terminal:
        terminal.expect("ValueError")
        program = terminal.program
        stall(terminal)
        began = time.monotonic()
        program.send_signal(signal.SIGTERM)
        program.wait(20)
        assert time.monotonic() - began < 8
        terminal.prompted()
        assert terminal.code() == 0
        assert terminal.is_as_found()
