from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import (
    Column,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
    bindparam,
    case,
    create_engine,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as upsert

from workerkit.store.prepared import Prepared, Question

colours = Table(
    "colours", MetaData(), Column("name", String, primary_key=True), Column("red", Integer), Column("kind", String)
)


@pytest.fixture
def connection() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    colours.metadata.create_all(engine)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


ADD = Prepared(insert(colours), "red", "name")
_add = upsert(colours)
MIX = Prepared(
    _add.on_conflict_do_update(index_elements=[colours.c.name], set_={"red": colours.c.red + _add.excluded.red}),
    *("red", "name"),
)
PAINT = Prepared(
    update(colours)
    .where(colours.c.name == bindparam("called"))
    .values(
        red=case((bindparam("share") > 0, colours.c.red * 2 + bindparam("share")), else_=0),
        kind="mixed's",
    ),
    *("called", "share"),
)
NAMES = Prepared(select(colours.c.name).where(colours.c.red >= bindparam("least")).order_by(colours.c.name), "least")
BY_NAME = Prepared(select(colours.c.name, colours.c.red).order_by(colours.c.name))
SOME = Question(
    select(colours.c.name).order_by(colours.c.name).limit(bindparam("few")),
    least=colours.c.red >= bindparam("least"),
    most=colours.c.red <= bindparam("most"),
    pure=colours.c.kind == "pure",
)


def test_each_row_goes_where_its_names_say_and_constants_stay(connection: Connection) -> None:
    ADD.execute(connection, [(80, "orange"), (90, "pink")])
    ADD.execute(connection, [(0, "teal")])
    PAINT.execute(connection, [("pink", 5), ("teal", 0), ("grey", 7)])
    assert content(connection) == [("orange", 80, None), ("pink", 185, "mixed's"), ("teal", 0, "mixed's")]


def content(connection: Connection) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in connection.execute(select(colours).order_by(colours.c.name))]


@pytest.mark.parametrize("count", [7, 8, 9, 31, 32, 171, 300])
def test_many_rows_go_together_and_come_to_what_they_do_one_by_one(connection: Connection, count: int) -> None:
    added = [(number, f"colour {number:03}") for number in range(count)]
    mixed = [(number, f"colour {number * 7 % (count // 2 + 20):03}") for number in range(count)]
    painted = [(f"colour {number * 5 % (count // 3):03}", number % 4) for number in range(count)]

    def done(at_once: int) -> list[tuple[Any, ...]]:
        connection.execute(delete(colours))
        for prepared, rows in ((ADD, added), (MIX, mixed), (PAINT, painted)):
            for begin in range(0, count, at_once):
                prepared.execute(connection, rows[begin : begin + at_once])
        return content(connection)

    assert done(count) == done(1)


def test_a_query_gives_its_first_column(connection: Connection) -> None:
    assert NAMES.column(connection, 0) == []
    ADD.execute(connection, [(80, "orange"), (90, "pink")])
    assert NAMES.column(connection, 0) == ["orange", "pink"]
    assert NAMES.column(connection, 81) == ["pink"]


def test_a_query_gives_whole_rows(connection: Connection) -> None:
    ADD.execute(connection, [(80, "orange"), (90, "pink")])
    assert list(BY_NAME.rows(connection)) == [("orange", 80), ("pink", 90)]


def test_a_question_has_the_conditions_whose_value_is_given(connection: Connection) -> None:
    ADD.execute(connection, [(1, "a"), (2, "b"), (3, "c")])

    def asked(**values: Any) -> list[str]:
        return [name for (name,) in SOME.rows(connection, **values)]

    assert asked(few=9) == ["a", "b", "c"]
    assert asked(few=9, least=2) == asked(few=9, least=2, most=None) == ["b", "c"]
    assert asked(few=9, least=2, most=2) == asked(most=2, few=9, least=2) == ["b"]
    assert asked(few=9, pure=True) == [], "a condition without a value counts where one is given"
    assert asked(few=2, least=0) == ["a", "b"], "a value that is not true is one"


def test_without_rows_nothing_happens(connection: Connection) -> None:
    ADD.execute(connection, [])
    assert NAMES.column(connection, 0) == []


def test_it_takes_part_in_the_connections_transaction(connection: Connection) -> None:
    with connection.begin() as transaction:
        ADD.execute(connection, [(80, "orange")])
        transaction.rollback()
    assert NAMES.column(connection, 0) == []
