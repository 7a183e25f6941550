"""Signals as something to wait for, on whatever thread: no handler of ours runs between two bytecodes of a lock.

Python's wake-up descriptor carries them. It works also while the main thread waits for something that never comes.
"""

import os
import select
import signal
import socket
import sys
import time
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any, Self

STRAY = ("SIGALRM", "SIGVTALRM", "SIGPROF", "SIGUSR1", "SIGUSR2", "SIGIO", "SIGXCPU")
"""Signals that end a process which has no use for them. A worker's alarm must not end the host."""
NOW = "SIGQUIT"
"""The signal that asks to stop without a grace period."""
_WAKE = 0
"""The number of no signal."""


class Signals:
    """While entered, signals that ask to stop are kept for wait() and interrupt nothing; stray ones are ignored.

    SIGTERM, SIGINT and SIGQUIT ask to stop. SIGHUP means that the terminal went away: with a terminal it asks to stop
    too; without one (systemd, nohup, a host that was left headless) it is ignored. Children get all of them as they
    were: a handler, unlike SIG_IGN, does not outlive exec. Enter it, leave it and call also() on the main thread.
    """

    def __init__(self) -> None:
        self._previous: dict[int, Any] = {}
        self._kept: set[int] = set()
        self._reader, self._writer = socket.socketpair()

    def __enter__(self) -> Self:
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._previous_descriptor = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        self.also("SIGTERM", "SIGINT", "SIGQUIT")
        if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            if _on_terminal():
                self.also("SIGHUP")
            else:
                self._handle(signal.SIGHUP, signal.SIG_IGN)
        for name in STRAY:
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is signal.SIG_DFL:
                self._handle(number, _noted)
        return self

    def also(self, *names: str) -> None:
        """Keeps these signals for wait(), too, where the system has them."""
        for name in names:
            number = getattr(signal, name, None)
            if number is not None:
                self._kept.add(number)
                self._handle(number, _noted)

    def wait(self, timeout: float | None = None) -> str | None:
        """The name of the next signal that is kept, such as `SIGTERM`; None after `timeout` seconds, or at wake()."""
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            left = None if end is None else max(0.0, end - time.monotonic())
            if not select.select([self._reader], [], [], left)[0]:
                return None
            with suppress(BlockingIOError):
                number = self._reader.recv(1)[0]
                if number == _WAKE:
                    return None
                if number in self._kept:
                    return signal.Signals(number).name

    def wake(self) -> None:
        """Has a wait() on another thread return."""
        with suppress(BlockingIOError):
            self._writer.send(bytes([_WAKE]))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._previous_descriptor)
        self._reader.close()
        self._writer.close()

    def _handle(self, number: int, handler: Any) -> None:
        previous = signal.signal(number, handler)
        self._previous.setdefault(number, previous)


def _noted(_number: int, _frame: FrameType | None) -> None:
    """Present so that Python keeps the signal; the wake-up descriptor tells of it."""


def _on_terminal() -> bool:
    with suppress(OSError, ValueError, AttributeError):
        return sys.stdin.isatty() or sys.stderr.isatty()
    return False


def notify(state: str) -> None:
    """Tells systemd a state such as `READY=1`, where it asked to be told (NOTIFY_SOCKET)."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        client.connect("\0" + address[1:] if address.startswith("@") else address)
        client.send(state.encode())
