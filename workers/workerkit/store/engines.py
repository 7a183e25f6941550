"""SQLAlchemy's way to the SQLite file."""

import sqlite3
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool

from workerkit.store.connect import connect


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
    """An engine whose transactions begin with BEGIN IMMEDIATE, so that none fails halfway for want of the lock.

    One that the driver has begun already goes on.
    """
    creator = partial(connect, path, mode="rw", busy_timeout=busy_timeout, foreign_keys=foreign_keys)
    engine = create_engine("sqlite://", creator=creator, poolclass=NullPool, hide_parameters=True)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _begin_immediate(connection: Connection) -> None:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    if not driver.in_transaction:
        driver.cursor().execute("BEGIN IMMEDIATE")
