"""One run from top to bottom: admit, record its start, execute it under guard, record its outcome.

Only the two recording steps do I/O, through the writer's queue. A start is on disk before the first line of the
worker's code: `_execute` is what the writer calls back after its commit.
"""

import asyncio
import json
import logging
from collections.abc import Callable
from functools import partial
from types import MappingProxyType
from typing import Any

from workerkit import guard, stacks
from workerkit.clock import SECOND, Clock, Micros, to_datetime, to_iso
from workerkit.context import RunContext
from workerkit.executors.event_loop import LoopExecutor
from workerkit.executors.processes import ProcessExecutor
from workerkit.executors.threads import ThreadExecutor
from workerkit.failures import fingerprint
from workerkit.failures.sampling import Sampler
from workerkit.journal import Journal
from workerkit.outcome import GapReason, Outcome, Result, Trigger
from workerkit.output import RunOutput
from workerkit.postmortem import HeldFailures
from workerkit.retries import Retries
from workerkit.roster import ActiveRun, LiveWorker, Refusal, Roster, Run
from workerkit.schedule import format_duration
from workerkit.stops import Stops
from workerkit.store.events import EventSink
from workerkit.surroundings import Surroundings
from workerkit.watchdog import Watchdog

logger = logging.getLogger(__name__)

CROWD = 512
"""Runs that wait, beyond which slots had better come at a slower pace."""
PRESS = 8
"""Runs that wait, beyond which the next begin quietly, see Journal."""
MAX_WAITING = 10_000
"""Runs that may wait for a thread, or for their start to be written; beyond it a due slot is a gap (overload)."""


