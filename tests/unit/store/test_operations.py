import pytest

from tests.unit.store.bench import FAILED, SUCCEEDED, Bench, spec
from workerkit.clock import MINUTE
from workerkit.outcome import GapReason, Status
from workerkit.store import operations
from workerkit.store.events import SlotsMissed

# Hosts


def test_a_host_begins_with_numbers_that_were_never_used(bench: Bench) -> None:
    run_id = bench.run("a")
    gap = SlotsMissed(7, "a", GapReason.OVERLAP, 1, 1, 1, "", bench.host_id, None, None, 1)
    bench.write(gap)
    bench.sql("DELETE FROM runs")
    bench.sql("DELETE FROM gaps")
    begun = bench.begin_host()
    assert (begun.next_run_id, begun.next_gap_id, begun.recovered) == (run_id + 1, 8, ())


def test_a_host_that_ends_is_recorded_as_stopped(bench: Bench) -> None:
    bench.clock.advance(5)
    now = bench.clock.now()
    bench.writer.call(lambda connection, change: operations.end_host(connection, change, bench.host_id, now))
    host = bench.reader.host()
    assert host is not None
    assert (host.ending, host.stopped_at, host.heartbeat_at) == ("stopped", now, now)
    bench.begin_host()
    assert [host.ending for host in bench.reader.hosts()] == [None, "stopped"]


# Workers


def test_a_new_worker_is_idle_and_covered_until_now(bench: Bench) -> None:
    bench.clock.advance(60)
    previous = bench.sync(
        spec("a"), spec("b"), spec("c", tags=("x", "y"), description="d", source="f.py:3", timeout=5, next_run_at=9)
    )
    assert previous["c"] is None
    worker = bench.worker("c")
    assert (worker.status, worker.registered, worker.tags, worker.timeout) == ("idle", True, ("x", "y"), 5)
    assert (worker.description, worker.source, worker.next_run_at) == ("d", "f.py:3", 9)
    assert (worker.covered_until, worker.created_at) == (bench.clock.now(), bench.clock.now())


def test_a_known_worker_keeps_its_counters_its_pause_and_how_far_it_is_covered(bench: Bench) -> None:
    bench.run("a", FAILED)
    pause(bench, "a")
    before = bench.worker("a")
    bench.clock.advance(60)
    previous = bench.sync(spec("a", description="new words"), spec("b"))
    assert previous["a"] == before
    after = bench.worker("a")
    assert (after.description, after.status, after.pause_reason) == ("new words", "paused", "too loud")
    assert (after.failure_count, after.covered_until) == (1, before.covered_until)


def test_a_changed_schedule_is_covered_until_now(bench: Bench) -> None:
    bench.clock.advance(60)
    bench.sync(spec("a", schedule="every 2s", interval=2_000_000), spec("b"))
    assert bench.worker("a").covered_until == bench.clock.now()
    assert bench.worker("a").interval == 2_000_000


def test_a_worker_that_left_the_code_is_unregistered_until_it_comes_back(bench: Bench) -> None:
    bench.run("a", FAILED)
    covered = bench.worker("a").covered_until
    bench.clock.advance(60)
    assert "a" not in bench.sync(spec("b"))
    gone = bench.worker("a")
    assert (gone.registered, gone.status, gone.next_run_at) == (False, "unregistered", None)
    previous = bench.sync(spec("a", next_run_at=7), spec("b"))["a"]
    assert previous is not None
    assert not previous.registered
    back = bench.worker("a")
    assert (back.registered, back.status, back.failure_count, back.next_run_at) == (True, "failed", 1, 7)
    assert back.covered_until == covered


def test_a_worker_that_is_gone_already_does_not_change_again(bench: Bench) -> None:
    bench.sync(spec("b"))
    change = bench.worker("a").change
    bench.sync(spec("b"))
    assert bench.worker("a").change == change


