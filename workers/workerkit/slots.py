"""Every due slot gets a verdict: a run, or a gap that says why not. Equal gaps in a row are one row with a count.

A slot that must wait, for the run in flight to end or for its turn among those that are caught up, has no verdict yet:
`covered_until` stays before it, so that the next host knows of it when this one dies.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from workerkit.clock import Clock, Micros, to_iso
from workerkit.outcome import GapReason, StopCause, Trigger
from workerkit.roster import LiveWorker, OpenGap, Refusal, Roster, Run, Slot
from workerkit.runner import Runner
from workerkit.schedule import format_duration
from workerkit.store.events import EventSink, SlotsMissed

Later = Callable[[float, Callable[[], None]], Any]
"""Calls something after so many seconds."""

CATCH_UP_STEP = 0.05
"""Seconds between two catch-up runs; 1,000 workers must not start in the same instant after a downtime."""
CATCH_UP_WINDOW = 60.0
"""Seconds within which all catch-up runs begin, however many there are."""

UNSEEN = (GapReason.OVERLOAD, "the host was too busy to look in time")
"""The verdict on a slot that passed while the scheduler was elsewhere."""


@dataclass(frozen=True, slots=True)
class _Open:
    """Slots without a verdict: the latest ones, oldest first, and those before them as first, last and count."""

    latest: tuple[Micros, ...]
    older: tuple[Micros, Micros, int] | None = None


class Slots:
    """Answers for the due slots of a roster's workers. Safe from any thread."""

    def __init__(self, roster: Roster, runner: Runner, writer: EventSink, clock: Clock, host_id: int) -> None:
        self._roster = roster
        self._runner = runner
        self._writer = writer
        self._clock = clock
        self._host_id = host_id
        runner.on_free = self._begin_waiting
        runner.on_unrecorded = self._unrecorded

    def look(self, name: str) -> None:
        """A slot has come: the latest one up to now gets its turn; those before it, which nobody looked at, a gap."""
        with self._roster.lock:
            live = self._roster[name]
            due_at, count = live.registration.schedule.last_slot(name, live.seen_until, self._clock.now())
            if due_at is None:
                return
            if count > 1:
                self._let_go(live, 0)
                self._miss_older(live, self._open(live, 1, due_at), *UNSEEN)
            self._arrive(live, due_at)

    def overdue(self, reason: GapReason, detail: str, later: Later) -> int:
        """After a downtime: as many catch-up runs as each worker wants, staggered, and a gap for the rest.

        Returns how many workers have something to catch up.
        """
        planned: list[LiveWorker] = []
        with self._roster.lock:
            for live in self._roster:
                wanted = live.registration.catch_up
                open_ = self._open(live, max(1, wanted))
                if open_.older:
                    self._let_go(live, 0)
                self._miss_older(live, open_, reason, detail)
                for due_at in open_.latest:
                    if self._caught_up(live, due_at):
                        live.waiting.append(Slot(Trigger.CATCH_UP, due_at, (reason, detail)))
                        self._let_go(live, wanted)
                    else:
                        self._let_go(live, 0)
                        self._miss(live, reason, detail, due_at, due_at, 1)
                if live.waiting:
                    planned.append(live)
        step = min(CATCH_UP_STEP, CATCH_UP_WINDOW / max(1, len(planned)))
        for place, live in enumerate(planned):
            later(place * step, partial(self._begin_waiting, live))
        return len(planned)

    def write_off(self, live: LiveWorker, reason: GapReason, detail: str, until: Micros | None = None) -> None:
        """Accounts for every open slot up to a moment, or up to now, without a catch-up run."""
        with self._roster.lock:
            open_ = self._open(live, 1, until)
            if open_.latest:
                self._let_go(live, 0)
            self._miss_older(live, open_, reason, detail)
            for due_at in open_.latest:
                self._miss(live, reason, detail, due_at, due_at, 1)

    def begin_anew(self, live: LiveWorker) -> None:
        """Takes everything up to now as accounted for: a new schedule, or a clock that was set back."""
        self._let_go(live, 0)
        live.covered_until = self._clock.now()

    def set_back(self) -> None:
        """The clock was set back: slots that had their verdict come once more, and all of them would be waited for.

        A schedule begins anew, but for one that has a single such slot: a nightly job is not run twice.
        """
        with self._roster.lock:
            now = self._clock.now()
            for live in self._roster:
                if live.registration.schedule.last_slot(live.name, now, live.covered_until)[1] > 1:
                    self.begin_anew(live)

    def _caught_up(self, live: LiveWorker, due_at: Micros) -> bool:
        """Whether a missed slot is to be run after all."""
        limit = live.registration.start_deadline
        return live.registration.catch_up > 0 and (limit is None or self._clock.now() - due_at <= limit)

    def _arrive(self, live: LiveWorker, due_at: Micros) -> None:
        """A slot that has come begins at once, or waits where its worker's policy lets it."""
        then = live.registration.overlap.then
        if not live.waiting and (then == "skip" or not live.busy):
            self._run(live, Trigger.SCHEDULE, due_at)
            return
        slot = Slot(Trigger.SCHEDULE, due_at, UNSEEN)
        catching_up = any(each.trigger is Trigger.CATCH_UP for each in live.waiting)
        if (running := live.running_run_id()) is not None and not catching_up:
            slot = replace(
                slot, otherwise=(GapReason.OVERLAP, f"run {running} was still running, then a later slot came")
            )
        live.waiting.append(slot)
        self._let_go(live, max(1, live.registration.catch_up) if catching_up else 1)
        if live.busy and then == "replace":
            self._runner.retries.drop(live)
            moment = to_iso(slot.due_at)
            self._runner.stops.cancel(live.name, StopCause.REPLACED, f"replaced by the slot of {moment}")
        self._begin_waiting(live)

    def _begin_waiting(self, live: LiveWorker) -> None:
        """Gives those that wait their turn, as far as there is room."""
        with self._roster.lock:
            while live.waiting and not live.busy and not self._runner.stopping:
                slot = live.waiting.pop(0)
                self._run(live, slot.trigger, slot.due_at)

    def _unrecorded(self, live: LiveWorker, run: Run, error: BaseException) -> None:
        if run.trigger is not Trigger.MANUAL and run.attempt == 1:
            why = f"its start could not be recorded: {error}"
            self._miss(live, GapReason.OVERLOAD, why, run.due_at, run.due_at, 1)

    def _let_go(self, live: LiveWorker, room: int) -> None:
        """Of those that wait the latest `room` stay; the others have waited in vain."""
        while len(live.waiting) > room:
            slot = live.waiting.pop(0)
            self._miss(live, *slot.otherwise, slot.due_at, slot.due_at, 1, live.running_run_id())

    def _run(self, live: LiveWorker, trigger: Trigger, due_at: Micros) -> None:
        late, limit = self._clock.now() - due_at, live.registration.start_deadline
        if limit is not None and late > limit:
            text = f"it could begin only {format_duration(late)} after it was due; its start deadline is "
            self._miss(live, GapReason.LATE, text + format_duration(limit), due_at, due_at, 1)
            return
        answer = self._runner.begin(live, trigger, due_at)
        if isinstance(answer, Refusal):
            reason = answer.reason or GapReason.OVERLOAD
            self._miss(live, reason, answer.text, due_at, due_at, 1, answer.run_id)

    def _open(self, live: LiveWorker, wanted: int, until: Micros | None = None) -> "_Open":
        """The latest `wanted` slots up to a moment, or up to now, that nobody has seen, and what lies before them."""
        schedule, name = live.registration.schedule, live.name
        slot, count = schedule.last_slot(name, live.seen_until, self._clock.now() if until is None else until)
        latest: list[Micros] = []
        while slot is not None and len(latest) < wanted:
            latest.insert(0, slot)
            slot, count = schedule.last_slot(name, live.seen_until, slot - 1) if count > 1 else (None, 0)
        if slot is None:
            return _Open(tuple(latest))
        first = schedule.next_slot(name, live.seen_until) or slot
        return _Open(tuple(latest), (first, slot, count))

    def _miss_older(self, live: LiveWorker, open_: "_Open", reason: GapReason, detail: str) -> None:
        if open_.older is None:
            return
        if live.suspended:
            reason, detail = GapReason.SUSPENDED, live.suspended
        elif live.paused:
            reason, detail = GapReason.PAUSED, live.pause_text()
        self._miss(live, reason, detail, *open_.older)

    def _miss(
        self,
        live: LiveWorker,
        reason: GapReason,
        detail: str,
        first: Micros,
        last: Micros,
        count: int,
        run_id: int | None = None,
    ) -> None:
        gap = live.gap
        if gap is not None and (gap.reason, gap.run_id) == (reason, run_id):
            gap.last, gap.count = last, gap.count + count
        else:
            gap = live.gap = OpenGap(self._roster.new_gap_id(), reason, run_id, first, last, count)
        live.covered_until = max(live.covered_until, last)
        live.next_run_at = live.registration.schedule.next_slot(live.name, self._clock.now())
        self._writer.submit(
            SlotsMissed(
                gap_id=gap.id,
                worker=live.name,
                reason=reason,
                first_due_at=gap.first,
                last_due_at=gap.last,
                slots=gap.count,
                detail=detail,
                host_id=self._host_id,
                run_id=run_id,
                next_run_at=live.next_run_at,
                covered_until=live.covered_until,
            )
        )
