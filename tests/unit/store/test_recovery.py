from tests.unit.store.bench import FAILED, SUCCEEDED, Bench, spec
from workerkit.clock import MINUTE, SECOND
from workerkit.outcome import Status, Trigger
from workerkit.store import operations
from workerkit.store.events import HostBeat, RunProgressed, StatusChanged


def die(bench: Bench) -> None:
    """The host goes without a word."""
    bench.writer.stop()
    bench.clock.advance(600)
    bench.new_writer()


def test_what_was_in_flight_is_recorded_as_a_crash_and_counted(bench: Bench) -> None:
    bench.run("a", FAILED)
    start = bench.started("a")
    bench.clock.advance(30)
    bench.write(start, HostBeat(bench.host_id, bench.clock.now()), RunProgressed(start.run_id, "a", 1, 2, "half"))
    last_beat = bench.clock.now()
    die(bench)
    begun = bench.begin_host(pid=2)

    error = "the host died while this run was in flight (host 1, box:4711)"
    run = bench.record(start.run_id)
    assert begun.recovered == (run,)
    assert (run.outcome, run.kind, run.error) == ("failed", "crash", error)
    assert (run.finished_at, run.duration, run.progress_done) == (last_beat, 30 * SECOND, 1)
    worker = bench.worker("a")
    assert (worker.status, worker.failure_count, worker.consecutive_failures) == ("failed", 2, 2)
    assert (worker.last_error, worker.last_outcome, worker.running_run_id) == (error, "failed", None)
    assert worker.recent == (("failed", 30 * SECOND),)
    failure = bench.reader.failure(start.run_id)
    assert failure is not None
    assert (failure.kind, failure.at) == ("crash", last_beat)
    assert failure.capture == {"version": 1, "exceptions": [], "note": error}
    assert sum(minute.failed for minute in bench.reader.activity(0)) == 2
    assert begun.next_run_id == start.run_id + 1


def test_what_a_quiet_start_has_left_out_is_made_up_for(bench: Bench) -> None:
    bench.run("a")
    bench.clock.advance(5)
    start = bench.started("a", quiet=True)
    manual = bench.started("b", trigger=Trigger.MANUAL, covered_until=None, quiet=True)
    covered = bench.worker("b").covered_until
    bench.write(start, manual)
    die(bench)
    bench.begin_host()
    worker = bench.worker("a")
    assert (worker.last_run_at, worker.covered_until) == (start.started_at, start.due_at)
    assert (worker.status, worker.success_count, worker.failure_count) == ("failed", 1, 1)
    assert (bench.worker("b").last_run_at, bench.worker("b").covered_until) == (manual.started_at, covered)
    assert bench.writer.call(operations.rebuild_counters) == []


def test_recovery_never_takes_back_how_far_slots_are_covered(bench: Bench) -> None:
    late, early = bench.started("a", due_at=bench.clock.now() - 9), bench.started("a", quiet=True, due_at=5)
    bench.write(late, early)
    covered = bench.worker("a").covered_until
    die(bench)
    bench.begin_host()
    assert bench.worker("a").covered_until == covered


def test_the_dead_host_is_closed_and_the_new_one_says_how_many_it_recovered(bench: Bench) -> None:
    bench.write(bench.started("a"), bench.started("b"))
    died_at = bench.clock.now()
    die(bench)
    bench.begin_host(pid=2)
    new, dead = bench.reader.hosts()
    assert (dead.ending, dead.stopped_at, new.ending, new.recovered_runs) == ("crashed", died_at, None, 2)


def test_a_run_that_began_after_the_last_heartbeat_ends_as_it_began(bench: Bench) -> None:
    bench.clock.advance(3)
    start = bench.started("a")
    bench.write(start)
    die(bench)
    bench.begin_host()
    assert bench.record(start.run_id).finished_at == start.started_at
    assert bench.record(start.run_id).duration == 0


def test_a_paused_worker_stays_paused(bench: Bench) -> None:
    bench.write(bench.started("a"))
    bench.writer.call(
        lambda connection, change: operations.set_paused(
            connection, change, "a", paused=True, by="op", reason="", now=1, status=Status.RUNNING
        )
    )
    die(bench)
    bench.begin_host()
    assert (bench.worker("a").status, bench.worker("a").paused) == ("paused", True)
    assert bench.counters("a") == (0, 1, 1)


def test_no_worker_looks_busy_without_a_run(bench: Bench) -> None:
    bench.run("a", FAILED)
    bench.run("b", SUCCEEDED)
    bench.write(StatusChanged("a", Status.STUCK), StatusChanged("b", Status.RUNNING))
    die(bench)
    bench.begin_host()
    assert (bench.worker("a").status, bench.worker("b").status) == ("failed", "idle")


def test_several_runs_of_one_worker_are_all_recovered(bench: Bench) -> None:
    bench.write(bench.started("a"), bench.started("a"), bench.started("b"))
    die(bench)
    assert len(bench.begin_host().recovered) == 3
    assert bench.counters("a") == (0, 2, 2)
    assert len(bench.worker("a").recent) == 2
    assert bench.reader.in_flight() == []


def test_a_host_that_left_a_run_open_but_ended_in_order_is_not_called_dead(bench: Bench) -> None:
    start = bench.started("a")
    bench.write(start)
    now = bench.clock.now() + MINUTE
    bench.writer.call(lambda connection, change: operations.end_host(connection, change, bench.host_id, now))
    bench.begin_host()
    run = bench.record(start.run_id)
    assert run.error == "the host left without recording how this run ended (host 1, box:4711)"
    assert run.finished_at == now
    assert [host.ending for host in bench.reader.hosts()] == [None, "stopped"]


def test_recovering_twice_changes_nothing_more(bench: Bench) -> None:
    bench.write(bench.started("a"))
    die(bench)
    bench.begin_host()
    before = bench.worker("a")
    die(bench)
    assert bench.begin_host().recovered == ()
    assert bench.worker("a") == before


def test_the_workers_that_come_next_keep_what_recovery_found(bench: Bench) -> None:
    bench.write(bench.started("a"))
    die(bench)
    bench.begin_host()
    bench.sync(spec("a"), spec("b"))
    assert (bench.worker("a").status, bench.worker("b").status) == ("failed", "idle")


def test_thousands_of_runs_in_flight_are_recovered_at_once(bench: Bench) -> None:
    for _ in range(2500):
        bench.writer.submit(bench.started("a"))
    die(bench)
    assert len(bench.begin_host().recovered) == 2500
    assert len(bench.worker("a").recent) == 20
