"""A program as a worker."""

import os
import selectors
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from workerkit.base import BaseWorker
from workerkit.context import RunContext
from workerkit.stock.check import CheckFailed

_LOOK = 0.1
"""Seconds between two looks at whether the run was cancelled."""
_GRACE = 2.0
"""Seconds between the request to end and the kill."""
_DRAIN = 0.25
"""Seconds that a pipe is read on after the program ended; a child of its own may hold it open for ever."""
_MAX_LINE = 4096


class Command(BaseWorker):
    """Runs a program; fails when it ends with another code than 0. Each line it prints is logged.

    It gets its own process group, which is ended as a whole (SIGTERM, then SIGKILL) when the run is cancelled or its
    `timeout` strikes.

    Args:
        command: the program and its arguments as a list, or one line that is split as a shell would.
        shell: let /bin/sh read the line: pipes, variables, globs. Never put text of others into such a line.
        cwd: the folder it runs in.
        env: variables set beside those of the host.
    """

    interval = "1m"
    description = "a program"

    def __init__(
        self,
        command: str | Sequence[str],
        *,
        shell: bool = False,
        cwd: str | Path | None = None,
        env: Mapping[str, str] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        if shell:
            self.argv = ["/bin/sh", "-c", command if isinstance(command, str) else shlex.join(command)]
        else:
            self.argv = shlex.split(command) if isinstance(command, str) else [str(part) for part in command]
        if not self.argv:
            raise ValueError("a command needs at least the name of a program")
        self.cwd = cwd
        self.env = dict(env or {})

    def run(self, ctx: RunContext) -> str:
        started = time.monotonic()
        with subprocess.Popen(  # noqa: S603 -- to run the given program is what it is for
            self.argv,
            cwd=self.cwd,
            env={**os.environ, **self.env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process:
            lines = _Lines(ctx.log.info)
            try:
                _follow(process, ctx, lines)
            except BaseException:
                _end_group(process)
                raise
        lines.flush()
        took = time.monotonic() - started
        if process.returncode:
            raise CheckFailed(f"{_ending(process.returncode)} after {took:.1f} s{lines.last and f': {lines.last}'}")
        return lines.last[:200] or f"ended well after {took:.1f} s"


class _Lines:
    """Chunks of bytes in, whole lines out; a line without end is passed on in pieces."""

    def __init__(self, sink: Callable[[str, str], None]) -> None:
        self._sink = sink
        self._rest = b""
        self.last = ""

    def feed(self, chunk: bytes) -> None:
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        for line in whole:
            self._out(line)
        while len(self._rest) > _MAX_LINE:
            self._out(self._rest[:_MAX_LINE])
            self._rest = self._rest[_MAX_LINE:]

    def flush(self) -> None:
        if self._rest:
            self._out(self._rest)
            self._rest = b""

    def _out(self, line: bytes) -> None:
        text = line.decode("utf-8", "replace").rstrip("\r")
        self._sink("%s", text)
        self.last = text.strip() or self.last


def _follow(process: "subprocess.Popen[bytes]", ctx: RunContext, lines: _Lines) -> None:
    assert process.stdout is not None
    pipe = process.stdout.fileno()
    ended_at: float | None = None
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while selector.get_map() or process.poll() is None:
            if selector.get_map() and selector.select(_LOOK):
                chunk = os.read(pipe, 65536)
                if chunk:
                    lines.feed(chunk)
                else:
                    selector.unregister(pipe)
            elif not selector.get_map():
                ctx.sleep(_LOOK)
            ctx.check()
            if process.poll() is not None:
                ended_at = ended_at or time.monotonic()
                if time.monotonic() - ended_at > _DRAIN:
                    return


def _end_group(process: "subprocess.Popen[bytes]") -> None:
    """Ends what is left of the process group; a child that made a group of its own is beyond reach."""
    if process.poll() is None:
        _signal_group(process, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE)
    _signal_group(process, signal.SIGKILL)
    process.wait()


def _signal_group(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _ending(code: int) -> str:
    if code > 0:
        return f"ended with code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
