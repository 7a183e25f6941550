"""A program in a process group of its own, limited and tied to this process's life, ended as a whole."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from workerkit.clock import SECOND, Micros
from workerkit.processes import lifeline, trampoline
from workerkit.processes.launching import Ending, Group, pipe

_LOOK = 0.02
"""Seconds between two looks whether it has ended."""
_MAY_BE_ADDED = "LC_CTYPE"
"""Python sets it for itself where it finds the C locale."""


class Program:
    """One program that runs. A context: what still lives of its group at the end is killed.

    Args:
        argv: the program and its arguments.
        folder: where it runs; None: here.
        environment: all its variables.
        memory_limit: bytes of address space.
        cpu_limit: processor time, in whole seconds.

    Raises:
        OSError: it can't be executed, as subprocess raises it.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        folder: str | Path | None = None,
        environment: Mapping[str, str],
        memory_limit: int | None = None,
        cpu_limit: Micros | None = None,
    ) -> None:
        life = lifeline.read_end()
        with ExitStack() as undo:
            self.stdout, output = pipe(undo)
            verdict, failed = pipe(undo)
            undo.pop_all()
        os.set_blocking(verdict, True)
        words = [
            trampoline.NOTHING if life is None else str(life),
            str(failed),
            trampoline.NOTHING if memory_limit is None else str(memory_limit),
            trampoline.NOTHING if cpu_limit is None else str(-(-cpu_limit // SECOND)),
            "" if _MAY_BE_ADDED in environment else _MAY_BE_ADDED,
        ]
        try:
            popen = subprocess.Popen(  # noqa: S603 -- to run the given program is what it is for
                [sys.executable, "-I", "-S", trampoline.__file__, *words, *argv],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[failed] if life is None else [failed, life],
                start_new_session=True,
            )
        except BaseException:
            os.close(self.stdout)
            os.close(verdict)
            raise
        finally:
            os.close(output)
            os.close(failed)
        self._group = Group(popen)
        with os.fdopen(verdict, "rb") as told:
            number = told.read()
        if number:
            self.close()
            raise OSError(int(number), os.strerror(int(number)), argv[0])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def bell(self) -> int | None:
        """A descriptor that becomes readable when it ends; None: ask again and again."""
        return self._group.bell

    def look(self) -> Ending | None:
        """How it ended, once it has; what was left of its group is dead then."""
        return self._group.look()

    def end(self, grace: float) -> None:
        """Asks its group to end, waits so many seconds for the program itself, and kills what is left."""
        self._group.signal(signal.SIGTERM)
        until = time.monotonic() + grace
        while self.look() is None and time.monotonic() < until:
            time.sleep(_LOOK)
        self._group.signal(signal.SIGKILL)

    def close(self) -> None:
        """Kills what still lives of it."""
        self._group.close()
        os.close(self.stdout)
