"""A real pseudo-terminal with a program in it, and what a person would see there."""

import contextlib
import fcntl
import os
import pty
import re
import select
import shlex
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil
import pyte

from tests.waiting import DEADLINE, wait_for

KEYS = {
    "enter": "\r",
    "newline": "\n",
    "esc": "\x1b",
    "tab": "\t",
    "down": "\x1b[B",
    "up": "\x1b[A",
    "space": " ",
    "ctrl+c": "\x03",
    "ctrl+z": "\x1a",
}
AS_FOUND = {"7": True, "25": True}
"""Private modes that are set in a terminal that nobody has touched: it wraps lines and shows its cursor."""

_UNKNOWN = re.compile(rb"\x1b\[[<=>][0-9;:]*[a-zA-Z]|\x1b\[\??[0-9;]*\$p|\x1b[P_^].*?\x1b\\", re.DOTALL)
"""Questions and protocols that pyte takes for text."""
_UNFINISHED = re.compile(rb"\x1b(?:[\[\]][^a-zA-Z\x07\x1b]{0,64})?$")
"""The beginning of a sequence whose rest comes with the next read."""
_OTHER_SCREEN = re.compile(rb"\x1b\[\?1049[hl]")
_CLEARED = b"\x1b[0m\x1b[H\x1b[2J"
"""pyte has one screen; to take the other one for an empty one is near enough."""
_MODES = re.compile(rb"\x1b\[\?([0-9;]+)([hl])")
_KEYBOARD = re.compile(rb"\x1b\[([<>])[0-9]*u")


class Terminal:
    """Runs a program in a pseudo-terminal of a given size; a context manager that ends it."""

    asks_to_end = signal.SIGTERM

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
        self.bytes = b""
        """Everything that the program has written and somebody has read."""
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
            self.process.send_signal(self.asks_to_end)
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

    def resize(self, columns: int, rows: int) -> None:
        """The window gets another size; the kernel tells the program."""
        self.screen.resize(rows, columns)
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def clear(self) -> None:
        """Forgets what is on the screen, as a terminal does that shows something else meanwhile."""
        self.screen.reset()

    def busy(self, seconds: float = 1.0) -> float:
        """The share of one core that the program, with its children, takes over so many seconds."""
        before = self._processor_time()
        time.sleep(seconds)  # the measure itself
        return (self._processor_time() - before) / seconds

    def _processor_time(self) -> float:
        program = psutil.Process(self.process.pid)
        total = 0.0
        for process in (program, *program.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system
        return total

    def is_full(self) -> bool:
        """Whether nothing more can be written: nobody has read for too long."""
        return not select.select([], [self._slave], [], 0)[1]

    @property
    def modes(self) -> dict[str, bool]:
        """Private modes that differ from a terminal's that nobody has touched; `keyboard` is kitty's protocol."""
        known = dict(AS_FOUND)
        for match in _MODES.finditer(self.bytes):
            for mode in match[1].decode().split(";"):
                known[mode] = match[2] == b"h"
        pushed = sum(1 if match[1] == b">" else -1 for match in _KEYBOARD.finditer(self.bytes))
        found = {mode: on for mode, on in known.items() if on != AS_FOUND.get(mode, False)}
        return {**found, "keyboard": True} if pushed > 0 else found

    def is_as_found(self) -> bool:
        """Whether cursor, screen, mouse, paste, keyboard and line settings are what they were before the program."""
        self.text()
        return self.modes == {} and self.settings == self.settings_before

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

    def skim_some(self) -> int:
        """Reads what has come without drawing it, which takes long on a large screen; how many bytes that were."""
        self._pending = b""
        return sum(iter(lambda: len(self._fetch(0)), 0))

    def _fetch(self, seconds: float) -> bytes:
        if not select.select([self._master], [], [], seconds)[0]:
            return b""
        try:
            fresh = os.read(self._master, 65536)
        except OSError:
            return b""
        self.bytes += fresh
        return fresh

    def _read(self, seconds: float) -> bool:
        fresh = self._fetch(seconds)
        if not fresh:
            return False
        data = self._pending + fresh
        cut = _UNFINISHED.search(data)
        data, self._pending = (data[: cut.start()], data[cut.start() :]) if cut else (data, b"")
        self._stream.feed(_UNKNOWN.sub(b"", _OTHER_SCREEN.sub(_CLEARED, data)))
        return True


PROMPT = "shell>"


class Shell(Terminal):
    """An interactive shell in a pseudo-terminal, and one program in its foreground: the leader of its own job."""

    asks_to_end = signal.SIGHUP

    def __init__(self, words: Sequence[str], *, folder: Path, environment: dict[str, str], **size: int) -> None:
        plain = {key: value for key, value in environment.items() if key not in ("ENV", "BASH_ENV")}
        super().__init__(["/bin/sh", "-i"], folder=folder, environment={**plain, "PS1": f"{PROMPT} "}, **size)
        self.expect(PROMPT)
        self.settings_before = self.settings
        self.type(shlex.join(words))

    @property
    def program(self) -> psutil.Process:
        """The program that was started; it must still be there."""
        return wait_for(lambda: psutil.Process(self.process.pid).children(), "the program's start")[0]

    def prompted(self) -> None:
        """Waits until the shell has the terminal again."""
        wait_for(lambda: self._line_of_cursor() == PROMPT, "the shell's prompt")

    def type(self, line: str) -> None:
        """A line for the shell; its end is a newline, which means that also where a program left the terminal raw."""
        self.press(line, "newline")

    def code(self) -> int:
        """The exit code of the program, which has ended."""
        self.type("echo code=$?=")
        found = wait_for(lambda: re.findall(r"^code=(\d+)=", self.text(), re.MULTILINE), "the exit code")
        return int(found[-1])

    def _line_of_cursor(self) -> str:
        self._read(0.05)
        self.text()
        return str(self.screen.display[self.screen.cursor.y]).rstrip()


def _take_terminal() -> None:
    """In the child: the pseudo-terminal becomes the one that signals of the keyboard come from, and they are heard.

    Whoever runs the tests may ignore SIGHUP, as nohup does, and children inherit that.
    """
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
