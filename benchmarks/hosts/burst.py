"""`python -m benchmarks.hosts.burst HOSTING`: thousands of workers are due at once. How fast are they worked off?"""

import argparse
import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.hosts.hostings import NAMES, made
from benchmarks.hosts.load import Hosting, together
from benchmarks.hosts.measuring import Measured
from workerkit.clock import SECOND, Micros

WARM_UP = 500
"""Workers that are due before the others: threads, caches and the database's pages come up."""
AHEAD = 1.0
"""Seconds for registration."""
APART = 0.6
"""Seconds for the warm-up."""
PATIENCE = 60.0


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("hosting", choices=NAMES)
    parser.add_argument("--workers", type=int, default=5000)
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder:
        print(json.dumps(_measure(made(arguments.hosting, Path(folder) / "burst.db"), arguments.workers)))


def _measure(hosting: Hosting, workers: int) -> dict[str, float]:
    due_at = time.time_ns() // 1000 + round((AHEAD + APART) * SECOND)
    tasks = [*together(WARM_UP, due_at - round(APART * SECOND)), *together(workers, due_at, WARM_UP)]
    measured = Measured(hosting, tasks)
    _sleep_until(due_at - SECOND // 10)
    if measured.done() != WARM_UP:
        raise RuntimeError(f"{measured.done()} of {WARM_UP} workers were done before the others' turn")
    worked = time.process_time()
    _sleep_until(due_at)
    measured.wait_for(len(tasks), PATIENCE)
    taken, worked = time.time() - due_at / SECOND, time.process_time() - worked
    hosting.stop()
    return {"rate": workers / taken, "cost": worked / workers * 1e6}


def _sleep_until(moment: Micros) -> None:
    time.sleep(max(0.0, moment / SECOND - time.time()))


if __name__ == "__main__":
    main()
