"""Plain workers: a warm pool of daemon threads that grows on demand and never blocks the process's exit."""

import logging
import threading
from collections import deque
from collections.abc import Callable
from contextvars import copy_context

logger = logging.getLogger(__name__)

Job = Callable[[], None]

MAX_THREADS = 64
"""Runs of plain workers at one time, by default; further ones wait their turn."""
MAX_REPLACEMENTS = 64
"""Threads that may stand in for stuck ones; beyond them the pool shrinks rather than the memory grows."""


class ThreadExecutor:
    """Runs jobs on daemon threads; concurrent.futures joins its threads at exit, which one stuck worker would hang.

    A job wakes a thread only when none is waking already; a thread that has woken and finds more than one job
    wakes the next. So a crowd of short jobs is done by the few threads that are awake, rather than by sixty-four that
    fight for the interpreter's lock; and long ones still get a thread each.
    """

    def __init__(self, max_threads: int = MAX_THREADS) -> None:
        self._limit = max_threads
        self._replaced = 0
        self._jobs: deque[Job] = deque()
        self._lock = threading.Lock()
        self._idle: list[threading.Lock] = []
        """What each sleeping thread waits for; the one that fell asleep last is woken first."""
        self._waking = False
        self._threads = 0
        self._spawned = 0
        self._stopped = False

    def submit(self, job: Job) -> None:
        """Queues a job; it begins at once while threads are to be had. After stop() it is dropped."""
        with self._lock:
            if not self._stopped:
                self._jobs.append(job)
                self._wake()

    @property
    def waiting(self) -> int:
        """Jobs that wait for a thread."""
        return len(self._jobs)

    def replace_stuck(self) -> bool:
        """Allows one more thread in place of a stuck one; False once MAX_REPLACEMENTS are used up."""
        with self._lock:
            if self._replaced >= MAX_REPLACEMENTS:
                return False
            self._replaced += 1
            self._limit += 1
            if self._jobs:
                self._wake()
            return True

    def stuck_returned(self) -> None:
        """Takes back what replace_stuck() allowed."""
        with self._lock:
            self._replaced -= 1
            self._limit -= 1

    def stop(self) -> None:
        """Lets idle threads end; busy ones end after their job. Jobs that wait are dropped. Idempotent."""
        with self._lock:
            self._stopped = True
            self._jobs.clear()
            for bed in self._idle:
                bed.release()
            self._idle.clear()

    def _wake(self) -> None:
        """Sees to it, with the lock held, that a thread comes for the first of the jobs."""
        if self._waking:
            return
        if self._idle:
            self._idle.pop().release()
            self._waking = True
        elif self._threads < self._limit:
            self._waking = self._spawn()

    def _spawn(self) -> bool:
        thread = threading.Thread(target=self._work, name=f"worker-{self._spawned + 1}", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the system gives no more of them; the job waits for one of those that are there
            logger.exception("no thread could be started; %d run", self._threads)
            return False
        self._threads += 1
        self._spawned += 1
        return True

    def _work(self) -> None:
        bed = threading.Lock()
        bed.acquire()
        woken = True
        while True:
            with self._lock:
                if woken:
                    self._waking = False
                if self._stopped or self._threads > self._limit:
                    self._threads -= 1
                    if self._jobs:
                        self._wake()
                    return
                job = self._jobs.popleft() if self._jobs else None
                if job is None:
                    self._idle.append(bed)
                elif self._jobs:
                    self._wake()
            woken = job is None
            if job is None:
                bed.acquire()
                continue
            try:
                copy_context().run(job)  # what it sets there is not for the next one to find
            except (
                BaseException
            ):  # the job guards the worker; what comes here is a fault of ours, and the pool lives on
                logger.exception("a run's machinery failed")
            del job
