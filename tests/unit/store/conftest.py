from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.store.bench import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A host with the workers `a` and `b`."""
    bench = Bench(tmp_path / "data" / "bench.db")
    bench.begin_host("a", "b")
    yield bench
    bench.close()
