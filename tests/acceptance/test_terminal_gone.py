"""The terminal's window is closed: the workers are stopped in good order, and no process stays behind."""

from pathlib import Path

import psutil
import pytest

from tests.acceptance.commandline import CommandLine
from tests.acceptance.test_cli_screen import WORKERS, console, shell
from tests.waiting import wait_for
from workerconsole.ending import GONE

pytestmark = pytest.mark.terminal


@pytest.fixture
def folder(command: CommandLine, tmp_path: Path) -> Path:
    (tmp_path / "workers.py").write_text(WORKERS)
    return tmp_path


def nothing_is_left(command: CommandLine) -> None:
    assert command("status", "--json").json["host"] is None
    assert command("runs", "--outcome", "running", "--json").json["runs"] == []


@pytest.mark.parametrize("asked", [False, True])
def test_a_console_that_hosts_ends_with_its_terminal(command: CommandLine, folder: Path, asked: bool) -> None:
    with console(command) as terminal:
        terminal.expect("ValueError")
        if asked:
            terminal.press("q")
            terminal.expect("stop the workers and quit")
        assert terminal.hang_up() in (0, GONE)
    nothing_is_left(command)


def test_a_console_that_is_attached_ends_with_its_terminal(command: CommandLine, folder: Path) -> None:
    with command.serving():
        with console(command, "attach") as terminal:
            terminal.expect("ValueError")
            assert terminal.hang_up() in (0, GONE)
        assert command("status", "--json").json["host"] is not None


def test_a_console_ends_with_the_shell_that_started_it(command: CommandLine, folder: Path) -> None:
    with shell(command) as terminal:
        terminal.expect("ValueError")
        program = terminal.program
        terminal.process.kill()

        def gone() -> bool:
            # Its parent is dead: whoever inherits it may let it lie.
            return not program.is_running() or program.status() == psutil.STATUS_ZOMBIE

        wait_for(gone, "the console's end")
    nothing_is_left(command)
