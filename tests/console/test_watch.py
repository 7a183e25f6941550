"""The end of a terminal is noticed without reading from it, and without Textual; signals are told on a thread."""

import os
import pty
import signal
import threading
from collections.abc import Callable, Iterator

import pytest

from tests.waiting import wait_for
from workerconsole.terminal import is_gone
from workerconsole.watch import TerminalWatch

Watching = Callable[[int | None], TerminalWatch]


@pytest.fixture
def heard() -> list[str]:
    """What the watch told, and on which thread."""
    return []


@pytest.fixture
def watching(heard: list[str]) -> Iterator[Watching]:
    """Starts watches; they are stopped at the end."""
    started: list[TerminalWatch] = []

    def say(what: str) -> None:
        heard.append(f"{what} on {threading.current_thread().name}")

    def start(descriptor: int | None) -> TerminalWatch:
        watch = TerminalWatch(say, lambda: say("gone"), descriptor)
        watch.start()
        started.append(watch)
        return watch

    yield start
    for watch in started:
        watch.stop()


def test_a_closed_terminal_is_told_from_a_living_one() -> None:
    near, far = pty.openpty()
    os.write(near, b"waiting to be read\n")
    assert not is_gone(far)
    os.close(near)
    assert is_gone(far)
    os.close(far)


def test_the_watch_tells_once_when_the_terminal_goes(watching: Watching, heard: list[str]) -> None:
    near, far = pty.openpty()
    watch = watching(far)
    watch.start()
    assert heard == []
    os.close(near)
    wait_for(lambda: heard, "the call")
    assert heard == ["gone on terminal"]
    os.close(far)


def test_signals_are_told_and_end_nothing(watching: Watching, heard: list[str]) -> None:
    watch = watching(None)
    watch.also("SIGCONT")
    for number in (signal.SIGTERM, signal.SIGQUIT, signal.SIGCONT, signal.SIGALRM, signal.SIGUSR1):
        signal.raise_signal(number)
    wait_for(lambda: len(heard) == 3, "the signals")
    assert heard == [f"{name} on terminal" for name in ("SIGTERM", "SIGQUIT", "SIGCONT")]


def test_a_stopped_watch_tells_nobody_and_gives_the_signals_back(watching: Watching, heard: list[str]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    near, far = pty.openpty()
    watch = watching(far)
    assert signal.getsignal(signal.SIGTERM) is not before
    watch.stop()
    watch.stop()
    watch.start()
    assert signal.getsignal(signal.SIGTERM) is before
    os.close(near)
    assert watch._thread is not None
    assert not watch._thread.is_alive()
    assert heard == []
    os.close(far)
