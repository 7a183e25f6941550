"""The terminal as it was found, and how it is given back when the screen's own code can't do that any more.

Textual restores a terminal through a queue of its own, which waits for ever where nobody reads the terminal. What is
here goes past all that, and may be called from any thread.
"""

import os
import select
import signal
import sys
import threading
import time
from contextlib import suppress
from typing import Any

try:
    import termios
except ImportError:  # not on Windows
    termios = None  # type: ignore[assignment]

RESTORE = (
    "\x18"  # ends whatever sequence was cut
    "\x1b[?2026l\x1b[0m\x1b[?2004l\x1b[?7h\x1b[?2048l"
    "\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1016l\x1b[?1004l"
    "\x1b[<u\x1b[?1049l\x1b[?25h"
)
"""Undoes what Textual's driver does: frames, colours, paste, wrapping, resizing, mouse, focus, keys, screen, cursor."""
PATIENCE = 0.5
"""Seconds for a terminal that is stalled to take so few bytes."""
WRITER = "textual-output"
"""The thread of Textual's that writes."""

_GONE = getattr(select, "POLLHUP", 0) | getattr(select, "POLLERR", 0) | getattr(select, "POLLNVAL", 0)


def is_gone(descriptor: int) -> bool:
    """Whether the terminal behind a descriptor has hung up. Reads nothing from it."""
    poll = select.poll()
    poll.register(descriptor, 0)
    return any(event & _GONE for _, event in poll.poll(0))


class Terminal:
    """The controlling terminal of this process, if it has one: its settings now are those that give_back() restores."""

    def __init__(self) -> None:
        self.descriptor: int | None = None
        """What to watch; None without a terminal."""
        self._settings: list[Any] | None = None
        self._lock = threading.Lock()
        stream = sys.__stdin__
        with suppress(OSError, ValueError):
            if stream is not None and termios is not None and stream.isatty():
                self._settings = termios.tcgetattr(stream.fileno())
                self.descriptor = stream.fileno()

    @property
    def is_ours(self) -> bool:
        """Whether this process is in the foreground; writing from elsewhere spoils another program's screen."""
        with suppress(OSError):
            return self.descriptor is not None and os.tcgetpgrp(self.descriptor) == os.getpgrp()
        return False

    def returned(self) -> None:
        """The screen's own code has given it back: from here on give_back() does nothing."""
        with self._lock:
            self._settings = None

    def give_back(self, words: str = "") -> None:
        """Restores it for the shell within a moment, also when nobody reads it; then says the words.

        The screen can't be drawn any more after that, and nothing can be said on stdout and stderr.
        """
        with self._lock:
            settings, self._settings = self._settings, None
            if settings is None or self.descriptor is None or is_gone(self.descriptor) or not self.is_ours:
                return
            with suppress(OSError):
                self._silence_screen()
                said = f"workerconsole: {words}\r\n" if words else ""
                self._write_past_screen(os.ttyname(self.descriptor), f"{RESTORE}{said}".encode())
            # A process in the background would be stopped by this.
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTTOU])
            with suppress(termios.error):
                termios.tcsetattr(self.descriptor, termios.TCSANOW, settings)

    @staticmethod
    def _silence_screen() -> None:
        """Whatever is still drawn goes nowhere, and a write that waits for a reader is broken off.

        By a signal that has a handler (see signals.STRAY); Python writes the rest to where the descriptor leads now.
        """
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        os.close(nowhere)
        for thread in threading.enumerate():
            if thread.name == WRITER and thread.ident is not None:
                signal.pthread_kill(thread.ident, signal.SIGALRM)

    @staticmethod
    def _write_past_screen(name: str, data: bytes) -> None:
        """Through a descriptor of its own: O_NONBLOCK on an inherited one would be the shell's, too."""
        own = os.open(name, os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            left, end = data, time.monotonic() + PATIENCE
            while left and time.monotonic() < end:
                try:
                    left = left[os.write(own, left) :]
                except BlockingIOError:
                    # Full of what nobody has read: out of date by now.
                    termios.tcflush(own, termios.TCOFLUSH)
                    left = data
                    time.sleep(0.01)
        finally:
            os.close(own)
