"""The APScheduler adapter, and the only module that knows APScheduler.

It keeps time and nothing else: which slots exist is the schedule's word, what happens at one is the host's. Observed of
APScheduler 3.11, and why this module looks as it does: its own triggers enumerate every missed slot one by one; an
exception from a trigger ends its thread while `running` stays True; shutdown() from one of its own jobs deadlocks.
"""

import contextlib
import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.executors.base import BaseExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from workerkit.clock import from_datetime, to_datetime
from workerkit.schedule import Schedule

logger = logging.getLogger(__name__)
logging.getLogger("apscheduler").setLevel(logging.ERROR)

OnSlot = Callable[[str], None]
"""Called on the scheduler's thread with the name of a worker that is due. Must be quick and must not call Timing."""

_RETRY = timedelta(minutes=1)


class Timing:
    """Calls `on_slot(name)` whenever a worker's slot has come. start() and stop() are idempotent, from any thread.

    The scheduler's own thread must not call it: whoever stops a scheduler waits for that thread.
    """

    def __init__(self, on_slot: OnSlot) -> None:
        self._life = threading.RLock()
        self._on_slot = on_slot
        self._schedules: dict[str, Schedule] = {}
        self._scheduler: BackgroundScheduler | None = None

    def add(self, name: str, schedule: Schedule) -> None:
        """Takes a worker in, or gives one that is known another schedule."""
        with self._life:
            self._schedules[name] = schedule
            if self._scheduler is not None:
                self._add_job(self._scheduler, name, schedule)

    def remove(self, name: str) -> None:
        with self._life:
            self._schedules.pop(name, None)
            if self._scheduler is not None:
                # A worker without a further slot has no job any more.
                with contextlib.suppress(JobLookupError):
                    self._scheduler.remove_job(name)

    def start(self) -> None:
        with self._life:
            if self._scheduler is None:
                self._scheduler = self._started()

    def _started(self) -> BackgroundScheduler:
        scheduler = BackgroundScheduler(
            timezone=UTC,
            jobstores={"default": MemoryJobStore()},
            executors={"default": _HandOff(self._on_slot)},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )
        for name, schedule in self._schedules.items():
            self._add_job(scheduler, name, schedule)
        scheduler.start()
        return scheduler

    def stop(self) -> None:
        with self._life:
            scheduler, self._scheduler = self._scheduler, None
            if scheduler is not None and scheduler.running:
                scheduler.shutdown(wait=False)

    @property
    def alive(self) -> bool:
        """Whether the scheduler's thread lives; APScheduler's own `running` stays True when it has died."""
        thread = getattr(self._scheduler, "_thread", None)
        return isinstance(thread, threading.Thread) and thread.is_alive()

    def restart(self) -> None:
        """Begins anew with the same schedules, each at its next slot from now: after a clock step or a dead thread.

        Does nothing after stop(): whoever finds the scheduler dead must not revive what somebody else takes down.
        """
        with self._life:
            if self._scheduler is not None:
                self.stop()
                self.start()

    @staticmethod
    def _add_job(scheduler: BackgroundScheduler, name: str, schedule: Schedule) -> None:
        scheduler.add_job(_unused, SlotTrigger(name, schedule), id=name, replace_existing=True)


class SlotTrigger(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    """The first slot of a worker's schedule after now: constant time, never in the past, and it never raises."""

    def __init__(self, name: str, schedule: Schedule) -> None:
        self._name = name
        self._schedule = schedule

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        after = max(now, previous_fire_time) if previous_fire_time else now
        try:
            slot = self._schedule.next_slot(self._name, from_datetime(after))
        except Exception:
            logger.exception("the schedule of %s failed; trying again in a minute", self._name)
            return after + _RETRY
        return None if slot is None else to_datetime(slot)


class _HandOff(BaseExecutor):  # type: ignore[misc]  # APScheduler has no types
    """Hands a due job over at once; instances, misfires and results are the runner's business."""

    def __init__(self, on_slot: OnSlot) -> None:
        super().__init__()
        self._on_slot = on_slot

    def submit_job(self, job: Any, run_times: list[datetime]) -> None:  # noqa: ARG002 -- the host counts slots itself
        try:
            self._on_slot(job.id)
        except Exception:
            logger.exception("the slot of %s could not be handled", job.id)

    def _do_submit_job(self, job: Any, run_times: list[datetime]) -> None:
        """Required by the base class; submit_job() above never calls it."""


def _unused() -> None:
    """APScheduler wants a callable; ours is never called."""
