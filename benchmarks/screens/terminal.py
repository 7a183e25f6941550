"""A program in a pseudo-terminal, and when it has written what."""

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import psutil

COLUMNS, ROWS = 120, 40
"""The size of a terminal, unless a benchmark wants another."""
PATIENCE = 60.0
"""Seconds after which what is waited for counts as lost."""
LAST_WORDS = 2000
"""Bytes of what a program wrote last that an error shows."""
_MEDDLING = ("WORKERCONSOLE_", "TEXTUAL", "NO_COLOR", "COLUMNS", "LINES", "PYTHONDONTWRITEBYTECODE")
"""What in the environment changes how programs draw, or has Python compile its modules anew at each start."""


class Seen(NamedTuple):
    """Something that was waited for has been written."""

    at: float
    """Seconds on the clock of `time.perf_counter`."""
    match: re.Match[bytes]


class Terminal:
    """Runs `python -m words` in a pseudo-terminal of its own; a context manager that kills it."""

    def __init__(self, words: Sequence[object], *, columns: int = COLUMNS, rows: int = ROWS) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self._written = bytearray()
        self._command = [sys.executable, "-m", *map(str, words)]
        self.began = time.perf_counter()
        """When it was executed."""
        self._process = subprocess.Popen(
            self._command, env=_environment(), stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        )
        os.close(slave)
        self._program = psutil.Process(self._process.pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._master)

    def press(self, key: str) -> float:
        """Presses a key, and forgets what was written before; the moment."""
        self.skim(0)
        at = time.perf_counter()
        os.write(self._master, key.encode())
        return at

    def expect(self, pattern: bytes) -> Seen:
        """Waits until what was written since the last key, or since the start, holds this regular expression.

        Raises:
            TimeoutError: it is never written.
        """
        wanted = re.compile(pattern)
        end = time.perf_counter() + PATIENCE
        while (match := wanted.search(self._written)) is None:
            if not self._read(end - time.perf_counter()):
                last = bytes(self._written[-LAST_WORDS:]).decode(errors="replace")
                raise TimeoutError(f"{' '.join(self._command)} never wrote {pattern!r}; its last words: {last!r}")
        return Seen(time.perf_counter(), match)

    def skim(self, seconds: float) -> None:
        """Lets it work for so long, and forgets what it writes and has written."""
        end = time.perf_counter() + seconds
        while self._read(end - time.perf_counter()):
            self._written.clear()
        self._written.clear()

    def busy(self, seconds: float) -> float:
        """The share of one core that it takes over so many seconds, without its children; in percent."""
        before = self.processor_time()
        began = time.perf_counter()
        self.skim(seconds)
        return (self.processor_time() - before) / (time.perf_counter() - began) * 100

    def processor_time(self) -> float:
        """Seconds of a core that it has taken so far, without its children.

        Linux tells it by the nanosecond for each thread that lives (proc_pid_schedstat), others in steps of 10 ms.
        """
        tasks = Path(f"/proc/{self._process.pid}/task")
        if tasks.is_dir():
            return sum(map(_nanoseconds, tasks.iterdir())) / 1e9
        times = self._program.cpu_times()
        return times.user + times.system

    def _read(self, seconds: float) -> bool:
        """Takes what is written within so many seconds; False where nothing is."""
        if not select.select([self._master], [], [], max(0.0, seconds))[0]:
            return False
        with contextlib.suppress(OSError):  # so it is said that the program has ended
            self._written += os.read(self._master, 1 << 16)
            return True
        return False


def _nanoseconds(task: Path) -> int:
    """What a thread has taken of the processor; 0 where it has just ended."""
    try:
        return int((task / "schedstat").read_text().split()[0])
    except OSError:
        return 0


def _environment() -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(_MEDDLING)}
    return {**kept, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
