"""What a host tells its writer: past-tense facts, immutable, one named tuple each.

Events are applied in the order in which they were submitted; those queued together become one transaction.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from workerkit.clock import Micros
from workerkit.outcome import GapReason, Result, Status, Trigger


class RunStarted(NamedTuple):
    """Inserts the run; the worker becomes `running` with last_run_at and next_run_at; activity counts a start.

    A quiet one leaves the worker's row as it is: its end says all of it, or RunGoesOn where that is not near.
    """

    run_id: int
    worker: str
    attempt: int
    trigger: Trigger
    due_at: Micros
    started_at: Micros
    host_id: int
    next_run_at: Micros | None
    covered_until: Micros | None
    """Every slot up to here has its verdict with this run; None leaves it (manual runs)."""
    params: str | None = None
    command_id: int | None = None
    """The command that asked for it: answered with the run's start, so that neither is recorded without the other."""
    quiet: bool = False


class RunGoesOn(NamedTuple):
    """A run that began quietly has not ended at once: the worker becomes `running`, with what its start left out."""

    run_id: int
    worker: str
    last_run_at: Micros
    next_run_at: Micros | None
    covered_until: Micros | None


class RunFinished(NamedTuple):
    """Writes outcome, counters, worker status, failure, state and activity; together or not at all.

    succeeded: success_count + 1, consecutive_failures = 0, last_error stays for the record.
    failed: failure_count + 1, last_error = failure.error, one row in failures; and consecutive_failures + 1, unless
    another attempt follows (`retry_at`): then the occurrence has not failed yet.
    cancelled, interrupted: no counter moves.
    `status` is what the worker is from now on (the host knows whether it is paused or stuck); the moments are those
    that hold now, for the run's start may have left them out.
    """

    run_id: int
    worker: str
    finished_at: Micros
    duration: Micros
    result: Result
    status: Status
    recent: str
    last_run_at: Micros
    next_run_at: Micros | None
    covered_until: Micros
    dropped_lines: int = 0
    retry_at: Micros | None = None
    """When another attempt follows."""
    running_run_id: int | None = None
    """Another run of the worker that is still in flight."""


class StatusChanged(NamedTuple):
    """The worker's status alone, e.g. when a stuck thread came back."""

    worker: str
    status: Status


class RetryDropped(NamedTuple):
    """The attempt that was to follow a failed run follows no more: its occurrence has failed."""

    run_id: int
    worker: str
    status: Status


class WorkerSuspended(NamedTuple):
    """The host starts the worker no more, and why; `status` is what it is from now on."""

    worker: str
    at: Micros
    because: str
    status: Status


class PauseEnded(NamedTuple):
    """A pause came to the end that was set for it: recorded among the commands as a resume by the host itself."""

    worker: str
    at: Micros
    until: Micros
    """The end that was set."""
    status: Status


class RunProgressed(NamedTuple):
    """ctx.progress as it stands; also moves the worker's change number, so that screens see it."""

    run_id: int
    worker: str
    done: int
    total: int | None
    note: str


class LogLine(NamedTuple):
    """One captured line. `seq` counts from 0 within the run."""

    seq: int
    at: Micros
    stream: str
    text: str
    level: str | None = None
    logger: str | None = None


class LinesCaptured(NamedTuple):
    """Inserts lines, deletes those of the middle that fell out of the tail, and keeps the count of drops.

    Deletes lines with `drop_from <= seq < drop_until` (none where they are equal).
    """

    run_id: int
    worker: str
    lines: tuple[LogLine, ...]
    drop_from: int = 0
    drop_until: int = 0
    dropped: int = 0


class SlotsMissed(NamedTuple):
    """Due slots that get no run, and why. With a `gap_id` that exists the row grows (last_due_at, slots)."""

    gap_id: int
    worker: str
    reason: GapReason
    first_due_at: Micros
    last_due_at: Micros
    slots: int
    detail: str
    host_id: int
    run_id: int | None
    next_run_at: Micros | None
    covered_until: Micros | None
    """None: a start in the same transaction says it, and when the next run is."""


class NextRunMoved(NamedTuple):
    """The worker's next slot, e.g. after a clock step."""

    worker: str
    next_run_at: Micros | None
    covered_until: Micros | None = None


class HostBeat(NamedTuple):
    """The host is alive; `notice` is what the operator must know now, or None."""

    host_id: int
    at: Micros
    notice: str | None = None


Event = (
    RunStarted
    | RunGoesOn
    | RunFinished
    | RetryDropped
    | WorkerSuspended
    | PauseEnded
    | StatusChanged
    | RunProgressed
    | LinesCaptured
    | SlotsMissed
    | NextRunMoved
    | HostBeat
)


class EventSink(Protocol):
    """Where events go: the writer, or a list in a test."""

    def submit(self, event: Event, done: Callable[[BaseException | None], None] | None = None) -> None:
        """Takes an event; `done` is told None once it is committed, or why it never will be."""
