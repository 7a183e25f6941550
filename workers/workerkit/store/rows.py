"""Rows into records: which columns, in the order of the record's fields, with JSON read on the way.

JSON that somebody broke reads as empty, so that one bad row never hides the others.
"""

from collections.abc import Sequence
from typing import Any

from workerkit.store import codec
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

HOST = (
    *("id", "hostname", "pid", "username", "mode", "version", "targets", "started_at", "heartbeat_at", "stopped_at"),
    *("ending", "recovered_runs", "notice"),
)
ACTIVITY = ("minute", "started", "succeeded", "failed", "other")
WORKER = (
    *("name", "status", "schedule", "interval_us", "timeout_us", "isolation", "tags", "description", "source"),
    *("load_error", "registered", "paused", "paused_at", "paused_by", "pause_reason"),
    *("paused_until", "suspended_at", "suspended_because"),
    *("success_count", "failure_count", "consecutive_failures", "last_run_at", "next_run_at", "last_outcome"),
    *("last_duration_us", "last_error", "running_run_id", "recent", "covered_until", "created_at", "change", "policy"),
)

_REGISTERED, _PAUSED, _POLICY = map(WORKER.index, ("registered", "paused", "policy"))

Values = Sequence[Any]
"""One row, its values in the order of the columns."""


def host(row: Values) -> HostRecord:
    values = list(row)
    values[6] = tuple(str(target) for target in codec.from_json(row[6], []))
    return HostRecord._make(values)


def worker(row: Values) -> WorkerRecord:
    values = list(row)
    values[6] = _tags(row[6])
    values[_REGISTERED], values[_PAUSED] = bool(row[_REGISTERED]), bool(row[_PAUSED])  # SQLite has only numbers
    values[_POLICY] = _policy(row[_POLICY])
    return WorkerRecord._make(values)


def run(row: Values) -> RunRecord:
    values = list(row)
    values[12] = None if row[12] is None else codec.from_json(row[12], {})
    values[14:16] = [f"{row[14]}:{row[15]}"]
    return RunRecord._make(values)


def failure(row: Values) -> FailureRecord:
    return FailureRecord._make([*row, row[0]])


def line(row: Values) -> LogRecord:
    return LogRecord._make(row)


def gap(row: Values) -> GapRecord:
    return GapRecord(*row)


def command(row: Values) -> CommandRecord:
    values = list(row)
    values[3] = codec.from_json(row[3], {})
    values[9] = codec.from_json(row[9], None)
    return CommandRecord._make(values)


def minute(row: Values) -> ActivityRecord:
    return ActivityRecord._make(row)


def _tags(text: str) -> tuple[str, ...]:
    return () if text == "[]" else tuple(str(tag) for tag in codec.from_json(text, []))


def _policy(text: str) -> dict[str, str]:
    if text == "{}":
        return {}
    found = codec.from_json(text, {})
    return {str(option): str(words) for option, words in found.items()} if isinstance(found, dict) else {}
