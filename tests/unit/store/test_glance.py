from pathlib import Path

import pytest

from tests.unit.store.bench import FAILED, Bench
from workerkit.errors import DatabaseError
from workerkit.store.glance import glance


def test_it_sees_what_a_reader_sees(bench: Bench) -> None:
    bench.run("a")
    bench.run("b", FAILED)
    with bench.database.transaction() as connection:
        connection.exec_driver_sql("UPDATE workers SET paused = 1, tags = '[\"night\"]' WHERE name = 'a'")
    seen = bench.database.glance(since=0)
    assert sorted(seen.workers, key=lambda worker: worker.name) == bench.reader.workers()
    assert {type(flag) for worker in seen.workers for flag in (worker.paused, worker.registered)} == {bool}
    assert seen.host == bench.reader.host()
    assert seen.activity == bench.reader.activity(since=0)
    assert seen.activity
    assert bench.database.glance(since=seen.activity[-1].minute + 1).activity == []


def test_a_file_that_is_no_database_is_told_in_words(tmp_path: Path) -> None:
    path = tmp_path / "note.db"
    path.write_text("not a database" * 100)
    with pytest.raises(DatabaseError, match="it is not a database"):
        glance(path, since=0, busy_timeout=0)
