"""A batch of queued items as one transaction: all of it, or nothing; and what of it is at fault by itself."""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from itertools import groupby
from typing import cast

from sqlalchemy import Connection

from workerkit.store.batch import arrange
from workerkit.store.connect import is_damaged, trouble_of
from workerkit.store.operations import next_change
from workerkit.store.queued import Call, Item, Submission
from workerkit.store.writes import APPLY


def transact(batch: Sequence[Item], connection: Connection, *, careful: bool) -> None:
    """Writes all items of a batch, in their order, in one transaction. Its error, where it has one, is in each item.

    Careful: each item in a savepoint of its own, to find the one that is at fault, so that the others are written.

    Raises:
        sqlite3.Error, DBAPIError, or what an item raises: nothing was written.
    """
    calls = [item for item in batch if isinstance(item, Call)]
    if not calls:
        _write(batch, connection, careful=careful)
        return
    with ExitStack() as attempts:
        for call in calls:
            attempts.enter_context(call.attempt)
        _write(batch, connection, careful=careful)
        for call in calls:
            call.settled = True


def _write(batch: Sequence[Item], connection: Connection, *, careful: bool) -> None:
    """The driver begins and commits: SQLAlchemy takes as long for that as SQLite for all the rest of a run's start."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    try:
        driver.cursor().execute("BEGIN IMMEDIATE")
        _apply(batch, connection, next_change(connection), careful=careful)
        _commit(connection, driver)
    finally:
        _roll_back_remains(connection, driver)


def _commit(connection: Connection, driver: sqlite3.Connection) -> None:
    """SQLAlchemy, where something was asked of it meanwhile, has to know of the end as well."""
    if connection.in_transaction():
        connection.commit()
    else:
        driver.commit()


def _roll_back_remains(connection: Connection, driver: sqlite3.Connection) -> None:
    """SQLAlchemy takes a COMMIT that failed for the end of its transaction; SQLite may still hold it open."""
    if connection.get_transaction() is not None:
        connection.rollback()
    if driver.in_transaction:
        driver.rollback()


def _apply(batch: Sequence[Item], connection: Connection, change: int, *, careful: bool) -> None:
    """In order; events that stand side by side in as few statements as possible."""
    for together, items in groupby(batch, key=lambda item: type(item) is Submission and not careful):
        if together:
            for kind, events in arrange([item.event for item in cast("Iterable[Submission]", items)]):
                APPLY[kind](connection, change, events)
        else:
            for item in items:
                _apply_alone(item, connection, change)


def _apply_alone(item: Item, connection: Connection, change: int) -> None:
    item.error = _error_of(item, connection, lambda: item.apply(connection, change))
    if (error := item.error) is not None:
        written = False

        def apply_rest() -> None:
            nonlocal written
            written = item.apply_rest(connection, change, error)

        if _error_of(item, connection, apply_rest) is None and written:
            item.error = None


def _error_of(item: Item, connection: Connection, act: Callable[[], None]) -> BaseException | None:
    """Acts within a savepoint; the error, after whose undoing the rest of the transaction can go on.

    Any other is raised as it is: SQLite may have rolled back the transaction, with which the savepoint is gone.
    """
    savepoint = connection.begin_nested()
    try:
        act()
        savepoint.commit()
    except BaseException as error:
        if _stops_all(item, error):
            raise
        savepoint.rollback()
        return error
    return None


def _stops_all(item: Item, error: BaseException) -> bool:
    """Whether nothing at all can be written. A function that meets damage in a corner of the file fails by itself."""
    return trouble_of(error) is not None and not (isinstance(item, Call) and is_damaged(error))
