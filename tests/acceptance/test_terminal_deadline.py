"""The disk hangs at the end: a console and a host without a screen end in one and the same time."""

import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.acceptance.commandline import CommandLine
from tests.acceptance.test_cli_screen import WORKERS, console
from tests.waiting import wait_for
from workerconsole.deadline import HARD_DEADLINE, NOT_IN_TIME

pytestmark = pytest.mark.terminal

SLACK = 2.5
"""Seconds for a busy machine, and for a screen to go."""


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Another program has the database locked."""
    with closing(sqlite3.connect(path, timeout=20, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield


@pytest.mark.parametrize("screen", [True, False])
def test_a_database_that_hangs_does_not_hold_the_process(command: CommandLine, tmp_path: Path, screen: bool) -> None:
    (tmp_path / "workers.py").write_text(WORKERS)
    if screen:
        with console(command, "--grace", "0.5") as terminal:
            terminal.expect("ValueError")
            with held(command.database):
                began = time.monotonic()
                terminal.process.send_signal(signal.SIGTERM)
                code = terminal.ended()
            said = terminal.text()
            assert terminal.is_as_found()
    else:
        with command.serving("--grace", "0.5") as host:
            wait_for(lambda: command("runs", "beta", "--json").json["runs"], "a run")
            with held(command.database):
                began = time.monotonic()
                host.signal(signal.SIGTERM)
                code = host.ended()
            said = host.narration
    assert time.monotonic() - began < 0.5 + HARD_DEADLINE + SLACK
    assert (code == 0) != (NOT_IN_TIME in said)
    with command.serving() as following:
        following.signal(signal.SIGTERM)
        assert following.ended() == 0
    assert command("runs", "--outcome", "running", "--json").json["runs"] == []
