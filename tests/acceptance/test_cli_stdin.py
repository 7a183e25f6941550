"""Workers that reach for the operator's keys: the screen keeps them."""

from pathlib import Path

import pytest

from tests.acceptance.commandline import PROGRAM, CommandLine, environment
from tests.terminal import Terminal

pytestmark = pytest.mark.terminal

LEAVES_AT_IMPORT = "exit()\n"
WORKERS = """
from workerkit import worker

@worker(every="300ms")
def asks():
    return input("name? ")

@worker(every="300ms")
def leaves():
    exit(3)
"""


def test_exit_and_input_leave_the_keys_to_the_operator(command: CommandLine, tmp_path: Path) -> None:
    jobs = tmp_path / "jobs"
    jobs.mkdir()
    (jobs / "bad.py").write_text(LEAVES_AT_IMPORT)
    (jobs / "work.py").write_text(WORKERS)
    words = [*PROGRAM, "jobs", "--db", str(command.database)]
    with Terminal(words, folder=command.folder, environment=environment(), columns=110, rows=34) as screen:
        screen.expect("broken")
        screen.expect("2 failed")
        screen.press("?")
        screen.expect("The worker, or all marked ones")
        screen.press("esc")
        screen.absent("The worker, or all marked ones")
        screen.press("q")
        screen.expect("This console runs the workers.")
        screen.press("enter")
        assert screen.ended() == 0
    errors = {
        run["worker"]: run["error"] for run in command("runs", "--failed", "--limit", "200", "--json").json["runs"]
    }
    assert errors["asks"].startswith(("EOFError", "ValueError: I/O operation on closed file")), (
        "there is nothing to read"
    )
    assert "SystemExit" in errors["leaves"]
