from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.store.bench import CANCELLED, FAILED, SUCCEEDED, Bench
from workerkit.store import operations
from workerkit.store.counters import Counters, Drift
from workerkit.store.retention import prune


def rebuild(bench: Bench) -> list[Drift]:
    return bench.writer.call(operations.rebuild_counters)


def reset(bench: Bench, worker: str = "a") -> None:
    next_run_id = bench.next_run_id
    bench.writer.call(lambda connection, change: operations.reset_counters(connection, change, worker, next_run_id))


def test_healthy_counters_have_no_drift(bench: Bench) -> None:
    for result in (SUCCEEDED, FAILED, CANCELLED, FAILED):
        bench.run("a", result)
    bench.write(bench.started("b"))
    change = bench.worker("a").change
    assert rebuild(bench) == []
    assert bench.worker("a").change == change


def test_drift_is_reported_and_corrected(bench: Bench) -> None:
    for result in (SUCCEEDED, FAILED, FAILED):
        bench.run("a", result)
    bench.sql("UPDATE workers SET success_count = 9, consecutive_failures = 0, stored_runs = 1 WHERE name = 'a'")
    seen = bench.worker("a").change
    assert rebuild(bench) == [Drift("a", Counters(9, 2, 0, 1), Counters(1, 2, 2, 3))]
    assert bench.counters("a") == (1, 2, 2)
    assert bench.worker("a").change > seen
    assert rebuild(bench) == []


def test_a_reset_begins_at_zero_and_history_stays(bench: Bench) -> None:
    bench.run("a", FAILED)
    bench.run("b", FAILED)
    reset(bench)
    assert (bench.counters("a"), bench.counters("b")) == ((0, 0, 0), (0, 1, 1))
    assert len(bench.reader.runs(worker="a")) == 1
    bench.run("a", SUCCEEDED)
    assert bench.counters("a") == (1, 0, 0)
    assert rebuild(bench) == []


def test_a_run_in_flight_at_the_reset_counts_for_nothing(bench: Bench) -> None:
    start = bench.started("a")
    bench.write(start)
    reset(bench)
    bench.write(bench.finished(start, FAILED))
    assert bench.counters("a") == (0, 0, 0)
    assert (bench.worker("a").status, bench.worker("a").last_error) == ("failed", "ValueError: no")
    assert rebuild(bench) == []


def test_failures_in_a_row_are_counted_beyond_what_was_pruned(bench: Bench) -> None:
    for result in (FAILED, SUCCEEDED, FAILED, FAILED, FAILED):
        bench.run("a", result)
    bench.writer.call(lambda connection, _change: prune(connection, now=bench.clock.now(), max_runs=1))
    assert bench.counters("a") == (1, 4, 3)
    assert rebuild(bench) == []
    bench.sql("UPDATE workers SET consecutive_failures = 77")
    [*_, drift] = rebuild(bench)
    assert drift.true.consecutive_failures in range(4)


STEPS = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from([SUCCEEDED, FAILED, CANCELLED]))
    | st.sampled_from(["reset", "prune"]),
    max_size=12,
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_whatever_happens_counters_equal_the_history(bench: Bench, steps: list[Any]) -> None:
    for step in steps:
        if step == "reset":
            reset(bench)
        elif step == "prune":
            bench.writer.call(
                lambda connection, _change: prune(connection, now=bench.clock.now(), max_runs_per_worker=2)
            )
        else:
            bench.run(*step)
    assert rebuild(bench) == []
