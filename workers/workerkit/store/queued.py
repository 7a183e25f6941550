"""What waits in the writer's queue: an event with its sender's callback, or a function whose caller waits for it."""

import logging
import threading
from collections.abc import Callable
from typing import Any, Protocol

from sqlalchemy import Connection

from workerkit.store.events import Event, LinesCaptured, RunFinished, RunProgressed
from workerkit.store.writes import APPLY

Done = Callable[[BaseException | None], None]

MAX_WAITING = 100_000
"""Events and captured lines that may wait while nothing can be written; beyond it lines and progress are dropped,
and beyond twice as many everything but the ends of runs, which are no more than the runs that had begun."""

_log = logging.getLogger(__name__)


class Item(Protocol):
    """Something to be written."""

    weight: int
    """How many of MAX_WAITING it takes."""
    limit: float
    """How many may wait, with it, before it is refused."""
    error: BaseException | None
    """Why its own part of the transaction failed."""

    def apply(self, connection: Connection, change: int) -> None:
        """Writes it; may be called again when the transaction is repeated."""

    def finish(self, error: BaseException | None) -> None:
        """Tells whoever sent it: None when it is committed. Never raises."""


class Submission:
    """An event on its way."""

    __slots__ = ("done", "error", "event", "limit", "weight")

    def __init__(self, event: Event, done: Done | None) -> None:
        self.event = event
        self.done = done
        self.error: BaseException | None = None
        self.weight = 1
        self.limit: float = 2 * MAX_WAITING
        if isinstance(event, LinesCaptured):
            self.weight += len(event.lines)
            self.limit = MAX_WAITING
        elif isinstance(event, RunProgressed):
            self.limit = MAX_WAITING
        elif isinstance(event, RunFinished):
            self.limit = float("inf")

    def __str__(self) -> str:
        """Which event, without what it carries: that may be large, and is the worker's."""
        kind, owner, run_id = (
            type(self.event).__name__,
            getattr(self.event, "worker", ""),
            getattr(self.event, "run_id", ""),
        )
        return " ".join(f"{kind} {owner} {run_id}".split())

    def apply(self, connection: Connection, change: int) -> None:
        APPLY[type(self.event)](connection, change, [self.event])

    def finish(self, error: BaseException | None) -> None:
        if self.done is None:
            return
        try:
            self.done(error)
        except BaseException:  # noqa: BLE001 -- it is logged, and the writer's thread lives on
            _log.exception("the sender of %s failed when it was told", self)


class Call:
    """A function on its way, and where its caller waits."""

    weight = 1
    limit: float = 2 * MAX_WAITING

    def __init__(self, function: Callable[[Connection, int], Any]) -> None:
        self.function = function
        self.result: Any = None
        self.error: BaseException | None = None
        self.attempt = threading.Lock()
        """Held by the writer from before the function runs until its transaction has ended, either way."""
        self.settled = False
        """Whether that transaction was committed; set while `attempt` is held."""
        self._abandoned = False
        self._ended = threading.Event()

    def apply(self, connection: Connection, change: int) -> None:
        if not self._abandoned:
            self.result = self.function(connection, change)

    def finish(self, error: BaseException | None) -> None:
        self.error = error
        self._ended.set()

    def wait(self, timeout: float) -> bool:
        """Whether it ended in so many seconds; when not, it never will."""
        if self._ended.wait(timeout):
            return True
        with self.attempt:
            self._abandoned = not self.settled
        return not self._abandoned and self._ended.wait()
