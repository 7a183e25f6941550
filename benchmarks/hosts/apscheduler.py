"""Bare APScheduler, which keeps its jobs in memory and records nothing."""

import logging
import time
from collections.abc import Sequence
from datetime import UTC

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
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

        now = time.time_ns() // 1000
        for task in tasks:
            first = to_datetime(task.slot_before(now) + task.period)
            trigger = IntervalTrigger(seconds=task.period / SECOND, start_date=first, timezone=UTC)
            self._scheduler.add_job(run, trigger, args=(task.number,), id=task.name)
        self._scheduler.start()

    def recorded(self) -> None:
        """Nothing."""

    def stop(self) -> None:
        self._scheduler.shutdown(wait=False)
