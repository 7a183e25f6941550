"""What the screen draws: frozen pictures of the database, made by the feed, never changed afterwards."""

from collections.abc import Mapping
from dataclasses import dataclass

from workerkit.clock import Micros
from workerkit.store.records import (
    ActivityRecord,
    CommandRecord,
    FailureRecord,
    GapRecord,
    HostRecord,
    LogRecord,
    RunRecord,
    WorkerRecord,
)


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """The database as one tick of the feed saw it. Two are the same only where they are one: workers are thousands."""

    taken_at: Micros
    host: HostRecord | None
    """The latest host; whether it lives is `host_alive`."""
    host_alive: bool
    workers: Mapping[str, WorkerRecord]
    statuses: Mapping[str, int]
    """How many of them have which status."""
    changed: frozenset[str]
    """Names whose record differs from the snapshot before, added ones included."""
    activity: tuple[ActivityRecord, ...]
    """The last hour, one record a minute that had any, oldest first."""
    trouble: str | None = None
    """Why the database could not be read, in words for the operator."""


@dataclass(frozen=True, slots=True)
class WorkerDetail:
    """All that the detail pane shows of one worker."""

    worker: WorkerRecord
    runs: tuple[RunRecord, ...]
    """Latest first, at most 100."""
    failures: tuple[FailureRecord, ...]
    """Latest first, at most 20."""
    logs: tuple[LogRecord, ...]
    """Oldest first, the latest at most 500 of the latest runs."""
    gaps: tuple[GapRecord, ...]
    """Latest first, at most 20."""
    commands: tuple[CommandRecord, ...]
    """What operators did to it, latest first, at most 20."""
    stack: CommandRecord | None
    """The latest answer to a `stack` command, if any."""
