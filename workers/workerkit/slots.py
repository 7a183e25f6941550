"""Every due slot gets a verdict: a run, or a gap that says why not. Equal gaps in a row are one row with a count."""

from collections.abc import Callable
from functools import partial
from typing import Any

from workerkit.clock import Clock, Micros
from workerkit.outcome import GapReason, Trigger
from workerkit.roster import LiveWorker, OpenGap, Roster
from workerkit.runner import EventSink, Refusal, Runner
from workerkit.store.events import SlotsMissed

Later = Callable[[float, Callable[[], None]], Any]
"""Calls something after so many seconds."""

CATCH_UP_STEP = 0.05
"""Seconds between two catch-up runs; 1,000 workers must not start in the same instant after a downtime."""
CATCH_UP_WINDOW = 60.0
"""Seconds within which all catch-up runs begin, however many there are."""

UNSEEN = (GapReason.OVERLOAD, "the host was too busy to look in time")
"""The verdict on a slot that passed while the scheduler was elsewhere."""


class Slots:
    """Answers for the due slots of a roster's workers. Safe from any thread."""

    def __init__(self, roster: Roster, runner: Runner, writer: EventSink, clock: Clock, host_id: int) -> None:
        self._roster = roster
        self._runner = runner
        self._writer = writer
        self._clock = clock
        self._host_id = host_id

    def look(self, name: str) -> None:
        """A slot has come: the latest one up to now gets a run; those before it, which nobody looked at, a gap."""
        now = self._clock.now()
        with self._roster.lock:
            live = self._roster[name]
            latest = self._miss_all_but_latest(live, now, *(live.missed_because or UNSEEN))
            if latest is not None:
                live.catch_up_due = live.missed_because = None
                self._run(live, Trigger.SCHEDULE, latest)

    def overdue(self, reason: GapReason, detail: str, later: Later) -> int:
        """After a downtime: for each worker with missed slots one catch-up run, staggered, and a gap for the rest.

        Returns how many catch-up runs were planned.
        """
        now = self._clock.now()
        planned: list[str] = []
        with self._roster.lock:
            for live in self._roster:
                latest = self._miss_all_but_latest(live, now, reason, detail)
                if latest is not None:
                    live.catch_up_due, live.missed_because = latest, (reason, detail)
                    planned.append(live.name)
        step = min(CATCH_UP_STEP, CATCH_UP_WINDOW / max(1, len(planned)))
        for place, name in enumerate(planned):
            later(place * step, partial(self._catch_up, name))
        return len(planned)

    def write_off(self, live: LiveWorker, reason: GapReason, detail: str) -> None:
        """Accounts for every open slot up to now without a catch-up run."""
        with self._roster.lock:
            latest = self._miss_all_but_latest(live, self._clock.now(), reason, detail)
            if latest is not None:
                self._miss(live, reason, detail, latest, latest, 1)

    def begin_anew(self, live: LiveWorker) -> None:
        """Takes everything up to now as accounted for: a new schedule, or a clock that was set back."""
        live.covered_until = self._clock.now()
        live.catch_up_due = live.missed_because = None

    def _catch_up(self, name: str) -> None:
        with self._roster.lock:
            live = self._roster[name]
            if live.catch_up_due is not None:
                due = live.catch_up_due
                live.catch_up_due = live.missed_because = None
                self._run(live, Trigger.CATCH_UP, due)

    def _run(self, live: LiveWorker, trigger: Trigger, due_at: Micros) -> None:
        answer = self._runner.begin(live, trigger, due_at)
        if isinstance(answer, Refusal):
            reason = answer.reason or GapReason.OVERLOAD
            self._miss(live, reason, answer.text, due_at, due_at, 1, answer.run_id)

    def _miss_all_but_latest(self, live: LiveWorker, now: Micros, reason: GapReason, detail: str) -> Micros | None:
        """Accounts for every open slot up to now but the latest, which it returns; None where there is none."""
        schedule, name = live.registration.schedule, live.name
        latest, _ = schedule.last_slot(name, live.covered_until, now)
        if latest is None:
            return None
        previous, count = schedule.last_slot(name, live.covered_until, latest - 1)
        if previous is not None:
            first = schedule.next_slot(name, live.covered_until) or previous
            if live.paused:
                reason, detail = GapReason.PAUSED, live.pause_text()
            self._miss(live, reason, detail, first, previous, count)
        return latest

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
        self._writer.submit(
            SlotsMissed(
                gap_id=gap.id,
                worker=live.name,
                reason=reason,
                first_due_at=gap.first,
                last_due_at=gap.last,
                count=gap.count,
                detail=detail,
                host_id=self._host_id,
                run_id=run_id,
                next_run_at=live.registration.schedule.next_slot(live.name, self._clock.now()),
                covered_until=live.covered_until,
            )
        )
