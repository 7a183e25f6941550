"""The terminal's window is closed: the workers are stopped in good order, and no process stays behind."""

from pathlib import Path

import pytest

from tests.acceptance.commandline import CommandLine
from tests.acceptance.test_cli_screen import WORKERS, console
from workerconsole.hangup import EXIT_CODE

pytestmark = pytest.mark.terminal


def test_a_console_that_hosts_ends_with_its_terminal(command: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "workers.py").write_text(WORKERS)
    with console(command) as terminal:
        terminal.expect("ValueError")
        assert terminal.hang_up() in (0, EXIT_CODE)
    assert command("status", "--json").json["host"] is None
    assert command("runs", "--outcome", "running", "--json").json["runs"] == []


def test_a_console_that_is_attached_ends_with_its_terminal(command: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "workers.py").write_text(WORKERS)
    with console(command) as host:
        host.expect("ValueError")
        with console(command, "attach") as terminal:
            terminal.expect("ValueError")
            assert terminal.hang_up() in (0, EXIT_CODE)
        assert command("status", "--json").json["host"] is not None
