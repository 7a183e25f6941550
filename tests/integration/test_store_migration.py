"""A migration that is killed at any statement: the old schema or the new one, and the next start goes on from there."""

import subprocess
import sys
from pathlib import Path

CHILD = """
import os, sqlite3, sys
from contextlib import closing
from pathlib import Path
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, event
from workerkit.store import migrate
from workerkit.store.engines import writing_engine
from workerkit.store.database import Database

path = Path(sys.argv[1])

def old_database():
    path.touch(0o600)
    migrate._turn_to_wal(path)
    engine = writing_engine(path, busy_timeout=1)
    with engine.connect() as connection, connection.begin():
        config = Config()
        config.set_main_option("script_location", str(migrate.SCRIPTS))
        config.attributes["connection"] = connection
        command.upgrade(config, migrate.REVISIONS[0])
        connection.exec_driver_sql(
            "INSERT INTO hosts (hostname, pid, username, mode, version, started_at, heartbeat_at)"
            " VALUES ('box', 1, 'op', 'library', '0', 1, 1)"
        )
        connection.exec_driver_sql(
            "INSERT INTO runs (worker, trigger, due_at, started_at, host_id) VALUES ('a', 'manual', 1, 1, 1)"
        )
    engine.dispose()

def dump():
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return list(connection.iterdump())

def migrate_until(last):
    calls = 0
    def count(*_args):
        nonlocal calls
        calls += 1
        if calls == last:
            os.kill(os.getpid(), 9)
    event.listen(Engine, "before_cursor_execute", count)
    event.listen(Engine, "commit", count)
    event.listen(Engine, "before_execute", count)
    Database.open(path)

old_database()
before = dump()
killed = 0
while True:
    child = os.fork()
    if child == 0:
        migrate_until(killed + 1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.waitstatus_to_exitcode(status) == 0:
        break
    killed += 1
    assert migrate.revision_of(path) == migrate.REVISIONS[0]
    assert dump() == before
assert migrate.revision_of(path) == migrate.HEAD
with Database.open(path).reader() as reader:
    assert [run.worker for run in reader.runs()] == ["a"]
backups = list(path.parent.glob("*.before-*"))
assert len(backups) == 1
print(killed)
"""


def test_a_migration_killed_at_any_statement_leaves_the_old_schema_and_the_next_start_ends_it(tmp_path: Path) -> None:
    answer = subprocess.run(
        [sys.executable, "-c", CHILD, str(tmp_path / "jobs.db")],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    assert int(answer.stdout) > 10
