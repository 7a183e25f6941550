"""The terminal went away: its window was closed, or the connection was lost. End in good order, without it.

Textual can't do that. Its writer fails on the dead terminal, its reader spins, and its loop waits for the writer for
ever. So the watch is a thread of its own, and what it calls must not touch the screen.
"""

import select
import sys
import threading
from collections.abc import Callable

LOOK_EVERY = 0.5
"""Seconds between two looks at the terminal."""
EXIT_CODE = 129
"""128 + SIGHUP, as shells say it."""

_GONE = getattr(select, "POLLHUP", 0) | getattr(select, "POLLERR", 0) | getattr(select, "POLLNVAL", 0)


def is_gone(descriptor: int) -> bool:
    """Whether the terminal behind a descriptor has hung up. Reads nothing from it."""
    poll = select.poll()
    poll.register(descriptor, 0)
    return any(event & _GONE for _, event in poll.poll(0))


class HangupWatch:
    """Calls `ended` once, on its own thread, when the terminal has hung up. start() and stop() are idempotent."""

    def __init__(self, ended: Callable[[], object], descriptor: int | None = None) -> None:
        self._ended = ended
        self._descriptor = descriptor
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begins to watch, where the system can tell."""
        if self._thread is None and hasattr(select, "poll"):
            descriptor = sys.__stdin__.fileno() if self._descriptor is None and sys.__stdin__ else self._descriptor
            if descriptor is not None:
                self._thread = threading.Thread(target=self._main, args=(descriptor,), name="hangup", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        self._stopping.set()

    def _main(self, descriptor: int) -> None:
        while not self._stopping.wait(LOOK_EVERY):
            if is_gone(descriptor):
                self._ended()
                return
