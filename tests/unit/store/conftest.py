import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.store.bench import Bench
from workerkit.store.database import Database


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database just made; copying it is much faster than making another."""
    return Database.open(tmp_path_factory.mktemp("empty") / "empty.db").path


@pytest.fixture
def bench(tmp_path: Path, empty_database: Path) -> Iterator[Bench]:
    """A host with the workers `a` and `b`."""
    path = tmp_path / "data" / "bench.db"
    path.parent.mkdir()
    shutil.copy(empty_database, path)
    bench = Bench(path)
    bench.begin_host("a", "b")
    yield bench
    bench.close()
