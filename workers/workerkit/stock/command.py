"""A program as a worker."""

import os
import selectors
import shlex
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Unpack

from workerkit.base import BaseWorker
from workerkit.clock import SECOND
from workerkit.context import RunContext
from workerkit.options import Options
from workerkit.outcome import StopCause
from workerkit.policy import parse_limit, parse_size
from workerkit.processes.launching import Ending
from workerkit.processes.program import Program
from workerkit.schedule import format_duration
from workerkit.stock.check import CheckFailed

_LOOK = 0.1
"""Seconds between two looks at whether the run was cancelled."""
_GRACE = 2.0
"""Seconds between the request to end and the kill."""
_GRACE_AT_TIMEOUT = 0.7
"""The same at the timeout: the host calls a run stuck that has not ended a second later."""
_DRAIN = 0.25
"""Seconds that a pipe is read on after the program ended; a child of its own may hold it open for ever."""
_CHUNK = 65536
_MAX_LINE = 4096


class Command(BaseWorker):
    """Runs a program; fails when it ends with another code than 0. Each line it prints is logged.

    It gets its own process group, which is ended as a whole (SIGTERM, then SIGKILL) when the run is cancelled or its
    `timeout` strikes, swept when the program has ended, and killed by the kernel when the host dies (Linux). So the
    program is a process of its own already: isolation="process" is refused, while `memory_limit` (its address space)
    and `cpu_limit` (whole seconds) apply to it.

    Args:
        command: the program and its arguments as a list, or one line that is split as a shell would.
        shell: let /bin/sh read the line: pipes, variables, globs. Never put text of others into such a line.
        cwd: the folder it runs in.
        env: variables set beside those of the host.

    Raises:
        ValueError: there is no program in the command, or a limit can't be meant.
    """

    interval = "1m"
    description = "a program"
    limits_its_program = True

    def __init__(
        self,
        command: str | Sequence[str],
        *,
        shell: bool = False,
        cwd: str | Path | None = None,
        env: Mapping[str, str] | None = None,
        **options: Unpack[Options],
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
        self._memory = parse_size("memory_limit", self.memory_limit)
        self._cpu = parse_limit("cpu_limit", self.cpu_limit)

    def run(self, ctx: RunContext) -> str:
        started = time.monotonic()
        lines = _Lines(ctx.log.info)
        environment = {**os.environ, **self.env}
        with Program(
            self.argv, folder=self.cwd, environment=environment, memory_limit=self._memory, cpu_limit=self._cpu
        ) as program:
            try:
                ending = _follow(program, ctx, lines)
            except BaseException:
                program.end(_GRACE_AT_TIMEOUT if ctx.cancellation.cause is StopCause.TIMEOUT else _GRACE)
                raise
        lines.flush()
        took = f"after {time.monotonic() - started:.1f} s"
        if ending.code != 0:
            raise CheckFailed(f"{self._how(ending)} {took}{lines.last and f': {lines.last}'}")
        return lines.last[:200] or f"ended well {took}"

    def _how(self, ending: Ending) -> str:
        if self._cpu is not None and ending.was_out_of_time(self._cpu / SECOND):
            return f"used up its CPU limit of {format_duration(self._cpu)}"
        if ending.signal is None:
            return "ended in a way that nobody saw" if ending.code is None else f"ended with code {ending.code}"
        had = f", having had {ending.peak / 2**20:,.0f} MB" if ending.peak and ending.signal == signal.SIGKILL else ""
        return f"was killed by {ending.signal_name}{had}"


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


def _follow(program: Program, ctx: RunContext, lines: _Lines) -> Ending:
    """Takes its lines until it has ended, and for a moment after that, as long as somebody holds its pipe.

    Raises:
        RunCancelled: the run was asked to stop.
    """
    until: float | None = None
    with selectors.DefaultSelector() as selector:
        selector.register(program.stdout, selectors.EVENT_READ)
        if program.bell is not None:
            selector.register(program.bell, selectors.EVENT_READ)
        while True:
            ready = selector.select(_LOOK)
            if any(key.fd == program.stdout for key, _ in ready):
                chunk = os.read(program.stdout, _CHUNK)
                lines.feed(chunk)
                if not chunk:
                    selector.unregister(program.stdout)
            ctx.check()
            if (ending := program.look()) is None:
                continue
            if until is None:
                until = time.monotonic() + _DRAIN
                if program.bell is not None:
                    selector.unregister(program.bell)
            if not selector.get_map() or time.monotonic() >= until:
                return ending
