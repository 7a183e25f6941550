"""Nothing of ours may make SQLite lose its locks under a living host."""

import subprocess
import sys
from pathlib import Path

from tests.integration.conftest import Bench
from tests.integration.test_guarded_runs import Task
from tests.waiting import wait_for
from workerkit.store.database import Database

OTHER_PROGRAM = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("SELECT count(*) FROM runs").fetchone()
connection.close()
"""


def deleted_files_held_open() -> list[str]:
    links = (link.readlink() for link in Path("/proc/self/fd").iterdir() if link.is_symlink())
    return [str(target) for target in links if "(deleted)" in str(target) and "bench.db" in str(target)]


def test_opening_a_database_again_and_another_programs_visit_leave_the_wal_alone(bench: Bench) -> None:
    bench.host(Task(lambda _: None))
    bench.run("task")
    bench.reader.close()
    for _ in range(3):
        # A screen in the host's process opens the database on its own; then somebody else comes and goes.
        with Database.open(bench.path).reader() as reader:
            assert reader.runs()
        subprocess.run([sys.executable, "-c", OTHER_PROGRAM, str(bench.path)], check=True)
    bench.reader = bench.database.reader()
    if Path("/proc/self/fd").exists():
        assert deleted_files_held_open() == []
    bench.run("task")
    wait_for(lambda: bench.worker("task").success_count == 2)
