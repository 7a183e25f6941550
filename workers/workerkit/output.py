"""What a run prints and logs: caught per run, bounded, the head and the tail kept, the drop counted.

One router stands in for sys.stdout, sys.stderr and on the root logger. Which run a line belongs to is a context
variable: it follows threads of the pool, asyncio tasks and asyncio.to_thread. Text of nobody's run passes through.
"""

import io
import logging
import sys
import threading
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TextIO

from workerkit.clock import Clock
from workerkit.context import RUN_LOGGER
from workerkit.failures import Redactor
from workerkit.failures.redact import mark
from workerkit.store.events import LinesCaptured, LogLine

MAX_LINE = 4096
"""Characters of one line; a longer one is cut."""
_KEY = "PRIVATE KEY-----"
MAX_KEY_LINES = 200
"""Lines that a private key may have; its end may never come."""
HEAD_LINES = TAIL_LINES = 500
"""Lines kept of a run's beginning, and of its end."""
HEAD_CHARS = TAIL_CHARS = 64 * 1024
"""Characters kept of a run's beginning, and of its end; whichever bound is met first."""


@dataclass(slots=True)
class _Unfinished:
    """A line whose newline has not come: its beginning, and how much of it went beyond what is kept."""

    text: str = ""
    lost: int = 0


@dataclass(frozen=True, slots=True)
class _Raw:
    """A line as it came; what is secret in it is taken out when it is drained."""

    line: LogLine
    lost: int
    of_key: bool

    def clean(self, redactor: Redactor) -> LogLine:
        if self.of_key:
            return self.line._replace(text=mark("private key"))
        text = redactor.text(self.line.text)
        kept = min(MAX_LINE, len(text) - redactor.margin) if self.lost else MAX_LINE
        lost = self.lost + max(0, len(text) - kept)
        if lost:
            text = f"{text[: max(0, kept)]}… {lost:,} more characters"
        return self.line._replace(text=text)


class RunOutput:
    """The lines of one run, until the host has written them. Safe from any thread.

    Most runs say nothing: what keeps lines is made for the first of them.
    """

    __slots__ = ("_clock", "_lines", "_redactor")
    _making = threading.Lock()

    def __init__(self, clock: Clock, redactor: Redactor) -> None:
        self._clock = clock
        self._redactor = redactor
        self._lines: _Lines | None = None

    def write(self, stream: str, text: str) -> None:
        """Takes a piece of a stream; a line is kept once it is complete."""
        self._made().write(stream, text)

    def record(self, level: str, logger: str, text: str) -> None:
        """Takes a logging record; each of its lines is one of ours."""
        self._made().record(level, logger, text)

    def close(self) -> None:
        """Keeps what was printed without a newline at its end."""
        if self._lines is not None:
            self._lines.close()

    @property
    def dropped(self) -> int:
        """How many lines fell out between head and tail so far."""
        return 0 if self._lines is None else self._lines.dropped

    def drain(self, run_id: int, worker: str) -> LinesCaptured | None:
        """What the database lacks: new lines, and which of the middle are to go. None when nothing is new."""
        return None if self._lines is None else self._lines.drain(run_id, worker)

    def _made(self) -> "_Lines":
        if self._lines is None:
            with self._making:
                if self._lines is None:
                    self._lines = _Lines(self._clock, self._redactor)
        return self._lines


