"""How a worker stands, in the words at the head of its overview."""

from workerconsole import attempts
from workerconsole import format as fmt
from workerconsole.snapshot import WorkerDetail
from workerconsole.text import clean
from workerkit.clock import SECOND, Micros
from workerkit.outcome import Status
from workerkit.store.records import RunRecord, WorkerRecord

MUTED = "$text-muted"
LATE = 3 * SECOND
"""A slot that has waited this long is worth saying so."""

Words = list[tuple[str, str]]
"""Pieces of text and their styles."""


def status_words(detail: WorkerDetail, run: RunRecord | None, now: Micros) -> Words:
    """What the worker is doing; `run` is the one in flight, if there is one."""
    worker = detail.worker
    words = _retrying_words(detail, now) if worker.status == Status.RETRYING else _words(worker, run, now)
    if run is not None and (more := _beside(detail, run)):
        words.append((more, ""))
    return words


def pause_words(worker: WorkerRecord, now: Micros) -> Words:
    """Who paused it, when, until when and why."""
    by = f" by {clean(worker.paused_by, 80)}" if worker.paused_by else ""
    when = f" {fmt.ago(worker.paused_at, now)}" if worker.paused_at is not None else ""
    end = f", until {fmt.when(worker.paused_until, now)}" if worker.paused_until is not None else ""
    why = f": {clean(worker.pause_reason, 300)}" if worker.pause_reason else ""
    after = "no run starts after this one" if worker.status == Status.RUNNING else "p resumes it"
    return [("paused", fmt.status_style(Status.PAUSED)), (f"{by}{when}{end}{why}", ""), (f" · {after}", MUTED)]


def _words(worker: WorkerRecord, run: RunRecord | None, now: Micros) -> Words:
    style = fmt.status_style(worker.status)
    last = fmt.ago(worker.last_run_at, now, calm=True)
    if worker.status == Status.BROKEN:
        return [("broken", style), (": its module failed to load; the reason is below", "")]
    if worker.status == Status.UNREGISTERED:
        return [("unregistered", style), (": not in the code that the host loaded; its history is kept", "")]
    if worker.status == Status.STUCK:
        limit = f" ({fmt.duration(worker.timeout)})" if worker.timeout else ""
        tail = f": its run passed its timeout{limit} and still holds its thread; press b to see where it stands"
        return [("stuck", style), (tail, "")]
    if worker.status == Status.RUNNING:
        if run is None:
            return [("running", style)]
        trigger = "" if run.trigger == "schedule" else f", {clean(run.trigger, 20)}"
        return [("running", style), (f" for {fmt.duration(max(0, now - run.started_at))} (run {run.id}{trigger})", "")]
    if worker.status == Status.FAILED:
        times = worker.consecutive_failures
        often = f" {times:,} times in a row, last {last}" if times > 1 else f" {last}"
        return [("failed", style), (often, "")]
    if worker.status == Status.PAUSED:
        return pause_words(worker, now)
    if worker.status == Status.SUSPENDED:
        return suspension_words(worker, now)
    if worker.last_run_at is None and worker.status == Status.IDLE:
        coming = f"; next run {next_words(worker, now)}" if worker.next_run_at is not None else ""
        return [("never ran yet", style), (f"{coming}; press r to run it now", "")]
    outcome = f", last run {clean(worker.last_outcome, 20)} {last}" if worker.last_outcome else ""
    return [(clean(worker.status, 20), style), (outcome, "")]


def suspension_words(worker: WorkerRecord, now: Micros) -> Words:
    """Since when it is suspended, and why."""
    when = f" {fmt.ago(worker.suspended_at, now)}" if worker.suspended_at is not None else ""
    why = f": {clean(worker.suspended_because, 300)}"
    after = "no slot of it runs · p resumes it, r runs it once"
    return [("suspended", fmt.status_style(Status.SUSPENDED)), (f"{when}{why}", ""), (f" · {after}", MUTED)]


def _retrying_words(detail: WorkerDetail, now: Micros) -> Words:
    words = [("retrying", fmt.status_style(Status.RETRYING))]
    waiting = attempts.awaited(detail.runs)
    if waiting:
        run = waiting[0]
        at = fmt.until(run.retry_at, now, calm=True)
        words.append((f": {attempts.ordinal(detail.worker, run.attempt + 1)} {at}, run {run.id} failed", ""))
    return [*words, (" · r begins it now, x gives it up", MUTED)]


def _beside(detail: WorkerDetail, run: RunRecord) -> str:
    """What is on its way besides this run, where a policy lets several overlap."""
    others = [other.id for other in detail.runs if other.finished_at is None and other.id != run.id]
    if not others:
        return ""
    named = ", ".join(str(number) for number in others[:3]) + (", …" if len(others) > 3 else "")
    return f", and {fmt.plural(len(others), 'more run')} ({named})"


def next_words(worker: WorkerRecord, now: Micros) -> str:
    """When it is due next, or since when it is."""
    late = now - worker.next_run_at if worker.next_run_at is not None else 0
    return (
        f"was due {fmt.ago(worker.next_run_at, now)}" if late > LATE else fmt.until(worker.next_run_at, now, calm=True)
    )
