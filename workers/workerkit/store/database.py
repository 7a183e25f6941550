"""Where the database lies, and the way in: readers, the writer, and the lock that makes a process its host."""

import hashlib
import logging
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from workerkit.clock import Clock, Micros
from workerkit.errors import DatabaseError
from workerkit.store.connect import trouble_of
from workerkit.store.doorbell import Doorbell
from workerkit.store.files import Home, Identity, check_private, create_private
from workerkit.store.glance import Glance, glance
from workerkit.store.lock import HostLock, is_locked
from workerkit.store.migrate import EMPTY, HEAD, bring_to_head, lock_path, refuse_unknown, revision_of
from workerkit.store.rescue import adopt, rescued

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from workerkit.store.reader import Reader
    from workerkit.store.writer import Writer

ENVIRONMENT_VARIABLE = "WORKERCONSOLE_DB"
"""Names the database where nothing else does."""
BUSY_TIMEOUT = 5.0
"""Seconds that a reader or a command waits for a lock."""
WRITER_BUSY_TIMEOUT = 0.25
"""Seconds that the host's writer waits for a lock before it tries again; more would hold up its stop."""

_PROJECT_MARKS = ("workers.toml", "workers.py", "pyproject.toml", ".git")
_URL = re.compile(r"([a-z][a-z0-9+.-]*)://(.*)", re.DOTALL)

_log = logging.getLogger(__name__)


def default_path(project: Path | None = None) -> Path:
    """The database of a project: one file each in the user's data folder.

    A project is the nearest folder, from the current one upwards, that has workers.toml, workers.py, pyproject.toml
    or .git; without any, the current one.
    """
    from platformdirs import user_data_path

    folder = (project or _project_of(Path.cwd())).resolve()
    slug = re.sub(r"[^a-z0-9]+", "-", folder.name.lower()).strip("-")[:40] or "root"
    digest = hashlib.blake2b(os.fsencode(folder), digest_size=4).hexdigest()
    return user_data_path("workerconsole", appauthor=False) / f"{slug}-{digest}.db"


def _project_of(folder: Path) -> Path:
    for candidate in (folder, *folder.parents):
        if any((candidate / mark).exists() for mark in _PROJECT_MARKS):
            return candidate
    return folder


def locate(database: str | Path | None) -> Path:
    """The file that is meant by a path, an URL `sqlite:///path`, or nothing (WORKERCONSOLE_DB, else default_path()).

    Raises:
        DatabaseError: for an URL of another kind.
    """
    database = database or os.environ.get(ENVIRONMENT_VARIABLE) or default_path()
    if isinstance(database, str) and (url := _URL.fullmatch(database)):
        scheme, rest = url.groups()
        if scheme not in ("sqlite", "sqlite+pysqlite") or not rest.startswith("/") or len(rest) < 2 or "?" in rest:
            raise DatabaseError(
                f"{_without_password(database)} can't be the database: it must be a SQLite file so far; "
                "give a path, or sqlite:////absolute/path.db"
            )
        database = rest[1:]
    return Path(os.path.abspath(Path(database).expanduser()))  # noqa: PTH100 -- resolve() would follow a link, which is refused


def _without_password(url: str) -> str:
    return re.sub(r"//[^@/]*@", "//…@", url)


