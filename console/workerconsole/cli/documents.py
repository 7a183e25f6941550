"""Records as the JSON documents that the command line gives out: stable keys, ISO 8601 UTC times, seconds."""

from typing import TYPE_CHECKING, Any

from workerkit.clock import Micros, seconds, to_iso
from workerkit.outcome import Status
from workerkit.store.records import (
    CommandRecord,
    FailureGroupRecord,
    FailureRecord,
    GapRecord,
    HostRecord,
    LogRecord,
    RunRecord,
    Totals,
    WorkerRecord,
)

if TYPE_CHECKING:
    from workerconsole.verdicts import Verdict
    from workerconsole.why import Statement

Document = dict[str, Any]


def moment(value: Micros | None) -> str | None:
    return None if value is None else to_iso(value)


def span(value: Micros | None) -> float | None:
    return None if value is None else seconds(value)


def worker(record: WorkerRecord) -> Document:
    return {
        "name": record.name,
        "status": record.status,
        "schedule": record.schedule,
        "interval_seconds": span(record.interval),
        "isolation": record.isolation,
        "tags": list(record.tags),
        "policy": dict(record.policy),
        "paused_at": moment(record.paused_at),
        "paused_until": moment(record.paused_until),
        "paused_by": record.paused_by,
        "pause_reason": record.pause_reason,
        "suspended_at": moment(record.suspended_at),
        "suspended_because": record.suspended_because,
        "success_count": record.success_count,
        "failure_count": record.failure_count,
        "consecutive_failures": record.consecutive_failures,
        "last_run_at": moment(record.last_run_at),
        "next_run_at": moment(record.next_run_at),
        "last_outcome": record.last_outcome,
        "last_duration_seconds": span(record.last_duration),
        "last_error": record.last_error,
    }


def run(record: RunRecord) -> Document:
    return {
        "id": record.id,
        "worker": record.worker,
        "attempt": record.attempt,
        "trigger": record.trigger,
        "due_at": moment(record.due_at),
        "started_at": moment(record.started_at),
        "finished_at": moment(record.finished_at),
        "outcome": record.outcome,
        "kind": record.kind,
        "duration_seconds": span(record.duration),
        "error": record.error,
        "summary": record.summary,
        "retry_at": moment(record.retry_at),
        "host": record.host,
    }


def failure(record: FailureRecord) -> Document:
    from workerkit.failures.text import plain

    return {
        "run_id": record.run_id,
        "worker": record.worker,
        "at": moment(record.at),
        "kind": record.kind,
        "error": record.error,
        "fingerprint": record.fingerprint,
        "traceback": plain(record.capture),
        "capture": record.capture,
        "capture_of": record.capture_of,
    }


def group(record: FailureGroupRecord) -> Document:
    return {
        "fingerprint": record.fingerprint,
        "state": record.state,
        "kind": record.kind,
        "title": record.title,
        "count": record.count,
        "first_seen_at": moment(record.first_seen_at),
        "last_seen_at": moment(record.last_seen_at),
        "first_run_id": record.first_run_id,
        "last_run_id": record.last_run_id,
        "workers": [{"worker": name, "count": count} for name, count in record.workers],
        "trend": list(record.trend),
        "parts": list(record.parts),
        "note": record.note,
        "state_by": record.state_by,
        "state_at": moment(record.state_at),
        "snoozed_until": moment(record.snoozed_until),
        "regressed_at": moment(record.regressed_at),
    }


def host(record: HostRecord) -> Document:
    return {
        "id": record.id,
        "hostname": record.hostname,
        "pid": record.pid,
        "username": record.username,
        "mode": record.mode,
        "version": record.version,
        "targets": list(record.targets),
        "started_at": moment(record.started_at),
        "heartbeat_at": moment(record.heartbeat_at),
        "recovered_runs": record.recovered_runs,
        "notice": record.notice,
    }


def counts(by_status: dict[str, int]) -> Document:
    """Every status, also those that no worker is in."""
    return {status: by_status.get(status, 0) for status in (*Status, *sorted(by_status.keys() - set(Status)))}


def totals(record: Totals) -> Document:
    return {
        "started": record.started,
        "succeeded": record.succeeded,
        "failed": record.failed,
        "other": record.other,
    }


def log_line(record: LogRecord) -> Document:
    return {
        "run_id": record.run_id,
        "seq": record.seq,
        "at": moment(record.at),
        "stream": record.stream,
        "level": record.level,
        "logger": record.logger,
        "text": record.text,
    }


def gap(record: GapRecord) -> Document:
    return {
        "id": record.id,
        "worker": record.worker,
        "reason": record.reason,
        "first_due_at": moment(record.first_due_at),
        "last_due_at": moment(record.last_due_at),
        "count": record.count,
        "detail": record.detail,
        "run_id": record.run_id,
    }


def statement(record: "Statement") -> Document:
    return {"topic": record.topic.value, "tone": record.tone, "text": record.text}


def verdict(record: "Verdict") -> Document:
    return {
        "first_due_at": moment(record.first),
        "last_due_at": moment(record.last),
        "count": record.count,
        "verdict": record.verdict,
        "run_id": record.run_id,
        "outcome": record.outcome,
        "late_seconds": span(record.late),
        "text": record.text,
    }


def asked(record: CommandRecord) -> Document:
    """A command with all that is known of it."""
    return {
        **command(record),
        "params": record.params,
        "reason": record.reason,
        "requested_at": moment(record.requested_at),
        "requested_by": record.requested_by,
        "finished_at": moment(record.finished_at),
    }


def command(record: CommandRecord) -> Document:
    return {
        "id": record.id,
        "verb": record.verb,
        "worker": record.worker,
        "state": record.state,
        "result": record.result,
        "run_id": record.run_id,
    }
