"""`python -m benchmarks.hosts.steady HOSTING`: workers come due for a while. How late do they begin, at what cost?"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.hosts.hostings import NAMES, made
from benchmarks.hosts.load import Arrival, Task, even, mixed
from benchmarks.hosts.measuring import Measured
from workerkit.clock import SECOND, Micros

WARM_UP = 0.4
"""Seconds before anything counts: threads and caches come up."""
SETTLE = 0.2
"""Seconds for the last runs to begin."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("hosting", choices=NAMES)
    parser.add_argument("--workers", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rate", type=float, help="all together so often a second; else each every 1 to 10 s")
    parser.add_argument("--database", type=Path, help="one that is there already; else a fresh one")
    arguments = parser.parse_args()
    tasks = mixed(arguments.workers) if arguments.rate is None else even(arguments.workers, arguments.rate)
    with TemporaryDirectory() as folder:
        measured = Measured(made(arguments.hosting, arguments.database or Path(folder) / "steady.db"), tasks)
        print(json.dumps(_measure(measured, arguments.seconds)))


def _measure(measured: Measured, seconds: float) -> dict[str, float]:
    time.sleep(WARM_UP)
    begin, worked, done = time.time_ns() // 1000, time.process_time(), measured.done()
    time.sleep(seconds)
    end, worked, done = time.time_ns() // 1000, time.process_time() - worked, measured.done() - done
    time.sleep(SETTLE)
    measured.hosting.stop()
    late = _lateness(measured.tasks, measured.arrivals(), begin, end)
    due = sum(len(task.slots(begin, end)) for task in measured.tasks)
    lasted = (end - begin) / SECOND
    return {
        "p50": late[len(late) // 2] / 1000,
        "p99": late[int(len(late) * 0.99)] / 1000,
        "max": late[-1] / 1000,
        "missed": due - len(late),
        "rate": done / lasted,
        "cpu": worked / lasted * 100,
        "cost": worked / done * 1e6,
        "registered": measured.registered_in,
    }


def _lateness(tasks: Sequence[Task], arrivals: Sequence[Arrival], begin: Micros, end: Micros) -> list[float]:
    """Microseconds, sorted, of the first arrival for each slot that was due in (begin, end]."""
    first: dict[tuple[int, Micros], float] = {}
    for number, at in arrivals:
        slot = tasks[number].slot_before(at // 1000)
        if begin < slot <= end:
            first.setdefault((number, slot), at / 1000 - slot)
    return sorted(first.values())


if __name__ == "__main__":
    main()
