"""What became of a worker's slots: each ran, on time or late, or there is a reason why not.

Pure functions of records and the time; all text in them is displayable.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from workerconsole import attempts
from workerconsole import format as fmt
from workerconsole.text import clean
from workerkit.clock import SECOND, Micros
from workerkit.outcome import GapReason, Outcome, Trigger
from workerkit.store.records import GapRecord, HostRecord, RunRecord, WorkerRecord

ON_TIME: Micros = SECOND
"""A run that begins within so long of its slot is on time."""
MOST_SLOTS = 20

RAN_ON_TIME, RAN_LATE, CAUGHT_UP, BY_HAND = "on time", "ran late", "caught up", "by hand"
"""What is said of a slot that has a run; of any other the reason of its gap."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a slot, or of several in a row that met the same."""

    first: Micros
    last: Micros
    count: int
    verdict: str
    """One of the words above, or why there is no run."""
    text: str
    run_id: int | None = None
    outcome: str | None = None
    """Of the run; None for one in flight, and where there is none."""
    late: Micros = 0

    @property
    def ran(self) -> bool:
        """Whether there is a run."""
        return self.verdict in (RAN_ON_TIME, RAN_LATE, CAUGHT_UP, BY_HAND)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a worker and its host."""

    worker: WorkerRecord
    runs: tuple[RunRecord, ...]
    """Latest first."""
    gaps: tuple[GapRecord, ...]
    """Latest first."""
    host: HostRecord | None
    host_alive: bool

    @property
    def in_flight(self) -> list[RunRecord]:
        """Oldest first. Without a host nothing runs, whatever the last one left on record."""
        return [run for run in reversed(self.runs) if run.finished_at is None] if self.host_alive else []


def verdicts(evidence: Evidence, now: Micros, limit: int = MOST_SLOTS) -> list[Verdict]:
    """What became of the latest slots, latest first. Runs by hand are among them; attempts of one slot are one."""
    found = [*_of_runs(evidence, now), *_of_gaps(evidence, now)]
    found.sort(key=lambda verdict: verdict.last, reverse=True)
    return found[:limit]


def _of_runs(evidence: Evidence, now: Micros) -> Iterator[Verdict]:
    occurrences: dict[tuple[Micros, str], list[RunRecord]] = {}
    for run in evidence.runs:
        occurrences.setdefault((run.due_at, run.trigger), []).append(run)
    for (due_at, trigger), found in occurrences.items():
        last, first = found[0], found[-1]
        late = max(0, first.started_at - due_at) if first.attempt == 1 else 0
        text = f"run {last.id} " + ("is in flight" if last.finished_at is None else ended(last))
        if last.attempt > 1:
            text = f"{attempts.ordinal(evidence.worker, last.attempt)}, {text}"
        elif last.retry_at is not None and last.retry_at > now:
            text = f"{attempts.ordinal(evidence.worker, 2)} follows {fmt.until(last.retry_at, now)}, {text}"
        if trigger == Trigger.MANUAL:
            word, late = BY_HAND, 0
        elif trigger == Trigger.CATCH_UP:
            word = CAUGHT_UP
        else:
            word = RAN_ON_TIME if late < ON_TIME else RAN_LATE
        if late >= ON_TIME:
            text = f"{fmt.duration(late)} late, {text}"
        yield Verdict(due_at, due_at, 1, word, text, last.id, last.outcome, late)


def _of_gaps(evidence: Evidence, now: Micros) -> Iterator[Verdict]:
    for gap in evidence.gaps:
        text = cause(gap, evidence.runs, now)
        yield Verdict(gap.first_due_at, gap.last_due_at, gap.count, clean(gap.reason, 20), text, gap.run_id)


def when(verdict: Verdict, now: Micros) -> str:
    """The slot, or the first and the last of several."""
    first, last = fmt.clock_time(verdict.first, now), fmt.clock_time(verdict.last, now)
    if first == last:
        return last
    # The same day needs no second mention.
    return f"{first}–{last[-8:] if first[:-8] == last[:-8] else last}"


def cause(gap: GapRecord, runs: Sequence[RunRecord], now: Micros) -> str:
    """Why these slots have no run, in words."""
    detail = fmt.localised(clean(gap.detail, 300), now).rstrip(".")
    if gap.reason in (GapReason.OVERLAP, GapReason.RETRYING) and gap.run_id is not None:
        return _in_the_way(gap, next((run for run in runs if run.id == gap.run_id), None), now) or detail
    prefix = {GapReason.PAUSED.value: "it was ", GapReason.SUSPENDED.value: "it was suspended: "}.get(gap.reason, "")
    return f"{prefix}{detail}" if detail else _PLAIN.get(gap.reason, clean(gap.reason, 60))


_PLAIN = {
    GapReason.PAUSED.value: "it was paused",
    GapReason.SUSPENDED.value: "it was suspended",
    GapReason.OVERLAP.value: "it was still running",
    GapReason.RETRYING.value: "an earlier run was to be tried again",
    GapReason.LATE.value: "it could not begin within its start deadline",
    GapReason.HOST_DOWN.value: "no host was alive",
    GapReason.CLOCK_STEP.value: "the machine's clock was set, or it slept",
    GapReason.OVERLOAD.value: "the host was overloaded",
    GapReason.STOPPING.value: "the host was stopping",
    GapReason.UNREGISTERED.value: "no host had it among its workers",
}


def _in_the_way(gap: GapRecord, run: RunRecord | None, now: Micros) -> str:
    """Which run had the worker's place, and for how long."""
    if run is None:
        return ""
    if gap.reason == GapReason.RETRYING:
        again = f" {fmt.at(run.retry_at, now)}" if run.retry_at is not None else ""
        return f"run {run.id} had failed and was to be tried again{again}"
    begun = fmt.when(run.started_at, now)
    if run.finished_at is None:
        return f"run {run.id} has been running since {begun}, for {fmt.duration(max(0, now - run.started_at))}"
    if run.finished_at < gap.first_due_at:
        return f"run {run.id} was recorded as {_word(run)} {fmt.at(run.finished_at, now)}, but still held its thread"
    took = fmt.duration(run.finished_at - run.started_at)
    return f"run {run.id} was still running, from {begun} to {fmt.when(run.finished_at, now)} ({took})"


def _word(run: RunRecord) -> str:
    return clean(run.kind if run.kind in ("timeout", "crash", "panic") else run.outcome, 20)


def ended(run: RunRecord) -> str:
    """How a run ended, after how long."""
    after = f" after {fmt.duration(run.duration)}" if run.duration is not None else ""
    if run.outcome == Outcome.FAILED:
        return f"failed{after}: {error_of(run)}"
    if run.outcome == Outcome.CANCELLED:
        return f"was cancelled{after}" + (f": {clean(run.summary, 200)}" if run.summary else "")
    if run.outcome == Outcome.INTERRUPTED:
        return f"was interrupted{after}: the host was stopped"
    return f"{clean(run.outcome, 20)}{after}"


def error_of(run: RunRecord) -> str:
    """Why it failed, in one line without a full stop."""
    return clean(run.error or "it does not say why", 300).rstrip(".")
