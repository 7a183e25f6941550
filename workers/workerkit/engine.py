"""The parts of a host and how they hang together: they come up in one order and go down in the other.

Writer, recovery of what the host before left in flight, the roster, commands stored meanwhile, executors, watchdog,
timing, catch-up. An engine serves one start and one stop; Host makes a new one for each.
"""

import gc
import getpass
import logging
import os
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from sqlalchemy import Connection

from workerkit.clock import SECOND, Clock, Micros, to_iso
from workerkit.commands import POLL, POLL_BESIDE_SCREEN, Inbox, Verbs
from workerkit.enrolment import live_worker, run_of, spec_of
from workerkit.executors.event_loop import LoopExecutor
from workerkit.executors.processes import ProcessExecutor
from workerkit.executors.threads import ThreadExecutor
from workerkit.failures import Redactor
from workerkit.housekeeping import Housekeeper
from workerkit.memory import share_arenas
from workerkit.notices import Notices
from workerkit.outcome import GapReason, StopCause
from workerkit.output import OutputRouter
from workerkit.pauses import Pauses
from workerkit.policy import Retry
from workerkit.postmortem import HeldFailures
from workerkit.registry import Registry
from workerkit.roster import ActiveRun, Roster
from workerkit.runner import Runner
from workerkit.slots import Slots
from workerkit.store import operations
from workerkit.store.database import Database
from workerkit.store.events import HostBeat, NextRunMoved, RunProgressed, StatusChanged
from workerkit.store.records import HostRecord, RunRecord, WorkerRecord
from workerkit.store.renaming import rename_worker
from workerkit.store.text import NAME_LIMIT
from workerkit.surroundings import Surroundings
from workerkit.timing import Timing
from workerkit.version import __version__
from workerkit.watchdog import Drift, Watchdog

logger = logging.getLogger(__name__)

COLLECT_AFTER = (20_000, 10, 10)
"""For gc.set_threshold(): a run makes some fifty objects and leaves no garbage, and by Python's own 700 every
fourteenth would look for it."""
BEAT = 1.0
"""Seconds between two heartbeats in the database."""
LIVE_FLUSH = 0.2
"""Seconds between two looks at progress and output of running workers."""
LIVE_CHECK = 0.5
"""Seconds until the next look where none was running."""
PAUSE_CHECK = 0.5
"""Seconds between two looks for pauses that are over; a slot due after the end of one does not wait for it."""
CLOCK_CHECK = 1.0
"""Seconds between two comparisons of wall and monotonic clock."""
SCHEDULER_CHECK = 2.0
"""Seconds between two looks whether the scheduler's thread lives."""
BLOCKED_LOOP = 2.0
"""Seconds without a turn of the async workers' loop from which on the operator is told."""
NOTICE_TIME = 60.0
"""Seconds for which a notice about something that has passed stays on the screen."""
WIND_UP = 0.5
"""Seconds after the grace period for tasks that were cancelled at its end to say so themselves."""
DISK_PATIENCE = 1.0
"""Seconds that the starts of runs wait for a database that can't be written; then runs begin all the same."""
LAST_WRITES = 2.0
"""Seconds for the last transactions of a stop; a database that is stuck must not hold the process."""


@dataclass(frozen=True, slots=True)
class HostSpec:
    """How a host introduces itself, and how wide it runs."""

    mode: str
    targets: tuple[str, ...]
    max_threads: int
    allow_eval: bool = False


@dataclass(frozen=True, slots=True)
class StopReport:
    """What a stop had to leave undone: workers whose run it recorded as interrupted, and those stuck before."""

    interrupted: tuple[str, ...] = ()
    stuck: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Known:
    """What the database knows of a host's workers as it begins."""

    begun: operations.HostBegun
    owed: Sequence[RunRecord]
    before: Mapping[str, WorkerRecord | None]
    """As the host before left them."""
    states: Mapping[str, str]
    records: Mapping[str, WorkerRecord]


