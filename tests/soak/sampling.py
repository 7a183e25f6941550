"""The figures of a running process, every few seconds, and whether they grow."""

import csv
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Sample:
    """A process and its database at one moment."""

    seconds: float
    """Since the sampler began."""
    rss_mib: float
    threads: int
    files: int
    children: int
    cpu_seconds: float
    database_mib: float
    heartbeat_age: float
    """Seconds since the host last said that it lives."""


class Sampler:
    """Looks at a process and its database; keeps what it saw, and writes it to a CSV file line by line."""

    def __init__(self, pid: int, database: Path, table: Path | None = None) -> None:
        self.samples: list[Sample] = []
        self._process = psutil.Process(pid)
        self.database = database
        self._began = time.monotonic()
        self._file = table.open("w", newline="") if table is not None else None
        self._table: csv.DictWriter[str] | None = None

    def take(self, heartbeat_age: float = 0.0) -> Sample:
        process = self._process
        with process.oneshot():
            times = process.cpu_times()
            sample = Sample(
                seconds=round(time.monotonic() - self._began, 1),
                rss_mib=round(process.memory_info().rss / MIB, 2),
                threads=process.num_threads(),
                files=process.num_fds(),
                children=len(process.children(recursive=True)),
                cpu_seconds=round(times.user + times.system, 2),
                database_mib=round(_size(self.database) / MIB, 2),
                heartbeat_age=round(heartbeat_age, 2),
            )
        self.samples.append(sample)
        if self._file is not None:
            row = asdict(sample)
            if self._table is None:
                self._table = csv.DictWriter(self._file, list(row))
                self._table.writeheader()
            self._table.writerow(row)
            self._file.flush()
        return sample

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def _size(database: Path) -> int:
    total = 0
    for path in database.parent.glob(f"{database.name}*"):
        with suppress(FileNotFoundError):
            total += path.stat().st_size
    return total


def slope(points: Sequence[tuple[float, float]]) -> float:
    """How much the second figure grows for each one of the first: the straight line of least squares."""
    if len(points) < 2:
        return 0.0
    middle_x = sum(x for x, _ in points) / len(points)
    middle_y = sum(y for _, y in points) / len(points)
    spread = sum((x - middle_x) ** 2 for x, _ in points)
    return sum((x - middle_x) * (y - middle_y) for x, y in points) / spread if spread else 0.0
