"""Rows as readers get them: frozen, typed, with JSON already read. Moments and spans are microseconds.

Named tuples, because ten thousand are made at once: a frozen dataclass of as many fields takes several times as long.
Two are such all the same: there a field `count` would hide the tuple's method.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

from workerkit.clock import Micros
from workerkit.store import codec


class HostRecord(NamedTuple):
    id: int
    hostname: str
    pid: int
    username: str
    mode: str
    version: str
    targets: tuple[str, ...]
    started_at: Micros
    heartbeat_at: Micros
    stopped_at: Micros | None
    ending: str | None
    recovered_runs: int
    notice: str | None


class WorkerRecord(NamedTuple):
    name: str
    status: str
    schedule: str
    interval: Micros | None
    timeout: Micros | None
    isolation: str
    tags: tuple[str, ...]
    description: str
    source: str
    load_error: str | None
    registered: bool
    paused: bool
    paused_at: Micros | None
    paused_by: str | None
    pause_reason: str | None
    paused_until: Micros | None
    """When it resumes by itself."""
    suspended_at: Micros | None
    suspended_because: str | None
    """Why the host starts it no more; None while it does."""
    success_count: int
    failure_count: int
    consecutive_failures: int
    last_run_at: Micros | None
    next_run_at: Micros | None
    last_outcome: str | None
    last_duration: Micros | None
    last_error: str | None
    running_run_id: int | None
    recent_json: str
    covered_until: Micros | None
    created_at: Micros
    change: int
    policy: dict[str, str]
    """What was chosen beside the defaults, by option, in words."""

    @property
    def recent(self) -> tuple[tuple[str, Micros], ...]:
        """The latest finished runs, oldest first: outcome and duration.

        Read when somebody looks: of ten thousand workers a screen shows forty.
        """
        return codec.recent_runs(self.recent_json)


class RunRecord(NamedTuple):
    id: int
    worker: str
    attempt: int
    trigger: str
    due_at: Micros
    started_at: Micros
    finished_at: Micros | None
    outcome: str | None
    kind: str | None
    duration: Micros | None
    error: str | None
    summary: str | None
    params: dict[str, Any] | None
    host_id: int
    host: str
    """hostname:pid of the host that ran it."""
    progress_done: int | None
    progress_total: int | None
    progress_note: str | None
    dropped_lines: int | None
    retry_at: Micros | None
    """When another attempt follows this failed one."""


class FailureRecord(NamedTuple):
    run_id: int
    worker: str
    at: Micros
    kind: str
    error: str
    packed: Any
    """The capture's stored bytes."""
    fingerprint: str
    """Of its group."""
    capture_of: int
    """The run whose capture it is: another one's of the same group, where this failure was only counted."""

    @property
    def capture(self) -> dict[str, Any]:
        """The capture of workerkit.failures; `{"corrupt": reason}` where the stored bytes can't be read.

        Unpacked when somebody looks, and not to be changed: others get the same. Its note says so where it is another
        run's.
        """
        capture = codec.unpack_shared(self.packed)
        if self.capture_of == self.run_id:
            return capture
        return {**capture, "note": f"this is the traceback of run {self.capture_of}; this failure was only counted"}


@dataclass(frozen=True, slots=True)
class FailureGroupRecord:
    """Failures that are one fault. It survives the pruning of its runs."""

    fingerprint: str
    kind: str
    title: str
    parts: tuple[str, ...]
    """What made them one, for people."""
    first_seen_at: Micros
    last_seen_at: Micros
    count: int
    first_run_id: int
    last_run_id: int
    last_worker: str
    state: str
    """open, acknowledged, snoozed or resolved, as it counts at the moment of reading"""
    state_at: Micros | None
    state_by: str | None
    note: str | None
    snoozed_until: Micros | None
    regressed_at: Micros | None
    """When it came back after it had been resolved; None while nobody has looked at that since."""
    workers: tuple[tuple[str, int], ...]
    """Who has it, and how often, most often first."""
    trend: tuple[int, ...]
    """Occurrences in each of the last 24 hours, oldest first, the current hour last."""


class LogRecord(NamedTuple):
    run_id: int
    seq: int
    at: Micros
    stream: str
    level: str | None
    logger: str | None
    text: str


@dataclass(frozen=True, slots=True)
class GapRecord:
    id: int
    worker: str
    reason: str
    first_due_at: Micros
    last_due_at: Micros
    count: int
    detail: str
    run_id: int | None
    host_id: int


class CommandRecord(NamedTuple):
    id: int
    verb: str
    worker: str | None
    params: dict[str, Any]
    reason: str
    requested_at: Micros
    requested_by: str
    state: str
    """pending, done, refused or failed"""
    result: str | None
    data: Any
    run_id: int | None
    finished_at: Micros | None


class ActivityRecord(NamedTuple):
    """What happened in one minute, over all workers."""

    minute: Micros
    started: int
    succeeded: int
    failed: int
    other: int


class Totals(NamedTuple):
    """The same of some time."""

    started: int
    succeeded: int
    failed: int
    other: int