class _Lines:
    """The lines themselves: the head, the tail, and how many were dropped between them."""

    def __init__(self, clock: Clock, redactor: Redactor) -> None:
        self._clock = clock
        self._redactor = redactor
        self._longest = MAX_LINE + redactor.margin
        self._key_lines: dict[str, int] = {}
        self._lock = threading.Lock()
        self._unfinished: dict[str, _Unfinished] = {}
        self._count = 0
        self._head_chars = 0
        self._head_end: int | None = None
        self._fresh_head: list[_Raw] = []
        self._tail: deque[_Raw] = deque()
        self._tail_chars = 0
        self._drained = 0
        self._deleted_until = 0
        self._unreported_drops = False

    def write(self, stream: str, text: str) -> None:
        with self._lock:
            unfinished = self._unfinished.setdefault(stream, _Unfinished())
            *complete, rest = text.split("\n")
            if len(complete) > TAIL_LINES and self._head_end is not None and _KEY not in unfinished.text + text:
                complete = self._skip(stream, unfinished, complete)
            for piece in complete:
                self._extend(unfinished, piece)
                self._add(stream, unfinished.text.rstrip("\r"), unfinished.lost)
                unfinished.text, unfinished.lost = "", 0
            self._extend(unfinished, rest)

    def record(self, level: str, logger: str, text: str) -> None:
        with self._lock:
            for line in text.split("\n"):
                self._add("log", line[: self._longest], max(0, len(line) - self._longest), level, logger)

    def close(self) -> None:
        if not self._unfinished:
            return
        with self._lock:
            for stream, unfinished in self._unfinished.items():
                if unfinished.text:
                    self._add(stream, unfinished.text, unfinished.lost)
            self._unfinished.clear()

    @property
    def dropped(self) -> int:
        with self._lock:
            return self._dropped()

    def drain(self, run_id: int, worker: str) -> LinesCaptured | None:
        if self._drained == self._count and not self._unreported_drops:
            return None
        with self._lock:
            fresh = [*self._fresh_head, *(raw for raw in self._tail if raw.line.seq >= self._drained)]
            if not fresh and not self._unreported_drops:
                return None
            start = self._head_end if self._head_end is not None else self._count
            drop_from = max(start, self._deleted_until)
            drop_until = max(drop_from, start + self._dropped())
            dropped = self._dropped()
            self._fresh_head = []
            self._drained = self._count
            self._deleted_until = drop_until
            self._unreported_drops = False
        lines = tuple(raw.clean(self._redactor) for raw in fresh)
        return LinesCaptured(run_id, worker, lines, drop_from, drop_until, dropped)

    def _dropped(self) -> int:
        return 0 if self._head_end is None else self._count - self._head_end - len(self._tail)

    def _extend(self, unfinished: _Unfinished, piece: str) -> None:
        room = self._longest - len(unfinished.text)
        unfinished.text += piece[:room]
        unfinished.lost += max(0, len(piece) - room)

    def _add(self, stream: str, text: str, lost: int, level: str | None = None, logger: str | None = None) -> None:
        line = LogLine(self._count, self._clock.now(), stream, text, level, logger)
        raw = _Raw(line, lost, self._is_within_key(stream, text))
        self._count += 1
        if self._head_end is None:
            if raw.line.seq < HEAD_LINES and self._head_chars + len(text) <= HEAD_CHARS:
                self._head_chars += len(text)
                self._fresh_head.append(raw)
                return
            self._head_end = raw.line.seq
        self._tail.append(raw)
        self._tail_chars += len(text)
        while len(self._tail) > TAIL_LINES or self._tail_chars > TAIL_CHARS:
            self._tail_chars -= len(self._tail.popleft().line.text)
            self._unreported_drops = True

    def _skip(self, stream: str, unfinished: _Unfinished, lines: list[str]) -> list[str]:
        """Counts those of a flood of lines that would not stay anyway; what is left of the flood."""
        skipped = len(lines) - TAIL_LINES
        unfinished.text, unfinished.lost = "", 0
        self._count += skipped
        self._tail.clear()
        self._tail_chars = 0
        self._unreported_drops = True
        self._key_lines[stream] = max(0, self._key_lines.get(stream, 0) - skipped)
        return lines[skipped:]

    def _is_within_key(self, stream: str, text: str) -> bool:
        """Whether the line is one of the middle of a private key, by which alone nobody would know it."""
        left = self._key_lines.get(stream, 0)
        if _KEY in text:
            self._key_lines[stream] = 0 if "-----END " in text else MAX_KEY_LINES
            return False
        self._key_lines[stream] = max(0, left - 1)
        return left > 0


