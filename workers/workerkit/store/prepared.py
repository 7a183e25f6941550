"""Statements that a host executes for every run."""

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.sql.dml import UpdateBase


class Prepared:
    """An INSERT or UPDATE that is compiled once, and whose rows go to the driver as they are.

    SQLAlchemy's own executemany leads every value of every row through the statement's types, which takes as long as
    SQLite's part of the work. So only values that the driver knows by itself will do: numbers, text, bytes and None.
    All rows have the same keys, at every call.
    """

    def __init__(self, statement: UpdateBase) -> None:
        self._statement = statement
        self._sql = ""
        self._constants: dict[str, Any] = {}
        self._positions: Sequence[str] = ()

    def execute(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Executes it for each row, in one call of the driver."""
        if not rows:
            return
        if not self._sql:
            self._compile(connection, rows[0])
        values = itemgetter(*self._positions)
        connection.exec_driver_sql(self._sql, [values({**self._constants, **row}) for row in rows])

    def _compile(self, connection: Connection, row: Mapping[str, Any]) -> None:
        compiled = self._statement.compile(dialect=connection.dialect, column_keys=list(row))
        self._constants = {name: value for name, value in compiled.params.items() if name not in row}
        self._positions = compiled.positiontup or ()
        self._sql = str(compiled)
