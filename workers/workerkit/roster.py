"""The live state of a host's workers: who is paused, who is running, what is accounted for. In memory, in one place.

The database holds the same facts for everybody else; the roster is what the host decides by. It is changed only with
`Roster.lock` held, and nothing that can block is done under that lock.
"""

import asyncio
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from workerkit.clock import Micros, to_iso
from workerkit.context import Cancellation, RunContext
from workerkit.failures import Redactor
from workerkit.failures.sampling import Sampler
from workerkit.outcome import Failure, GapReason, Outcome, Status, Trigger
from workerkit.output import RunOutput
from workerkit.postmortem import HeldFailures
from workerkit.registration import Registration
from workerkit.watchdog import Timer

RECENT_RUNS = 20
"""Finished runs whose outcome and duration are kept beside a worker, for the sparkline."""


class Run(NamedTuple):
    """One run as it was admitted; the row in the database says the same."""

    id: int
    worker: str
    attempt: int
    trigger: Trigger
    due_at: Micros
    started_at: Micros
    params: dict[str, Any]


@dataclass(slots=True, eq=False)
class ActiveRun:
    """A run in flight, and where it executes. Whoever claims it first records its outcome, before letting the roster's
    lock go: who sees no run in flight any more may rely on every outcome being on its way."""

    run: Run
    registration: Registration
    output: RunOutput
    redactor: Redactor
    held: HeldFailures | None = None
    """Where its failure is to be kept alive, if it is."""
    sampler: Sampler | None = None
    """What failed lately, and need only be counted when it does again; None: all is kept."""
    cancellation: Cancellation = field(default_factory=Cancellation)
    context: RunContext | None = None
    thread_id: int | None = None
    task: "asyncio.Task[Any] | None" = None
    began: float | None = None
    """Monotonic seconds when user code began; None while it waits for a thread."""
    deadline: Timer | None = None
    stack: dict[str, Any] | None = None
    """Where it stood when its timeout struck."""
    unread: tuple[Failure, float] | None = None
    """Its failure as far as it is known, and since when (monotonic seconds) the exception's own __str__ is at work."""
    reported: object = None
    """The last progress that was written."""
    returned: bool = False
    """The worker's code has ended, whenever its outcome was recorded."""
    stuck: bool = False
    """Recorded as timed out while its code still holds its place."""
    replaced: bool = False
    """The pool got another thread in place of the one that this run does not give back."""
    shown: bool = True
    """Its worker's row says that it runs; changed with the roster's lock held."""
    launched: bool = False
    """It was handed to an executor; changed with the roster's lock held."""
    claimed: bool = False
    """Changed with the roster's lock held."""

    def claim(self) -> bool:
        """True for the first caller only: it, and nobody else, records the outcome. With the roster's lock held."""
        first, self.claimed = not self.claimed, True
        return first


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a run was not admitted; `run_id` is the run in its way."""

    reason: GapReason | None
    """The gap's reason; None where a slot can't meet this refusal."""
    text: str
    run_id: int | None = None


@dataclass(slots=True)
class OpenGap:
    """The latest gap row of a worker, which grows while the reason stays."""

    id: int
    reason: GapReason
    run_id: int | None
    first: Micros
    last: Micros
    count: int


@dataclass(frozen=True, slots=True)
class Slot:
    """A due slot that waits: a queued one for the run in flight to end, a caught-up one for its turn."""

    trigger: Trigger
    due_at: Micros
    otherwise: tuple[GapReason, str]
    """The verdict on it, and its words, should another slot take its place."""


@dataclass(slots=True, eq=False)
class PendingRetry:
    """The next attempt of a failed run, and the timer that will begin it."""

    run: Run
    at: Micros
    timer: Timer | None = None


@dataclass(slots=True)
class LiveWorker:
    """One worker's live state."""

    registration: Registration
    redactor: Redactor = field(default_factory=Redactor)
    paused: bool = False
    paused_by: str = ""
    pause_reason: str = ""
    paused_until: Micros | None = None
    """Slots due from then on run again; None: until somebody resumes it."""
    suspended: str = ""
    """Why the host starts it no more; empty while it does."""
    runs: list[ActiveRun] = field(default_factory=list)
    """Those that hold a place: in flight, or stuck; oldest first."""
    retries: list[PendingRetry] = field(default_factory=list)
    waiting: list[Slot] = field(default_factory=list)
    """Slots without a verdict yet, all of them later than covered_until; oldest first."""
    failing: bool = False
    """Its last run that counts failed."""
    failures_in_row: int = 0
    """Occurrences, not attempts."""
    last_run_at: Micros = 0
    """When its latest run began."""
    next_run_at: Micros | None = None
    """As it was recorded last."""
    covered_until: Micros = 0
    """Every slot up to here has its verdict."""
    gap: OpenGap | None = None
    recent: tuple[str, ...] = ()
    """The last runs that finished, each as a JSON array of its outcome and duration."""
    state: str = "{}"
    """ctx.state as it was saved last, JSON."""

    @property
    def name(self) -> str:
        return self.registration.name

    @property
    def busy(self) -> bool:
        """Whether a further run would be one too many at a time; a run between two attempts counts."""
        return len(self.runs) + len(self.retries) >= self.registration.overlap.limit

    @property
    def stuck(self) -> bool:
        """Whether a run was recorded as timed out, and has not given its place back."""
        return bool(self.runs) and any(run.stuck for run in self.runs)

    @property
    def seen_until(self) -> Micros:
        """Every slot up to here has its verdict, or waits for one."""
        return self.waiting[-1].due_at if self.waiting else self.covered_until

    def in_flight(self) -> list[ActiveRun]:
        """Runs whose outcome is not recorded yet, oldest first."""
        return [run for run in self.runs if not run.claimed]

    def running_run_id(self) -> int | None:
        """The oldest run in flight."""
        return next((run.run.id for run in self.runs if not run.claimed), None) if self.runs else None

    def give_up(self) -> bool:
        """Suspends the worker once as many occurrences in a row have failed as it may; whether that was now."""
        limit = self.registration.pause_after
        if limit is None or self.failures_in_row < limit or self.suspended:
            return False
        self.suspended = f"it failed {self.failures_in_row} times in a row"
        return True

    def paused_at(self, moment: Micros) -> bool:
        """Whether it is paused for a slot due then."""
        return self.paused and (self.paused_until is None or moment < self.paused_until)

    def pause_text(self) -> str:
        """Who paused it, until when, and why, in words."""
        until = f" until {to_iso(self.paused_until)}" if self.paused_until is not None else ""
        because = f": {self.pause_reason}" if self.pause_reason else ""
        return f"paused by {self.paused_by or 'somebody'}{until}{because}"

    def resting_status(self) -> Status:
        """What the worker is when nothing runs."""
        if self.registration.load_error is not None:
            return Status.BROKEN
        if self.stuck:
            return Status.STUCK
        if self.suspended:
            return Status.SUSPENDED
        if self.paused:
            return Status.PAUSED
        if self.retries:
            return Status.RETRYING
        return Status.FAILED if self.failing else Status.IDLE

    def status(self) -> Status:
        """What the worker is now."""
        return Status.RUNNING if self.runs and self.in_flight() and not self.stuck else self.resting_status()

    def remember(self, outcome: Outcome, duration: Micros) -> str:
        """Adds a finished run to the recent ones; returns them as JSON."""
        self.recent = (*self.recent, remembered(outcome, duration))[-RECENT_RUNS:]
        return f"[{','.join(self.recent)}]"


