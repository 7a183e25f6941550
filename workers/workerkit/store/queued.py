"""What waits in the writer's queue: an event with its sender's callback, or a function whose caller waits for it."""

import logging
import sqlite3
import threading
from collections.abc import Callable
from typing import Any, Protocol

from sqlalchemy import Connection, delete, select
from sqlalchemy.exc import IntegrityError

from workerkit.outcome import Failure, FailureKind, Outcome, Result
from workerkit.store.events import Event, LinesCaptured, RunFinished, RunProgressed, RunStarted
from workerkit.store.models import failures, log_lines, runs
from workerkit.store.text import storable_int
from workerkit.store.writes import APPLY

Done = Callable[[BaseException | None], None]

MAX_WAITING = 100_000
"""Events and captured lines that may wait while nothing can be written. Beyond it lines and progress are dropped, and
failures are stripped of their captures; beyond twice as many everything but the ends of runs, which are no more than
the runs that had begun. What was taken in is kept: a run's start is refused at once or written in the end."""
CAPTURE_WEIGHT = 40
"""How many of MAX_WAITING a failure with its capture takes, since it may be large."""

_log = logging.getLogger(__name__)


class Item(Protocol):
    """Something to be written."""

    weight: int
    """How many of MAX_WAITING it takes."""
    limit: float
    """How many may wait, with it, before it is refused."""
    awaited: bool
    """Whether somebody waits until it is committed."""
    error: BaseException | None
    """Why its own part of the transaction failed."""

    def lighten(self) -> bool:
        """Leaves out what is large and not needed, where too much waits; whether there was such a thing."""

    def apply(self, connection: Connection, change: int) -> None:
        """Writes it; may be called again when the transaction is repeated."""

    def apply_rest(self, connection: Connection, change: int, error: BaseException) -> bool:
        """After apply() failed with this: writes what matters most of it, if anything can be; whether it did."""

    def finish(self, error: BaseException | None) -> None:
        """Tells whoever sent it: None when it is committed. Never raises."""


class Submission:
    """An event on its way."""

    __slots__ = ("awaited", "done", "error", "event", "limit", "weight")

    def __init__(self, event: Event, done: Done | None) -> None:
        self.event = event
        self.done = done
        self.awaited = done is not None
        self.error: BaseException | None = None
        self.weight = 1
        self.limit: float = 2 * MAX_WAITING
        if isinstance(event, LinesCaptured):
            self.weight += len(event.lines)
            self.limit = MAX_WAITING
        elif isinstance(event, RunProgressed):
            self.limit = MAX_WAITING
        elif isinstance(event, RunFinished):
            heavy = event.result.failure is not None
            self.weight, self.limit = (CAPTURE_WEIGHT, MAX_WAITING) if heavy else (1, float("inf"))

    def __str__(self) -> str:
        """Which event, without what it carries: that may be large, and is the worker's."""
        kind, owner, run_id = (
            type(self.event).__name__,
            getattr(self.event, "worker", ""),
            getattr(self.event, "run_id", ""),
        )
        return " ".join(f"{kind} {owner} {run_id}".split())

    def lighten(self) -> bool:
        event = self.event
        if not isinstance(event, RunFinished) or (failure := event.result.failure) is None:
            return False
        lighter = failure._replace(capture=_note("its details were dropped: too much waited to be written"))
        self.event = event._replace(result=event.result._replace(failure=lighter))
        self.weight, self.limit = 1, float("inf")
        return True

    def apply(self, connection: Connection, change: int) -> None:
        APPLY[type(self.event)](connection, change, [self.event])

    def apply_rest(self, connection: Connection, change: int, error: BaseException) -> bool:
        event = self.event
        if isinstance(event, RunFinished):
            # A run must not stay in flight because of what it said at its end.
            connection.execute(delete(failures).where(failures.c.run_id == event.run_id))
            APPLY[RunFinished](connection, change, [_reduced(event, error)])
            _log.error("%s could not be written in full; what its run came to was", self, exc_info=error)
            return True
        # Of a transaction whose commit went through although its answer was lost, all is there already.
        return isinstance(error, (IntegrityError, sqlite3.IntegrityError)) and _is_written(connection, event)

    def finish(self, error: BaseException | None) -> None:
        if self.done is None:
            return
        try:
            self.done(error)
        except BaseException:  # noqa: BLE001 -- it is logged, and the writer's thread lives on
            _log.exception("the sender of %s failed when it was told", self)


def _note(text: str) -> dict[str, Any]:
    return {"version": 1, "exceptions": [], "note": text}


def _reduced(event: RunFinished, error: BaseException) -> RunFinished:
    """The end of a run without anything that the worker had a say in; its state stays what it was."""
    result, text = event.result, f"its details could not be stored: {type(error).__name__}"
    failure = None
    if result.outcome is Outcome.FAILED:
        kind = FailureKind.ERROR if result.failure is None else result.failure.kind
        prefix = "Worker panic: " if kind is FailureKind.PANIC else ""
        failure = Failure(kind, f"{prefix}{text}", _note(text))
    return event._replace(
        finished_at=storable_int(event.finished_at),
        duration=storable_int(event.duration),
        dropped_lines=storable_int(event.dropped_lines),
        result=Result(result.outcome, failure, summary=None if failure else text),
    )


def _is_written(connection: Connection, event: Event) -> bool:
    if isinstance(event, RunStarted):
        found = connection.execute(
            select(runs.c.worker, runs.c.host_id, runs.c.started_at).where(runs.c.id == event.run_id)
        ).first()
        return found is not None and tuple(found) == (event.worker, event.host_id, event.started_at)
    if isinstance(event, LinesCaptured):
        numbers = {line.seq for line in event.lines}
        there = connection.scalars(select(log_lines.c.seq).where(log_lines.c.run_id == event.run_id))
        return numbers <= set(there)
    return False


class Call:
    """A function on its way, and where its caller waits."""

    weight = 1
    limit: float = 2 * MAX_WAITING
    awaited = True

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

    def lighten(self) -> bool:
        return False

    def apply(self, connection: Connection, change: int) -> None:
        if not self._abandoned:
            self.result = self.function(connection, change)

    def apply_rest(self, connection: Connection, change: int, error: BaseException) -> bool:  # noqa: ARG002 -- see Item
        return False

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
