"""The end of a process in time, whatever still holds it: a stuck thread, a stalled terminal, a disk that hangs.

One and the same for the console and for a host without a screen.
"""

import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

HARD_DEADLINE = 1.7
"""Seconds beyond the grace period after which the process ends. The last commit of a stop comes well before."""
LAST_MOMENT = 1.0
"""Seconds that the interpreter has to end once all is recorded; a thread that a worker left behind would hold it."""
NOT_IN_TIME = "the host did not stop in time; what was in flight is recorded by the next one"


def _say(words: str) -> None:
    if words:
        os.write(2, f"workerconsole: {words}\n".encode())


class Deadline:
    """At most one is set; the latest counts. `last_words` is called with the words before the process ends."""

    def __init__(self, last_words: Callable[[str], object] = _say) -> None:
        self._last_words = last_words
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def set(self, seconds: float, code: int, words: str = "") -> None:
        """The process ends after so many seconds with this exit code, and these words."""
        timer = threading.Timer(seconds, self._strike, (code, words))
        timer.name, timer.daemon = "deadline", True
        with self._lock:
            previous, self._timer = self._timer, timer
            timer.start()
        if previous is not None:
            previous.cancel()

    def lift(self) -> None:
        """There is no deadline any more."""
        with self._lock:
            previous, self._timer = self._timer, None
        if previous is not None:
            previous.cancel()

    def _strike(self, code: int, words: str) -> None:
        if threading.current_thread() is not self._timer:
            return
        with suppress(Exception):
            self._last_words(words)
        leave(code)


def leave(code: int) -> None:
    """Ends the process at once: a thread that never returns would keep the interpreter from ending."""
    # Not on this thread: a pipe that nobody reads would hold it.
    flusher = threading.Thread(target=_flush, daemon=True)
    with suppress(RuntimeError):
        flusher.start()
        flusher.join(0.2)
    os._exit(code)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
