"""Async workers: one event loop on a daemon thread of its own, apart from the screen's."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

logger = logging.getLogger(__name__)

AsyncJob = Callable[[], Coroutine[Any, Any, None]]


class LoopExecutor:
    """Runs coroutines as tasks on its loop. start() and stop() are idempotent."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._asked_at: float | None = None

    @property
    def thread_id(self) -> int | None:
        return self._thread.ident if self._thread else None

    def start(self) -> None:
        if self._loop is not None:
            return
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._main, args=(self._loop,), name="async-workers", daemon=True)
        self._thread.start()

    def submit(self, job: AsyncJob) -> None:
        """Makes a task of the job; safe from any thread. After stop() it is dropped."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._spawn, job)

    def cancel(self, task: "asyncio.Task[Any]") -> None:
        """Cancels a task of this loop from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(task.cancel)

    def current_task(self) -> "asyncio.Task[Any] | None":
        """The task that executes on the loop at this moment, seen from any thread."""
        return asyncio.current_task(self._loop) if self._loop is not None else None

    def blocked_for(self) -> float:
        """Seconds for which the loop has not come round, as a blocking call makes it; ask about once a second."""
        if self._loop is None or self._loop.is_closed():
            return 0.0
        now = time.monotonic()
        if self._asked_at is None:
            self._asked_at = now
            self._loop.call_soon_threadsafe(self._answer)
            return 0.0
        return now - self._asked_at

    def stop(self, timeout: float = 1.0) -> None:
        """Cancels what is still on the loop and stops it. A blocked loop is left behind on its daemon thread."""
        loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            return
        self._loop = None
        if not loop.is_closed():
            loop.call_soon_threadsafe(self._wind_up, loop)
        thread.join(timeout)

    def _main(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        loop.set_exception_handler(_log_loop_fault)
        try:
            loop.run_forever()
        finally:
            loop.close()

    def _spawn(self, job: AsyncJob) -> None:
        task = asyncio.get_running_loop().create_task(job())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _answer(self) -> None:
        self._asked_at = None

    def _wind_up(self, loop: asyncio.AbstractEventLoop) -> None:
        for task in self._tasks:
            task.cancel()
        # One more round, so that the cancelled tasks see it before the loop ends.
        loop.call_later(0.05, loop.stop)


def _log_loop_fault(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:  # noqa: ARG001 -- asyncio's signature
    logger.warning("on the async workers' loop: %s", context.get("message"), exc_info=context.get("exception"))
