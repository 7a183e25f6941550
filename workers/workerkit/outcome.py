"""What became of a run: the outcome, and where it failed, its kind."""

from enum import StrEnum
from typing import Any, NamedTuple

from workerkit.clock import Micros


class Outcome(StrEnum):
    """How a run ended. A run without an outcome is still in flight."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    """An operator asked and the worker gave way, or it said itself that there was nothing to do."""
    INTERRUPTED = "interrupted"
    """The host shut down before the run ended. Not a failure."""


class FailureKind(StrEnum):
    """Why a run counts as failed."""

    ERROR = "error"
    """It raised an Exception."""
    PANIC = "panic"
    """It did what a worker must never do: SystemExit, KeyboardInterrupt, RecursionError, MemoryError or
    any other BaseException."""
    TIMEOUT = "timeout"
    CRASH = "crash"
    """Its process, or the host's, died under it."""


class Trigger(StrEnum):
    """What made a run begin."""

    SCHEDULE = "schedule"
    MANUAL = "manual"
    CATCH_UP = "catch-up"
    """The one run that stands for all slots missed while the host was away."""


class StopCause(StrEnum):
    """Who asked a run in flight to stop."""

    OPERATOR = "operator"
    TIMEOUT = "timeout"
    SHUTDOWN = "shutdown"
    REPLACED = "replaced"
    """A later slot takes its place."""


class Status(StrEnum):
    """A worker's state as the operator sees it."""

    IDLE = "idle"
    RUNNING = "running"
    FAILED = "failed"
    """Its last finished run failed."""
    RETRYING = "retrying"
    """Its last run failed, and another attempt follows."""
    PAUSED = "paused"
    SUSPENDED = "suspended"
    """The host starts it no more after repeated failures or crashes, until somebody resumes it."""
    STUCK = "stuck"
    """Its last run passed its timeout, was recorded as failed, and still occupies its thread."""
    UNREGISTERED = "unregistered"
    """Known to the database, not in the code that the host loaded."""
    BROKEN = "broken"
    """Its module failed to load; the traceback is kept."""


class GapReason(StrEnum):
    """Why a due slot has no run."""

    PAUSED = "paused"
    SUSPENDED = "suspended"
    OVERLAP = "overlap"
    RETRYING = "retrying"
    """An earlier slot's run was waiting for its next attempt."""
    LATE = "late"
    """It could not begin within its start deadline."""
    HOST_DOWN = "host down"
    CLOCK_STEP = "clock step"
    OVERLOAD = "overload"
    STOPPING = "stopping"
    UNREGISTERED = "unregistered"


class Fingerprint(NamedTuple):
    """Which failures are one: `digest` names their group, `parts` tell a person why."""

    digest: str
    parts: tuple[str, ...]


class Failure(NamedTuple):
    """A failure as it is recorded: one line for lists, and the bounded capture for inspection.

    `error` is `Type: message`, for a panic with `Worker panic: ` in front. `capture` is plain JSON data
    (see workerkit.failures), never an exception object: nothing of the worker's stays alive through it. It is empty of
    a failure that is only counted.
    """

    kind: FailureKind
    error: str
    capture: dict[str, Any]
    named: str | None = None
    """The group that the worker itself says it belongs to; None: the usual fingerprint tells."""
    mark: Fingerprint | None = None
    """Its fingerprint, where that is known already; the capture tells it otherwise."""


class Result(NamedTuple):
    """What guarded execution made of one run."""

    outcome: Outcome
    failure: Failure | None = None
    summary: str | None = None
    """A bounded text of what run() returned, where it returned something."""
    state: str | None = None
    """ctx.state as JSON where the run changed it, else None."""
    retry_in: Micros | None = None
    """After which time another attempt is wanted; None: this was the last."""
