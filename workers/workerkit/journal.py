"""What a host records of its runs, and remembers beside their workers: the start, that one goes on, the end.

All of it happens with the roster's lock held, so that memory and the writer's queue tell the same story.
"""

import json

from workerkit import guard
from workerkit.clock import Clock, Micros
from workerkit.outcome import Outcome, Result, Trigger
from workerkit.roster import ActiveRun, LiveWorker, Roster
from workerkit.store.events import EventSink, RunFinished, RunGoesOn, RunStarted, StatusChanged, WorkerSuspended
from workerkit.store.queued import Done

QUIET: Micros = 50_000
"""For which nothing is said of runs that begin quietly: their worker's row, which is the dearest part of what is
written, is then written once, at their end, unless that is not near."""


class Journal:
    """Tells the writer. Each method but goes_on() is called with the roster's lock held."""

    def __init__(self, roster: Roster, writer: EventSink, clock: Clock, host_id: int) -> None:
        self._roster = roster
        self._writer = writer
        self._clock = clock
        self._host_id = host_id

    def begins(self, live: LiveWorker, active: ActiveRun, command_id: int | None, done: Done) -> None:
        """A run begins; `done` is called once that is committed. Quietly where it is not `shown`."""
        run = active.run
        scheduled = run.trigger is not Trigger.MANUAL
        if scheduled:
            live.covered_until = max(live.covered_until, run.due_at)
            live.gap = None
        next_run_at = live.registration.schedule.next_slot(live.name, run.started_at)
        live.last_run_at, live.next_run_at = run.started_at, next_run_at
        event = RunStarted(
            run_id=run.id,
            worker=run.worker,
            attempt=run.attempt,
            trigger=run.trigger,
            due_at=run.due_at,
            started_at=run.started_at,
            host_id=self._host_id,
            next_run_at=next_run_at,
            covered_until=live.covered_until if scheduled else None,
            params=json.dumps(run.params) if run.params else None,
            command_id=command_id,
            quiet=not active.shown,
        )
        self._writer.submit(event, done)

    def goes_on(self, active: ActiveRun) -> None:
        """Says of a run that began quietly that it runs, where it has done so for a while."""
        run = active.run
        if active.shown or self._clock.now() - run.started_at < QUIET:
            return
        with self._roster.lock:
            if active.shown or active.claimed:
                return
            active.shown, live = True, self._roster[run.worker]
            self._writer.submit(RunGoesOn(run.id, run.worker, live.last_run_at, live.next_run_at, live.covered_until))

    def ends(self, live: LiveWorker, active: ActiveRun, result: Result, retry_at: Micros | None) -> None:
        """A run has ended, for whoever claimed it; `retry_at` is when another attempt follows."""
        suspend = _count(live, result, final=retry_at is None)
        if result.state is not None:
            live.state = result.state
        duration = guard.elapsed(active, self._clock.monotonic())
        if (lines := active.output.drain(active.run.id, live.name)) is not None:
            self._writer.submit(lines)
        self._writer.submit(
            RunFinished(
                run_id=active.run.id,
                worker=live.name,
                finished_at=self._clock.now(),
                duration=duration,
                result=result,
                status=live.status(),
                recent=live.remember(result.outcome, duration),
                last_run_at=live.last_run_at,
                next_run_at=live.next_run_at,
                covered_until=live.covered_until,
                dropped_lines=active.output.dropped,
                retry_at=retry_at,
                running_run_id=live.running_run_id(),
            )
        )
        if suspend:
            self._writer.submit(WorkerSuspended(live.name, self._clock.now(), live.suspended, live.status()))

    def returned(self, live: LiveWorker) -> None:
        """The code of a run whose end was recorded before has come back."""
        self._writer.submit(StatusChanged(live.name, live.status()))


def _count(live: LiveWorker, result: Result, *, final: bool) -> bool:
    """Takes notice of how an occurrence ended; whether that was one failure too many."""
    if result.outcome not in (Outcome.SUCCEEDED, Outcome.FAILED):
        return False
    live.failing = result.outcome is Outcome.FAILED
    if not live.failing:
        live.failures_in_row = 0
    elif final:
        live.failures_in_row += 1
    return live.give_up()
