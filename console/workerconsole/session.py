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

    def __init__(self, open_database: "Callable[[], Database]", make_host: "HostFactory | None") -> None:
        self._open_database = open_database
        self._make_host = make_host
        self._lock = threading.Lock()
        self._closed = False
        self.database: Database | None = None
        self.host: Hosting | None = None
        self.ready = False
        """Whether commands can be given: the database is open, and our host, if there is one, has started."""

    @property
    def wants_host(self) -> bool:
        """Whether it was told to run a host of its own."""
        return self._make_host is not None

    def open(self) -> Opened:
        """Open the database and start the host, or attach to the one that lives there. After an error, call it again.

        Raises:
            DatabaseError: when the database can't be used; the text says what to do.
        """
        with self._lock:
            if self._closed:
                return Opened()
            if self.database is None:
                self.database = self._open_database()
            opened = self._start(self.database)
            self.ready = True
            return opened

    def _start(self, database: "Database") -> Opened:
        if self._make_host is None:
            return Opened()
        host = self._make_host(database)
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
