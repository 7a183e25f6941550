"""From the code's registrations, and what the database knows of them, to the live workers of a host; and back."""

from workerkit.clock import Micros
from workerkit.failures import Redactor
from workerkit.outcome import Outcome, Trigger
from workerkit.registration import Registration
from workerkit.roster import LiveWorker, Run, remembered
from workerkit.schedule import period_of
from workerkit.store.operations import WorkerSpec
from workerkit.store.records import RunRecord, WorkerRecord


def spec_of(registration: Registration, now: Micros, redactor: Redactor) -> WorkerSpec:
    schedule = registration.schedule
    return WorkerSpec(
        name=registration.name,
        schedule=schedule.describe(),
        interval=period_of(schedule),
        timeout=registration.timeout,
        isolation=registration.isolation,
        tags=registration.tags,
        description=registration.description,
        source=registration.source,
        load_error=None if registration.load_error is None else redactor.text(registration.load_error),
        next_run_at=schedule.next_slot(registration.name, now),
        policy=registration.policy(),
    )


def live_worker(registration: Registration, record: WorkerRecord, state: str, redactor: Redactor) -> LiveWorker:
    return LiveWorker(
        registration,
        redactor,
        paused=record.paused,
        paused_by=record.paused_by or "",
        pause_reason=record.pause_reason or "",
        paused_until=record.paused_until,
        suspended=record.suspended_because or "",
        failing=record.consecutive_failures > 0 or record.last_outcome == Outcome.FAILED,
        failures_in_row=record.consecutive_failures,
        last_run_at=record.last_run_at or 0,
        next_run_at=record.next_run_at,
        covered_until=record.covered_until or 0,
        state=state,
        recent=tuple(remembered(outcome, duration) for outcome, duration in record.recent),
    )


def run_of(record: RunRecord) -> Run:
    return Run(
        id=record.id,
        worker=record.worker,
        attempt=record.attempt,
        trigger=Trigger(record.trigger),
        due_at=record.due_at,
        started_at=record.started_at,
        params=record.params or {},
    )