class Engine:
    """See the module. The caller holds the database's host lock."""

    def __init__(self, database: Database, registry: Registry, spec: HostSpec, clock: Clock) -> None:
        self._database = database
        self._spec = spec
        self._clock = clock
        self._down = ExitStack()
        self._began_at: Micros = 0
        self._notices = Notices(clock)
        self._hurry = threading.Event()
        self._going_down = False
        self._left_behind: list[ActiveRun] = []
        self._drift = Drift(clock)
        self._router = OutputRouter()
        self._surroundings: Surroundings | None = None
        self._writer = database.writer(clock)
        self._watchdog = Watchdog(clock)
        self._threads = ThreadExecutor(spec.max_threads)
        self._loop = LoopExecutor()
        self._processes = ProcessExecutor()
        self._held = HeldFailures(clock) if spec.allow_eval else None
        self._timing = Timing(
            self._on_slot,
            crowded=lambda: self._runner.crowded,
            # After a step the watchdog sorts out all workers at once; slots seen before it did would fire a storm.
            trusted=lambda: not self._drift.step(),
        )
        self._registrations = {registration.name: registration for registration in registry}
        self.recovered: tuple[RunRecord, ...] = ()

    def start(self) -> None:
        """Brings everything up; what fails on the way takes down what already stands."""
        with ExitStack() as down:
            if self._spec.mode != "library":
                share_arenas()
            self._writer.start()
            down.callback(self._writer.stop, LAST_WRITES)
            self._router.install()
            down.callback(self._router.uninstall)
            if self._spec.mode != "library":
                self._surroundings = Surroundings(self._clock)
                self._surroundings.guard_streams()
                down.callback(self._surroundings.release_streams)
                down.callback(gc.set_threshold, *gc.get_threshold())
                gc.set_threshold(*COLLECT_AFTER)
            before = self._begin()
            self.inbox.settle_old()
            self._loop.start()
            down.callback(self._loop.stop)
            self._processes.start(each.locator for each in self._registrations.values() if each.locator is not None)
            down.callback(self._processes.stop)
            down.callback(self._threads.stop)
            self._watchdog.start()
            down.callback(self._watchdog.stop)
            self._begin_to_schedule(before)
            down.callback(self._timing.stop)
            self.inbox.start()
            down.callback(self.inbox.stop)
            housekeeper = Housekeeper(self._writer, self._clock)
            housekeeper.start()
            down.callback(housekeeper.stop)
            self._down = down.pop_all()

    def stop(self, grace: float) -> StopReport:
        """Takes everything down within `grace` seconds and a little; see Host.stop()."""
        self._going_down = True
        self._runner.stop_admitting()
        self._timing.stop()
        for active in self.roster.active():
            self._runner.stops.cancel(active.run.worker, StopCause.SHUTDOWN, "the host is stopping")
        self._wait_for_runs(grace)
        late = self.roster.active()
        for active in late:
            if active.task is not None:
                self._loop.cancel(active.task)
        if any(active.task is not None for active in late):
            self._wait_for_runs(WIND_UP)
        interrupted = [active for active in self.roster.active() if self._runner.stops.interrupt(active)]
        self._left_behind = interrupted
        stuck = tuple(self.roster.stuck())
        with ExitStack() as down:
            down.push(self._down.pop_all())
            try:
                self._writer.call(self._end, timeout=LAST_WRITES)
            except Exception:
                logger.exception("the host's end could not be recorded; the next host will call it a crash")
        return StopReport(tuple(active.run.worker for active in interrupted), stuck)

    def trouble(self) -> str | None:
        """What the operator must know of the database, which can't be written there."""
        return self._writer.report()

    def hurry(self) -> None:
        """Ends the grace period of a stop() that is under way."""
        self._hurry.set()

    def leftover_threads(self) -> bool:
        """Whether the worker of an interrupted or stuck run still executes."""
        return bool(self.roster.stuck()) or any(
            active.began is not None and not active.returned for active in self._left_behind
        )

    # Coming up

    def _begin(self) -> HostRecord | None:
        """Enrols the workers, and makes what depends on who they are."""
        with self._database.reader() as reader:
            before = reader.host()
        self._enrol()
        self._runner = Runner(
            self.roster,
            self._writer,
            self._watchdog,
            self._clock,
            self.host_id,
            threads=self._threads,
            loop=self._loop,
            processes=self._processes,
            held=self._held,
            surroundings=self._surroundings,
        )
        self._slots = Slots(self.roster, self._runner, self._writer, self._clock, self.host_id)
        self._pauses = Pauses(self.roster, self._runner.retries, self._slots, self._writer, self._clock)
        verbs = Verbs(self.roster, self._runner, self._pauses, self._clock, self._held)
        poll = POLL_BESIDE_SCREEN if self._spec.mode == "console" else POLL
        self.inbox = Inbox(self._database, verbs, self._writer, self._clock, poll)
        return before

    def _enrol(self) -> None:
        """Writes the host's row, recovers, and builds the roster from what the database knows."""
        now = self._began_at = self._clock.now()
        redactor = Redactor()
        specs = [spec_of(registration, now, redactor) for registration in self._registrations.values()]

        def write(connection: Connection, change: int) -> _Known:
            begun = operations.begin_host(
                connection,
                change,
                hostname=socket.gethostname(),
                pid=os.getpid(),
                username=getpass.getuser(),
                mode=self._spec.mode,
                version=__version__,
                targets=self._spec.targets,
                now=now,
            )
            for registration in self._registrations.values():
                for alias in registration.aliases:
                    rename_worker(connection, change, alias, registration.name)
            return _Known(
                begun,
                operations.load_retries(connection),
                operations.sync_workers(connection, change, specs, now),
                operations.load_states(connection),
                operations.load_workers(connection),
            )

        known = self._writer.call(write)
        self.host_id, self.recovered = known.begun.host_id, known.begun.recovered
        self._owed = known.owed
        self._was_away = {name for name, record in known.before.items() if record is not None and not record.registered}
        self.roster = Roster(
            (
                live_worker(
                    registration,
                    known.records[registration.name],
                    known.states.get(registration.name, "{}"),
                    Redactor(registration.secrets) if registration.secrets else redactor,
                )
                for registration in self._registrations.values()
            ),
            known.begun.next_run_id,
            known.begun.next_gap_id,
        )

    def _begin_to_schedule(self, before: HostRecord | None) -> None:
        away = f"the host was down from {to_iso(_last_sign(before))} to {to_iso(self._clock.now())}" if before else ""
        for live in self.roster:
            if live.name in self._was_away:
                self._slots.write_off(live, GapReason.UNREGISTERED, "no host had it among its workers")
            elif live.covered_until >= self._began_at:
                self._slots.begin_anew(live)  # new, or with a new schedule: coming up took time, but nothing was missed
        self._pauses.end_due()
        self._slots.overdue(GapReason.HOST_DOWN, away, self._watchdog.call_in)
        self._resume_retries()
        for live in self.roster:
            if live.registration.worker is not None:
                self._timing.add(live.name, live.registration.schedule)
        self._timing.start()
        self._look_at_all()
        self._watchdog.every(BEAT, self._beat)
        self._watchdog.every(LIVE_FLUSH, self._flush_live)
        self._watchdog.every(PAUSE_CHECK, self._pauses.end_due)
        self._watchdog.every(CLOCK_CHECK, self._check_clock)
        self._watchdog.every(SCHEDULER_CHECK, self._check_scheduler)

    def _resume_retries(self) -> None:
        """Takes up the attempts that the host before still owed, where their workers want them as yet."""
        for record in self._owed:
            live, at = self.roster.get(record.worker), record.retry_at
            if live is None or at is None:
                continue
            policy = live.registration.retry
            wanted = record.attempt < (policy or Retry()).attempts and live.registration.worker is not None
            if wanted and not live.paused and not live.suspended:
                self._runner.retries.resume(live, run_of(record), at)
                self._writer.submit(StatusChanged(live.name, live.status()))
            else:
                self._runner.retries.forgo(live, record.id)

    def _on_slot(self, name: str) -> None:
        self._slots.look(name)

    # Duties of the watchdog

    def _beat(self) -> None:
        self._check_loop()
        for sentence in self._surroundings.look() if self._surroundings is not None else ():
            logger.warning("%s", sentence)
        if self._held is not None:
            self._held.forget_expired()
        if self._writer.superseded:
            self._runner.stop_admitting()
        self._writer.submit(HostBeat(self.host_id, self._clock.now(), self._notice()))

    def _flush_live(self) -> float:
        """Sends on what running workers have said since the last look; returns the seconds until the next."""
        if self._writer.troubled_for() > DISK_PATIENCE:
            self._runner.go_on_without_disk()
        for active in (running := self.roster.active()):
            run = active.run
            self._runner.journal.goes_on(active)
            if (lines := active.output.drain(run.id, run.worker)) is not None:
                self._writer.submit(lines)
            reported = active.context.reported if active.context else None
            if reported is not None and reported is not active.reported:
                active.reported = reported
                note = active.redactor.bounded(reported.note, NAME_LIMIT)
                self._writer.submit(RunProgressed(run.id, run.worker, reported.done, reported.total, note))
            self._runner.stops.give_up_unread(active)
        return LIVE_FLUSH if running else LIVE_CHECK

    def _check_clock(self) -> None:
        step = self._drift.step()
        if not step or self._going_down:
            return
        how = f"{abs(step) / SECOND:.0f} s {'forward' if step > 0 else 'back'}"
        logger.warning("the clock went %s, or the machine slept; all schedules begin anew from now", how)
        self._notices.tell("clock", f"the clock went {how}, or the machine slept", NOTICE_TIME)
        self._drift.rebase()
        if step > 0:
            self._pauses.end_due()
            self._slots.overdue(
                GapReason.CLOCK_STEP, f"the clock went {how}, or the machine slept", self._watchdog.call_in
            )
        else:
            self._slots.set_back()
        self._timing.restart()
        self._look_at_all()
        self._tell_next_runs()

    def _tell_next_runs(self) -> None:
        now = self._clock.now()
        with self.roster.lock:
            for live in self.roster:
                live.next_run_at = live.registration.schedule.next_slot(live.name, now)
                self._writer.submit(NextRunMoved(live.name, live.next_run_at, live.covered_until))

    def _check_scheduler(self) -> None:
        if not self._timing.alive and not self._going_down:
            logger.error("the scheduler's thread died; a new one takes over")
            self._notices.tell("scheduler", "the scheduler had died and was rebuilt", NOTICE_TIME)
            self._timing.restart()
            self._look_at_all()

    def _look_at_all(self) -> None:
        """Sees to slots that came while the scheduler was not yet, or no longer, looking."""
        for live in self.roster:
            schedule, seen = live.registration.schedule, live.seen_until
            if live.waiting or live.registration.worker is None:
                continue
            # Without the lock first: while thousands come up, the scheduler is at work already and wants it too.
            if (slot := schedule.next_slot(live.name, seen)) is not None and slot <= self._clock.now():
                self._slots.look(live.name)

    def _check_loop(self) -> None:
        blocked = self._loop.blocked_for()
        if blocked < BLOCKED_LOOP:
            self._notices.take_back("loop")
            return
        culprit = self._runner.on_event_loop_now()
        name = culprit.run.worker if culprit else "a worker"
        self._notices.tell(
            "loop", f"{name} has blocked the async workers for {blocked:.0f} s; it should be a plain `def run`"
        )

    def _notice(self) -> str | None:
        return "; ".join([*filter(None, [self._writer.aftermath()]), *self._notices.texts()]) or None

    # Going down

    def _wait_for_runs(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while self.roster.active() and time.monotonic() < end:
            if self._hurry.wait(0.02):
                return

    def _end(self, connection: Connection, change: int) -> None:
        operations.end_host(connection, change, self.host_id, self._clock.now())


def _last_sign(host: HostRecord) -> Micros:
    """When a host was last known to live."""
    return host.stopped_at if host.stopped_at is not None and host.ending == "stopped" else host.heartbeat_at
