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
            if self._stopped:
                return
            self._jobs.append(job)
            bed = self._wake()
        if bed is not None:
            bed.release()

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
            bed = self._wake() if self._jobs else None
        if bed is not None:
            bed.release()
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

    def _wake(self) -> "threading.Lock | None":
        """Sees to it, with the lock held, that a thread comes for the first of the jobs.

        Returns what is to be released for that when the lock is free: who woke before would only wait for it.
        """
        if not self._waking:
            if self._idle:
                self._waking = True
                return self._idle.pop()
            if self._threads < self._limit:
                self._waking = self._spawn()
        return None

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
                ends = self._stopped or self._threads > self._limit
                job = None
                if ends:
                    self._threads -= 1
                elif self._jobs:
                    job = self._jobs.popleft()
                else:
                    self._idle.append(bed)
                next_bed = self._wake() if self._jobs else None
            if next_bed is not None:
                next_bed.release()
            if ends:
                return
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
