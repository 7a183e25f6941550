"""What stands behind the screen: the database, the host if we run one, and the hand that gives commands."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

from workerkit.errors import DatabaseError, HostRunningError
from workerkit.store.records import RunRecord

if TYPE_CHECKING:
    from workerkit.operator import Operator
    from workerkit.store.database import Database


class Hosting(Protocol):
    """What the screen asks of the host in its own process; workerkit's Host is one."""

    @property
    def recovered(self) -> tuple[RunRecord, ...]: ...
    @property
    def trouble(self) -> str | None: ...
    def start(self) -> None: ...
    def stop(self, grace: float | None = None) -> object: ...
    def hurry(self) -> None: ...
    def nudge(self) -> None: ...
    def leftover_threads(self) -> bool: ...


HostFactory: TypeAlias = "Callable[[Database], Hosting]"


@dataclass(frozen=True, slots=True)
class Stage:
    """What a screen is for: the database that it shows, and the workers that it hosts there, if any."""

    open_database: "Callable[[], Database]"
    make_host: "HostFactory | None" = None
    """None: it only looks at what others host."""
    grace: float = 10.0
    """Seconds that running workers get when the host stops."""
    leave_headless: Callable[[], str] | None = None
    """Starts a host without a screen, which waits for ours to end, and returns a sentence for the terminal."""


@dataclass(frozen=True, slots=True)
class Opened:
    """How opening went."""

    recovered: tuple[RunRecord, ...] = ()
    """The runs that were in flight when the host before died; they are recorded as failed."""
    attached_instead: str | None = None
    """Why the session looks at another host instead of running its own."""


class Session:
    """Opens the database and starts the host, and ends both. Its methods block: never call them on the screen's thread.

    `stop_host` and `close` may be called from several threads; the host ends once.
    """

    def __init__(self, set_stage: Callable[[], Stage]) -> None:
        self._set_stage = set_stage
        self._lock = threading.Lock()
        self._closed = False
        self.stage: Stage | None = None
        """None until it is found out."""
        self.database: Database | None = None
        self.host: Hosting | None = None
        self.ready = False
        """Whether commands can be given: the database is open, and our host, if there is one, has started."""

    @property
    def grace(self) -> float:
        """Seconds that running workers get when the host stops; none while there is no host."""
        return 0.0 if self.stage is None else self.stage.grace

    def open(self) -> Opened:
        """Set the stage, open the database and start the host, or attach to the one that lives there.

        After an error, call it again.

        Raises:
            DatabaseError: when the database can't be used; the text says what to do.
            Exception: whatever comes of setting the stage; `stage` is None then.
        """
        if self.stage is None:
            # Loads code of others, which may take its time: nobody who closes waits for that.
            self.stage = self._set_stage()
        with self._lock:
            if self._closed:
                return Opened()
            if self.database is None:
                self.database = self.stage.open_database()
            opened = self._start(self.database, self.stage)
            self.ready = True
            return opened

    def _start(self, database: "Database", stage: Stage) -> Opened:
        if stage.make_host is None:
            return Opened()
        host = stage.make_host(database)
        try:
            host.start()
        except HostRunningError as error:
            return Opened(attached_instead=str(error))
        self.host = host
        return Opened(recovered=tuple(host.recovered))

    def operator(self) -> "Operator":
        """The hand that gives commands.

        Raises:
            DatabaseError: the database is not open, or not any more.
        """
        from workerkit.operator import Operator

        if self.database is None:
            raise DatabaseError("the database is not open")
        return Operator(self.database, nudge=self.host.nudge if self.host is not None else lambda: None)

    @property
    def trouble(self) -> str | None:
        """What our host has to say of the database that it can't write there; None when all is well."""
        return None if self.host is None else self.host.trouble

    def stop_host(self, grace: float | None = None) -> None:
        """Stop our host, if there is one. The database then shows how every run of it ended."""
        if self.host is not None:
            self.host.stop(grace)

    def hurry(self) -> None:
        """End the grace period of a `stop_host` that another thread is in."""
        if self.host is not None:
            self.host.hurry()

    @property
    def leftover_threads(self) -> bool:
        """Whether a thread of a worker would keep the process from ending."""
        return self.host is not None and self.host.leftover_threads()

    def close(self, grace: float | None = None) -> None:
        """Stop the host and close the database. An `open` that is under way ends first; a second call does nothing."""
        self._closed = True
        with self._lock:
            self.stop_host(grace)
            database, self.database, self.ready = self.database, None, False
            if database is not None:
                database.close()
