"""What the store costs to import, seen in a fresh interpreter."""

import subprocess
import sys

import pytest

HEAVY = ("alembic", "sqlalchemy.orm", "apscheduler", "textual", "rich", "greenlet", "platformdirs")


def loaded_by(code: str) -> set[str]:
    printed = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(printed.stdout.split())


@pytest.mark.parametrize("module", ["database", "reader", "writer", "operations", "retention"])
def test_importing_the_store_loads_nothing_heavy(module: str) -> None:
    loaded = loaded_by(f"import workerkit.store.{module}")
    assert loaded.isdisjoint(HEAVY)
    assert not {name for name in loaded if name.startswith("workerconsole")}


def test_opening_and_reading_a_database_in_order_does_not_load_alembic(tmp_path: object) -> None:
    path = f"{tmp_path}/jobs.db"
    code = f"from workerkit.store.database import Database\nwith Database.open({path!r}).reader() as r: r.workers()"
    assert "alembic" in loaded_by(code)
    assert loaded_by(code).isdisjoint(HEAVY)


def test_a_first_look_at_a_database_does_without_sqlalchemy(tmp_path: object) -> None:
    path = f"{tmp_path}/jobs.db"
    loaded_by(f"from workerkit.store.database import Database\nDatabase.open({path!r})")
    code = f"from workerkit.store.database import Database\nDatabase.open({path!r}, create=False).glance(0)"
    assert "sqlalchemy" not in loaded_by(code)
