"""The APScheduler adapter, and the only module that knows APScheduler.

It keeps time and nothing else: which slots exist is the schedule's word, what happens at one is the host's. APScheduler
has one job, due whenever the first of all workers is: of a job for each it would keep books that cost as much as all
the rest of a run. Observed of APScheduler 3.11, and why this module looks as it does: its own triggers enumerate every
missed slot one by one; an exception from a trigger ends its thread while `running` stays True; shutdown() from one of
its own jobs deadlocks.
"""

import contextlib
import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from apscheduler.executors.base import BaseExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from workerkit.agenda import Agenda
from workerkit.bell import Bell
from workerkit.clock import HOUR, Micros, SystemClock, from_datetime, to_datetime
from workerkit.schedule import Schedule

logger = logging.getLogger(__name__)
logging.getLogger("apscheduler").setLevel(logging.ERROR)

OnSlot = Callable[[str], None]
"""Called on the scheduler's thread with the name of a worker that is due. Must be quick and must not call Timing."""

Crowded = Callable[[], bool]
"""Whether so many runs wait for their turn that slots should be handed over at a slower pace."""

Trusted = Callable[[], bool]
"""Whether the clock is what it was; else what seems due is dropped. Asked once for all that is due together."""

CHUNK = 60
"""Slots that are handed over at once while it is crowded."""
BREATH: Micros = 6_000
"""From one look at the agenda to the next at least: what comes due meanwhile goes together, through every thread of the
host and into one transaction, where each alone would cost several times as much. And all threads share one
interpreter: who hands over a crowd without a pause keeps the runs from their turn, and the slots that come
meanwhile are missed one by one, which costs as much as to run them."""
LONGEST: Micros = HOUR
"""After which the agenda is looked at also where nothing is due: APScheduler forgets a job that has no next time."""

_JOB = "next"
_now = SystemClock().now  # APScheduler's is the machine's clock as well


class Timing:
    """Calls `on_slot(name)` whenever a worker's slot has come. start() and stop() are idempotent, from any thread.

    The scheduler's own thread must not call it: whoever stops a scheduler waits for that thread.
    """

    def __init__(self, on_slot: OnSlot, crowded: Crowded = lambda: False, trusted: Trusted = lambda: True) -> None:
        self._life = threading.RLock()
        self._on_slot = on_slot
        self._crowded = crowded
        self._trusted = trusted
        self._schedules: dict[str, Schedule] = {}
        self._agenda = Agenda({}, 0)
        self._scheduler: BackgroundScheduler | None = None

    def add(self, name: str, schedule: Schedule) -> None:
        """Takes a worker in, or gives one that is known another schedule."""
        with self._life:
            self._schedules[name] = schedule
            if self._scheduler is not None:
                self._agenda.put(name, schedule, _now())
                # Gone only where the thread has died meanwhile.
                with contextlib.suppress(JobLookupError):
                    self._scheduler.modify_job(_JOB, next_run_time=to_datetime(_next_look(self._agenda, _now())))

    def remove(self, name: str) -> None:
        with self._life:
            self._schedules.pop(name, None)
            self._agenda.drop(name)

    def start(self) -> None:
        with self._life:
            if self._scheduler is None:
                self._scheduler = self._started()

    def _started(self) -> BackgroundScheduler:
        self._agenda = Agenda(self._schedules, _now())
        scheduler = _Scheduler(
            timezone=UTC,
            jobstores={"default": MemoryJobStore()},
            executors={"default": HandOff(self._agenda, self._on_slot, self._crowded, self._trusted)},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )
        scheduler.add_job(_unused, AgendaTrigger(self._agenda), id=_JOB)
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


class _Alarm(Bell):
    """What APScheduler's thread sleeps by."""

    def set(self) -> None:
        self.ring()

    def clear(self) -> None:
        """wait() has done it."""

    def is_set(self) -> bool:
        return False


class _Scheduler(BackgroundScheduler):  # type: ignore[misc]  # APScheduler has no types
    """One whose thread sleeps by a bell; by itself it makes a threading.Event, which costs more for every slot."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._event = _Alarm()


class AgendaTrigger(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    """The next moment of an agenda: never in the past, and it never raises."""

    def __init__(self, agenda: Agenda) -> None:
        self._agenda = agenda

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        after = max(now, previous_fire_time) if previous_fire_time else now
        return to_datetime(_next_look(self._agenda, from_datetime(after) + BREATH))


def _next_look(agenda: Agenda, soonest: Micros) -> Micros:
    """When the agenda is to be looked at, not before a moment."""
    earliest = agenda.earliest()
    return soonest + LONGEST if earliest is None else max(soonest, min(earliest, soonest + LONGEST))


class HandOff(BaseExecutor):  # type: ignore[misc]  # APScheduler has no types
    """Hands due slots over at once; instances, misfires and results are the runner's business."""

    def __init__(self, agenda: Agenda, on_slot: OnSlot, crowded: Crowded, trusted: Trusted) -> None:
        super().__init__()
        self._trusted = trusted
        self._agenda = agenda
        self._on_slot = on_slot
        self._crowded = crowded

    def submit_job(self, job: Any, run_times: list[datetime]) -> None:  # noqa: ARG002 -- the host counts slots itself
        now, trusted = _now(), self._trusted()
        for number, name in enumerate(iter(partial(self._agenda.pop, now), None), start=1):
            if not trusted:
                continue
            try:
                self._on_slot(name)
            except Exception:
                logger.exception("the slot of %s could not be handled", name)
            if number >= CHUNK and self._crowded():
                break

    def _do_submit_job(self, job: Any, run_times: list[datetime]) -> None:
        """Required by the base class; submit_job() above never calls it."""


def _unused() -> None:
    """APScheduler wants a callable; ours is never called."""
