"""Every service of a host is started and stopped from many threads at once, in random order, hundreds of times."""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.waiting import wait_for
from workerkit import BaseWorker, RunContext, WorkerManager
from workerkit.clock import SystemClock
from workerkit.commands import Inbox
from workerkit.errors import WorkerkitError
from workerkit.executors.event_loop import LoopExecutor
from workerkit.executors.threads import ThreadExecutor
from workerkit.host import Host
from workerkit.housekeeping import Housekeeper
from workerkit.registry import Registry
from workerkit.schedule import every
from workerkit.store.database import Database
from workerkit.timing import Timing
from workerkit.watchdog import Watchdog

Action = Callable[[], Any]
CROWD = 4
SEED = 20_26


def storm(actions: list[Action], rounds: int, *, seed: int = SEED) -> None:
    """Each of several threads does random ones of the actions; none may raise, and all must come back."""
    gate, faults = threading.Barrier(CROWD), list[BaseException]()

    def work(number: int) -> None:
        chance = random.Random(seed + number)
        gate.wait(20)
        try:
            for _ in range(rounds // CROWD):
                chance.choice(actions)()
        except BaseException as error:
            faults.append(error)

    crowd = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(CROWD)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join(60)
        assert not thread.is_alive(), "a deadlock"
    assert faults == []


def open_files() -> int:
    return sum(1 for _ in Path("/dev/fd").iterdir())


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path: Path) -> Iterator[None]:
    """Threads and open files are as many after the test as before."""
    threads, files = threading.active_count(), open_files()
    yield
    wait_for(lambda: threading.active_count() <= threads, f"the end of {threading.enumerate()[threads:]}")
    wait_for(lambda: open_files() <= files, "the closing of files")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database.open(tmp_path / "services.db")
    yield database
    database.close()


class Plain(BaseWorker):
    def run(self, ctx: RunContext) -> None:
        ctx.state["count"] = ctx.state.get("count", 0) + 1


class Async(BaseWorker):
    async def run(self, ctx: RunContext) -> None:
        await ctx.sleep_async(0.01)


def workers() -> list[BaseWorker]:
    kinds = (Plain, Async)
    return [kinds[number % 2](name=f"w{number}", interval=0.1) for number in range(6)]


def test_watchdog() -> None:
    dog = Watchdog(SystemClock())
    storm([dog.start, dog.stop, lambda: dog.call_in(0, lambda: None)], 600)
    dog.start()
    struck = threading.Event()
    dog.call_in(0, struck.set)
    assert struck.wait(20), "it works after the storm"
    dog.stop()


def test_timing() -> None:
    slots: list[str] = []
    timing = Timing(slots.append)
    timing.add("w", every(0.1))
    storm([timing.start, timing.stop, timing.restart, lambda: timing.alive, lambda: timing.add("x", every(1))], 200)
    slots.clear()
    timing.start()
    wait_for(lambda: slots, "a slot after the storm")
    timing.stop()


def test_loop_executor() -> None:
    loop, done = LoopExecutor(), threading.Event()

    async def job() -> None:
        done.set()

    storm([loop.start, loop.stop, lambda: loop.submit(job), loop.blocked_for, loop.current_task], 100)
    loop.start()
    done.clear()
    loop.submit(job)
    assert done.wait(20), "it works after the storm"
    loop.stop()


def test_thread_executor() -> None:
    for seed in range(20):
        threads, done = ThreadExecutor(4), list[int]()
        jobs: list[Action] = [lambda done=done, threads=threads: threads.submit(lambda: done.append(1))]  # type: ignore[misc]
        storm([*jobs * 20, threads.replace_stuck, lambda threads=threads: threads.waiting], 40, seed=seed)  # type: ignore[misc]
        storm([*jobs, threads.stop], 20, seed=seed)
        threads.stop()


def test_writer(database: Database) -> None:
    for seed in range(30):
        writer = database.writer(SystemClock())

        def begin(writer: Any = writer) -> None:
            with suppress(RuntimeError):  # a writer that was stopped says so
                writer.start()

        def write(writer: Any = writer) -> None:
            with suppress(WorkerkitError):  # so does one that was not started yet, after a moment
                writer.call(lambda connection, change: None, timeout=0.05)

        storm([begin, write, writer.stop], 12, seed=seed)
        writer.stop()


def test_housekeeper_and_inbox(database: Database) -> None:
    writer = database.writer(SystemClock())
    writer.start()
    keeper = Housekeeper(writer, SystemClock())
    inbox = Inbox(database, object(), writer, SystemClock())  # type: ignore[arg-type]  # no command ever comes
    storm([keeper.start, keeper.stop, inbox.start, inbox.stop, inbox.nudge], 400)
    inbox.stop()
    keeper.stop()
    writer.stop()


def test_host_while_runs_go(database: Database) -> None:
    registry = Registry()
    for worker in workers():
        registry.register(worker)
    host = Host(database, registry, grace=1)
    storm([host.start, lambda: host.stop(0), host.hurry, host.nudge, host.running_count, host.leftover_threads], 120)
    host.start()
    with database.reader() as reader:
        last = max((run.id for run in reader.runs(limit=1)), default=0)
        wait_for(lambda: reader.runs(limit=1) and reader.runs(limit=1)[0].id > last, "a run after the storm")
        host.stop()
        assert reader.in_flight() == []


def test_manager_while_runs_go(tmp_path: Path) -> None:
    manager = WorkerManager(tmp_path / "managed.db", grace=1)
    for worker in workers():
        manager.register(worker)

    def look() -> None:
        with suppress(WorkerkitError):  # it does not run just now, and says so
            manager.workers()

    storm([manager.start, lambda: manager.stop(0), look], 60)
    manager.start()
    wait_for(lambda: manager.runs(limit=1), "runs after the storm")
    manager.stop()
