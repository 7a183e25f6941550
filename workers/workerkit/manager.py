"""WorkerManager: register workers, start, and act on them. The library's front door, made of the console's parts."""

import threading
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self, Unpack

from workerkit.clock import Micros, SystemClock, from_datetime
from workerkit.engine import StopReport
from workerkit.errors import WorkerkitError
from workerkit.host import DEFAULT_GRACE, Host
from workerkit.operator import Operator, Verb
from workerkit.options import Interval, Options
from workerkit.processes.here import inside
from workerkit.registration import Registration
from workerkit.registry import Registry
from workerkit.schedule import ScheduleError, parse_duration
from workerkit.store.database import Database
from workerkit.store.records import CommandRecord, RunRecord, WorkerRecord


class WorkerManager:
    """Keeps workers running on a schedule, guarded, with everything recorded.

        manager = WorkerManager(database="jobs.db")
        manager.register(Backup())
        with manager:
            ...

    Args:
        database: path of the SQLite file, or `sqlite:///` URL; None: the project's default file.
        grace: seconds that running workers get at stop().

    The verbs (pause, resume, run_now, ...) are rows in the database that the host answers; each returns the answered
    command, whose `state` is done, refused or failed, and whose `result` says it in words.
    """

    def __init__(self, database: str | Path | None = None, *, grace: float = DEFAULT_GRACE) -> None:
        self.database = database
        self.registry = Registry()
        self.grace = grace
        self._life = threading.Lock()
        self._open: Database | None = None
        self._host: Host | None = None

    def register(self, worker: Any, **options: Unpack[Options]) -> Registration:
        """Takes a worker in: an object with name, interval and run(ctx), or a class that can be made without arguments.

        Options win over the worker's attributes; see workerkit.options.

        Raises:
            RegistrationError: naming what is wrong, where, and the remedy; or when the manager already runs.
        """
        if self._host is not None:
            raise WorkerkitError("the manager is running; register every worker before start()")
        return self.registry.register(worker, **options)

    def start(self, mode: str = "library") -> None:
        """Opens the database and begins to schedule. Does nothing when it runs already. From any thread, as stop().

        Raises:
            HostRunningError: another host lives on the database.
            DatabaseError: the database can't be used.
        """
        with self._life:
            if self._host is None:
                self._start(mode)

    def _start(self, mode: str) -> None:
        if inside():
            raise WorkerkitError(
                "this is a worker's own process, which imports the module to find the worker; "
                'start the manager under `if __name__ == "__main__":`'
            )
        database = Database.open(self.database)
        host = Host(database, self.registry, mode=mode, grace=self.grace)
        try:
            host.start()
        except BaseException:
            database.close()
            raise
        self._open, self._host = database, host

    def stop(self, grace: float | None = None) -> StopReport:
        """Stops gracefully; see Host.stop(). Does nothing when it does not run."""
        with self._life:
            host, self._host = self._host, None
            database, self._open = self._open, None
            if host is None or database is None:
                return StopReport()
            try:
                return host.stop(grace)
            finally:
                database.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def pause(
        self, name: str, reason: str = "", *, until: datetime | None = None, for_: Interval = None
    ) -> CommandRecord:
        """Its slots become gaps until resume(), or until a time comes; a run in flight goes on. Survives restarts.

        The answer's `result` says how many slots will be missed.

        Args:
            name: of the worker.
            reason: why; kept with the pause.
            until: when it resumes by itself; without a time zone in local time.
            for_: the same as a span from now on, such as `2h`. A slot due at the very end runs.

        Raises:
            WorkerkitError: when both are given, or neither can be meant.
        """
        return self._act(Verb.PAUSE, name, params=_ending(until, for_), reason=reason)

    def resume(self, name: str, reason: str = "") -> CommandRecord:
        """Ends a pause, and a suspension."""
        return self._act(Verb.RESUME, name, reason=reason)

    def run_now(self, name: str, params: Mapping[str, Any] | None = None, reason: str = "") -> CommandRecord:
        """One run at once, outside the schedule; refused while the worker runs. `run_id` of the answer is the run."""
        return self._act(Verb.RUN, name, params=params, reason=reason)

    def cancel(self, name: str, reason: str = "", *, force: bool = False) -> CommandRecord:
        """Asks the runs in flight to stop, and gives up the attempt that waits; by force ends those in a process."""
        return self._act(Verb.CANCEL, name, params={"force": True} if force else None, reason=reason)

    def pause_all(self, reason: str = "", *, until: datetime | None = None, for_: Interval = None) -> CommandRecord:
        """pause() for every worker; a pause that would last longer stays as it is."""
        return self._act(Verb.PAUSE_ALL, params=_ending(until, for_), reason=reason)

    def resume_all(self, reason: str = "") -> CommandRecord:
        """resume() for every worker."""
        return self._act(Verb.RESUME_ALL, reason=reason)

    def reset_counters(self, name: str, reason: str = "") -> CommandRecord:
        """Begins to count successes and failures at zero; the history stays."""
        return self._act(Verb.RESET_COUNTERS, name, reason=reason)

    def workers(self) -> list[WorkerRecord]:
        """All workers that the database knows, by name."""
        with self._database().reader() as reader:
            return reader.workers()

    def runs(self, worker: str | None = None, limit: int = 50) -> list[RunRecord]:
        """The latest runs, of one worker or of all, latest first."""
        with self._database().reader() as reader:
            return reader.runs(worker=worker, limit=limit)

    def _act(
        self, verb: Verb, name: str | None = None, *, params: Mapping[str, Any] | None = None, reason: str
    ) -> CommandRecord:
        host, database = self._host, self._database()
        if name is not None and self.registry.get(name) is None:
            known = ", ".join(registration.name for registration in self.registry) or "none"
            raise WorkerkitError(f"there is no worker {name!r}; registered are: {known}")
        operator = Operator(database, nudge=host.nudge if host else lambda: None)
        return operator.wait(operator.submit(verb, name, params=params, reason=reason))

    def _database(self) -> Database:
        if self._open is None:
            raise WorkerkitError("the manager is not running; call start() first, or use it as a context manager")
        return self._open


def _ending(until: datetime | None, span: Interval) -> dict[str, Micros] | None:
    """The end of a pause as the command has it."""
    if until is not None and span is not None:
        raise WorkerkitError("give until= or for_=, not both")
    try:
        if span is not None:
            return {"until": SystemClock().now() + parse_duration(span)}
        return None if until is None else {"until": from_datetime(until.astimezone())}
    except (ScheduleError, OverflowError) as error:
        raise WorkerkitError(f"that is no end of a pause: {error}") from error
