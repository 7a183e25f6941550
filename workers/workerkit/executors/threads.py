"""Plain workers: a warm pool of daemon threads that grows on demand and never blocks the process's exit."""

import logging
import queue
import threading
from collections.abc import Callable
from contextvars import copy_context

logger = logging.getLogger(__name__)

Job = Callable[[], None]

MAX_THREADS = 64
"""Runs of plain workers at one time, by default; further ones wait their turn."""
MAX_REPLACEMENTS = 64
"""Threads that may stand in for stuck ones; beyond them the pool shrinks rather than the memory grows."""


class ThreadExecutor:
    """Runs jobs on daemon threads; concurrent.futures joins its threads at exit, which one stuck worker would hang."""

    def __init__(self, max_threads: int = MAX_THREADS) -> None:
        self._limit = max_threads
        self._replaced = 0
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._lock = threading.Lock()
        self._threads = 0
        self._spawned = 0
        self._stopped = False

    def submit(self, job: Job) -> None:
        """Queues a job; it begins at once while threads are to be had. After stop() it is dropped."""
        if self._stopped:
            return
        self._jobs.put(job)
        if self._idle.acquire(blocking=False):
            return
        with self._lock:
            if self._threads < self._limit:
                self._spawn()

    @property
    def waiting(self) -> int:
        """Jobs that wait for a thread."""
        return self._jobs.qsize()

    def replace_stuck(self) -> bool:
        """Allows one more thread in place of a stuck one; False once MAX_REPLACEMENTS are used up."""
        with self._lock:
            if self._replaced >= MAX_REPLACEMENTS:
                return False
            self._replaced += 1
            self._limit += 1
            if self._jobs.qsize():
                self._spawn()
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
            count = self._threads
        for _ in range(count):
            self._jobs.put(None)

    def _spawn(self) -> None:
        self._threads += 1
        self._spawned += 1
        threading.Thread(target=self._work, name=f"worker-{self._spawned}", daemon=True).start()

    def _work(self) -> None:
        while True:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                if self._surplus():
                    return
                self._idle.release()
                job = self._jobs.get()
            if job is None or self._stopped:
                return
            try:
                copy_context().run(job)  # what it sets there is not for the next one to find
            except (
                BaseException
            ):  # the job guards the worker; what comes here is a fault of ours, and the pool lives on
                logger.exception("a run's machinery failed")
            del job

    def _surplus(self) -> bool:
        """Whether this thread is one too many since a stuck one came back."""
        with self._lock:
            if self._threads <= self._limit:
                return False
            self._threads -= 1
            return True
