"""Wakes one thread that waits."""

import threading
from contextlib import suppress


class Bell:
    """Rings for one thread; what rang while it did not wait, it hears when it does, once.

    threading.Event is for any number of threads, for which each wait makes a lock and a list of those that wait: a
    third of what it costs to wake up. ring() may be called from a destructor, at any point of itself.
    """

    def __init__(self) -> None:
        self._silence = threading.Lock()
        self._silence.acquire()

    def ring(self) -> None:
        """Wakes the thread, or whichever comes to wait next."""
        if self._silence.locked():
            with suppress(RuntimeError):  # somebody else has rung meanwhile
                self._silence.release()

    def wait(self, seconds: float | None = None) -> bool:
        """Whether it rang, within so many seconds where there is a limit."""
        return self._silence.acquire(timeout=-1 if seconds is None else max(0.0, min(seconds, threading.TIMEOUT_MAX)))
