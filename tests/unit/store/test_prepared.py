from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, String, Table, bindparam, create_engine, insert, select

from workerkit.store.prepared import Prepared, Question

colours = Table("colours", MetaData(), Column("name", String), Column("red", Integer), Column("kind", String))


@pytest.fixture
def connection() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    colours.metadata.create_all(engine)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


ADD = Prepared(
    insert(colours).values(name=bindparam("called"), red=bindparam("share"), kind="mixed's"), "share", "called"
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
    found = connection.execute(select(colours).order_by(colours.c.name)).all()
    assert [tuple(row) for row in found] == [("orange", 80, "mixed's"), ("pink", 90, "mixed's"), ("teal", 0, "mixed's")]


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
