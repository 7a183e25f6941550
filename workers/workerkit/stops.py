"""Stopping runs: at an operator's word, at their timeout, at the host's end, and when they don't give way."""

from collections.abc import Callable
from functools import partial

from workerkit import guard, stacks
from workerkit.clock import Clock
from workerkit.executors.event_loop import LoopExecutor
from workerkit.executors.processes import ProcessExecutor
from workerkit.executors.threads import ThreadExecutor
from workerkit.outcome import Outcome, Result, StopCause
from workerkit.roster import ActiveRun, LiveWorker, Refusal, Roster, Run
from workerkit.schedule import format_duration
from workerkit.watchdog import Watchdog

COOPERATION = 1.0
"""Seconds that a run gets after its timeout to see ctx.cancelled and leave, before its worker counts as stuck."""

Record = Callable[[LiveWorker, ActiveRun, Result], None]
"""Records the outcome of a run that the caller has claimed, with the roster's lock held."""
LookAt = Callable[[ActiveRun], stacks.Stand | None]
"""Where a run stands now; None once its code has ended."""


class Stops:
    """Of a roster's runs. Safe from any thread."""

    def __init__(
        self,
        roster: Roster,
        watchdog: Watchdog,
        clock: Clock,
        *,
        threads: ThreadExecutor,
        loop: LoopExecutor,
        processes: ProcessExecutor,
        record: Record,
        look_at: LookAt,
    ) -> None:
        self._roster = roster
        self._watchdog = watchdog
        self._clock = clock
        self._threads = threads
        self._loop = loop
        self._processes = processes
        self._record = record
        self._look_at = look_at

    def cancel(self, name: str, cause: StopCause, reason: str) -> Run | Refusal:
        """Asks all the worker's runs to stop; the oldest that was asked now, or why none was.

        A thread has to look for itself; a task is cancelled at its await. At a shutdown a task keeps its grace period
        as a thread does: whoever stops the host cancels it at the end.
        """
        with self._roster.lock:
            live = self._roster[name]
            found = live.in_flight()
            if not found and live.runs:
                run_id = live.runs[0].run.id
                return Refusal(None, f"run {run_id} was recorded as timed out; its thread can't be stopped", run_id)
        asked = [active for active in found if active.cancellation.request(cause, reason)]
        for active in asked:
            if active.task is not None and cause is not StopCause.SHUTDOWN:
                self._loop.cancel(active.task)
        if asked:
            return asked[0].run
        if found:
            before = found[0]
            text = f"run {before.run.id} was already asked to stop: {before.cancellation.reason}"
            return Refusal(None, text, before.run.id)
        return Refusal(None, f"{name} is not running")

    def force(self, live: LiveWorker) -> list[Run]:
        """Ends by force the runs of a worker that have a process of their own; those that had one."""
        with self._roster.lock:
            found = list(live.runs)
        return [active.run for active in found if self._processes.kill(active)]

    def interrupt(self, active: ActiveRun) -> bool:
        """Records a run as interrupted while it still executes; False where it ended first."""
        if active.task is not None:
            self._loop.cancel(active.task)
        with self._roster.lock:
            if not active.claim():
                return False
            live = self._roster[active.run.worker]
            self._roster.leave(live, active)
            self._record(live, active, Result(Outcome.INTERRUPTED))
        self._processes.kill(active)
        return True

    def give_up_unread(self, active: ActiveRun) -> None:
        """Its exception's own __str__ does not come back: records the failure without the message, as stuck."""
        unread = active.unread
        if unread is None or self._clock.monotonic() - unread[1] < COOPERATION:
            return
        self._record_stuck(active, Result(Outcome.FAILED, unread[0]))

    def expire(self, active: ActiveRun) -> None:
        """The timeout struck: keep where it stood, ask it to stop, and look again in a moment."""
        reason = f"it took longer than {format_duration(active.registration.timeout or 0)}"
        if active.registration.isolation == "process":
            # Whoever supervises its process looks where it stands, ends it, and returns.
            active.cancellation.request(StopCause.TIMEOUT, reason)
            return
        if (stand := self._look_at(active)) is not None:
            active.stack = stacks.describe(f"run {active.run.id} at its timeout", stand, active.redactor)
        active.cancellation.request(StopCause.TIMEOUT, reason)
        if active.task is not None:
            self._loop.cancel(active.task)
        self._watchdog.call_in(COOPERATION, partial(self._give_up, active))

    def _give_up(self, active: ActiveRun) -> None:
        """It did not leave: record the timeout now, and call the worker stuck until its thread comes back."""
        self._record_stuck(active, guard.stopped(active))

    def _record_stuck(self, active: ActiveRun, result: Result) -> None:
        """Records a run that does not give its thread back."""
        with self._roster.lock:
            if not active.claim():
                return
            active.replaced = active.task is None and self._threads.replace_stuck()
            active.stuck = True
            self._record(self._roster[active.run.worker], active, result)
