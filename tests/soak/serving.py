"""`workerconsole serve` as a process of its own, for trials that look at it from outside."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.waiting import wait_for

STARTED = "started with"
"""What a host says once it is up."""


class Server:
    """A host that serves; what it says goes to a file."""

    def __init__(self, process: "subprocess.Popen[bytes]", errors: Path) -> None:
        self.process = process
        self.errors = errors

    @property
    def lives(self) -> bool:
        return self.process.poll() is None

    def stop(self, timeout: float = 60) -> int:
        """Asks it to stop, as systemd would; its exit code.

        Raises:
            subprocess.TimeoutExpired: it does not end in so many seconds.
        """
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout)


@contextmanager
def serving(
    target: Path, database: Path, *options: object, environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """A host of a target, from when it says that it has started; killed at the end if it still lives."""
    errors = database.with_suffix(".err")
    with errors.open("a") as file:
        before = _starts(errors)
        process = subprocess.Popen(
            [sys.executable, "-m", "workerconsole", "serve", str(target), "--db", str(database), *map(str, options)],
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=file,
            start_new_session=True,
        )
    try:
        wait_for(lambda: _starts(errors) > before or process.poll() is not None, "the host's start", 120)
        yield Server(process, errors)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def _starts(errors: Path) -> int:
    return errors.read_text(errors="replace").count(STARTED)


@dataclass
class Report:
    """What a trial found; figures are the fields of those that inherit. `faults` is empty when none is."""

    faults: list[str] = field(default_factory=list, kw_only=True)

    def markdown(self) -> str:
        """The figures as a table."""
        figures: dict[str, Any] = {name: value for name, value in asdict(self).items() if name != "faults"}
        rows = [f"| {name.replace('_', ' ')} | {value:,.1f} |" for name, value in figures.items()]
        return "\n".join(
            ["| figure | value |", "|---|---|", *rows, "", *(f"- FAULT: {fault}" for fault in self.faults)]
        )