def remembered(outcome: str, duration: Micros) -> str:
    """A finished run as an element of `LiveWorker.recent`."""
    return f'["{outcome}",{duration}]'


class Roster:
    """All live workers of a host, and the numbers that it hands out."""

    def __init__(self, workers: Iterable[LiveWorker], next_run_id: int, next_gap_id: int) -> None:
        self.lock = threading.RLock()
        self._workers = {live.name: live for live in workers}
        self._runs: dict[int, ActiveRun] = {}
        self._run_id = next_run_id - 1
        self._gap_id = next_gap_id - 1

    def new_run_id(self) -> int:
        with self.lock:
            self._run_id += 1
            return self._run_id

    def new_gap_id(self) -> int:
        with self.lock:
            self._gap_id += 1
            return self._gap_id

    @property
    def last_run_id(self) -> int:
        """The latest id that was handed out."""
        return self._run_id

    def get(self, name: str) -> LiveWorker | None:
        return self._workers.get(name)

    def __getitem__(self, name: str) -> LiveWorker:
        return self._workers[name]

    def __iter__(self) -> Iterator[LiveWorker]:
        return iter(self._workers.values())

    def enter(self, live: LiveWorker, active: ActiveRun) -> None:
        """A run takes one of its worker's places."""
        live.runs.append(active)
        self._runs[active.run.id] = active

    def leave(self, live: LiveWorker, active: ActiveRun) -> bool:
        """It gives its place back; whether it had one."""
        if self._runs.pop(active.run.id, None) is None:
            return False
        live.runs.remove(active)
        return True

    def active(self) -> list[ActiveRun]:
        """Runs in flight whose outcome is not recorded yet."""
        with self.lock:
            return [active for active in self._runs.values() if not active.claimed]

    def stuck(self) -> list[str]:
        """Workers whose thread never came back."""
        with self.lock:
            return sorted({active.run.worker for active in self._runs.values() if active.stuck})
