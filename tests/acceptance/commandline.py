"""The command line as tests use it: in this process, where that is enough, or as a program of its own."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.waiting import wait_for
from workerconsole.cli import run

_MEDDLING = ("WORKERCONSOLE_", "NOTIFY_", "NO_COLOR", "COLUMNS", "LINES")
PROGRAM = [sys.executable, "-m", "workerconsole"]


@dataclass(frozen=True)
class Said:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class CommandLine:
    """Runs commands against one database."""

    def __init__(self, database: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.database = database
        self.folder = folder
        self._capsys = capsys

    def __call__(self, *words: str) -> Said:
        """In this process: fast, and what it prints is kept."""
        self._capsys.readouterr()
        code = run([*words, "--db", str(self.database)])
        captured = self._capsys.readouterr()
        return Said(code, captured.out, captured.err)

    def program(self, *words: str, timeout: float = 30) -> Said:
        """As a program of its own."""
        done = subprocess.run(
            [*PROGRAM, *words, "--db", str(self.database)],
            cwd=self.folder,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    @contextmanager
    def serving(self, *words: str) -> Iterator["Served"]:
        """`serve` as a program, live; it is killed at the end if it still runs."""
        errors = self.folder / "serve.err"
        with errors.open("w") as file:
            process = subprocess.Popen(
                [*PROGRAM, "serve", *words, "--db", str(self.database)],
                cwd=self.folder,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=file,
            )
        try:
            served = Served(process, errors)
            wait_for(lambda: "started with" in served.narration or process.poll() is not None, "the host's start")
            assert process.poll() is None, served.narration
            yield served
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()


@dataclass(frozen=True)
class Served:
    """A host in a process of its own."""

    process: "subprocess.Popen[bytes]"
    errors: Path

    @property
    def narration(self) -> str:
        return self.errors.read_text()

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def ended(self, timeout: float = 30) -> int:
        """Its exit code, once it has ended."""
        return self.process.wait(timeout)


def environment(**more: str) -> dict[str, str]:
    """The environment of this process without what would change what commands do."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(_MEDDLING)}
    return {**kept, "PYTHONUNBUFFERED": "1", **more}