_TRACEBACK = logging.Formatter()

_current: ContextVar[RunOutput | None] = ContextVar("workerkit_run_output", default=None)


def route_to(output: RunOutput) -> None:
    """From here on, what this thread's or task's context prints and logs belongs to that run."""
    _current.set(output)


class OutputRouter:
    """Stands in for the process's streams while a host runs; install() and uninstall() are idempotent."""

    def __init__(self) -> None:
        self._handler = _RunHandler()
        self._streams: dict[str, tuple[TextIO, _RoutedStream]] = {}
        self._root_level: int | None = None

    def install(self) -> None:
        if self._streams:
            return
        for name in ("stdout", "stderr"):
            original = getattr(sys, name)
            routed = _RoutedStream(name, original)
            self._streams[name] = (original, routed)
            setattr(sys, name, routed)
        root = logging.getLogger()
        root.addHandler(self._handler)
        logging.getLogger(RUN_LOGGER).setLevel(logging.DEBUG)
        if root.level == logging.WARNING:
            # The default level would hide what workers say with logging.info(); a level of the user's choice stays.
            self._root_level = root.level
            root.setLevel(logging.INFO)

    def uninstall(self) -> None:
        for name, (original, routed) in self._streams.items():
            if getattr(sys, name) is routed:
                setattr(sys, name, original)
        self._streams.clear()
        root = logging.getLogger()
        root.removeHandler(self._handler)
        if self._root_level is not None:
            root.setLevel(self._root_level)
            self._root_level = None


class _RoutedStream(io.TextIOBase):
    """sys.stdout or sys.stderr: a run's text goes to the run, everything else where it went before."""

    def __init__(self, name: str, original: TextIO) -> None:
        super().__init__()
        self._name = name
        self._original = original
        self.buffer = _RoutedBytes(self.write, original)

    def write(self, text: str) -> int:
        if (output := _current.get()) is None:
            return self._original.write(text)
        output.write(self._name, text)
        return len(text)

    def flush(self) -> None:
        if _current.get() is None:
            self._original.flush()

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return _current.get() is None and self._original.isatty()

    def fileno(self) -> int:
        return self._original.fileno()

    @property
    def encoding(self) -> str:  # type: ignore[override]  # typeshed has a plain attribute
        return "utf-8"

    def close(self) -> None:
        """Does nothing: a worker that closes its stdout must not close the host's."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)


class _RoutedBytes(io.RawIOBase):
    """sys.stdout.buffer: bytes of a run are read as UTF-8, what is none is replaced."""

    def __init__(self, write_text: Callable[[str], int], original: TextIO) -> None:
        super().__init__()
        self._write_text = write_text
        self._original = original

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        raw = bytes(data)
        if _current.get() is None and (buffer := getattr(self._original, "buffer", None)) is not None:
            return int(buffer.write(raw))
        self._write_text(raw.decode("utf-8", errors="replace"))
        return len(raw)

    def close(self) -> None:
        """Does nothing; see _RoutedStream.close."""


class _RunHandler(logging.Handler):
    """Puts records of a run into its output; others go where they would have gone without us."""

    def emit(self, record: logging.LogRecord) -> None:
        if (output := _current.get()) is None:
            resort = logging.lastResort if logging.getLogger().handlers == [self] else None
            if resort is not None and record.levelno >= resort.level:
                resort.emit(record)
            return
        output.record(record.levelname, record.name, text_of(record))


def text_of(record: logging.LogRecord) -> str:
    """What a log record says, with its traceback. Never raises."""
    try:
        text = record.getMessage()
        if record.exc_info and record.exc_info[0] is not None:
            text = f"{text}\n{_TRACEBACK.formatException(record.exc_info)}"
    except Exception as error:  # noqa: BLE001 -- formatting runs the worker's own __str__
        told = record.msg if type(record.msg) is str else type(record.msg).__name__
        return f"<a log record that can't be formatted: {type(error).__name__}: {told!r:.200}>"
    return text
