"""`python -m benchmarks.past.pruning DATABASE RUNS`: how long a start waits for its commit while runs are pruned.

A start every few milliseconds, and the end of the one before: first alone, then beside the pruning, which goes on as in
a host, a little at a time with breath in between. Prints milliseconds as JSON, from submission to commit.
"""

import json
import statistics
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, func, select

from benchmarks.past.recording import Recording
from workerkit.clock import SystemClock
from workerkit.housekeeping import BREATH
from workerkit.store.database import Database
from workerkit.store.models import workers
from workerkit.store.retention import prune
from workerkit.store.thinning import Thinning

EVERY = 0.005
WARM_UP, ALONE = 0.5, 1.0
"""Seconds."""


def main() -> None:
    path, runs = Path(sys.argv[1]), int(sys.argv[2])
    with Database.open(path, create=False).reader() as reader:
        names = [worker.name for worker in reader.workers()]
    recording = Recording(path, names)
    try:
        _waits(recording, _for(WARM_UP))
        alone = _waits(recording, _for(ALONE))
        pruner = threading.Thread(target=_prune, args=(recording, runs))
        began = time.monotonic()
        pruner.start()
        beside = _waits(recording, pruner.is_alive)
        took = time.monotonic() - began
    finally:
        recording.close()
    figures = {"runs pruned a second": runs / took}
    for name, waits in (("alone", alone), ("beside", beside)):
        figures |= {f"{name}, median": statistics.median(waits), f"{name}, longest": max(waits)}
    print(json.dumps(figures))


def _prune(recording: Recording, runs: int) -> None:
    thinning = Thinning()

    def thin_some(connection: Connection, _change: int) -> bool:
        return thinning.go_on(connection)

    def prune_some(connection: Connection, _change: int) -> int:
        return prune(connection, now=SystemClock().now(), max_runs=most).runs

    while recording.writer.call(thin_some):
        time.sleep(BREATH)
    with recording.database.transaction() as connection:
        most = connection.scalar(select(func.sum(workers.c.stored_runs))) - runs
    while runs > 0:
        runs -= recording.writer.call(prune_some)
        time.sleep(BREATH)


def _for(seconds: float) -> Callable[[], bool]:
    """Whether it is not so many seconds later yet."""
    ends_at = time.monotonic() + seconds
    return lambda: time.monotonic() < ends_at


def _waits(recording: Recording, going: Callable[[], bool]) -> list[float]:
    """Milliseconds of each start."""
    waits: list[float] = []

    def committed(submitted: float, _error: BaseException | None) -> None:
        waits.append((time.perf_counter() - submitted) * 1e3)

    before = None
    while going():
        event = recording.started()
        recording.writer.submit(event, partial(committed, time.perf_counter()))
        if before is not None:
            recording.writer.submit(recording.ended(before))
        before = event
        time.sleep(EVERY)
    assert recording.writer.flush(60)
    return waits


if __name__ == "__main__":
    main()
