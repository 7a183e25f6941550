"""Async workers: one event loop on a daemon thread of its own, apart from the screen's."""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

logger = logging.getLogger(__name__)

AsyncJob = Callable[[], Coroutine[Any, Any, None]]


class LoopExecutor:
    """Runs coroutines as tasks on its loop. start() and stop() are idempotent, from any thread."""

    def __init__(self) -> None:
        self._life = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._jobs: deque[AsyncJob] = deque()
        self._coming = False
        """Whether the loop is on its way to the jobs already: to wake it takes longer than to make a task."""
        self._asked_at: float | None = None

    @property
    def thread_id(self) -> int | None:
        return self._thread.ident if self._thread else None

    def start(self) -> None:
        with self._life:
            if self._loop is not None:
                return
            self._asked_at = None
            self._jobs.clear()
            self._coming = False
            loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._main, args=(loop,), name="async-workers", daemon=True)
            self._thread.start()
            self._loop = loop

    def submit(self, job: AsyncJob) -> None:
        """Makes a task of the job; safe from any thread. After stop() it is dropped.

        The job keeps its own task, by asyncio.current_task(): to note it here and strike it out takes as long as to
        make it.
        """
        self._jobs.append(job)
        if not self._coming:
            self._coming = True
            if not self._post(self._spawn):
                self._coming = False
                self._jobs.clear()

    def cancel(self, task: "asyncio.Task[Any]") -> None:
        """Cancels a task of this loop from any thread."""
        self._post(task.cancel)

    def current_task(self) -> "asyncio.Task[Any] | None":
        """The task that executes on the loop at this moment, seen from any thread."""
        loop = self._loop
        return asyncio.current_task(loop) if loop is not None else None

    def blocked_for(self) -> float:
        """Seconds for which the loop has not come round, as a blocking call makes it; ask about once a second."""
        now, asked_at = time.monotonic(), self._asked_at
        if asked_at is None:
            self._asked_at = now
            if not self._post(self._answer):
                self._asked_at = None
            return 0.0
        return now - asked_at

    def stop(self, timeout: float = 1.0) -> None:
        """Cancels what is still on the loop and stops it. A blocked loop is left behind on its daemon thread."""
        with self._life:
            loop, self._loop = self._loop, None
            thread = self._thread
        if loop is None or thread is None:
            return
        loop.call_soon_threadsafe(self._wind_up, loop)
        thread.join(timeout)
        self._asked_at = None

    def _post(self, call: Callable[..., object], *arguments: Any) -> bool:
        """Has the loop call it; False where it does not run any more, however lately."""
        loop = self._loop
        if loop is None:
            return False
        try:
            loop.call_soon_threadsafe(call, *arguments)
        except RuntimeError:
            return False
        return True

    def _main(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        loop.set_exception_handler(_log_loop_fault)
        try:
            loop.run_forever()
        finally:
            loop.close()

    def _spawn(self) -> None:
        self._coming = False  # first: who adds a job from here on has the loop come again
        loop = asyncio.get_running_loop()
        while self._jobs:
            loop.create_task(self._jobs.popleft()())  # noqa: RUF006 -- see submit()

    def _answer(self) -> None:
        self._asked_at = None

    def _wind_up(self, loop: asyncio.AbstractEventLoop) -> None:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        # One more round, so that the cancelled tasks see it before the loop ends.
        loop.call_later(0.05, loop.stop)


def _log_loop_fault(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:  # noqa: ARG001 -- asyncio's signature
    logger.warning("on the async workers' loop: %s", context.get("message"), exc_info=context.get("exception"))
