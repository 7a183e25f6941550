"""The writer's way to the file, and what it does when somebody takes that file away.

A database that is deleted while it is open can still be read and written, by its open connection alone. So it is copied
beside its old name at once, and put back under that name; while the name is taken by another file, the copy is
where the host writes.
"""

import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from workerkit.clock import Clock
from workerkit.errors import DatabaseError
from workerkit.store import rescue
from workerkit.store.connect import helped_by_opening_anew, trouble_of
from workerkit.store.engines import writing_engine
from workerkit.store.files import Home, Identity, check_private, companions, identity_of
from workerkit.store.lock import HostLock

CHECK_INTERVAL = 1.0
"""Seconds between two looks at whether the file is still the one that was opened."""

_log = logging.getLogger(__name__)


class FileTakenError(Exception):
    """The file is gone and could not be saved yet, or another host has taken it over."""


class Channel:
    """One connection for writing. Used by one thread; `given_up` tells it that there is no more time.

    Args:
        home: where the database lies; its identity is kept up to date.
        lock: the host's lock, where there is a host; a lock file that somebody deletes is made anew.
    """

    def __init__(
        self,
        home: Home,
        clock: Clock,
        *,
        busy_timeout: float,
        lock: HostLock | None,
        given_up: Callable[[], bool],
    ) -> None:
        self.superseded = False
        """Another host has taken the lock after somebody deleted the lock file: nothing is written any more."""
        self._home = home
        self._clock = clock
        self._busy_timeout = busy_timeout
        self._lock = lock
        self._given_up = given_up
        self._connection: Connection | None = None
        self._doubtful = False
        self._saved: Path | None = None
        self._companions: dict[Path, Identity | None] = {}
        self._checked_at = float("-inf")
        self.engine = self._engine_of(home.path)

    def open(self) -> None:
        """Opens the connection.

        Raises:
            DatabaseError: when the database can't be opened.
        """
        try:
            self._connection = self.engine.connect()
        except Exception as error:
            raise DatabaseError(
                f"{self._home.path} can't be opened for writing: {trouble_of(error) or error}"
            ) from error

    def connection(self) -> Connection:
        """The connection, to the file that the name stands for, or to where that had to be saved.

        Raises:
            FileTakenError: in words for the operator.
        """
        now = self._clock.monotonic()
        if now - self._checked_at >= CHECK_INTERVAL or self._doubtful:
            self._look()
            self._checked_at = now
        assert self._connection is not None
        return self._connection

    def doubt(self, error: BaseException) -> None:
        """The connection failed with this. What was read-only or unreadable stays so until it is opened anew."""
        self._doubtful = helped_by_opening_anew(error)

    def close(self) -> None:
        """Closes the connection; idempotent."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _look(self) -> None:
        if self._saved is None and not self._home.is_there():
            self._save()
        if self._saved is not None:
            self._return_home(self._saved)
        else:
            self._companions = {path: identity_of(path) for path in companions(self._home.path)}
            self._keep_lock()
        if self._doubtful or self._connection is None:
            self._reconnect()

    def _reconnect(self) -> None:
        """Opens first and closes then: the old connection may be all that is left of a file."""
        fresh = self.engine.connect()
        self.close()
        self._connection, self._doubtful = fresh, False

    def _save(self) -> None:
        """Moves to a copy of the file that has lost its name."""
        path = self._home.path
        what = "was replaced by another file" if identity_of(path) is not None else "was deleted"
        try:
            saved = rescue.save(self._driver(), path, self._clock.now(), self._given_up)
            engine = self._engine_of(saved)
            connection = engine.connect()
        except (rescue.RescueError, OSError, sqlite3.Error, DBAPIError) as error:
            raise FileTakenError(
                f"the file {what}, and what it held can't be saved yet ({error}); make room beside it, "
                "and don't stop the host before it has saved it"
            ) from error
        self.close()
        self.engine, self._connection, self._saved, self._doubtful = engine, connection, saved, False
        rescue.clear_away(path, self._companions)
        self._home.away = (
            f"{path} {what}; all that it held is in {saved.name} beside it, where the host writes now. Move the other "
            "file away, and the host puts its own back; or restart the host to go on with the other one"
        )
        _log.warning("%s %s under the host; all that it held was saved in %s", path, what, saved)

    def _return_home(self, saved: Path) -> None:
        """Puts the copy under the old name, unless that is taken; in that case another time."""
        self._keep_lock()
        path = self._home.path
        if identity_of(path) is not None:
            return
        if self._connection is not None:
            self._driver().execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self.close()
        try:
            if not rescue.put_back(saved, path, self._companions):
                return
            self._home.identity = check_private(path)
        except (OSError, DatabaseError) as error:
            _log.warning("%s can't be put back as %s yet: %s", saved, path, error)
            return
        self._home.away = self._saved = None
        self.engine = self._engine_of(path)
        _log.warning("%s was put back with all that it held", path)

    def _driver(self) -> sqlite3.Connection:
        if self._connection is None:
            raise rescue.RescueError("nothing of it is open any more")
        driver = self._connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        return driver

    def _keep_lock(self) -> None:
        try:
            self.superseded = self._lock is not None and not self._lock.renew()
        except (OSError, DatabaseError) as error:
            raise FileTakenError(f"the lock file beside it is gone and can't be made again ({error})") from error
        if self.superseded:
            raise FileTakenError(
                "its lock file was deleted and another host has taken over; stop this host, or it does everything twice"
            )

    def _engine_of(self, path: Path) -> Engine:
        return writing_engine(path, busy_timeout=self._busy_timeout)
