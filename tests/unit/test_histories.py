"""A history that benchmarks are measured on is one that the product could have left."""

from pathlib import Path

from benchmarks import histories
from workerconsole.captures import read_capture
from workerkit.clock import DAY, MINUTE, SystemClock
from workerkit.store import operations, retention
from workerkit.store.database import Database


def test_a_history_holds_together(tmp_path: Path) -> None:
    path = tmp_path / "past.db"
    histories.build(path, workers=20, runs=2_000)
    database, now = Database.open(path, create=False), SystemClock().now()
    with database.transaction() as connection:
        assert operations.rebuild_counters(connection, operations.next_change(connection)) == []
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
        assert retention.prune(connection, now=now).runs == 0
    with database.reader() as reader:
        known, runs, failures = reader.workers(), reader.runs(limit=5_000), reader.failures(limit=5_000)
        groups = reader.failure_groups(now)
        assert len(known) == 20
        assert len(runs) == 2_000
        assert {failure.run_id for failure in failures} == {run.id for run in runs if run.outcome == "failed"}
        assert sum(group.count for group in groups) == len(failures) > 0
        assert all(read_capture(failure.capture).exceptions for failure in failures)
        minute = now - DAY - now % MINUTE
        assert reader.totals(minute).started == sum(run.started_at >= minute for run in runs)


def test_the_same_numbers_give_the_same_history(tmp_path: Path) -> None:
    endings = []
    for name in ("one.db", "two.db"):
        histories.build(tmp_path / name, workers=3, runs=300)
        with Database.open(tmp_path / name, create=False).reader() as reader:
            endings.append([(run.worker, run.outcome, run.duration) for run in reader.runs(limit=300)])
    assert endings[0] == endings[1]
