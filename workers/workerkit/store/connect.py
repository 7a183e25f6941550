"""Connections to the SQLite file, and what its errors mean in words. Without SQLAlchemy, whose import takes longer than
to find out whether a database can be used."""

import sqlite3
from pathlib import Path

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
    origin = _origin(error)
    code = getattr(origin, "sqlite_errorcode", None) if isinstance(origin, sqlite3.Error) else None
    return None if code is None else int(code) & 0xFF


def _origin(error: BaseException) -> BaseException:
    """The driver's own error, also where SQLAlchemy has wrapped it."""
    return getattr(error, "orig", None) or error


def trouble_of(error: BaseException) -> str | None:
    """Why the database can't be used right now, in words; None where the error is the statement's own fault."""
    code = _code_of(error)
    if isinstance(error, MemoryError):
        code = sqlite3.SQLITE_NOMEM
    words = None if code is None else _WORDS.get(code)
    return None if words is None else f"{words} ({_origin(error)})"
