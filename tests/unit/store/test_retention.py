from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from tests.unit.store.bench import CANCELLED, FAILED, SUCCEEDED, Bench
from workerkit.clock import DAY, SECOND
from workerkit.outcome import Failure, FailureKind, GapReason
from workerkit.store import operations, retention, thinning
from workerkit.store.events import HostBeat, LinesCaptured, LogLine, SlotsMissed
from workerkit.store.groups import GroupState, set_group_state
from workerkit.store.retention import Pruned, prune
from workerkit.store.thinning import Thinning


def pruned(bench: Bench, *, patience: float = 60, **bounds: Any) -> Pruned:
    """With time enough on any machine."""
    return bench.writer.call(
        lambda connection, _change: prune(connection, now=bench.clock.now(), patience=patience, **bounds)
    )


def kept(bench: Bench, worker: str | None = None) -> list[int]:
    return sorted(run.id for run in bench.reader.runs(worker=worker, limit=10_000))


def drifts(bench: Bench) -> list[Any]:
    return bench.writer.call(operations.rebuild_counters)


def test_what_is_within_bounds_stays(bench: Bench) -> None:
    ids = [bench.run("a") for _ in range(3)]
    assert pruned(bench) == Pruned(0, 0, 0, 0, 0)
    assert kept(bench) == ids


def test_old_runs_go_with_all_that_belongs_to_them(bench: Bench) -> None:
    first = bench.run("a", FAILED)
    old = bench.run("a", FAILED)
    bench.write(LinesCaptured(old, "a", (LogLine(0, 0, "stdout", "x"),)))
    bench.clock.advance(30 * DAY / SECOND + 1)
    young = bench.run("a", FAILED)
    assert pruned(bench).runs == 2
    assert kept(bench) == [young]
    assert bench.reader.log_lines(old) == []
    assert [failure.run_id for failure in bench.reader.failures()] == [young, first], "the first of a group stays"
    assert bench.counters("a") == (0, 3, 3)


def test_of_a_crowded_worker_the_latest_runs_stay(bench: Bench) -> None:
    other = bench.run("b")
    ids = [bench.run("a") for _ in range(10)]
    assert pruned(bench, max_runs_per_worker=4).runs == 6
    assert kept(bench) == [other, *ids[-4:]]
    assert pruned(bench, max_runs_per_worker=4).runs == 0


def test_of_all_runs_the_latest_stay(bench: Bench) -> None:
    ids = [bench.run("ab"[number % 2]) for number in range(10)]
    assert pruned(bench, max_runs=3).runs == 7
    assert kept(bench) == ids[-3:]


def test_of_a_file_that_is_too_large_the_oldest_runs_go_until_the_rest_fits(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "LEAST_RUNS", 3)
    ids: list[int] = []
    for _ in range(40):
        ids.append(bench.run("ab"[len(ids) % 2]))
        bench.write(LinesCaptured(ids[-1], "a", tuple(LogLine(seq, 0, "stdout", "x" * 4000) for seq in range(20))))
    rounds = 0
    while deleted := pruned(bench, max_bytes=1_500_000, batch=5).runs:
        rounds += 1
        assert deleted <= 5
    assert kept(bench) == ids[rounds * 5 :]
    assert 8 <= len(kept(bench)) < 20
    assert drifts(bench) == []
    before = Path(bench.database.path).stat().st_size
    for _ in range(10):
        bench.write(
            LinesCaptured(bench.run("a"), "a", tuple(LogLine(seq, 0, "stdout", "x" * 4000) for seq in range(20)))
        )
    bench.writer.stop()
    assert Path(bench.database.path).stat().st_size <= max(before, 4_000_000)
    bench.new_writer()


def test_where_something_else_is_what_is_large_the_latest_runs_stay(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "LEAST_RUNS", 3)
    ids = [bench.run("a") for _ in range(10)]
    while pruned(bench, max_bytes=0).runs:
        pass
    assert kept(bench) == ids[-3:]


def test_a_call_ends_when_its_time_is_up_and_the_next_goes_on(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "SLICE", 4)
    for _ in range(10):
        bench.run("a")
    assert [pruned(bench, max_runs=0, patience=-1).runs for _ in range(4)] == [4, 4, 2, 0]
    assert drifts(bench) == []


def test_what_is_no_run_goes_however_long_it_took_to_find_that_no_run_does(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "MAX_GAPS", 4)
    bench.run("a")
    bench.write(*(gap(bench, number) for number in range(1, 11)))
    assert pruned(bench, max_runs=0, patience=-1) == Pruned(1, 0, 0, 0, 0)
    assert pruned(bench, max_runs=0, patience=-1) == Pruned(0, 6, 0, 0, 0)


