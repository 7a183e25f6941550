import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from tests.unit.store.bench import Bench, sql
from workerkit.errors import DatabaseError
from workerkit.store import database as database_module
from workerkit.store import migrate
from workerkit.store.database import Database
from workerkit.store.lock import HostLock
from workerkit.store.models import metadata

TODAY = migrate.HEAD
NEXT = """
import sqlalchemy as sa
from alembic import op

revision = "workerkit_next"
down_revision = "{head}"


def upgrade() -> None:
    with op.batch_alter_table("hosts", recreate="always") as hosts:
        hosts.add_column(sa.Column("colour", sa.Text(), server_default="green"))
    {more}
"""
"""A revision to come: it rebuilds the table that runs refer to."""


def learn_next_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str = "pass") -> None:
    """From here on the code is one revision ahead of the databases made before."""
    scripts = tmp_path / "scripts"
    shutil.copytree(migrate.SCRIPTS, scripts)
    (scripts / "versions" / "next.py").write_text(NEXT.format(head=migrate.HEAD, more=more))
    monkeypatch.setattr(migrate, "SCRIPTS", scripts)
    monkeypatch.setattr(migrate, "REVISIONS", (*migrate.REVISIONS, "workerkit_next"))
    monkeypatch.setattr(migrate, "HEAD", "workerkit_next")
    monkeypatch.setattr(database_module, "HEAD", "workerkit_next")


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """A database of today with a run in it, which an unclean end left in the WAL."""
    bench = Bench(tmp_path / "jobs.db")
    bench.begin_host("a")
    bench.run("a")
    kept = tmp_path / "kept.db"
    for suffix in ("", "-wal"):
        shutil.copy(f"{bench.database.path}{suffix}", f"{kept}{suffix}")
    bench.close()
    assert Path(f"{kept}-wal").stat().st_size > 0
    return kept


def test_the_constants_are_what_the_scripts_say() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrate.SCRIPTS))
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_current_head() == migrate.HEAD
    assert tuple(script.revision for script in scripts.walk_revisions())[::-1] == migrate.REVISIONS


def test_the_migrated_schema_is_the_one_that_the_code_describes(tmp_path: Path) -> None:
    migrated = Database.open(tmp_path / "migrated.db").path
    described = tmp_path / "described.db"
    for path in (migrated, described):
        engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
        if path == described:
            metadata.create_all(engine)
        with engine.connect() as connection:
            assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    assert definitions(migrated) == definitions(described)


def definitions(path: Path) -> dict[str, list[str]]:
    """CREATE statements by name, their parts in order, for what Alembic's comparison doesn't see.

    Without quotes, which SQLite puts around the name of a table that was rebuilt.
    """
    found = sql(path, "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'alembic%' AND sql IS NOT NULL")
    return {name: sorted(re.split(r",\s+|\s*\n\s*", text.replace('"', ""))) for name, text in found}


def test_an_older_database_is_backed_up_and_migrated(
    older: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn_next_revision(tmp_path, monkeypatch)
    with Database.open(older).reader() as reader:
        assert len(reader.runs()) == 1
    assert sql(older, "SELECT colour FROM hosts") == [("green",)]
    backup = tmp_path / "kept.before-workerkit_next.db"
    assert backup.stat().st_mode & 0o777 == 0o600
    assert sql(backup, "SELECT version_num FROM alembic_version") == [(TODAY,)]
    assert sql(backup, "SELECT count(*) FROM runs") == [(1,)]
    assert not list(tmp_path.glob("*.part*"))


def test_a_migration_that_fails_leaves_the_database_as_it_was(
    older: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = dump(older)
    learn_next_revision(tmp_path, monkeypatch, more='op.drop_column("runs", "no_such_column")')
    for _ in range(2):
        with pytest.raises(DatabaseError, match=r"a copy from before lies at .*kept\.before-workerkit_next\.db"):
            Database.open(older)
        assert dump(older) == before


def test_a_migration_that_breaks_references_is_not_kept(
    older: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = dump(older)
    learn_next_revision(tmp_path, monkeypatch, more='op.execute("DELETE FROM hosts")')
    with pytest.raises(DatabaseError, match="rows without their parents"):
        Database.open(older)
    assert dump(older) == before


def dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def test_without_create_an_older_database_is_refused_untouched(
    older: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn_next_revision(tmp_path, monkeypatch)
    before = older.read_bytes()
    with pytest.raises(DatabaseError, match=rf"'{TODAY}', not 'workerkit_next'; start a host once"):
        Database.open(older, create=False)
    assert older.read_bytes() == before


def test_an_older_database_is_not_migrated_under_a_living_host(
    older: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn_next_revision(tmp_path, monkeypatch)
    host = HostLock(migrate.lock_path(older))
    assert host.acquire()
    before = older.read_bytes()
    with pytest.raises(DatabaseError, match="stop that host"):
        Database.open(older)
    assert older.read_bytes() == before
    host.release()
    Database.open(older)


@pytest.mark.parametrize("create", [True, False])
def test_a_newer_database_is_refused_untouched(create: bool, older: Path) -> None:
    sql(older, "UPDATE alembic_version SET version_num = 'workerkit_9999'")
    before = older.read_bytes()
    with pytest.raises(DatabaseError, match=rf"'workerkit_9999'.*'{TODAY}'.*Upgrade workerconsole"):
        Database.open(older, create=create)
    assert older.read_bytes() == before
    assert not list(older.parent.glob("*before*"))


def test_a_backup_that_can_not_be_written_stops_the_migration(
    older: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn_next_revision(tmp_path, monkeypatch)
    (tmp_path / "kept.before-workerkit_next.db.part").mkdir()
    before = older.read_bytes()
    with pytest.raises(DatabaseError, match="was not migrated"):
        Database.open(older)
    assert older.read_bytes() == before


def test_a_percent_sign_in_the_installations_path_is_no_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripts = tmp_path / "100% %(here)s"
    shutil.copytree(migrate.SCRIPTS, scripts)
    monkeypatch.setattr(migrate, "SCRIPTS", scripts)
    assert migrate.revision_of(Database.open(tmp_path / "jobs.db").path) == migrate.HEAD
