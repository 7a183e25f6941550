"""A host: the one process that schedules and runs workers on a database. The parts of it are in engine.py."""

import threading
from collections.abc import Sequence
from contextlib import ExitStack

from workerkit.clock import Clock, SystemClock
from workerkit.engine import Engine, HostSpec, StopReport
from workerkit.errors import HostRunningError
from workerkit.executors.threads import MAX_THREADS
from workerkit.registry import Registry
from workerkit.store.database import Database
from workerkit.store.records import RunRecord

LOCK_PATIENCE = 1.0
"""Seconds to wait for a lock that a mere look at it may hold for an instant."""
DEFAULT_GRACE = 10.0
"""Seconds that running workers get at shutdown to see ctx.cancelled and leave."""


class Host:
    """Hosts a registry's workers on a database. start() and stop() are idempotent and safe from any thread.

    Args:
        database: an open database; the caller closes it after stop().
        registry: the workers; read at start().
        mode: how it is hosted, for people: console, headless or library.
        targets: what was loaded, for people.
        grace: seconds that running workers get at stop().
        clock: what tells the time.
        max_threads: how many plain workers may run at one time.
        allow_eval: whether the user who started it may evaluate expressions in the frames of held failures.
    """

    def __init__(
        self,
        database: Database,
        registry: Registry,
        *,
        mode: str = "library",
        targets: Sequence[str] = (),
        grace: float = DEFAULT_GRACE,
        clock: Clock | None = None,
        max_threads: int = MAX_THREADS,
        allow_eval: bool = False,
    ) -> None:
        self._database = database
        self._registry = registry
        self._spec = HostSpec(mode, tuple(targets), max_threads, allow_eval)
        self._grace = grace
        self._clock = clock or SystemClock()
        self._life = threading.RLock()
        self._engine: Engine | None = None
        self._last: Engine | None = None
        self._release = ExitStack()

    def start(self) -> None:
        """Takes the database and begins to schedule.

        The database then shows this host, every registered worker, and as failed (crash) what was found in flight.

        Raises:
            HostRunningError: another host lives on the database; nothing was changed.
            DatabaseError: the database can't be used.
        """
        with self._life:
            if self._engine is not None:
                return
            with ExitStack() as unwind:
                lock = self._database.host_lock()
                if not lock.acquire(LOCK_PATIENCE):
                    raise HostRunningError(
                        f"another host lives on {self._database.path}; "
                        "show it with `workerconsole attach`, or choose another database with --db"
                    )
                unwind.callback(lock.release)
                engine = Engine(self._database, self._registry, self._spec, self._clock)
                engine.start()
                self._engine = self._last = engine
                self._release = unwind.pop_all()

    def stop(self, grace: float | None = None) -> StopReport:
        """Starts nothing new, asks running workers to leave, waits `grace` seconds, records what it interrupts.

        Returns within the grace period and about a second, also with a thread that never ends. The database then
        shows no run in flight, and this host as stopped.
        """
        with self._life:
            engine, self._engine = self._engine, None
            if engine is None:
                return StopReport()
            try:
                return engine.stop(self._grace if grace is None else grace)
            finally:
                self._release.close()

    def hurry(self) -> None:
        """Ends the grace period of a stop() that another thread is in."""
        if (engine := self._last) is not None:
            engine.hurry()

    def nudge(self) -> None:
        """A command was written: look at it now rather than at the next poll."""
        if (engine := self._engine) is not None:
            engine.inbox.nudge()

    @property
    def trouble(self) -> str | None:
        """What the operator must know of the database, e.g. that its disk is full; None when all is well."""
        engine = self._engine
        return None if engine is None else engine.trouble()

    @property
    def running(self) -> bool:
        """Whether it is started and not stopped."""
        return self._engine is not None

    @property
    def host_id(self) -> int:
        """This host's row in the database, also after stop(). Raises RuntimeError before the first start()."""
        if self._last is None:
            raise RuntimeError("the host was never started")
        return self._last.host_id

    @property
    def recovered(self) -> tuple[RunRecord, ...]:
        """Runs that a dead host had left in flight, as the latest start() marked them."""
        return self._last.recovered if self._last else ()

    def running_count(self) -> int:
        """Runs in flight; also while stop() waits for them."""
        return len(engine.roster.active()) if (engine := self._last) is not None else 0

    def leftover_threads(self) -> bool:
        """After stop(): whether a worker's code still executes in this process, which may keep it from ending."""
        return self._last is not None and self._last.leftover_threads()