def test_ages_are_counted_from_the_last_sign_of_life_of_the_host_before(bench: Bench) -> None:
    now = bench.clock.now()

    def ages_from(moment: int) -> int:
        return bench.writer.call(lambda connection, _change: retention.ages_from(connection, moment))

    assert ages_from(now) == now  # of the first host there is nothing before
    bench.write(HostBeat(bench.host_id, now + 5 * SECOND))
    bench.clock.advance(365 * DAY / SECOND)
    bench.begin_host("a", "b")
    assert ages_from(bench.clock.now()) == now + 5 * SECOND
    assert ages_from(now) == now  # a clock that went back


def test_one_call_deletes_no_more_than_a_batch(bench: Bench) -> None:
    for _ in range(10):
        bench.run("a")
    calls = [pruned(bench, max_runs_per_worker=1, batch=4).runs for _ in range(4)]
    assert calls == [4, 4, 1, 0]
    calls = []
    for _ in range(10):
        bench.run("b")
    bench.clock.advance(31 * DAY / SECOND)
    assert [pruned(bench, max_runs_per_worker=1, batch=4).runs for _ in range(4)] == [4, 4, 3, 0]


def test_a_run_in_flight_is_never_deleted(bench: Bench) -> None:
    start = bench.started("a")
    bench.write(start)
    bench.clock.advance(100 * DAY / SECOND)
    assert pruned(bench, max_runs=0, max_runs_per_worker=0).runs == 0
    bench.write(bench.finished(start))
    assert pruned(bench).runs == 0  # it ended only now
    assert kept(bench) == [start.run_id]


@pytest.mark.parametrize("bounds", [{"max_age": 0}, {"max_runs": 0}, {"max_runs_per_worker": 0}, {"batch": 2}])
def test_counters_remain_explainable(bench: Bench, bounds: dict[str, int]) -> None:
    for worker, result in [("a", SUCCEEDED), ("a", FAILED), ("b", CANCELLED), ("a", FAILED), ("b", FAILED)] * 3:
        bench.run(worker, result)
    before = bench.counters("a"), bench.counters("b")
    bench.clock.advance(1)
    while pruned(bench, **({"max_age": 0} | bounds)).runs:
        assert drifts(bench) == []
    assert (bench.counters("a"), bench.counters("b")) == before
    assert kept(bench) == []


def test_runs_from_before_a_reset_explain_nothing_when_they_go(bench: Bench) -> None:
    bench.run("a", FAILED)
    bench.writer.call(lambda connection, change: operations.reset_counters(connection, change, "a", bench.next_run_id))
    bench.run("a", SUCCEEDED)
    assert pruned(bench, max_runs=0).runs == 2
    assert bench.counters("a") == (1, 0, 0)
    assert drifts(bench) == []


def test_a_prune_is_no_change_to_a_screen(bench: Bench) -> None:
    bench.run("a")
    seen = max(worker.change for worker in bench.reader.workers())
    pruned(bench, max_runs=0)
    assert bench.reader.workers(since=seen) == []


# The other tables


def gap(bench: Bench, gap_id: int) -> SlotsMissed:
    now = bench.clock.now()
    return SlotsMissed(gap_id, "a", GapReason.PAUSED, now, now, 1, "", bench.host_id, None, None, now)


