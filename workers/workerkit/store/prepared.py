"""Statements that are executed again and again: by a host for every run, by a screen at every look."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler

_NOTHING: Mapping[str, Any] = {}


class Prepared:
    """A statement that is compiled once, and whose parameters and rows go to and from the driver as they are.

    SQLAlchemy's own way leads every value through the statement's types, and keeps books of every call, which takes
    longer than SQLite's part of the work. So only values that the driver knows by itself will do: numbers, text, bytes
    and None. All parameters have the same keys, at every call. Errors are the driver's own.
    """

    def __init__(self, statement: ClauseElement) -> None:
        self._statement = statement
        self._sql = ""
        self._constants: dict[str, Any] = {}
        self._positions: Sequence[str] = ()

    def execute(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Executes it for each row, in one call of the driver."""
        if rows:
            sql = self._compiled(connection, rows[0])
            connection.connection.cursor().executemany(sql, [self._values(row) for row in rows])

    def rows(self, connection: Connection, parameters: Mapping[str, Any] = _NOTHING) -> Sequence[tuple[Any, ...]]:
        """Executes it as a query, and returns its rows.

        All of them: a cursor left open would hold its snapshot, and with it the WAL, for as long.
        """
        cursor = connection.connection.cursor()
        cursor.execute(self._compiled(connection, parameters), self._values(parameters))
        return cursor.fetchall()

    def column(self, connection: Connection, parameters: Mapping[str, Any] = _NOTHING) -> list[Any]:
        """Executes it as a query, and returns its first column."""
        return [row[0] for row in self.rows(connection, parameters)]

    def _compiled(self, connection: Connection, parameters: Mapping[str, Any]) -> str:
        if not self._sql:
            compiled = self._statement.compile(dialect=connection.dialect, column_keys=list(parameters))
            assert isinstance(compiled, SQLCompiler)
            self._constants = {name: value for name, value in compiled.params.items() if name not in parameters}
            self._positions = compiled.positiontup or ()
            self._sql = str(compiled)
        return self._sql

    def _values(self, parameters: Mapping[str, Any]) -> tuple[Any, ...]:
        known = {**self._constants, **parameters} if self._constants else parameters
        return tuple([known[name] for name in self._positions])


class Question:
    """A query with conditions of which each counts only where a value of its name is given.

    Each combination is prepared when it is first asked for.
    """

    def __init__(self, query: Select[Any], **conditions: ColumnElement[bool]) -> None:
        self._query = query
        self._conditions = conditions
        self._prepared: dict[tuple[str, ...], Prepared] = {}

    def rows(self, connection: Connection, **values: Any) -> Sequence[tuple[Any, ...]]:
        """The rows that meet the conditions whose value is not None."""
        given = {name: value for name, value in values.items() if value is not None}
        prepared = self._prepared.get(names := tuple(given))
        if prepared is None:
            conditions = [self._conditions[name] for name in names if name in self._conditions]
            prepared = self._prepared[names] = Prepared(self._query.where(*conditions))
        return prepared.rows(connection, given)
