"""Statements that are executed again and again: by a host for every run, by a screen at every look."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler


class Prepared:
    """A statement that is compiled once, and whose rows go to and from the driver as they are.

    SQLAlchemy's own way leads every value through the statement's types, and keeps books of every call, which takes
    longer than SQLite's part of the work. So only values that the driver knows by itself will do: numbers, text, bytes
    and None. Errors are the driver's own.

    Args:
        statement: its parameters are the given names; of an INSERT without values, its columns.
        names: in the order in which each row gives their values.
    """

    def __init__(self, statement: ClauseElement, *names: str) -> None:
        self._statement = statement
        self._names = names
        self._sql = ""

    def execute(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        """Executes it for each row, in one call of the driver."""
        if rows:
            connection.connection.cursor().executemany(self._compiled(connection), rows)

    def rows(self, connection: Connection, *values: Any) -> Sequence[tuple[Any, ...]]:
        """Executes it as a query, and returns its rows.

        All of them: a cursor left open would hold its snapshot, and with it the WAL, for as long.
        """
        cursor = connection.connection.cursor()
        cursor.execute(self._compiled(connection), values)
        return cursor.fetchall()

    def column(self, connection: Connection, *values: Any) -> list[Any]:
        """Executes it as a query, and returns its first column."""
        return [row[0] for row in self.rows(connection, *values)]

    def _compiled(self, connection: Connection) -> str:
        if not self._sql:
            compiled = self._statement.compile(dialect=connection.dialect, column_keys=self._names)
            assert isinstance(compiled, SQLCompiler)
            self._sql = self._numbered(compiled)
        return self._sql

    def _numbered(self, compiled: SQLCompiler) -> str:
        """The SQL, each parameter of which says which value of a row it takes, and where constants stand as such."""
        numbers = {name: f"?{number}" for number, name in enumerate(self._names, start=1)}
        first, *others = str(compiled).split("?")
        terms = [numbers.get(name) or _literal(compiled.params[name]) for name in compiled.positiontup or ()]
        return first + "".join(term + text for term, text in zip(terms, others, strict=True))


def _literal(constant: object) -> str:
    if isinstance(constant, str):
        return "'" + constant.replace("'", "''") + "'"
    if isinstance(constant, bytes):
        return f"x'{constant.hex()}'"
    assert isinstance(constant, int), constant
    return str(int(constant))


class Question:
    """A query with conditions of which each counts only where its name is given: a value, or True where it takes none.

    Each combination is prepared when it is first asked for.
    """

    def __init__(self, query: Select[Any], **conditions: ColumnElement[bool]) -> None:
        self._query = query
        self._conditions = conditions
        self._prepared: dict[tuple[str, ...], Prepared] = {}

    def rows(self, connection: Connection, **values: Any) -> Sequence[tuple[Any, ...]]:
        """The rows that meet the conditions whose value is not None."""
        given = {name: value for name, value in values.items() if value is not None}
        bound = {name: value for name, value in given.items() if value is not True}
        prepared = self._prepared.get(names := tuple(given))
        if prepared is None:
            conditions = [self._conditions[name] for name in names if name in self._conditions]
            prepared = self._prepared[names] = Prepared(self._query.where(*conditions), *bound)
        return prepared.rows(connection, *bound.values())
