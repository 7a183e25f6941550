"""Pauses: workers whose slots become gaps, until somebody resumes them or until the moment that was set."""

from collections.abc import Iterable

from sqlalchemy import Connection

from workerkit.clock import DAY, Clock, Micros, to_iso
from workerkit.forecast import missed
from workerkit.outcome import GapReason
from workerkit.retries import Retries
from workerkit.roster import LiveWorker, Roster
from workerkit.slots import Slots
from workerkit.store import operations
from workerkit.store.events import EventSink, PauseEnded

MAX_PAUSE: Micros = 3650 * DAY
"""Who means longer means for ever."""


class Pauses:
    """Changes who is paused, in the roster at once; `write` takes it to the database. Safe from any thread."""

    def __init__(self, roster: Roster, retries: Retries, slots: Slots, writer: EventSink, clock: Clock) -> None:
        self._roster = roster
        self._retries = retries
        self._slots = slots
        self._writer = writer
        self._clock = clock

    def cannot_end(self, until: object) -> str | None:
        """Why a pause can't last until then; None where it can, or has no end."""
        if until is None:
            return None
        if type(until) is not int:
            return "`until` is a moment in microseconds since 1970"
        if until <= self._clock.now():
            return f"{to_iso(until)} is past; nothing was paused" if until > 0 else "`until` is no moment"
        if until > self._clock.now() + MAX_PAUSE:
            return "a pause lasts ten years at most; leave its end out, and resume by hand"
        return None

    def pause(self, live: LiveWorker, by: str, reason: str, until: Micros | None) -> str:
        """Pauses a worker, or changes its pause, and says what that means. Attempts that wait are given up."""
        with self._roster.lock:
            before = _end_of(live.paused_until) if live.paused else None
            same = live.paused and live.paused_until == until and reason in ("", live.pause_reason)
            if same:
                return f"{live.name} was already paused"
            self._set(live, by, reason or (live.pause_reason if live.paused else ""), until)
        if before is not None:
            return f"{live.name} was paused {before}; now {self._meaning([live], until)}"
        running = " after the run in flight" if live.runs else ""
        return f"{live.name} is paused{running}{self._until([live], until)}"

    def pause_all(self, by: str, reason: str, until: Micros | None) -> tuple[list[LiveWorker], str]:
        """Pauses all workers; the ones that it changes, and what that means.

        A pause that would end later stays as it is: who paused one worker by hand does not want it back sooner.
        """
        with self._roster.lock:
            able = [live for live in self._roster if live.registration.worker is not None]
            affected = [live for live in able if not live.paused or _ends_before(live.paused_until, until)]
            for live in affected:
                self._set(live, by, reason, until)
        words = f"{_workers(len(affected))} paused{self._until(affected, until)}"
        if stay := len(able) - len(affected):
            words += f"; {stay:,} {'was' if stay == 1 else 'were'} already paused, at least as long"
        return affected, words

    def resume(self, live: LiveWorker) -> str:
        """Ends a pause, and a suspension."""
        with self._roster.lock:
            if not live.paused and not live.suspended:
                return f"{live.name} was not paused"
            self._lift(live)
        return f"{live.name} goes on"

    def resume_all(self) -> tuple[list[LiveWorker], str]:
        """Ends every pause and suspension; whose they were, and how many."""
        with self._roster.lock:
            affected = [
                live
                for live in self._roster
                if (live.paused or live.suspended) and live.registration.worker is not None
            ]
            for live in affected:
                self._lift(live)
        return affected, f"{_workers(len(affected))} resumed"

    def end_due(self) -> None:
        """Resumes the workers whose pause has come to its end; slots before that end, which nobody saw, are gaps."""
        now = self._clock.now()
        with self._roster.lock:
            for live in self._roster:
                until = live.paused_until
                if not live.paused or until is None or until > now:
                    continue
                self._slots.write_off(live, GapReason.PAUSED, live.pause_text(), until - 1)
                live.paused, live.paused_by, live.pause_reason, live.paused_until = False, "", "", None
                self._writer.submit(PauseEnded(live.name, now, until, live.status()))

    def write(self, connection: Connection, change: int, workers: Iterable[LiveWorker]) -> None:
        """Makes the database say of these workers what the roster says."""
        now = self._clock.now()
        for live in workers:
            operations.set_paused(
                connection,
                change,
                live.name,
                paused=live.paused,
                by=live.paused_by,
                reason=live.pause_reason,
                now=now,
                status=live.status(),
                until=live.paused_until,
            )

    def _set(self, live: LiveWorker, by: str, reason: str, until: Micros | None) -> None:
        self._retries.drop(live)
        live.paused, live.paused_by, live.pause_reason, live.paused_until = True, by, reason, until

    @staticmethod
    def _lift(live: LiveWorker) -> None:
        if live.suspended:
            live.suspended, live.failures_in_row = "", 0
        live.paused, live.paused_by, live.pause_reason, live.paused_until = False, "", "", None

    def _until(self, workers: list[LiveWorker], until: Micros | None) -> str:
        return f" {self._meaning(workers, until)}" if until is not None else f"; {self._forever(workers)}"

    def _meaning(self, workers: list[LiveWorker], until: Micros | None) -> str:
        """Until when, and what is missed by then."""
        if until is None:
            return f"{_end_of(None)}; {self._forever(workers)}"
        slots = missed(((live.name, live.registration.schedule) for live in workers), self._clock.now(), until)
        return f"{_end_of(until)}; {slots.words()}"

    @staticmethod
    def _forever(workers: list[LiveWorker]) -> str:
        return f"no slot starts until {'it is' if len(workers) == 1 else 'they are'} resumed"


def _end_of(until: Micros | None) -> str:
    return "until somebody resumes it" if until is None else f"until {to_iso(until)}"


def _ends_before(until: Micros | None, other: Micros | None) -> bool:
    return until is not None and (other is None or until < other)


def _workers(count: int) -> str:
    return f"{count:,} worker{'' if count == 1 else 's'}"
