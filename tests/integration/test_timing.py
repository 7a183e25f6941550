"""Time goes wrong: the clock steps, the scheduler dies, a worker blocks the event loop. The host sees and goes on."""

import threading

import pytest

from tests.integration.conftest import Bench
from tests.integration.test_guarded_runs import AsyncTask, Task
from tests.waiting import wait_for
from workerkit import RunContext
from workerkit.agenda import Agenda
from workerkit.clock import HOUR, SECOND, Micros, SystemClock, from_datetime, to_datetime
from workerkit.schedule import Every, Manual
from workerkit.timing import BREATH, CHUNK, AgendaTrigger, HandOff, Timing


class SteppableClock(SystemClock):
    """The machine's clock, which a test can set."""

    offset: Micros = 0

    def now(self) -> Micros:
        return super().now() + self.offset


def tick(_ctx: RunContext) -> None: ...


def notice(bench: Bench) -> str:
    host = bench.reader.host()
    return (host.notice if host else None) or ""


def test_after_a_step_forward_there_is_one_catch_up_and_a_gap_and_the_operator_is_told(bench: Bench) -> None:
    clock = SteppableClock()
    bench.host(Task(tick, interval=1), clock=clock)
    bench.wait_worker("task", lambda w: w.success_count >= 1)
    clock.offset = HOUR
    wait_for(lambda: any(gap.reason == "clock step" for gap in bench.reader.gaps("task")), "the gap")
    wait_for(lambda: any(run.trigger == "catch-up" for run in bench.reader.runs()), "the catch-up run")
    gap = next(gap for gap in bench.reader.gaps("task") if gap.reason == "clock step")
    assert 3590 <= gap.count <= 3600
    assert "the clock went 3600 s forward" in wait_for(lambda: notice(bench), "the notice")
    count = bench.worker("task").success_count
    bench.wait_worker("task", lambda w: w.success_count >= count + 2)
    assert sum(run.trigger == "catch-up" for run in bench.reader.runs()) == 1


def test_after_a_step_back_an_hour_the_worker_goes_on_at_once(bench: Bench) -> None:
    clock = SteppableClock()
    bench.host(Task(tick, interval=1), clock=clock)
    bench.wait_worker("task", lambda w: w.success_count >= 1)
    clock.offset = -HOUR
    wait_for(lambda: "3600 s back" in notice(bench), "the notice")
    count = bench.worker("task").success_count
    record = bench.wait_worker("task", lambda w: w.success_count >= count + 2)
    assert record.next_run_at is not None
    assert record.next_run_at < clock.now() + 2 * SECOND


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_dead_scheduler_is_rebuilt_and_the_operator_is_told(bench: Bench) -> None:
    host = bench.host(Task(tick, interval=0.2))
    bench.wait_worker("task", lambda w: w.success_count >= 1)
    assert host._engine is not None
    scheduler = host._engine._timing._scheduler
    assert scheduler is not None

    def die() -> None:
        raise SystemExit

    scheduler._process_jobs = die
    scheduler.wakeup()
    wait_for(lambda: "the scheduler had died" in notice(bench), "the notice")
    count = bench.worker("task").success_count
    bench.wait_worker("task", lambda w: w.success_count >= count + 2)


def test_an_async_worker_that_blocks_the_loop_is_named(bench: Bench) -> None:
    go_on = threading.Event()

    async def blocks(_ctx: RunContext) -> None:
        go_on.wait(60)

    bench.host(AsyncTask(blocks), AsyncTask(blocks, name="other"))
    bench.begin("task")
    try:
        text = wait_for(lambda: notice(bench), "the notice")
        assert text.startswith("task has blocked the async workers for")
        answer = bench.ask("stack", "task")
        assert any(frame["function"].endswith("blocks") for frame in answer.data["frames"])
    finally:
        go_on.set()
    wait_for(lambda: not notice(bench), "the end of the notice")


def test_timing_starts_and_stops_any_number_of_times_and_manual_workers_never_fire() -> None:
    fired: list[str] = []
    timing = Timing(fired.append)
    timing.add("often", Every(SECOND // 10))
    timing.add("never", Manual())
    for _ in range(3):
        timing.start()
        timing.start()
        assert timing.alive
        timing.stop()
        timing.stop()
        assert not timing.alive
    fired.clear()
    timing.start()
    wait_for(lambda: len(fired) > 2, "three slots")
    timing.remove("often")
    timing.remove("never")
    timing.stop()
    assert set(fired) == {"often"}


def test_a_worker_that_is_added_while_others_are_far_off_is_not_kept_waiting_for_them() -> None:
    fired: list[str] = []
    timing = Timing(fired.append)
    timing.add("yearly", Every(365 * 24 * HOUR))
    timing.start()
    try:
        timing.add("often", Every(SECOND // 10))
        wait_for(lambda: len(fired) > 2, "three slots")
        timing.add("often", Manual())
        timing.add("last", Every(SECOND // 10))
        fired.clear()
        wait_for(lambda: len(fired) > 2, "three slots of the other")
        assert set(fired) == {"last"}
    finally:
        timing.stop()


def test_a_slot_that_fails_to_be_handled_keeps_no_other_from_its_turn() -> None:
    fired: list[str] = []

    def on_slot(name: str) -> None:
        fired.append(name)
        raise RuntimeError("a fault of ours")

    timing = Timing(on_slot)
    for name in ("a", "b"):
        timing.add(name, Every(SECOND // 10))
    timing.start()
    try:
        wait_for(lambda: fired.count("a") > 1 and fired.count("b") > 1, "two slots of each")
    finally:
        timing.stop()


def test_while_it_is_crowded_slots_come_in_chunks_with_a_pause_and_each_has_its_turn() -> None:
    crowd = [True]
    fired: list[str] = []
    schedules = {f"w{number:03}": Every(HOUR) for number in range(2 * CHUNK + 1)}
    agenda = Agenda(schedules, 0)
    hand_off = HandOff(agenda, fired.append, lambda: crowd[0], lambda: True)
    trigger = AgendaTrigger(agenda)
    now = SystemClock().now()
    hand_off.submit_job(None, [])
    assert len(fired) == CHUNK
    assert from_datetime(trigger.get_next_fire_time(None, to_datetime(now))) == now + BREATH
    hand_off.submit_job(None, [])
    assert len(fired) == 2 * CHUNK
    crowd[0] = False
    assert from_datetime(trigger.get_next_fire_time(None, to_datetime(now))) == now + BREATH
    hand_off.submit_job(None, [])
    assert sorted(fired) == sorted(schedules)
    assert from_datetime(trigger.get_next_fire_time(None, to_datetime(now))) > now + BREATH


def test_what_seems_due_by_a_clock_that_was_set_is_dropped() -> None:
    trust = [False]
    fired: list[str] = []
    agenda = Agenda({"a": Every(HOUR), "b": Every(HOUR)}, 0)
    hand_off = HandOff(agenda, fired.append, lambda: False, lambda: trust[0])
    hand_off.submit_job(None, [])
    trust[0] = True
    hand_off.submit_job(None, [])
    assert fired == [], "each had its turn, and lost it"
    assert agenda.pop(SystemClock().now() + HOUR) is not None
