"""A real pseudo-terminal with a program in it, and what a person would see there."""

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyte

from tests.waiting import DEADLINE, wait_for

KEYS = {"enter": "\r", "esc": "\x1b", "tab": "\t", "down": "\x1b[B", "up": "\x1b[A", "space": " ", "ctrl+c": "\x03"}

_UNKNOWN = re.compile(rb"\x1b\[[<=>][0-9;:]*[a-zA-Z]|\x1b\[\??[0-9;]*\$p|\x1b[P_^].*?\x1b\\", re.DOTALL)
"""Questions and protocols that pyte takes for text."""
_UNFINISHED = re.compile(rb"\x1b(?:[\[\]][^a-zA-Z\x07\x1b]{0,64})?$")
"""The beginning of a sequence whose rest comes with the next read."""


class Terminal:
    """Runs a program in a pseudo-terminal of a given size; a context manager that ends it."""

    def __init__(
        self,
        words: Sequence[str],
        *,
        folder: Path,
        environment: dict[str, str],
        columns: int = 110,
        rows: int = 34,
    ) -> None:
        self.screen: Any = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self._pending = b""
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.settings_before = termios.tcgetattr(slave)
        self._slave = slave
        self.process = subprocess.Popen(
            list(words),
            cwd=folder,
            env={**environment, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=_take_terminal,  # noqa: PLW1509 -- one system call, on a program that has no threads yet
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(AssertionError):
                self.ended(15)
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._close()

    def hang_up(self) -> int:
        """Closes the window, so to speak; the exit code of the program, once it has ended."""
        self._close()
        return self.process.wait(DEADLINE)

    def _close(self) -> None:
        for descriptor in (self._master, self._slave):
            if descriptor >= 0:
                os.close(descriptor)
        self._master = self._slave = -1

    @property
    def settings(self) -> list[Any]:
        """How the terminal is set now, to be compared with `settings_before`."""
        return termios.tcgetattr(self._slave)

    def text(self) -> str:
        """What the screen shows, after whatever has come by now."""
        while self._read(0):
            pass
        return "\n".join(line.rstrip() for line in self.screen.display)

    def expect(self, text: str, deadline: float = DEADLINE) -> str:
        """Waits until the text is on the screen; all that is there then."""

        def there() -> bool:
            self._read(0.05)
            return text in self.text()

        try:
            wait_for(there, repr(text), deadline)
        except AssertionError as error:
            raise AssertionError(f"{error}; the screen shows:\n{self.text()}") from None
        return self.text()

    def absent(self, text: str) -> None:
        """Waits until the text is gone from the screen."""

        def gone() -> bool:
            self._read(0.05)
            return text not in self.text()

        wait_for(gone, f"the end of {text!r}")

    def press(self, *keys: str) -> None:
        """Presses keys: single characters, or names of KEYS."""
        for key in keys:
            os.write(self._master, KEYS.get(key, key).encode())

    def ended(self, deadline: float = DEADLINE) -> int:
        """The exit code, once the program has ended."""

        def over() -> bool:
            self._read(0.05)
            return self.process.poll() is not None

        wait_for(over, "the program's end", deadline)
        self.text()
        return int(self.process.returncode)

    def lines(self) -> Iterator[dict[int, Any]]:
        """The cells of each line, by column, with their colours."""
        for row in range(self.screen.lines):
            yield self.screen.buffer[row]

    def _read(self, seconds: float) -> bool:
        if not select.select([self._master], [], [], seconds)[0]:
            return False
        try:
            data = self._pending + os.read(self._master, 65536)
        except OSError:
            return False
        cut = _UNFINISHED.search(data)
        data, self._pending = (data[: cut.start()], data[cut.start() :]) if cut else (data, b"")
        self._stream.feed(_UNKNOWN.sub(b"", data))
        return True


def _take_terminal() -> None:
    """In the child: the pseudo-terminal becomes the one that signals of the keyboard come from."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
