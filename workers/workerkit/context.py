"""What run(ctx) receives: who it is, until when, and how it speaks to the host."""

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from workerkit.errors import RunCancelled
from workerkit.outcome import StopCause

RUN_LOGGER = "workerkit.run"
"""Parent of the loggers that ctx.log hands out."""
MAX_NOTE = 1000
"""Characters taken of a progress note; fewer are kept, once what is secret has been taken out."""


class Cancellation:
    """One run's request to stop, set once by the host and seen by the worker.

    `observed` tells whether the worker ever saw it: a run that returns without having looked simply succeeded.
    """

    __slots__ = ("_callbacks", "_event", "cause", "observed", "reason")
    _lock = threading.Lock()
    """One for all runs, since nearly none is ever asked to stop: most of what a run costs is what is made for it."""

    def __init__(self) -> None:
        self.cause: StopCause | None = None
        self.reason: str | None = None
        self.observed = False
        self._event: threading.Event | None = None
        self._callbacks: tuple[Callable[[], None], ...] = ()

    def request(self, cause: StopCause, reason: str) -> bool:
        """Asks the run to stop; the first request stays. Returns whether this call was the first."""
        with self._lock:
            if self.cause is not None:
                return False
            self.reason = reason
            self.cause = cause
            event = self._event
        if event is not None:
            event.set()
        for callback in self._callbacks:
            callback()
        return True

    def when_requested(self, callback: Callable[[], None]) -> None:
        """Calls it at the request, on the thread that requests; at once where that has been. It must not raise."""
        with self._lock:
            if self.cause is None:
                self._callbacks += (callback,)
                return
        callback()

    def seen(self) -> bool:
        """Whether it was requested; a yes is remembered as observed."""
        if self.cause is not None:
            self.observed = True
        return self.observed

    def wait(self, seconds: float) -> bool:
        """Waits at most so long; whether it was requested."""
        with self._lock:
            if self._event is None:
                self._event = threading.Event()
                if self.cause is not None:
                    self._event.set()
            event = self._event
        event.wait(seconds)
        return self.seen()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come, as last said by the worker."""

    done: int
    total: int | None
    note: str


@dataclass(slots=True)
class RunContext:
    """Everything a worker may know of its run and ask of its host. One per run; safe from the worker's own threads.

    Attributes:
        run_id: the row in the database.
        worker: the worker's name.
        attempt: 1 for the first try.
        due_at: when the run was due (UTC); for a manual run, when it was asked for.
        deadline: when the timeout strikes (UTC), or None.
        params: what the operator gave with run-now; empty for a scheduled run.
        state: a JSON-like dictionary of this worker's that lasts across runs and restarts; change it in place. It is
            saved in the transaction that records the outcome, at most 64 KiB as JSON.
    """

    run_id: int
    worker: str
    attempt: int
    due_at: datetime
    deadline: datetime | None
    params: Mapping[str, Any]
    state: dict[str, Any]
    cancellation: Cancellation = field(default_factory=Cancellation, repr=False)
    """The host's side of `cancelled`; workers use check(), sleep() and cancelled."""
    reported: Progress | None = field(default=None, repr=False)
    """The latest progress(), for the host to pick up."""

    @property
    def log(self) -> logging.Logger:
        """A logger whose lines are kept with the run, from DEBUG up."""
        return _logger_of(self.worker)

    @property
    def cancelled(self) -> bool:
        """Whether the run was asked to stop: by an operator, its timeout, or the host's shutdown."""
        return self.cancellation.seen()

    @property
    def cancel_reason(self) -> str | None:
        """Why, in words, or None."""
        return self.cancellation.reason

    def check(self) -> None:
        """Raises RunCancelled when the run was asked to stop. Call it between steps of long work."""
        if self.cancellation.seen():
            raise RunCancelled(self.cancellation.reason)

    def sleep(self, seconds: float) -> None:
        """Sleeps, and raises RunCancelled at once when the run is asked to stop. Plain workers only.

        Raises:
            RunCancelled: the run was asked to stop.
            RuntimeError: called on an event loop, which it would block; there, await ctx.sleep_async().
        """
        if _on_event_loop():
            raise RuntimeError("ctx.sleep() would block the event loop; use `await ctx.sleep_async(seconds)`")
        if self.cancellation.wait(seconds):
            raise RunCancelled(self.cancellation.reason)

    async def sleep_async(self, seconds: float) -> None:
        """The same for `async def run`: looks for a request to stop ten times a second.

        Raises:
            RunCancelled: the run was asked to stop.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        self.check()
        while (left := end - loop.time()) > 0:
            await asyncio.sleep(min(left, 0.1))
            self.check()

    def progress(self, done: int, total: int | None = None, note: str = "") -> None:
        """Says how far the run is; the console shows the latest within a fraction of a second. Cheap to call often."""
        self.reported = Progress(int(done), None if total is None else int(total), str(note)[:MAX_NOTE])

    @classmethod
    def for_test(cls, worker: str = "test", **params: Any) -> "RunContext":
        """A context without a host, to call run() from one's own tests."""
        return cls(
            run_id=0,
            worker=worker,
            attempt=1,
            due_at=datetime.now().astimezone(),
            deadline=None,
            params=MappingProxyType(params),
            state={},
        )


@lru_cache(maxsize=65_536)
def _logger_of(worker: str) -> logging.Logger:
    """Made for those that log: logging makes and finds each under one lock of all threads."""
    return logging.getLogger(f"{RUN_LOGGER}.{worker}")


def _on_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
