"""Nothing grows with the number of runs, nor with the number of times that a host was started."""

import gc
import threading
from pathlib import Path

import psutil

from tests.soak.leaks import run_many
from tests.waiting import wait_for
from workerkit import BaseWorker, RunContext
from workerkit.host import Host
from workerkit.registry import Registry
from workerkit.store.database import Database


def test_nothing_grows_with_the_number_of_runs(tmp_path: Path) -> None:
    report = run_many(3000, tmp_path, checkpoints=6)
    assert report.faults == []
    assert report.checkpoints[-1].runs >= 3000


class Quick(BaseWorker):
    interval = 0.1

    def run(self, ctx: RunContext) -> None:
        ctx.state["count"] = ctx.state.get("count", 0) + 1


def test_nothing_grows_with_the_number_of_starts(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "starts.db")
    registry = Registry()
    for number in range(5):
        registry.register(Quick(name=f"w{number}"))
    held: list[tuple[int, int, int]] = []
    for _ in range(12):
        host = Host(database, registry)
        host.start()
        first = host.host_id
        with database.reader() as reader:
            wait_for(lambda reader=reader, first=first: any(run.host_id == first for run in reader.runs(limit=5)))  # type: ignore[misc]
        host.stop()
        held.append(_held())
    threads, files, objects = zip(*held[4:], strict=True)
    assert max(threads) == min(threads)
    assert max(files) == min(files)
    assert objects[-1] - objects[0] < 300, "objects for each start"
    database.close()


def _held() -> tuple[int, int, int]:
    """Threads, open files and objects, once what has ended is gone."""
    wait_for(lambda: threading.active_count() <= 2, f"the end of {threading.enumerate()}")
    gc.collect()
    return threading.active_count(), psutil.Process().num_fds(), len(gc.get_objects())
