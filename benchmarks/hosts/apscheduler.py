"""Bare APScheduler, which keeps its jobs in memory and records nothing."""

import asyncio
import logging
import threading
import time
from collections.abc import Sequence
from datetime import UTC
from typing import Any

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.base import BaseScheduler
from apscheduler.triggers.interval import IntervalTrigger

from benchmarks.hosts.load import Arrived, Task
from workerkit.clock import SECOND, to_datetime

THREADS = 10
"""APScheduler's own default."""
DEFAULTS = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
"""Late rather than never, as ours."""

logging.getLogger("apscheduler").setLevel(logging.CRITICAL)


class Threads:
    """BackgroundScheduler with a pool of threads."""

    def __init__(self) -> None:
        self._scheduler = BackgroundScheduler(
            timezone=UTC, executors={"default": ThreadPoolExecutor(THREADS)}, job_defaults=DEFAULTS
        )

    def start(self, tasks: Sequence[Task], arrived: Arrived) -> None:
        def run(number: int) -> None:
            arrived((number, time.time_ns()))

        _add(self._scheduler, run, tasks)
        self._scheduler.start()

    def recorded(self) -> None:
        """Nothing."""

    def stop(self) -> None:
        self._scheduler.shutdown(wait=False)


class Asyncio:
    """AsyncIOScheduler with coroutines, its loop on a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._scheduler = AsyncIOScheduler(timezone=UTC, event_loop=self._loop, job_defaults=DEFAULTS)

    def start(self, tasks: Sequence[Task], arrived: Arrived) -> None:
        async def run(number: int) -> None:
            arrived((number, time.time_ns()))

        _add(self._scheduler, run, tasks)
        self._thread.start()
        self._loop.call_soon_threadsafe(self._scheduler.start)

    def recorded(self) -> None:
        """Nothing."""

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._scheduler.shutdown)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()


def _add(scheduler: BaseScheduler, run: Any, tasks: Sequence[Task]) -> None:
    now = time.time_ns() // 1000
    for task in tasks:
        first = to_datetime(task.slot_before(now) + task.period)
        trigger = IntervalTrigger(seconds=task.period / SECOND, start_date=first, timezone=UTC)
        scheduler.add_job(run, trigger, args=(task.number,), id=task.name)
