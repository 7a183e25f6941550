"""Signals to a console and to a host without a screen: when they end, how runs are recorded, what is left behind."""

import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.commandline import CommandLine
from tests.acceptance.test_cli_screen import console
from tests.waiting import wait_for

pytestmark = pytest.mark.terminal

WORKERS = """
import threading, time
from workerkit import worker

@worker(every="200ms")
def quick():
    return "fine"

@worker
def stubborn():
    time.sleep(60)

@worker
def litters():
    threading.Thread(target=time.sleep, args=(60,)).start()
"""


@pytest.fixture
def folder(command: CommandLine, tmp_path: Path) -> Path:
    (tmp_path / "workers.py").write_text(WORKERS)
    return tmp_path


def outcomes(command: CommandLine, name: str) -> list[Any]:
    return [run["outcome"] for run in command("runs", name, "--json").json["runs"]]


@pytest.mark.parametrize(
    "signals", [(signal.SIGINT, signal.SIGINT), (signal.SIGTERM, signal.SIGTERM), (signal.SIGQUIT,)]
)
def test_a_console_ends_now_and_leaves_the_terminal_as_found(
    command: CommandLine, folder: Path, signals: tuple[signal.Signals, ...]
) -> None:
    with console(command, "--grace", "60") as terminal:
        terminal.expect("quick")
        wait_for(lambda: command("run", "stubborn").code == 0, "the run")
        terminal.press("q")
        terminal.expect("stop the workers and quit")
        for number, each in enumerate(signals):
            terminal.process.send_signal(each)
            if number < len(signals) - 1:
                terminal.expect("Waiting for 1 run")
        began = time.monotonic()
        assert terminal.ended() == 0
        assert time.monotonic() - began < 5
        assert terminal.is_as_found()
    assert outcomes(command, "stubborn") == ["interrupted"]


def test_sigquit_ends_a_host_without_a_screen_now(command: CommandLine, folder: Path) -> None:
    with command.serving("--grace", "60") as host:
        command("run", "stubborn")
        host.signal(signal.SIGQUIT)
        assert host.ended(8) == 0
        assert "stopping now (SIGQUIT)" in host.narration
    assert outcomes(command, "stubborn") == ["interrupted"]


@pytest.mark.parametrize("screen", [True, False])
def test_a_thread_that_a_worker_left_does_not_hold_the_process(
    command: CommandLine, folder: Path, screen: bool
) -> None:
    if screen:
        with console(command) as terminal:
            terminal.expect("quick")
            wait_for(lambda: command("run", "litters").code == 0, "the run")
            wait_for(lambda: outcomes(command, "litters") == ["succeeded"])
            terminal.process.send_signal(signal.SIGTERM)
            assert terminal.ended(8) == 0
            assert terminal.is_as_found()
    else:
        with command.serving() as host:
            command("run", "litters")
            wait_for(lambda: outcomes(command, "litters") == ["succeeded"])
            host.signal(signal.SIGTERM)
            assert host.ended(8) == 0
            assert host.narration.endswith("stopped\n")


def test_signals_that_no_host_asked_for_end_nothing(command: CommandLine, folder: Path) -> None:
    with command.serving() as host:
        for number in (signal.SIGALRM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGPROF, signal.SIGVTALRM):
            host.signal(number)
        before = len(outcomes(command, "quick"))
        wait_for(lambda: len(outcomes(command, "quick")) > before + 1)
        assert host.process.poll() is None
