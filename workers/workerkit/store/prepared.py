"""Statements that are executed again and again: by a host for every run, by a screen at every look."""

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, cast

from sqlalchemy import BindParameter, ColumnElement, Connection, Insert, Select, Update, column, select, table, true
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.visitors import replacement_traverse

TOGETHER = (32, 8)
"""How many rows one execution of a statement takes; what is left over goes row by row."""

Row = tuple[Any, ...]


class Prepared:
    """A statement that is compiled once, and whose rows go to and from the driver as they are.

    SQLAlchemy's own way leads every value through the statement's types, and keeps books of every call, which takes
    longer than SQLite's part of the work. So only values that the driver knows by itself will do: numbers, text, bytes
    and None. Errors are the driver's own.

    Many rows of an INSERT or UPDATE go into one execution, as `WITH given(...) AS (VALUES ...)`. At each execution the
    driver lets the interpreter's lock go and has to get it back from busy threads, which takes several times as long
    as SQLite's part.

    Args:
        statement: its parameters are the given names; of an INSERT, which has no values of its own, its columns.
        names: in the order in which each row gives their values. The first of an UPDATE says which row is meant.
    """

    def __init__(self, statement: ClauseElement, *names: str) -> None:
        self._statement = statement
        self._names = names
        self._sql: dict[int, str] = {}

    def execute(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Executes it for each row, in their order."""
        driver = _driver(connection)
        if len(rows) < TOGETHER[-1]:  # as nearly always
            if rows:
                driver.executemany(self._compiled(connection), rows)
            return
        for part in self._parts(rows):
            if len(part) in TOGETHER:
                driver.execute(self._compiled(connection, len(part)), tuple(chain.from_iterable(part)))
            else:
                driver.executemany(self._compiled(connection), part)

    def applies(self, connection: Connection, row: Row) -> bool:
        """Executes it, an UPDATE, for one row; whether it found something to change."""
        return _driver(connection).execute(self._compiled(connection), row).rowcount > 0

    def _parts(self, rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
        """Rows that go to the driver in one call."""
        if isinstance(self._statement, Insert):
            yield from _cut(rows)
        elif isinstance(self._statement, Update):
            # Of several rows that mean the same one it would take any.
            for different in _different(rows):
                yield from _cut(different)
        else:
            yield rows

    def rows(self, connection: Connection, *values: Any) -> Sequence[Row]:
        """Executes it as a query, and returns its rows.

        All of them: a cursor left open would hold its snapshot, and with it the WAL, for as long.
        """
        return _driver(connection).execute(self._compiled(connection), values).fetchall()

    def column(self, connection: Connection, *values: Any) -> list[Any]:
        """Executes it as a query, and returns its first column."""
        return [row[0] for row in self.rows(connection, *values)]

    def _compiled(self, connection: Connection, together: int = 1) -> str:
        if (sql := self._sql.get(together)) is None:
            dialect = connection.dialect
            sql = self._sql_of(self._statement, dialect) if together == 1 else self._for_many(dialect, together)
            self._sql[together] = sql
        return sql

    def _for_many(self, dialect: Dialect, count: int) -> str:
        given = table("given", *map(column, self._names))

        def as_given(element: object, **_: object) -> ColumnElement[Any] | None:
            return given.c.get(element.key) if isinstance(element, BindParameter) else None

        if isinstance(self._statement, Insert):
            # With WHERE, for SQLite would take ON CONFLICT for the condition of a join.
            statement: ClauseElement = self._statement.from_select(self._names, select(given).where(true()))
        else:
            statement = cast("Update", replacement_traverse(self._statement, {}, as_given))
        names = ", ".join(map(dialect.identifier_preparer.quote, self._names))
        values = ", ".join([f"({', '.join('?' * len(self._names))})"] * count)
        return f"WITH given({names}) AS (VALUES {values}) {self._sql_of(statement, dialect)}"

    def _sql_of(self, statement: ClauseElement, dialect: Dialect) -> str:
        """The SQL, each parameter of which says which value of a row it takes, and where constants stand as such."""
        compiled = statement.compile(dialect=dialect, column_keys=self._names)
        assert isinstance(compiled, SQLCompiler)
        of_its_own = set(compiled.positiontup or ()) - set(self._names)
        assert not (of_its_own and isinstance(statement, Insert)), of_its_own
        numbers = {name: f"?{number}" for number, name in enumerate(self._names, start=1)}
        first, *others = str(compiled).split("?")
        terms = [numbers.get(name) or _literal(compiled.params[name]) for name in compiled.positiontup or ()]
        return first + "".join(term + text for term, text in zip(terms, others, strict=True))


def _driver(connection: Connection) -> sqlite3.Connection:
    """SQLAlchemy's connection without what it adds, which takes as long as to bind a row."""
    return cast("sqlite3.Connection", connection.connection.dbapi_connection)


def _cut(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """As many together as can be, and the rest."""
    begin = 0
    for count in TOGETHER:
        while len(rows) - begin >= count:
            yield rows[begin : begin + count]
            begin += count
    if begin < len(rows):
        yield rows[begin:]


def _different(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Stretches of rows in each of which no two have the same first value."""
    if len({row[0] for row in rows}) == len(rows):  # as nearly always
        yield rows
        return
    begin, seen = 0, set[Any]()
    for end, row in enumerate(rows):
        if row[0] in seen:
            yield rows[begin:end]
            begin, seen = end, set()
        seen.add(row[0])
    yield rows[begin:]


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

    def rows(self, connection: Connection, **values: Any) -> Sequence[Row]:
        """The rows that meet the conditions whose value is not None."""
        given = {name: value for name, value in values.items() if value is not None}
        bound = {name: value for name, value in given.items() if value is not True}
        prepared = self._prepared.get(names := tuple(given))
        if prepared is None:
            conditions = [self._conditions[name] for name in names if name in self._conditions]
            prepared = self._prepared[names] = Prepared(self._query.where(*conditions), *bound)
        return prepared.rows(connection, *bound.values())