def test_gaps_go_by_age_and_by_number(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.write(gap(bench, 1))
    bench.clock.advance(91 * DAY / SECOND)
    bench.write(*(gap(bench, number) for number in range(2, 12)))
    assert pruned(bench).gaps == 1
    monkeypatch.setattr(retention, "MAX_GAPS", 4)
    assert pruned(bench).gaps == 6
    assert [found.id for found in bench.reader.gaps()] == [11, 10, 9, 8]


def test_answered_commands_go_and_pending_ones_stay(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def submit(connection: Connection) -> int:
        return operations.submit_command(
            connection, verb="pause", worker="a", params={}, reason="", by="op", now=bench.clock.now()
        )

    with bench.database.transaction() as connection:
        pending, *answered = [submit(connection) for _ in range(6)]
        for number in answered:
            operations.finish_command(connection, number, state="done", result="", now=bench.clock.now())
    assert pruned(bench).commands == 0
    monkeypatch.setattr(retention, "MAX_COMMANDS", 2)
    assert pruned(bench).commands == 3
    bench.clock.advance(91 * DAY / SECOND)
    assert pruned(bench).commands == 2
    assert [command.id for command in bench.reader.commands()] == [pending]


def test_minutes_older_than_eight_days_go(bench: Bench) -> None:
    bench.run("a")
    bench.clock.advance(9 * DAY / SECOND)
    bench.run("a")
    pruned(bench)
    [minute] = bench.reader.activity(0)
    assert minute.minute > bench.clock.now() - DAY


def test_hosts_go_once_nothing_refers_to_them(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "MAX_HOSTS", 2)
    bench.run("a")  # of host 1
    for _ in range(4):
        bench.begin_host()
    assert pruned(bench).hosts == 2
    assert [host.id for host in bench.reader.hosts()] == [5, 4, 1]
    assert pruned(bench, max_runs=0) == Pruned(1, 0, 0, 1, 0)


def seen(bench: Bench) -> list[str]:
    """The titles of the groups that are known, the latest seen first."""
    return [group.title for group in bench.reader.failure_groups(bench.clock.now())]


def fail(bench: Bench, title: str, state: GroupState | None = None) -> None:
    """A failure in a group of its own, which an operator then gives a state."""
    capture = {"version": 1, "exceptions": []}
    bench.run("a", FAILED._replace(failure=Failure(FailureKind.ERROR, title, capture, named=title)))
    if state is not None:
        mark = bench.reader.failure_groups(bench.clock.now())[0].fingerprint
        with bench.database.transaction() as connection:
            set_group_state(connection, mark, state, by="op", note="", now=bench.clock.now())


def test_groups_outlive_their_runs_and_what_operators_said_outlives_that(bench: Bench) -> None:
    fail(bench, "known", GroupState.ACKNOWLEDGED)
    fail(bench, "open")
    bench.clock.advance(31 * DAY / SECOND)
    assert pruned(bench) == Pruned(2, 0, 0, 0, 0)
    assert seen(bench) == ["open", "known"]
    bench.clock.advance(60 * DAY / SECOND)
    assert pruned(bench).groups == 1
    assert seen(bench) == ["known"]
    assert bench.sql("SELECT count(*) FROM failure_group_workers") == [(1,)]
    bench.clock.advance(365 * DAY / SECOND)
    assert pruned(bench).groups == 1
    assert seen(bench) == []


def test_a_group_stays_while_a_failure_of_it_is_kept(bench: Bench) -> None:
    fail(bench, "open")
    bench.clock.advance(100 * DAY / SECOND)
    assert pruned(bench, max_age=200 * DAY).groups == 0
    assert seen(bench) == ["open"]


def test_of_too_many_groups_open_ones_go_first_and_the_longest_unseen_of_them(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(bench, "known", GroupState.RESOLVED)
    for number in range(5):
        fail(bench, f"new {number}")
    monkeypatch.setattr(retention, "MAX_GROUPS", 3)
    assert [pruned(bench, batch=2).groups for _ in range(3)] == [2, 1, 0]
    assert seen(bench) == ["new 4", "new 3", "known"]


# Cost


def statements(bench: Bench, act: Callable[[], object]) -> int:
    """How many it takes, without those that make the transaction."""
    made: list[str] = []
    driver = bench.writer._channel._driver()
    driver.set_trace_callback(made.append)
    act()
    driver.set_trace_callback(None)
    return sum(not text.startswith(("BEGIN", "SAVEPOINT", "RELEASE", "COMMIT")) for text in made)


def test_nothing_to_do_costs_few_statements(bench: Bench) -> None:
    for _ in range(20):
        bench.run("a")
    assert 5 <= statements(bench, lambda: pruned(bench)) <= 15
    assert 1 <= statements(bench, lambda: thin_out(bench)) <= 2


# Captures of a group


def full(bench: Bench) -> list[int]:
    """Runs whose failure has its own capture."""
    return [row[0] for row in bench.sql("SELECT run_id FROM failures WHERE length(capture) > 0 ORDER BY run_id")]


def thin_out(bench: Bench) -> None:
    work = Thinning()
    while bench.writer.call(lambda connection, _change: work.go_on(connection, patience=60)):
        pass


def test_of_a_group_the_first_the_latest_and_the_first_of_each_day_are_kept_in_full(bench: Bench) -> None:
    days = []
    for _ in range(3):
        days.append([bench.run("a", FAILED) for _ in range(15)])
        bench.clock.advance(DAY / SECOND)
    thin_out(bench)
    assert full(bench) == [days[0][0], days[1][0], days[2][0], *days[2][-10:]]
    assert len(kept(bench)) == 45, "their rows stay"
    (group,) = bench.reader.failure_groups(bench.clock.now())
    assert group.count == 45


def test_captures_are_thinned_out_a_little_at_a_time_and_group_by_group(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thinning, "SLICE", 4)
    monkeypatch.setattr(thinning, "GROUPS", 1)
    for title in ("one", "other", "rare"):
        for _ in range(3 if title == "rare" else 20):
            fail(bench, title)
    work, sizes = Thinning(), [len(full(bench))]
    while bench.writer.call(lambda connection, _change: work.go_on(connection, patience=-1)):
        sizes.append(len(full(bench)))
    assert sizes == [43, 39, 35, 34, 30, 26, 25]


def test_a_group_that_has_more_captures_than_are_looked_through_at_a_time(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thinning, "SEEN", 15)
    ids = [bench.run("a", FAILED) for _ in range(40)]
    thin_out(bench)
    assert full(bench) == [ids[0], *ids[-10:]]


def test_the_first_of_a_group_goes_with_the_group(bench: Bench) -> None:
    fail(bench, "open")
    bench.clock.advance(31 * DAY / SECOND)
    assert pruned(bench).runs == 1
    assert len(full(bench)) == 1
    bench.clock.advance(60 * DAY / SECOND)
    assert pruned(bench).groups == 1
    assert bench.sql("SELECT count(*) FROM failures") == [(0,)]
