"""What the screens of failures ask the database, on the feed's thread: one failure with its group, or all groups."""

from dataclasses import dataclass
from typing import Protocol

from workerconsole.captures import Capture, read_capture
from workerconsole.differences import Comparison, compare
from workerconsole.traces import Trace, traces
from workerkit.clock import Micros
from workerkit.store.records import FailureGroupRecord, FailureRecord, RunRecord

MAX_GROUPS = 2_000
MAX_OCCURRENCES = 1_000
"""Of one group, so many of the latest can be walked through."""


class FailureReading(Protocol):
    """What the questions ask of a reader; workerkit's Reader is one."""

    def failure(self, run_id: int) -> FailureRecord | None: ...
    def run(self, run_id: int) -> RunRecord | None: ...
    def failure_group(self, fingerprint: str, now: Micros) -> FailureGroupRecord | None: ...
    def failure_groups(self, now: Micros, limit: int = 500) -> list[FailureGroupRecord]: ...
    def runs_of_group(self, fingerprint: str, limit: int = 1000) -> list[int]: ...


@dataclass(frozen=True, slots=True)
class Case:
    """One failure, and what is known of its fault."""

    failure: FailureRecord
    traces: tuple[Trace, ...]
    run: RunRecord | None
    """None where it has been pruned."""
    group: FailureGroupRecord | None
    newer: int | None
    """The run of the next failure of the group; None at the latest."""
    older: int | None
    place: int
    """1 is the latest of those that are kept."""
    kept: int
    comparison: Comparison | None
    """With the older one; None where there is none."""


class AboutFailure:
    """Asks for a run's failure; the answer is None where it is not kept. What can't change is read only once."""

    def __init__(self, run_id: int) -> None:
        self.run_id = run_id
        self._failure: FailureRecord | None = None
        self._traces: tuple[Trace, ...] = ()
        self._capture = Capture()
        self._compared: Comparison | None = None
        self._compared_with: int | None = None

    def __call__(self, reader: FailureReading, now: Micros) -> Case | None:
        failure = self._failure = self._failure or reader.failure(self.run_id)
        if failure is None:
            return None
        if not self._traces:
            self._capture = read_capture(failure.capture)
            self._traces = traces(self._capture, failure.error)
        order = reader.runs_of_group(failure.fingerprint, MAX_OCCURRENCES)
        place = order.index(self.run_id) if self.run_id in order else 0
        around = [*order[place : place + 2], None, None] if self.run_id in order else [None, None]
        older = around[1]
        return Case(
            failure,
            self._traces,
            run=reader.run(self.run_id),
            group=reader.failure_group(failure.fingerprint, now),
            newer=order[place - 1] if place > 0 else None,
            older=older,
            place=place + 1,
            kept=max(1, len(order)),
            comparison=self._compare(reader, failure, older),
        )

    def _compare(self, reader: FailureReading, failure: FailureRecord, older: int | None) -> Comparison | None:
        """With the capture that the older one shows; there is nothing to compare of a failure that was only counted."""
        if older is None or failure.capture_of != failure.run_id:
            return None
        if self._compared_with != older:
            before = reader.failure(older)
            self._compared_with = older
            self._compared = None
            if before is not None and before.capture_of < failure.run_id:
                self._compared = compare(read_capture(before.capture), self._capture, before.capture_of)
        return self._compared


class AllGroups:
    """Asks for the groups, the latest seen first."""

    def __call__(self, reader: FailureReading, now: Micros) -> tuple[FailureGroupRecord, ...]:
        return tuple(reader.failure_groups(now, MAX_GROUPS))