class Database:
    """One database file that has been found in order. Cheap to open; holds no connection of its own.

    SQLAlchemy is imported with the first reader: who only wants to know whether a database can be used need not wait.
    """

    def __init__(self, path: Path, identity: Identity) -> None:
        self.path = path
        self._home = Home(path, identity)
        self._lock: HostLock | None = None

    @classmethod
    def open(cls, database: str | Path | None = None, *, create: bool = True) -> Self:
        """Finds the database, and sees to it that it can be used.

        With `create`, as a host opens it: what is missing is made (folder 0700, file 0600), and an older schema is
        migrated, after a backup beside it. Without, as everybody else does: nothing is changed.

        Raises:
            DatabaseError: it isn't there, is a link or somebody else's, no database of ours, or of a newer schema.
        """
        path = locate(database)
        if create:
            _bring_back(path)
            create_private(path)
        try:
            identity = check_private(path)
        except FileNotFoundError:
            _refuse_if_deleted(path)
            raise DatabaseError(
                f"there is no database at {path}; start a host first (workerconsole, or workerconsole serve), "
                "or name another file with --db"
            ) from None
        revision = revision_of(path)
        if revision != HEAD:
            refuse_unknown(path, revision)
            if not create:
                what = "is still empty" if revision == EMPTY else f"has the older schema {revision!r}, not {HEAD!r}"
                raise DatabaseError(
                    f"{path} {what}; start a host once to set it up (workerconsole, or workerconsole serve)"
                )
            bring_to_head(path, revision)
        return cls(path, identity)

    def glance(self, since: Micros) -> Glance:
        """A first look, before there is a reader; activity from `since` on.

        Raises:
            DatabaseError: when the file can't be read.
        """
        return glance(self.path, since=since, busy_timeout=BUSY_TIMEOUT)

    def reader(self) -> "Reader":
        """A read-only connection of its own; close it.

        Raises:
            DatabaseError: when it can't be opened.
        """
        from workerkit.store.reader import Reader

        return Reader(self._reading, self._home)

    def writer(self, clock: Clock) -> "Writer":
        """A writer, not started yet. For the host alone, so that nobody else pays for its import."""
        from workerkit.store.writer import Writer

        return Writer(self._home, clock, busy_timeout=WRITER_BUSY_TIMEOUT, lock=self._lock)

    @contextmanager
    def transaction(self) -> Iterator["Connection"]:
        """A transaction of one's own, beside a host or without one; committed at the end, rolled back by an error.

        Raises:
            DatabaseError: when the database can't be written, e.g. locked for more than 5 s, or its host had to leave
                for another file.
        """
        from sqlalchemy.exc import DBAPIError

        if self._home.away is not None:
            raise DatabaseError(self._home.away)
        engine = self._writing(BUSY_TIMEOUT)
        try:
            with engine.connect() as connection, connection.begin():
                yield connection
        except (DBAPIError, sqlite3.Error) as error:
            trouble = trouble_of(error)
            if trouble is None:
                raise
            raise DatabaseError(f"{self.path} can't be written: {trouble}; try again") from error
        finally:
            engine.dispose()

    def host_lock(self) -> HostLock:
        """The right to be this database's host, not acquired yet. A writer() that is asked for later looks after it."""
        self._lock = HostLock(lock_path(self.path))
        return self._lock

    def doorbell(self) -> Doorbell:
        """What calls the host of this database, whichever process it is, to a command."""
        return Doorbell(lock_path(self.path))

    def host_is_live(self) -> bool:
        """Whether some process, this one included, is host of this database right now."""
        return is_locked(lock_path(self.path))

    def close(self) -> None:
        """Nothing is held open; readers and writers close their own. Idempotent."""

    @cached_property
    def _reading(self) -> "Engine":
        from workerkit.store.engines import reading_engine

        return reading_engine(self.path, busy_timeout=BUSY_TIMEOUT)

    def _writing(self, busy_timeout: float) -> "Engine":
        from workerkit.store.engines import writing_engine

        return writing_engine(self.path, busy_timeout=busy_timeout)


def _refuse_if_deleted(path: Path) -> None:
    if is_locked(lock_path(path)):
        raise DatabaseError(
            f"{path} was deleted while a host lives on it, which puts it back as soon as it can; "
            "try again, and see that host's log"
        )


def _bring_back(path: Path) -> None:
    """A database that was deleted under its host is not begun anew: its host puts it back, or has saved it beside.

    Raises:
        DatabaseError: while its host lives.
    """
    if os.path.lexists(path) or not path.parent.is_dir():
        return
    _refuse_if_deleted(path)
    lock = HostLock(lock_path(path))
    if rescued(path) and lock.acquire():
        try:
            if (saved := adopt(path)) is not None:
                _log.warning("%s was gone; it was put back from %s, where its host had saved it", path, saved)
        finally:
            lock.release()