def test_a_broken_worker_says_so_and_recovers(bench: Bench) -> None:
    bench.sync(spec("a", load_error="Traceback ...\nSyntaxError"), spec("b"))
    broken = bench.worker("a")
    assert (broken.status, broken.load_error) == ("broken", "Traceback ...\nSyntaxError")
    bench.sync(spec("a"), spec("b"))
    assert (bench.worker("a").status, bench.worker("a").load_error) == ("idle", None)


def test_a_worker_that_runs_stays_running_while_the_code_is_synchronised(bench: Bench) -> None:
    start = bench.started("a")
    bench.write(start)
    bench.sync(spec("a", load_error="broken now"), spec("b"))
    assert bench.worker("a").status == "running"


def test_all_workers_and_states_can_be_loaded_at_once(bench: Bench) -> None:
    start = bench.started("a")
    bench.write(start, bench.finished(start, type(SUCCEEDED)(SUCCEEDED.outcome, state='{"n":1}')))
    with bench.database.transaction() as connection:
        assert list(operations.load_workers(connection)) == ["a", "b"]
        assert operations.load_states(connection) == {"a": '{"n":1}'}


# Pauses


def pause(bench: Bench, worker: str, paused: bool = True) -> None:
    bench.writer.call(
        lambda connection, change: operations.set_paused(
            connection,
            change,
            worker,
            paused=paused,
            by="op",
            reason="too loud",
            now=bench.clock.now(),
            status=Status.PAUSED if paused else Status.IDLE,
        )
    )


def test_a_pause_remembers_who_when_and_why_until_it_ends(bench: Bench) -> None:
    pause(bench, "a")
    worker = bench.worker("a")
    assert (worker.status, worker.paused, worker.paused_by, worker.pause_reason) == ("paused", True, "op", "too loud")
    assert worker.paused_at == bench.clock.now()
    pause(bench, "a", paused=False)
    worker = bench.worker("a")
    assert (worker.status, worker.paused, worker.paused_by, worker.pause_reason) == ("idle", False, None, None)
    assert worker.paused_at is None


# Commands


def submit(bench: Bench, verb: str = "run", **params: object) -> int:
    with bench.database.transaction() as connection:
        return operations.submit_command(
            connection, verb=verb, worker="a", params=params, reason="why\0", by="op", now=bench.clock.now()
        )


def test_a_command_waits_until_it_is_answered_once(bench: Bench) -> None:
    first, second = submit(bench, n=1), submit(bench)
    with bench.database.transaction() as connection:
        assert [command.id for command in operations.pending_commands(connection)] == [first, second]
    assert [command.id for command in bench.reader.pending_commands()] == [first, second]

    def answer(state: str) -> bool:
        return bench.writer.call(
            lambda connection, _change: operations.finish_command(
                connection, first, state=state, result="it runs", now=MINUTE, data={"x": [1]}, run_id=5
            )
        )

    assert answer("done")
    assert not answer("failed")
    command = bench.reader.command(first)
    assert command is not None
    assert (command.verb, command.worker, command.params, command.reason) == ("run", "a", {"n": 1}, "why\ufffd")
    assert (command.requested_by, command.requested_at) == ("op", bench.clock.now())
    assert (command.state, command.result, command.data, command.run_id) == ("done", "it runs", {"x": [1]}, 5)
    assert command.finished_at == MINUTE
    assert [command.id for command in bench.reader.pending_commands()] == [second]


@pytest.mark.parametrize("value", [object(), {1}, b"x"])
def test_params_that_are_no_plain_json_are_refused(bench: Bench, value: object) -> None:
    with pytest.raises(TypeError):
        submit(bench, odd=value)
    assert bench.reader.pending_commands() == []


def test_the_number_of_a_transaction_is_later_than_every_change(bench: Bench) -> None:
    latest = max(worker.change for worker in bench.reader.workers())
    with bench.database.transaction() as connection:
        assert operations.next_change(connection) == latest + 1
        connection.exec_driver_sql("DELETE FROM workers")
        assert operations.next_change(connection) == 1