class Runner:
    """Runs workers of a roster. Safe from any thread."""

    def __init__(
        self,
        roster: Roster,
        writer: EventSink,
        watchdog: Watchdog,
        clock: Clock,
        host_id: int,
        *,
        threads: ThreadExecutor,
        loop: LoopExecutor,
        processes: ProcessExecutor | None = None,
        held: HeldFailures | None = None,
        surroundings: Surroundings | None = None,
    ) -> None:
        self._roster = roster
        self._watchdog = watchdog
        self._clock = clock
        self._threads = threads
        self._loop = loop
        self._processes = processes or ProcessExecutor()
        self._held = held
        self._sampler = Sampler(clock)
        self._surroundings = surroundings
        self._stopping = False
        self._unlaunched = 0
        self.journal = Journal(roster, writer, clock, host_id)
        self.retries = Retries(roster, writer, watchdog, clock, attempt=self._next_attempt, freed=self._freed)
        self.stops = Stops(
            roster,
            watchdog,
            clock,
            threads=threads,
            loop=loop,
            processes=self._processes,
            record=self._record,
            look_at=self.look_at,
        )
        self.on_free: Callable[[LiveWorker], None] = lambda _live: None
        """Called, with the roster's lock held, when a worker has room for another run."""
        self.on_unrecorded: Callable[[LiveWorker, Run, BaseException], None] = lambda _live, _run, _error: None
        """Called, with the roster's lock held, when a run was given up because its start could not be written."""

    def begin(
        self,
        live: LiveWorker,
        trigger: Trigger,
        due_at: Micros,
        params: dict[str, Any] | None = None,
        command_id: int | None = None,
    ) -> Run | Refusal:
        """Admits a run and sends it on its way, or says why not. Its start answers the command that asked for it."""
        with self._roster.lock:
            now = self._clock.now()
            refusal = self._refusal(live, trigger, due_at) or self._crowd(live, now)
            if refusal is not None:
                return refusal
            return self._send(
                live, Run(self._roster.new_run_id(), live.name, 1, trigger, due_at, now, params or {}), command_id
            )

    def _next_attempt(self, live: LiveWorker, failed: Run, command_id: int | None) -> Run | Refusal:
        """The attempt after a failed one: it has its place already, and asks only whether the worker may run."""
        with self._roster.lock:
            now = self._clock.now()
            refusal = self._refusal(live, failed.trigger, now)
            if refusal is not None:
                return refusal
            following = failed._replace(id=self._roster.new_run_id(), attempt=failed.attempt + 1, started_at=now)
            return self._send(live, following, command_id)

    def _send(self, live: LiveWorker, run: Run, command_id: int | None) -> Run:
        """Gives an admitted run its place, and records its start."""
        output = RunOutput(self._clock, live.redactor)
        held = self._held if live.registration.hold_on_failure else None
        active = ActiveRun(run, live.registration, output, live.redactor, held, self._sampler)
        self._roster.enter(live, active)
        self._unlaunched += 1
        active.shown = command_id is not None or self._waiting <= PRESS
        self.journal.begins(live, active, command_id, partial(self._execute, active))
        return run

    @property
    def crowded(self) -> bool:
        """Whether more runs wait than can be begun at once."""
        return self._waiting > CROWD

    @property
    def _waiting(self) -> int:
        """Runs that wait for their start to be recorded, or for a thread."""
        return self._threads.waiting + self._unlaunched

    # The steps of a run

    def _refusal(self, live: LiveWorker, trigger: Trigger, due_at: Micros) -> Refusal | None:
        if self._stopping:
            return Refusal(GapReason.STOPPING, "the host was stopping")
        if live.registration.worker is None:
            return Refusal(None, f"{live.name} is broken: its code failed to load; mend it and start the host again")
        if trigger is not Trigger.MANUAL:
            if live.suspended:
                return Refusal(GapReason.SUSPENDED, live.suspended)
            if live.paused_at(due_at):
                return Refusal(GapReason.PAUSED, live.pause_text())
        if self._waiting >= MAX_WAITING:
            return Refusal(GapReason.OVERLOAD, f"{MAX_WAITING:,} runs were waiting for a thread")
        return None

    @staticmethod
    def _crowd(live: LiveWorker, now: Micros) -> Refusal | None:
        """Who holds the places of a worker that has no more of them."""
        if not live.busy:
            return None
        if not live.runs:
            run, at = live.retries[0].run, to_iso(live.retries[0].at)
            return Refusal(GapReason.RETRYING, f"run {run.id} failed and is tried again at {at}", run.id)
        oldest = live.runs[0]
        age = format_duration(round((now - oldest.run.started_at) / SECOND) * SECOND) or "0s"
        state = "is stuck past its timeout" if oldest.stuck else f"is still running (for {age})"
        more = f", and {len(live.runs) - 1} more" if len(live.runs) > 1 else ""
        return Refusal(GapReason.OVERLAP, f"run {oldest.run.id} {state}{more}", oldest.run.id)

    def _execute(self, active: ActiveRun, error: BaseException | None) -> None:
        """On the writer's thread, after the start is on disk: hands the run to a thread or the event loop."""
        if error is None:
            self._launch(active)
            return
        with self._roster.lock:
            late, active.launched = active.launched, True
            if not late:
                live = self._roster[active.run.worker]
                self._unlaunched -= 1
                self._roster.leave(live, active)
                self.on_unrecorded(live, active.run, error)
                self._freed(live)
        consequence = "" if late else ", so it was not run"
        logger.error("run %d of %s could not be recorded%s: %s", active.run.id, active.run.worker, consequence, error)

    def go_on_without_disk(self) -> None:
        """Launches runs whose start waits to be written: among them may be the one that frees the disk.

        Their starts wait in memory, before their outcomes. Should the host die meanwhile, nobody will know of them.
        """
        for active in self._roster.active():
            if not active.launched:
                self._launch(active)

    def _launch(self, active: ActiveRun) -> None:
        with self._roster.lock:
            if active.launched:
                return
            active.launched = True
            if active.registration.isolation == "async":
                self._loop.submit(partial(self._perform_async, active))
            else:
                self._threads.submit(partial(self._perform, active))
            self._unlaunched -= 1

    def _perform(self, active: ActiveRun) -> None:
        if (result := self._no_longer_wanted(active)) is not None:
            self.conclude(active, result)
            return
        ctx, state = self._enter(active)
        if active.registration.isolation == "process":
            self.conclude(active, self._sampled(active, self._processes.perform(active, ctx, state)))
            return
        self._share_process()
        try:
            result = guard.call(active, ctx, state)
        finally:
            self._look_after(active)
        self.conclude(active, result)

    async def _perform_async(self, active: ActiveRun) -> None:
        # First the task, then the look at the request: cancel() does it the other way round, so one sees the other.
        active.task = asyncio.current_task()
        if (result := self._no_longer_wanted(active)) is not None:
            self.conclude(active, result)
            return
        ctx, state = self._enter(active)
        self._share_process()
        try:
            result = await guard.call_async(active, ctx, state)
        finally:
            self._look_after(active)
        self.conclude(active, result)

    def _share_process(self) -> None:
        """From here on the run may change what belongs to the whole process."""
        if self._surroundings is not None:
            self._surroundings.began()

    def _look_after(self, active: ActiveRun) -> None:
        """Puts back what the run has changed for the whole process, and says so among the run's lines."""
        if self._surroundings is not None:
            for sentence in self._surroundings.ended():
                active.output.record("WARNING", "workerkit.surroundings", sentence)

    def _sampled(self, active: ActiveRun, result: Result) -> Result:
        """The result of a run in a process of its own, which captures each failure: it can't know of those before."""
        failure = result.failure
        if failure is None:
            return result
        mark = fingerprint(failure.capture, failure.kind, failure.named)
        place = (active.run.worker, mark.digest)
        if self._sampler.counted(place) is not None:
            return result._replace(failure=failure._replace(capture={}, mark=mark))
        self._sampler.kept(place, mark)
        return result._replace(failure=failure._replace(mark=mark))

    def _no_longer_wanted(self, active: ActiveRun) -> Result | None:
        """The end of a run that was asked to stop, or came too late, before its code began."""
        if active.cancellation.cause is not None:
            return guard.stopped(active)
        limit, run = active.registration.start_deadline, active.run
        if limit is None or run.trigger is Trigger.MANUAL or run.attempt > 1 or self._clock.now() - run.due_at <= limit:
            return None
        return Result(
            Outcome.CANCELLED, summary=f"no thread was free within its start deadline of {format_duration(limit)}"
        )

    def _enter(self, active: ActiveRun) -> tuple[RunContext, str]:
        """What the worker gets to see; its timeout begins here."""
        run, timeout, state = active.run, active.registration.timeout, self._roster[active.run.worker].state
        active.began = self._clock.monotonic()
        ctx = RunContext(
            run_id=run.id,
            worker=run.worker,
            attempt=run.attempt,
            due_at=to_datetime(run.due_at),
            deadline=None if timeout is None else to_datetime(self._clock.now() + timeout),
            params=MappingProxyType(run.params),
            state={} if state == "{}" else json.loads(state),
            cancellation=active.cancellation,
        )
        active.context = ctx
        if timeout is not None:
            active.deadline = self._watchdog.call_in(timeout / SECOND, partial(self.stops.expire, active))
        return ctx, state

    def conclude(self, active: ActiveRun, result: Result) -> None:
        """Records the outcome, unless somebody else already has; then the run only gives its place free."""
        active.returned = True
        if active.deadline is not None:
            active.deadline.cancel()
        with self._roster.lock:
            if not active.claim():
                self._returned_late(active)
                return
            live = self._roster[active.run.worker]
            self._roster.leave(live, active)
            self._record(live, active, result)
            self.on_free(live)

    def _record(self, live: LiveWorker, active: ActiveRun, result: Result) -> None:
        """The outcome of a run that the caller has claimed, with the roster's lock held."""
        self.journal.ends(live, active, result, self.retries.plan(live, active, result))

    @property
    def stopping(self) -> bool:
        """Whether it admits nothing any more."""
        return self._stopping

    def stop_admitting(self) -> None:
        """From here on nothing begins; slots that come due are gaps."""
        self._stopping = True

    def look_at(self, active: ActiveRun) -> stacks.Stand | None:
        """Where the run stands now; None once its code has ended."""
        if active.returned:
            return None
        if active.task is not None:
            return stacks.of_task(active.task, self._loop.thread_id)
        if active.thread_id is not None:
            return stacks.of_thread(active.thread_id)
        return stacks.Stand((), "it waits for a free thread; none of its code runs yet")

    def look_at_process(self, active: ActiveRun) -> dict[str, Any] | None:
        """The same, sampled, of a run in a process of its own; takes about a second."""
        return self._processes.stack(active)

    def on_event_loop_now(self) -> ActiveRun | None:
        """The async run whose code executes, or blocks, on the event loop at this moment."""
        current = self._loop.current_task()
        return next(
            (active for active in self._roster.active() if current is not None and active.task is current), None
        )

    def _returned_late(self, active: ActiveRun) -> None:
        if active.replaced:
            self._threads.stuck_returned()
        live = self._roster[active.run.worker]
        if self._roster.leave(live, active):
            self.journal.returned(live)
            self.on_free(live)

    def _freed(self, live: LiveWorker) -> None:
        self.on_free(live)
