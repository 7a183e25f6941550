"""Further attempts of runs that failed: each waits for its time, and keeps its worker's place meanwhile."""

from collections.abc import Callable
from functools import partial

from workerkit.clock import SECOND, Clock, Micros
from workerkit.outcome import GapReason, Result
from workerkit.roster import ActiveRun, LiveWorker, PendingRetry, Refusal, Roster, Run
from workerkit.store.events import EventSink, RetryDropped, WorkerSuspended
from workerkit.watchdog import Watchdog

Attempt = Callable[[LiveWorker, Run, int | None], Run | Refusal]
"""Admits the attempt that follows this run, for a command where one asked, and sends it on its way; or says why not."""
Freed = Callable[[LiveWorker], None]
"""Told that a worker has room for another run."""


class Retries:
    """Safe from any thread."""

    def __init__(
        self, roster: Roster, writer: EventSink, watchdog: Watchdog, clock: Clock, *, attempt: Attempt, freed: Freed
    ) -> None:
        self._roster = roster
        self._writer = writer
        self._watchdog = watchdog
        self._clock = clock
        self._attempt = attempt
        self._freed = freed

    def plan(self, live: LiveWorker, active: ActiveRun, result: Result) -> Micros | None:
        """When the next attempt follows, where one does. A stuck run has none: its code still holds its place."""
        if result.retry_in is None or active.stuck or live.paused or live.suspended:
            return None
        at = self._clock.now() + result.retry_in
        self.resume(live, active.run, at)
        return at

    def resume(self, live: LiveWorker, run: Run, at: Micros) -> None:
        """Takes a retry among those that wait; one whose time has passed begins in a moment."""
        with self._roster.lock:
            pending = PendingRetry(run, at)
            live.retries.append(pending)
            pending.timer = self._watchdog.call_in(
                max(0, at - self._clock.now()) / SECOND, partial(self._begin, live, pending)
            )

    def hasten(self, live: LiveWorker, command_id: int | None = None) -> Run | Refusal | None:
        """Begins the next attempt now rather than later, because a command asked for it; None where none waits."""
        with self._roster.lock:
            return self._begin(live, live.retries[0], command_id) if live.retries else None

    def drop(self, live: LiveWorker) -> list[Run]:
        """Gives up the attempts that were to follow; the runs whose retry they were."""
        with self._roster.lock:
            dropped, live.retries = live.retries, []
            for pending in dropped:
                self._call_off(live, pending)
        return [pending.run for pending in dropped]

    def _begin(self, live: LiveWorker, pending: PendingRetry, command_id: int | None = None) -> Run | Refusal | None:
        """The attempt's time has come. While the host stops, it stays planned: the next host takes it up."""
        with self._roster.lock:
            if pending not in live.retries:
                return None
            if pending.timer is not None:
                pending.timer.cancel()
            answer = self._attempt(live, pending.run, command_id)
            stopping = isinstance(answer, Refusal) and answer.reason is GapReason.STOPPING
            if not stopping:
                live.retries.remove(pending)
            if isinstance(answer, Refusal) and not stopping:
                self._call_off(live, pending)
            return answer

    def forgo(self, live: LiveWorker, run_id: int) -> None:
        """The attempt that was to follow this run follows no more: its occurrence has failed."""
        with self._roster.lock:
            live.failures_in_row += 1
            suspended = live.give_up()
            self._writer.submit(RetryDropped(run_id, live.name, live.status()))
            if suspended:
                self._writer.submit(WorkerSuspended(live.name, self._clock.now(), live.suspended, live.status()))
            self._freed(live)

    def _call_off(self, live: LiveWorker, pending: PendingRetry) -> None:
        if pending.timer is not None:
            pending.timer.cancel()
        self.forgo(live, pending.run.id)
