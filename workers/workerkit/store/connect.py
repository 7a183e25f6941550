"""Connections to the SQLite file, and what its errors mean in words."""

import sqlite3
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

PRAGMAS = (
    # With WAL, NORMAL may lose the last commits in a power failure, never the database; a killed process loses nothing.
    "synchronous=NORMAL",
    "temp_store=MEMORY",
    # A view or trigger planted in the file can't call functions.
    "trusted_schema=OFF",
)
WAL_SIZE_LIMIT = 64 * 1024 * 1024
"""Bytes that the WAL file keeps after a checkpoint; without a limit it stays as large as it ever was."""

_WORDS = {
    sqlite3.SQLITE_BUSY: "another program has locked it",
    sqlite3.SQLITE_LOCKED: "another program has locked it",
    sqlite3.SQLITE_NOMEM: "memory is short",
    sqlite3.SQLITE_READONLY: "it is read-only",
    sqlite3.SQLITE_INTERRUPT: "the operation was interrupted",
    sqlite3.SQLITE_IOERR: "reading or writing failed on the disk",
    sqlite3.SQLITE_CORRUPT: "its contents are damaged",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_CANTOPEN: "it can't be opened",
    sqlite3.SQLITE_PROTOCOL: "its locks are in disorder",
    sqlite3.SQLITE_PERM: "access was denied",
    sqlite3.SQLITE_AUTH: "access was denied",
    sqlite3.SQLITE_NOTADB: "it is not a database",
}
"""Errors of the file or the machine, by SQLite's primary code. Every other error is the statement's own fault."""

_STICKY = frozenset(
    {
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_NOTADB,
    }
)


def connect(path: Path, *, mode: str, busy_timeout: float, foreign_keys: bool = True) -> sqlite3.Connection:
    """A plain connection. `mode` is `ro` or `rw`; neither creates the file. Waits `busy_timeout` seconds for locks.

    Transactions begin only where somebody says BEGIN. The connection may pass between threads; one at a time uses it.
    """
    connection = sqlite3.connect(
        f"{path.as_uri()}?mode={mode}", uri=True, timeout=busy_timeout, isolation_level=None, check_same_thread=False
    )
    try:
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        connection.execute(f"PRAGMA journal_size_limit={WAL_SIZE_LIMIT}")
        connection.execute(f"PRAGMA foreign_keys={int(foreign_keys)}")
    except BaseException:
        connection.close()
        raise
    return connection


def reading_engine(path: Path, *, busy_timeout: float) -> Engine:
    """An engine whose connections can't write.

    The file is opened for writing all the same: SQLite needs that to set up the shared memory of the WAL when it is
    the first to come, and falls back by itself where the file is read-only.
    """

    def creator() -> sqlite3.Connection:
        connection = connect(path, mode="rw", busy_timeout=busy_timeout)
        connection.execute("PRAGMA query_only=ON")
        return connection

    return create_engine(
        "sqlite://", creator=creator, poolclass=NullPool, isolation_level="AUTOCOMMIT", hide_parameters=True
    )


def writing_engine(path: Path, *, busy_timeout: float, foreign_keys: bool = True) -> Engine:
    """An engine whose transactions begin with BEGIN IMMEDIATE, so that none fails halfway for want of the lock."""
    creator = partial(connect, path, mode="rw", busy_timeout=busy_timeout, foreign_keys=foreign_keys)
    engine = create_engine("sqlite://", creator=creator, poolclass=NullPool, hide_parameters=True)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _begin_immediate(connection: Connection) -> None:
    connection.connection.cursor().execute("BEGIN IMMEDIATE")


def is_damaged(error: BaseException) -> bool:
    """Whether the file's contents are wrong, so that trying again is no help."""
    return _code_of(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def is_locked_out(error: BaseException) -> bool:
    """Whether another program holds the lock, as everybody does for a moment."""
    return _code_of(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def helped_by_opening_anew(error: BaseException) -> bool:
    """Whether a connection that failed so may go on failing after its cause has passed."""
    return _code_of(error) in _STICKY


def _code_of(error: BaseException) -> int | None:
    origin = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(origin, "sqlite_errorcode", None) if isinstance(origin, sqlite3.Error) else None
    return None if code is None else int(code) & 0xFF


def trouble_of(error: BaseException) -> str | None:
    """Why the database can't be used right now, in words; None where the error is the statement's own fault."""
    code = _code_of(error)
    if isinstance(error, MemoryError):
        code = sqlite3.SQLITE_NOMEM
    words = None if code is None else _WORDS.get(code)
    return None if words is None else f"{words} ({error.orig if isinstance(error, DBAPIError) else error})"
