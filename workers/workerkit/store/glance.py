"""The first look at a database: what a console shows first, by plain SQL.

Reading ten thousand workers takes half as long as to import SQLAlchemy, for which the first picture would have to wait.
"""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from workerkit.clock import Micros
from workerkit.errors import DatabaseError
from workerkit.store import rows
from workerkit.store.connect import connect, trouble_of
from workerkit.store.records import ActivityRecord, HostRecord, WorkerRecord

_WORKERS = f"SELECT {', '.join(rows.WORKER)} FROM workers"  # noqa: S608 -- our own columns
_HOST = f"SELECT {', '.join(rows.HOST)} FROM hosts ORDER BY id DESC LIMIT 1"  # noqa: S608
_ACTIVITY = f"SELECT {', '.join(rows.ACTIVITY)} FROM activity WHERE minute >= ? ORDER BY minute"  # noqa: S608


@dataclass(frozen=True, slots=True)
class Glance:
    """The database at one instant, as far as a list of its workers shows it."""

    workers: list[WorkerRecord]
    host: HostRecord | None
    """The latest, alive or not."""
    activity: list[ActivityRecord]
    """The minutes in which anything happened, oldest first."""


def glance(path: Path, *, since: Micros, busy_timeout: float) -> Glance:
    """All workers, the latest host, and the activity from `since` on.

    Raises:
        DatabaseError: when the file can't be read.
    """
    try:
        with closing(connect(path, mode="rw", busy_timeout=busy_timeout)) as connection:
            connection.execute("PRAGMA query_only=ON")
            connection.execute("BEGIN")
            workers = [rows.worker(row) for row in connection.execute(_WORKERS)]
            host = next((rows.host(row) for row in connection.execute(_HOST)), None)
            return Glance(workers, host, [rows.minute(row) for row in connection.execute(_ACTIVITY, (since,))])
    except sqlite3.Error as error:
        raise DatabaseError(
            f"{path} can't be read: {trouble_of(error) or error}; try again, or check the disk"
        ) from error
