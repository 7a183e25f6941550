"""Signals as something to wait for: the main thread of a host without a screen does nothing else.

Python's wake-up descriptor carries them, so no handler of ours runs between two bytecodes of somebody's lock.
"""

import os
import signal
import socket
import sys
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any, Self


class StopSignals:
    """While entered, SIGTERM and SIGINT are kept for wait() and interrupt nothing.

    SIGHUP means that the terminal went away: with a terminal it asks to stop too; without one (systemd, nohup,
    a host that was left headless) it is ignored.
    """

    def __init__(self) -> None:
        self._previous: dict[int, Any] = {}
        self._reader, self._writer = socket.socketpair()

    def __enter__(self) -> Self:
        self._writer.setblocking(False)
        self._previous_descriptor = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            self._previous[number] = signal.signal(number, _noted)
        if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            self._previous[signal.SIGHUP] = signal.signal(signal.SIGHUP, _noted if _on_terminal() else signal.SIG_IGN)
        return self

    def wait(self, timeout: float | None = None) -> str | None:
        """The name of the next signal, such as `SIGTERM`; None after `timeout` seconds without one."""
        self._reader.settimeout(timeout)
        with suppress(TimeoutError):
            return signal.Signals(self._reader.recv(1)[0]).name
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._previous_descriptor)
        self._reader.close()
        self._writer.close()


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
