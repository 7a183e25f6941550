"""Several processes on one database file."""

import subprocess
import sys
import threading
from pathlib import Path

from tests.unit.store.bench import Bench, sql
from workerkit.store import operations
from workerkit.store.database import Database

OPEN = """
import sys
from workerkit.store.database import Database
sys.stdin.readline()
with Database.open(sys.argv[1]).reader() as reader:
    print(len(reader.workers()))
"""
LOCK = """
import sys
from workerkit.store.database import Database
lock = Database.open(sys.argv[1]).host_lock()
sys.stdin.readline()
print(lock.acquire(), flush=True)
sys.stdin.readline()
"""
COMMAND = """
import sys
from workerkit.store.database import Database
from workerkit.store.operations import submit_command
database = Database.open(sys.argv[1], create=False)
for number in range(50):
    with database.transaction() as connection:
        submit_command(connection, verb="run", worker="a", params={"n": number}, reason="", by="op", now=number)
print("done")
"""


def processes(code: str, path: Path, count: int) -> list[subprocess.Popen[str]]:
    """Processes that stand ready; each goes on when it gets a line."""
    return [
        subprocess.Popen(
            [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(count)
    ]


def test_a_database_may_be_created_by_many_at_once(tmp_path: Path) -> None:
    path = tmp_path / "new" / "jobs.db"
    opening = processes(OPEN, path, 5)
    answers = [process.communicate("go\n", timeout=60)[0] for process in opening]
    assert answers == ["0\n"] * 5
    assert sql(path, "PRAGMA integrity_check") == [("ok",)]
    assert sql(path, "SELECT count(*) FROM alembic_version") == [(1,)]


def test_of_many_hosts_one_gets_the_lock(tmp_path: Path) -> None:
    path = Database.open(tmp_path / "jobs.db").path
    racing = processes(LOCK, path, 5)
    for process in racing:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = [process.stdout.readline() for process in racing if process.stdout]
    assert sorted(answers) == ["False\n"] * 4 + ["True\n"]
    assert Database.open(path).host_is_live()
    for process in racing:
        process.communicate("\n", timeout=60)
    assert not Database.open(path).host_is_live()


def test_commands_of_other_processes_come_in_while_the_host_writes(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "jobs.db")
    bench.begin_host("a")
    asking = processes(COMMAND, bench.database.path, 2)
    runs = 0
    while any(process.poll() is None for process in asking):
        bench.run("a")
        runs += 1
    answers = [process.communicate(timeout=60)[0] for process in asking]
    assert answers == ["done\n"] * 2
    assert len(bench.reader.pending_commands()) == 100
    assert bench.counters("a") == (runs, 0, 0)
    bench.close()


def test_a_reader_never_sees_half_of_a_runs_end(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "jobs.db")
    bench.begin_host("a")
    stopping = threading.Event()
    torn: list[object] = []
    query = (
        "SELECT success_count, (SELECT count(*) FROM runs WHERE outcome = 'succeeded'),"
        " (SELECT sum(succeeded) FROM activity) FROM workers"
    )

    def look() -> None:
        while not stopping.is_set():
            [(counter, rows, active)] = sql(bench.database.path, query)
            if not counter == rows == (active or 0):
                torn.append((counter, rows, active))

    looking = threading.Thread(target=look)
    looking.start()
    for _ in range(200):
        bench.run("a")
    stopping.set()
    looking.join()
    assert torn == []
    assert bench.writer.call(operations.rebuild_counters) == []
    bench.close()
