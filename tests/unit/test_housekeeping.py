"""Housekeeping goes round by itself, survives a bad round, and ends when it is told."""

from pathlib import Path

import pytest
from sqlalchemy import Connection

from tests.clocks import HandClock
from tests.unit.store.bench import FAILED, Bench
from tests.waiting import wait_for
from workerkit import housekeeping
from workerkit.clock import DAY, SECOND
from workerkit.housekeeping import Housekeeper
from workerkit.store import retention
from workerkit.store.retention import Pruned


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "ROUND", 0.01)
    monkeypatch.setattr(housekeeping, "BREATH", 0.001)


def test_runs_beyond_their_age_go_by_themselves_and_their_group_of_failures_stays(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "bench.db")
    bench.begin_host("a")
    start = bench.started("a")
    bench.write(start, bench.finished(start, FAILED))
    clock = HandClock(bench.clock.now())
    keeper = Housekeeper(bench.writer, clock)
    keeper.start()
    clock.advance(40 * DAY / SECOND)
    try:
        wait_for(lambda: bench.reader.runs() == [], "the end of old runs")
        assert [failure.run_id for failure in bench.reader.failures()] == [1], "the first of its group"
        (group,) = bench.reader.failure_groups(clock.now())
        assert group.count == 1
    finally:
        keeper.stop()
        bench.close()


@pytest.mark.parametrize("restarted", [False, True])
def test_a_clock_that_jumps_a_year_ahead_prunes_nothing(
    restarted: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rounds: list[Pruned] = []
    real = retention.prune

    def prune(connection: Connection, *, now: int) -> Pruned:
        rounds.append(real(connection, now=now))
        return rounds[-1]

    monkeypatch.setattr(retention, "prune", prune)
    bench = Bench(tmp_path / "bench.db")
    bench.begin_host("a")
    for _ in range(5):
        bench.run("a")
    if restarted:  # the machine came up with a wrong clock
        bench.clock.step(365 * DAY / SECOND)
        bench.begin_host("a")
    keeper = Housekeeper(bench.writer, bench.clock)
    if not restarted:
        bench.clock.step(365 * DAY / SECOND)
    keeper.start()
    wait_for(lambda: len(rounds) > 1, "two rounds")
    keeper.stop()
    assert [run.id for run in bench.reader.runs()] == [5, 4, 3, 2, 1]
    bench.close()


def test_a_round_that_fails_is_not_the_last(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rounds: list[int] = []

    def prune(connection: Connection, *, now: int) -> Pruned:
        rounds.append(now)
        if len(rounds) == 1:
            raise ValueError("a bad day")
        return Pruned(0, 0, 0, 0, 0)

    bench = Bench(tmp_path / "bench.db")
    monkeypatch.setattr(retention, "prune", prune)
    keeper = Housekeeper(bench.writer, HandClock())
    keeper.start()
    keeper.start()
    try:
        wait_for(lambda: len(rounds) >= 3, "the third round")
    finally:
        keeper.stop()
        keeper.stop()
        bench.close()
