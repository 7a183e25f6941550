"""A process that writes down what workers tell it, so that it is known whatever becomes of their host.

Run as `python -m tests.soak.oracle SOCKET FILE`; Oracle starts it and asks it.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

PATIENCE = 30.0
"""Seconds to wait for what must come."""


@dataclass(frozen=True, slots=True)
class Sight:
    """One thing that was told: up, start, end or raise; the run's id and the worker's name."""

    what: str
    run_id: int
    worker: str


def tell(address: str, what: str, run_id: int, worker: str) -> None:
    """Tells the oracle, at once: what was sent arrives, also when the sender is killed in the next instant."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        client.sendto(f"{what} {run_id} {worker}\n".encode(), address)


class Oracle:
    """The process, while entered."""

    def __init__(self, folder: Path) -> None:
        self.address = str(folder / "oracle")
        self._file = folder / "seen.txt"
        self._marks = 0
        self._read = 0

    def __enter__(self) -> Self:
        self._process = subprocess.Popen([sys.executable, "-m", "tests.soak.oracle", self.address, str(self._file)])
        self._wait(self._file.exists, "the oracle's start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()

    def news(self) -> list[Sight]:
        """What was told since the last question, in order, with all that was sent before this one."""
        self._marks += 1
        tell(self.address, "mark", self._marks, "-")
        end = f"mark {self._marks} -\n"
        self._wait(lambda: self._file.read_bytes()[self._read :].endswith(end.encode()), "the oracle's answer")
        text = self._file.read_bytes()[self._read :].decode()
        self._read += len(text.encode())
        return list(_sights(text))

    def wait_for(self, what: str) -> None:
        """Waits until something is told that news() has not given yet."""
        self._wait(lambda: f"{what} ".encode() in self._file.read_bytes()[self._read :], what)

    @staticmethod
    def _wait(condition: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end, f"{what} did not come within {PATIENCE:g} s"
            time.sleep(0.005)


def _sights(text: str) -> Iterator[Sight]:
    for line in text.splitlines():
        what, run_id, worker = line.split()
        if what != "mark":
            yield Sight(what, int(run_id), worker)


def main(address: str, file: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(address)
        descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        while True:
            os.write(descriptor, server.recv(1000))


if __name__ == "__main__":
    main(*sys.argv[1:])
