"""A whole host whose database can't be written: workers go on, and everything is recorded afterwards, in order."""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.integration.conftest import Bench
from tests.integration.test_guarded_runs import Task
from tests.integration.test_store_trouble import fill, mounted
from tests.waiting import wait_for
from workerkit import RunContext, engine
from workerkit.store import rescue
from workerkit.store.operations import rebuild_counters
from workerkit.store.spill import spill_path


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "DISK_PATIENCE", 0.1)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another program holds the write lock."""
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def check_against(bench: Bench, saw: list[int]) -> None:
    """The database tells of exactly the runs that the worker saw, in their order, and its counters agree."""
    runs = bench.reader.runs(worker="task", limit=10_000)[::-1]
    assert [run.id for run in runs if run.outcome == "succeeded"] == saw
    assert {run.outcome for run in runs[: len(saw)]} == {"succeeded"}
    assert {run.outcome for run in runs[len(saw) :]} <= {"cancelled", "interrupted"}, "the stop came before its code"
    assert [run.started_at for run in runs] == sorted(run.started_at for run in runs)
    assert all(run.due_at <= run.started_at <= (run.finished_at or 0) for run in runs)
    assert bench.worker("task").success_count == len(saw)
    with bench.database.transaction() as connection:
        assert rebuild_counters(connection, 0) == []


def test_workers_go_on_while_the_database_is_locked_and_nothing_of_it_is_lost(bench: Bench) -> None:
    saw: list[int] = []

    def work(ctx: RunContext) -> None:
        ctx.state["runs"] = ctx.state.get("runs", 0) + 1
        saw.append(ctx.run_id)

    host = bench.host(Task(work, interval=0.1))
    wait_for(lambda: len(saw) >= 3, "three runs")
    with locked(bench.path):
        begun = len(saw)
        wait_for(lambda: len(saw) >= begun + 4, "four runs without a database")
        assert "another program has locked it" in wait_for(lambda: host.trouble or "", "what the screen says")
        assert "records wait in memory" in (host.trouble or "")
        recorded = len(bench.reader.runs(limit=10_000))
        assert recorded < len(saw)
    wait_for(lambda: not host.trouble, "the end of the trouble")
    host.stop()
    check_against(bench, saw)
    assert bench.reader.state("task") == {"runs": len(saw)}


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may mount")
def test_the_worker_that_frees_the_full_disk_runs(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "size=3m", "tmpfs") as disk:
        ballast = disk / "ballast"
        saw: list[int] = []

        def free(ctx: RunContext) -> None:
            print("x" * 60_000)
            saw.append(ctx.run_id)
            if stuck.is_set():
                ballast.unlink(missing_ok=True)

        stuck = threading.Event()
        bench = Bench(disk / "data" / "bench.db")
        host = bench.host(Task(free, interval=0.2))
        wait_for(lambda: saw, "a run")
        with pytest.raises(OSError, match="No space left"):
            fill(ballast)
        assert "the disk is full" in wait_for(lambda: host.trouble or "", "what the screen says")
        stuck.set()
        wait_for(lambda: not ballast.exists(), "the worker")
        wait_for(lambda: not host.trouble, "the end of the trouble")
        host.stop()
        check_against(bench, saw)
        bench.close()


def test_a_database_deleted_under_a_host_comes_back_and_takes_commands(bench: Bench) -> None:
    saw: list[int] = []
    host = bench.host(Task(lambda ctx: saw.append(ctx.run_id), interval=0.2))
    wait_for(lambda: saw, "a run")
    for path in bench.path.parent.iterdir():
        path.unlink()
    home = bench.database._home
    wait_for(lambda: home.is_there() and home.away is None, "the database under its name, and the host back in it")
    bench.reader = bench.database.reader()
    assert bench.ask("pause", "task").state == "done"
    assert bench.ask("stack", "task").state in ("done", "refused")
    host.stop()
    bench.reader.close()
    bench.reader = bench.database.reader()
    check_against(bench, saw)
    assert rescue.rescued(bench.path) == []


def test_what_a_host_could_not_write_before_its_end_is_written_by_the_next(bench: Bench) -> None:
    saw: list[int] = []
    host = bench.host(Task(lambda ctx: saw.append(ctx.run_id), interval=0.1))
    wait_for(lambda: len(saw) >= 12, "a heartbeat")
    with locked(bench.path):
        begun = len(saw)
        wait_for(lambda: len(saw) >= begun + 2, "two runs")
        host.stop()
        assert spill_path(bench.path).exists()
    later = bench.host(Task(lambda ctx: None))
    assert later.recovered == ()
    check_against(bench, saw)
    assert not spill_path(bench.path).exists()
    assert [record.ending for record in bench.reader.hosts()] == [None, "stopped"]
