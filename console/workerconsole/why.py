"""Why a worker runs, or does not: what the database knows of it, as statements in plain words with times and causes.

Pure functions of records and the time; the command line and the screen draw them. All text in them is displayable.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from workerconsole import attempts
from workerconsole import format as fmt
from workerconsole.schedules import first_slot_from, what_a_pause_costs
from workerconsole.text import clean
from workerconsole.usual import is_slow, usual
from workerconsole.verdicts import ON_TIME, Evidence, cause, ended, error_of
from workerkit.clock import SECOND, Micros
from workerkit.outcome import Outcome, Status, Trigger
from workerkit.store.records import HostRecord, RunRecord, WorkerRecord

OVERDUE: Micros = 3 * SECOND
"""A slot that has waited so long for its verdict is worth a word."""
MOST_GAPS = 2
MOST_IN_FLIGHT = 3
ENOUGH = 3
"""Scheduled runs from which on there is something to be said of how late they usually are."""
WAITED: Micros = SECOND // 10
"""Waiting for a thread for less is nothing to speak of."""

Tone = Literal["calm", "good", "busy", "warning", "bad"]


class Topic(StrEnum):
    """What a statement is about, in the order in which they come."""

    NOW = "now"
    LAST = "last run"
    MISSED = "missed"
    NEXT = "next"
    PACE = "usually"


@dataclass(frozen=True, slots=True)
class Statement:
    """One or two sentences."""

    topic: Topic
    text: str
    tone: Tone = "calm"


def statements(evidence: Evidence, now: Micros) -> list[Statement]:
    """All there is to say, in the order of the topics."""
    return [
        *_now(evidence, now),
        *_last(evidence, now),
        *_missed(evidence, now),
        *_next(evidence, now),
        *_pace(evidence),
    ]


# What it is doing


def _now(evidence: Evidence, now: Micros) -> Iterator[Statement]:
    worker = evidence.worker
    if worker.load_error is not None:
        error = clean(worker.load_error.strip().rpartition("\n")[2], 300)
        yield Statement(
            Topic.NOW, f"It is broken: its code failed to load: {error}. Mend it, then restart the host.", "bad"
        )
        return
    if not worker.registered:
        text = (
            "It is not in the code that the host loaded; its history is kept. "
            f"If it has another name now, give that worker aliases=['{clean(worker.name, 64)}']."
        )
        yield Statement(Topic.NOW, text, "warning")
        return
    if not evidence.host_alive:
        yield Statement(Topic.NOW, _without_host(evidence.host, now), "bad")
        for run in attempts.awaited(evidence.runs)[:1] if worker.status == Status.RETRYING else []:
            owed = attempts.ordinal(worker, run.attempt + 1)
            yield Statement(Topic.NOW, f"Run {run.id} failed; the next host begins {owed}.", "warning")
    if worker.suspended_because is not None:
        since = f" since {fmt.when(worker.suspended_at, now)}" if worker.suspended_at is not None else ""
        text = f"It is suspended{since}: {clean(worker.suspended_because, 300)}."
        yield Statement(Topic.NOW, text, "bad")
    if worker.paused:
        yield Statement(Topic.NOW, _paused(worker, now), "warning")
    if evidence.host_alive:
        yield from _doing(evidence, now)


def _doing(evidence: Evidence, now: Micros) -> Iterator[Statement]:
    worker, running = evidence.worker, evidence.in_flight
    for run in running[:MOST_IN_FLIGHT]:
        yield Statement(Topic.NOW, _running(worker, run, now), "busy")
    if len(running) > MOST_IN_FLIGHT:
        more = len(running) - MOST_IN_FLIGHT
        yield Statement(
            Topic.NOW, f"{fmt.plural(more, 'more run')} of it {'is' if more == 1 else 'are'} in flight.", "busy"
        )
    if worker.status == Status.STUCK:
        limit = f" of {fmt.duration(worker.timeout)}" if worker.timeout else ""
        text = f"It is stuck: its run passed its timeout{limit}, was recorded as failed, and still holds its thread."
        yield Statement(Topic.NOW, text, "bad")
    waiting = attempts.awaited(evidence.runs) if worker.status in (Status.RETRYING, Status.RUNNING) else []
    for run in waiting[:MOST_IN_FLIGHT]:
        follows = f"{attempts.ordinal(worker, run.attempt + 1)} follows {fmt.at(run.retry_at, now)}"
        text = f"Run {run.id} failed, and {follows}, {fmt.until(run.retry_at, now)}: {error_of(run)}."
        yield Statement(Topic.NOW, text, "warning")
    if not running and not waiting and worker.status in (Status.IDLE, Status.FAILED):
        what = "its next slot" if worker.next_run_at is not None else "somebody to run it"
        yield Statement(Topic.NOW, f"It is not running; it waits for {what}.")


def _without_host(host: HostRecord | None, now: Micros) -> str:
    remedy = "Start one with `workerconsole serve`."
    if host is None:
        return f"No host has ever lived on this database, so nothing starts. {remedy}"
    where = clean(f"{host.hostname}:{host.pid}", 60)
    if host.stopped_at is not None and host.ending == "stopped":
        end = f"was stopped {fmt.at(host.stopped_at, now)}, {fmt.ago(host.stopped_at, now)}"
    else:
        end = f"died; it was last seen {fmt.at(host.heartbeat_at, now)}, {fmt.ago(host.heartbeat_at, now)}"
    return f"No host is alive, so nothing starts: the last one ({where}) {end}. {remedy}"


def _paused(worker: WorkerRecord, now: Micros) -> str:
    since = f" since {fmt.when(worker.paused_at, now)}" if worker.paused_at is not None else ""
    by = f" by {clean(worker.paused_by, 80)}" if worker.paused_by else ""
    end = f" until {fmt.when(worker.paused_until, now)}" if worker.paused_until is not None else ""
    why = f": {clean(worker.pause_reason, 300)}" if worker.pause_reason else ""
    return f"It is paused{by}{since}{end}{why}."


def _running(worker: WorkerRecord, run: RunRecord, now: Micros) -> str:
    begun = {Trigger.MANUAL.value: "by hand", Trigger.CATCH_UP.value: "to make up for a missed slot"}
    attempt = f", {attempts.ordinal(worker, run.attempt)}" if run.attempt > 1 else ""
    age = fmt.duration(max(0, now - run.started_at))
    text = (
        f"It is running: run {run.id} began {fmt.at(run.started_at, now)} "
        f"{begun.get(run.trigger, 'for its slot')}{attempt}, {age} ago."
    )
    if is_slow(worker, now) and (known := usual(worker.recent)) is not None:
        text += (
            f" That is long: it usually takes {fmt.duration(known.p50)}, rarely more than {fmt.duration(known.p95)}."
        )
    if run.progress_done is not None:
        total = f" of {run.progress_total:,}" if run.progress_total else ""
        note = f", {clean(run.progress_note, 120)}" if run.progress_note else ""
        text += f" It says: {run.progress_done:,}{total}{note}."
    return text


# How its last run ended


def _last(evidence: Evidence, now: Micros) -> Iterator[Statement]:
    worker = evidence.worker
    run = next((run for run in evidence.runs if run.finished_at is not None), None)
    if run is None:
        if worker.last_run_at is None:
            yield Statement(Topic.LAST, "It has never run.")
        elif not evidence.in_flight:
            yield Statement(Topic.LAST, f"It last ran {fmt.at(worker.last_run_at, now)}; that run is no longer kept.")
        return
    text = f"Run {run.id} {_begun(run, now)} and {ended(run)}."
    failed = run.outcome == Outcome.FAILED
    if failed and worker.consecutive_failures > 1:
        text += f" It has failed {worker.consecutive_failures:,} times in a row."
    tones: dict[str | None, Tone] = {Outcome.SUCCEEDED: "good", Outcome.FAILED: "bad"}
    yield Statement(Topic.LAST, text, tones.get(run.outcome, "warning"))


def _begun(run: RunRecord, now: Micros) -> str:
    at = fmt.at(run.started_at, now)
    if run.trigger == Trigger.MANUAL:
        return f"was begun by hand {at}"
    due = fmt.when(run.due_at, now)
    if run.attempt > 1:
        return f"began {at}, as attempt {run.attempt} for the slot of {due},"
    late = run.started_at - run.due_at
    if run.trigger == Trigger.CATCH_UP:
        return f"made up for the slot of {due} {at}"
    return f"began on time {at}" if late < ON_TIME else f"began {at}, {fmt.duration(late)} after it was due,"


# Why slots did not run


def _missed(evidence: Evidence, now: Micros) -> Iterator[Statement]:
    for gap in evidence.gaps[:MOST_GAPS]:
        if gap.count == 1 or gap.first_due_at == gap.last_due_at:
            slots = f"The slot of {fmt.when(gap.last_due_at, now)}"
        else:
            slots = f"{gap.count:,} slots from {fmt.when(gap.first_due_at, now)} to {fmt.when(gap.last_due_at, now)}"
        yield Statement(Topic.MISSED, f"{slots} did not run: {cause(gap, evidence.runs, now)}.")
    if not evidence.gaps and (evidence.worker.next_run_at is not None or evidence.runs):
        yield Statement(Topic.MISSED, "No slot of it was missed, as far back as the records go.", "good")


# When it is due, and what could stop it


def _next(evidence: Evidence, now: Micros) -> Iterator[Statement]:
    worker = evidence.worker
    if worker.load_error is not None or not worker.registered:
        return
    if worker.suspended_because is not None or (worker.paused and worker.paused_until is None):
        yield Statement(Topic.NEXT, "No slot of it runs until somebody resumes it; it can be run by hand.", "warning")
    elif worker.paused:
        yield Statement(Topic.NEXT, _after_the_pause(worker, now), "warning")
    elif worker.next_run_at is None:
        manual = worker.schedule == "manual"
        why = "It has no schedule" if manual else f"Its schedule ({clean(worker.schedule, 100)}) has no further slot"
        yield Statement(Topic.NEXT, f"{why}: it runs when somebody asks.")
    elif not evidence.host_alive:
        due = fmt.at(worker.next_run_at, now)
        passed = "was due" if worker.next_run_at <= now else "would be due"
        yield Statement(Topic.NEXT, f"It {passed} {due}, but no host is alive to start it.", "bad")
    else:
        yield from _due(evidence, worker.next_run_at, now)


def _after_the_pause(worker: WorkerRecord, now: Micros) -> str:
    end = worker.paused_until or now
    text = f"It resumes by itself {fmt.at(end, now)}, {fmt.until(end, now)}."
    slot = first_slot_from(worker, end)
    if slot is None:
        return text
    return f"{text} Its first slot then is {fmt.at(slot, now)}. {what_a_pause_costs([worker], now, end)}"


def _due(evidence: Evidence, due_at: Micros, now: Micros) -> Iterator[Statement]:
    worker = evidence.worker
    late = now - due_at
    if late > OVERDUE:
        holds = "its turn comes after the run in flight" if evidence.in_flight else "the host has not come to it yet"
        text = f"It was due {fmt.at(due_at, now)}, {fmt.duration(late)} ago: {holds}."
        yield Statement(Topic.NEXT, text, "warning")
        return
    text = f"It is due {fmt.at(due_at, now)}, {fmt.until(due_at, now)} ({clean(worker.schedule, 100)})."
    yield Statement(Topic.NEXT, f"{text}{_what_could_stop_it(evidence)}")


def _what_could_stop_it(evidence: Evidence) -> str:
    worker, overlap = evidence.worker, evidence.worker.policy.get("overlap", "")
    if overlap.startswith("up to "):
        return ""
    if worker.status == Status.RETRYING:
        return " Slots that come before the last attempt has ended are missed."
    if worker.status == Status.STUCK:
        return " While its thread does not come back, its slots are missed."
    if not evidence.in_flight:
        return ""
    run = f"run {evidence.in_flight[0].id}"
    if overlap.startswith("queue"):
        return f" If {run} still runs then, the slot waits for its end."
    if overlap.startswith("stop"):
        return f" If {run} still runs then, it is asked to stop."
    return f" If {run} still runs then, the slot is missed."


# How late its runs usually are


def _pace(evidence: Evidence) -> Iterator[Statement]:
    runs = [run for run in evidence.runs if run.trigger == Trigger.SCHEDULE and run.attempt == 1]
    if len(runs) < ENOUGH:
        return
    late = sorted(max(0, run.started_at - run.due_at) for run in runs)
    middle, worst = late[len(late) // 2], late[-1]
    tone: Tone = "warning" if middle >= ON_TIME else "calm"
    if worst < ON_TIME:
        text = f"Its last {len(runs):,} scheduled runs began within {fmt.duration(max(1000, worst))} of their slots."
    else:
        text = (
            f"Of its last {len(runs):,} scheduled runs half began within {fmt.duration(max(1000, middle))} of their "
            f"slots; the latest began {fmt.duration(worst)} after it."
        )
    waits = [wait for run in runs if (wait := _waited(run)) is not None]
    if waits and max(waits) >= WAITED:
        text += f" Then they waited for {_place(evidence.worker)}: {fmt.duration(max(waits))} at most."
        tone = "warning"
    yield Statement(Topic.PACE, text, tone)


def _waited(run: RunRecord) -> Micros | None:
    """Between the record of its start and its first line of code."""
    if run.finished_at is None or not run.duration or run.kind in ("timeout", "crash"):
        return None
    return max(0, run.finished_at - run.duration - run.started_at)


def _place(worker: WorkerRecord) -> str:
    return {"async": "a turn of the event loop", "process": "their process"}.get(worker.isolation, "a free thread")
