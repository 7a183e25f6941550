from collections.abc import Iterator

import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, String, Table, bindparam, create_engine, insert, select

from workerkit.store.prepared import Prepared

colours = Table("colours", MetaData(), Column("name", String), Column("red", Integer), Column("kind", String))


@pytest.fixture
def connection() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    colours.metadata.create_all(engine)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


ADD = Prepared(insert(colours).values(name=bindparam("called"), red=bindparam("share"), kind="mixed"))
NAMES = Prepared(select(colours.c.name).where(colours.c.red >= bindparam("least")).order_by(colours.c.name))


def test_each_row_goes_where_its_names_say_and_constants_stay(connection: Connection) -> None:
    ADD.execute(connection, [{"share": 80, "called": "orange"}, {"called": "pink", "share": 90}])
    ADD.execute(connection, [{"called": "teal", "share": 0}])
    found = connection.execute(select(colours).order_by(colours.c.name)).all()
    assert [tuple(row) for row in found] == [("orange", 80, "mixed"), ("pink", 90, "mixed"), ("teal", 0, "mixed")]


def test_a_query_gives_its_first_column(connection: Connection) -> None:
    assert NAMES.column(connection, {"least": 0}) == []
    ADD.execute(connection, [{"share": 80, "called": "orange"}, {"share": 90, "called": "pink"}])
    assert NAMES.column(connection, {"least": 0}) == ["orange", "pink"]
    assert NAMES.column(connection, {"least": 81}) == ["pink"]


def test_without_rows_nothing_happens(connection: Connection) -> None:
    ADD.execute(connection, [])
    assert NAMES.column(connection, {"least": 0}) == []


def test_it_takes_part_in_the_connections_transaction(connection: Connection) -> None:
    with connection.begin() as transaction:
        ADD.execute(connection, [{"share": 80, "called": "orange"}])
        transaction.rollback()
    assert NAMES.column(connection, {"least": 0}) == []
