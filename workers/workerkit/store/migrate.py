"""The schema's revision, and the way from an older one to ours.

Telling the revision costs one query; Alembic and SQLAlchemy are imported only where there is something to migrate.
"""

import contextlib
import os
import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING

from workerkit.errors import DatabaseError
from workerkit.store.connect import connect, is_damaged, trouble_of
from workerkit.store.lock import HostLock

if TYPE_CHECKING:
    from sqlalchemy import Connection

REVISIONS = ("workerkit_0001", "workerkit_0002", "workerkit_0003", "workerkit_0004")
"""Every revision there ever was, oldest first; the scripts in migrations/versions bear the same."""
HEAD = REVISIONS[-1]
"""The revision that this code reads and writes."""
EMPTY = ""
"""The revision of a file without tables."""

SCRIPTS = Path(__file__).parent / "migrations"

BUSY_TIMEOUT = 10.0
"""Seconds to wait while another process creates or migrates the same file."""

HEADER_SIZE = 100
"""Bytes of a SQLite file's header; every database is longer."""


def revision_of(path: Path) -> str:
    """The revision of the schema in the file; EMPTY for a file without tables. Changes nothing in the file.

    Raises:
        DatabaseError: when it is no database, one of another program, or can't be read.
    """
    try:
        _refuse_short(path)
        with contextlib.closing(connect(path, mode="ro", busy_timeout=BUSY_TIMEOUT)) as connection:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if not tables:
                return EMPTY
            row = None
            if "alembic_version" in tables:
                row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except OSError as error:
        raise DatabaseError(
            f"{path} can't be read: {error.strerror}; see to its permissions, or choose another file with --db"
        ) from error
    except sqlite3.Error as error:
        remedy = "restore it from a backup" if is_damaged(error) else "try again"
        raise DatabaseError(
            f"{path} can't be read: {trouble_of(error) or error}; {remedy}, or choose another file with --db"
        ) from error
    if row is None:
        raise DatabaseError(f"{path} is a database of another program; choose another file with --db")
    return str(row[0])


def _refuse_short(path: Path) -> None:
    """SQLite takes a file shorter than its header for an empty one, and would write over somebody's short note.

    By its size, never by opening it: closing any descriptor of the file drops the locks that SQLite holds on it in this
    process (POSIX says so), and another program would then delete the WAL under a living host.
    """
    if 0 < path.stat().st_size < HEADER_SIZE:
        raise DatabaseError(f"{path} is not a database; choose another file with --db")


def refuse_unknown(path: Path, revision: str) -> None:
    """Raises DatabaseError, naming both revisions, where the file's is none of ours: it is newer, or foreign."""
    if revision not in (EMPTY, *REVISIONS):
        raise DatabaseError(
            f"{path} has the schema {revision!r}, which this version doesn't know (its own is {HEAD!r}); nothing was "
            "changed. Upgrade workerconsole to the version that wrote it, or choose another file with --db"
        )


def bring_to_head(path: Path, revision: str) -> None:
    """Creates the schema in an empty file, or migrates an older one: backed up beside it first, in one transaction.

    Raises:
        DatabaseError: when a host of an older version lives on it, or the migration failed; the file is then as it was.
    """
    if revision == EMPTY:
        path.chmod(0o600)  # somebody may have made it with touch
        _upgrade(path)
        return
    lock = HostLock(lock_path(path))
    if not lock.acquire():
        raise DatabaseError(
            f"{path} has an older schema, and a host of that version is at work on it; stop that host, then start again"
        )
    try:
        backup = _back_up(path)
        try:
            _upgrade(path)
        except DatabaseError as error:
            raise DatabaseError(f"{error}; a copy from before lies at {backup}") from error
    finally:
        lock.release()


def lock_path(path: Path) -> Path:
    """The file whose lock says that a host lives on this database."""
    return path.with_name(f"{path.name}.lock")


def _upgrade(path: Path) -> None:
    from sqlalchemy.exc import DBAPIError

    from workerkit.store.engines import writing_engine

    _turn_to_wal(path)
    # A table that is rebuilt is dropped in between, which foreign keys would take for a deletion of its rows.
    engine = writing_engine(path, busy_timeout=BUSY_TIMEOUT, foreign_keys=False)
    try:
        with engine.connect() as connection, connection.begin():
            _run_scripts(connection)
            if connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
                raise DatabaseError(f"the migration of {path} would leave rows without their parents")
    except DBAPIError as error:
        raise DatabaseError(f"the schema of {path} can't be set up: {trouble_of(error) or error.orig}") from error
    finally:
        engine.dispose()


def _turn_to_wal(path: Path) -> None:
    """Tries again while another process does the same: SQLite answers that case at once, whatever the timeout."""
    deadline = time.monotonic() + BUSY_TIMEOUT
    while True:
        try:
            with contextlib.closing(connect(path, mode="rw", busy_timeout=BUSY_TIMEOUT)) as connection:
                (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
            break
        except sqlite3.Error as error:
            if time.monotonic() >= deadline:
                raise DatabaseError(f"{path} can't be set up: {trouble_of(error) or error}; try again") from error
            time.sleep(0.02)
    if mode != "wal":
        raise DatabaseError(
            f"the file system of {path.parent} can't share memory between processes (journal mode {mode}); "
            "choose a database on a local disk with --db"
        )


def _run_scripts(connection: "Connection") -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _back_up(path: Path) -> Path:
    """Copies the database, also what is still in its WAL. An earlier copy of the same step is replaced."""
    backup = path.with_name(f"{path.stem}.before-{HEAD}{path.suffix or '.db'}")
    partial = backup.with_name(f"{backup.name}.part")
    try:
        partial.unlink(missing_ok=True)
        os.close(os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        with (
            contextlib.closing(connect(path, mode="ro", busy_timeout=BUSY_TIMEOUT)) as source,
            contextlib.closing(sqlite3.connect(partial)) as target,
        ):
            source.backup(target)
        partial.replace(backup)
    except (OSError, sqlite3.Error) as error:
        raise DatabaseError(
            f"the backup {backup} can't be written ({error}), so {path} was not migrated; make room beside it"
        ) from error
    return backup
