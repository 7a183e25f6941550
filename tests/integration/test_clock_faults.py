"""Clocks step, machines sleep, schedulers die, hosts stay away, and more is due than there are threads."""

import ctypes
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.clocks import RunningClock
from tests.integration.conftest import Bench
from tests.integration.test_guarded_runs import Task
from tests.waiting import wait_for
from workerkit import RunContext, agenda, runner
from workerkit.agenda import Agenda
from workerkit.clock import DAY, HOUR, MINUTE, SECOND, Micros, from_datetime, to_datetime
from workerkit.host import Host
from workerkit.schedule import Cron, Every, Schedule, every
from workerkit.store.records import GapRecord, RunRecord
from workerkit.timing import BREATH, AgendaTrigger


def tick(_ctx: RunContext) -> None: ...


def notice(bench: Bench) -> str:
    host = bench.reader.host()
    return (host.notice if host else None) or ""


def runs_of(bench: Bench, worker: str) -> list[RunRecord]:
    return bench.reader.runs(worker=worker, limit=1000)


def gaps_of(bench: Bench, worker: str, reason: str) -> list[GapRecord]:
    return [gap for gap in bench.reader.gaps(worker, limit=1000) if gap.reason == reason]


def verdicts(bench: Bench, worker: str, schedule: Schedule, after: Micros) -> Iterator[tuple[Micros, int, int]]:
    """Each slot that the database accounts for: when, how many runs it has, and how many gaps."""
    until = bench.worker(worker).covered_until or 0
    runs = Counter(run.due_at for run in runs_of(bench, worker) if run.trigger != "manual")
    gaps = bench.reader.gaps(worker, limit=1000)
    slot = schedule.next_slot(worker, after)
    while slot is not None and slot <= until:
        yield slot, runs[slot], sum(gap.first_due_at <= slot <= gap.last_due_at for gap in gaps)
        slot = schedule.next_slot(worker, slot)


def assert_each_slot_has_one_verdict(bench: Bench, worker: str, schedule: Schedule, after: Micros) -> None:
    found = list(verdicts(bench, worker, schedule, after))
    assert found
    wrong = [(to_datetime(slot), runs, gaps) for slot, runs, gaps in found if runs + gaps != 1]
    assert not wrong, wrong[:5]


def next_success(bench: Bench, worker: str, more: int = 2) -> float:
    """Waits for so many further good runs; returns the seconds that they took."""
    began, count = time.monotonic(), bench.worker(worker).success_count
    bench.wait_worker(worker, lambda record: record.success_count >= count + more)
    return time.monotonic() - began


# Steps and sleep


@pytest.mark.parametrize("how", ["step", "leap"])
def test_a_day_that_is_gone_costs_one_catch_up_and_one_gap_each(bench: Bench, how: str) -> None:
    clock = RunningClock()
    names = ["one", "two", "three"]
    bench.host(*(Task(tick, name=name, interval=0.5) for name in names), clock=clock)
    began = clock.now()
    wait_for(lambda: all(record.success_count for record in bench.reader.workers()), "a run of each")
    stepped, before = time.monotonic(), clock.now()
    getattr(clock, how)(DAY / SECOND)
    wait_for(lambda: all(len(after(bench, name, before + DAY)) >= 2 for name in names), "two runs each on the new day")
    assert time.monotonic() - stepped < 5 + 2, "within five seconds, and then a second run"
    for name in names:
        late = after(bench, name, before + DAY)
        assert len(late) <= 2 * (time.monotonic() - stepped) + 2, "no storm"
        assert sum(run.due_at < before + DAY for run in late) <= 1, "one run at most for what was missed"
        (gap,) = (gap for gap in bench.reader.gaps(name) if gap.count > 100_000)
        assert abs(gap.count - 2 * 86_400) < 10
        assert gap.reason == ("clock step" if how == "step" else "overload")
        assert all((run.duration or 0) >= 0 for run in runs_of(bench, name))
    assert_each_slot_has_one_verdict(bench, "one", every(0.5), began)
    if how == "step":
        wait_for(lambda: "the clock went 86400 s forward, or the machine slept" in notice(bench), "the notice")


def after(bench: Bench, worker: str, moment: Micros) -> list[RunRecord]:
    """The worker's runs that began after a moment."""
    return [run for run in runs_of(bench, worker) if run.started_at > moment]


def test_a_clock_set_back_an_hour_is_followed_within_five_seconds(bench: Bench) -> None:
    clock, go_on = RunningClock(), threading.Event()

    def hold(_ctx: RunContext) -> None:
        go_on.wait(60)

    bench.host(Task(tick, interval=1), Task(hold, name="long", interval=1), clock=clock)
    bench.wait_worker("task", lambda record: record.success_count >= 1)
    bench.wait_worker("long", lambda record: record.status == "running")
    clock.step(-HOUR / SECOND)
    stepped, set_back = time.monotonic(), clock.now()
    try:
        wait_for(lambda: "the clock went 3600 s back" in notice(bench), "the notice")
        next_success(bench, "task", 1)
        assert time.monotonic() - stepped < 5
        next_success(bench, "task", 2)
        gap = wait_for(lambda: gaps_of(bench, "long", "overlap"), "a gap of the worker that runs on")[0]
        assert "is still running (for 0" in gap.detail
    finally:
        go_on.set()
    bench.wait_worker("long", lambda record: record.success_count >= 1)
    again = [run for run in runs_of(bench, "task") if run.started_at < set_back + 10 * MINUTE and run.due_at > set_back]
    assert len(again) <= time.monotonic() - stepped + 2, "no storm"
    assert len({run.due_at for run in runs_of(bench, "task")}) == len(runs_of(bench, "task")), "no slot ran twice"
    for run in runs_of(bench, "task") + runs_of(bench, "long"):
        assert run.finished_at is None or (run.duration or 0) >= 0
    assert (bench.worker("task").next_run_at or 0) < clock.now() + 2 * SECOND


def test_a_clock_that_trembles_is_no_event(bench: Bench) -> None:
    clock = RunningClock()
    bench.host(Task(tick, interval=0.2), clock=clock)
    for by in (0.9, -0.9):
        clock.step(by)
        next_success(bench, "task", 2)
    assert notice(bench) == ""
    assert not gaps_of(bench, "task", "clock step")


def test_a_clock_that_steps_again_and_again_starts_no_storm(bench: Bench) -> None:
    clock, began = RunningClock(), time.monotonic()
    bench.host(Task(tick, interval=0.5), clock=clock)
    for by in (DAY, -2 * HOUR, HOUR):
        clock.step(by / SECOND)
        next_success(bench, "task", 1)
    assert len(runs_of(bench, "task")) <= 2 * (time.monotonic() - began) + 5 + 5
    assert all((run.duration or 0) >= 0 for run in runs_of(bench, "task"))


# The scheduler's death


def scheduler_thread(host: Host) -> threading.Thread:
    assert host._engine is not None
    thread = host._engine._timing._scheduler._thread  # type: ignore[union-attr] # the fault is made inside
    assert isinstance(thread, threading.Thread)
    return thread


def kill(thread: threading.Thread) -> None:
    """Raises SystemExit inside a thread, wherever it is."""
    assert thread.ident is not None
    assert ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit)) == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_scheduler_whose_thread_is_killed_is_rebuilt_within_ten_seconds_and_misses_nothing(bench: Bench) -> None:
    host = bench.host(Task(tick, interval=0.2))
    began = RunningClock().now()
    bench.wait_worker("task", lambda record: record.success_count >= 1)
    thread = scheduler_thread(host)
    kill(thread)
    thread.join(20)
    assert not thread.is_alive()
    dead = time.monotonic()
    wait_for(lambda: "the scheduler had died and was rebuilt" in notice(bench), "the notice")
    next_success(bench, "task")
    assert time.monotonic() - dead < 10
    assert_each_slot_has_one_verdict(bench, "task", every(0.2), began)


def test_a_schedule_that_poisons_the_scheduler_does_not_stop_the_others(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agenda, "RETRY", SECOND // 2)

    class Poison(Every):
        """Fails like nothing that may be caught, once, on the scheduler's thread."""

        armed = True

        def next_slot(self, name: str, after: Micros) -> Micros | None:
            if self.armed and threading.current_thread().name == "APScheduler":
                type(self).armed = False
                raise BaseException("poison")
            return super().next_slot(name, after)

    bench.host(Task(tick, interval=0.2), Task(tick, name="poisoned", schedule=Poison(SECOND // 5)))
    wait_for(lambda: not Poison.armed, "the poison")
    next_success(bench, "task")
    next_success(bench, "poisoned")


# Downtime


def test_a_week_away_with_a_thousand_workers_is_one_gap_each_and_no_storm(bench: Bench) -> None:
    tasks = [Task(tick, name=f"w{number}", interval=1) for number in range(1000)]
    bench.host(*tasks, clock=RunningClock()).stop(grace=5)
    later = bench.host(*tasks, clock=RunningClock(7 * DAY / SECOND), start=False)
    began = time.monotonic()
    later.start()
    assert time.monotonic() - began < 10, "counting a week of slots takes no time"
    later.stop(grace=5)
    took = time.monotonic() - began
    gaps = [gap for gap in bench.reader.gaps(limit=5000) if gap.count > 600_000]
    assert Counter(gap.worker for gap in gaps) == {task.name: 1 for task in tasks}, "one row each"
    assert {gap.reason for gap in gaps} == {"host down"}
    assert all(abs(gap.count - 7 * 86_400) < 120 for gap in gaps)
    assert all(gap.detail.startswith("the host was down from ") for gap in gaps)
    mine = [run for run in bench.reader.runs(limit=20_000) if run.host_id == later.host_id]
    caught_up = Counter(run.worker for run in mine if run.trigger == "catch-up")
    assert not caught_up or max(caught_up.values()) == 1
    assert len(caught_up) <= took / 0.05 + 2, "they come one after the other"


def test_what_was_closed_while_the_host_was_away_is_not_missed(bench: Bench) -> None:
    friday, monday = datetime(2027, 1, 8, 17, 59, 55, tzinfo=UTC), datetime(2027, 1, 11, 8, 0, 30, tzinfo=UTC)
    office: dict[str, Any] = {"not_before": "08:00", "not_after": "18:00", "days_off": ["sat", "sun"]}

    def host(at: datetime) -> Host:
        ahead = (from_datetime(at) - RunningClock().now()) / SECOND
        return bench.host(Task(tick, interval=10, **office), clock=RunningClock(ahead))

    host(friday).stop()
    host(monday)
    gap = wait_for(lambda: gaps_of(bench, "task", "host down"), "the gap")[0]
    assert gap.count <= 3, "four slots at most since the opening, and the latest of them runs"
    assert gap.last_due_at < from_datetime(monday)


def test_a_closed_window_leaves_neither_runs_nor_gaps_and_says_when_it_opens(bench: Bench) -> None:
    opening = datetime.now(UTC).date() + timedelta(days=2)
    bench.host(Task(tick, interval=0.1), Task(tick, name="closed", interval=0.1, not_before=opening))
    next_success(bench, "task", 5)
    record = bench.worker("closed")
    assert (record.next_run_at or 0) - from_datetime(
        datetime(opening.year, opening.month, opening.day, tzinfo=UTC)
    ) >= 0
    assert runs_of(bench, "closed") == []
    assert bench.reader.gaps("closed") == []


# Too much at once


def names_due_together(count: int, period: Micros, within: Micros) -> list[str]:
    """Names whose slots fall into the same instant of each period."""
    schedule, number = Every(period), 0
    found: list[str] = []
    while len(found) < count:
        number += 1
        if schedule.phase(name := f"w{number}") < within:
            found.append(name)
    return found


def test_workers_due_in_the_same_instant_all_run(bench: Bench) -> None:
    names = names_due_together(300, 2 * SECOND, SECOND // 50)
    bench.host(*(Task(tick, name=name, interval=2) for name in names), max_threads=8)
    began = RunningClock().now()
    wait_for(lambda: all(record.success_count >= 2 for record in bench.reader.workers()), "two runs of each")
    for name in names:
        assert_each_slot_has_one_verdict(bench, name, every(2), began)
    assert not [gap for gap in bench.reader.gaps(limit=1000) if gap.reason != "overload"]


def test_more_work_than_threads_runs_late_and_the_wait_is_shown(bench: Bench) -> None:
    go_on = threading.Event()

    def hold(_ctx: RunContext) -> None:
        go_on.wait(60)

    names = [f"w{number}" for number in range(10)]
    bench.host(*(Task(hold, name=name) for name in names), max_threads=2)
    for name in names:
        bench.ask("run", name)
    assert len(bench.reader.in_flight()) == len(names), "those that wait for a thread are on record"
    waited_from = RunningClock().now()
    go_on.set()
    wait_for(lambda: not bench.reader.in_flight(), "the end of all runs")
    runs = bench.reader.runs()
    assert {run.outcome for run in runs} == {"succeeded"}
    last = max(runs, key=lambda run: run.id)
    assert last.finished_at is not None
    assert last.duration is not None
    assert last.finished_at - last.duration >= waited_from, "it began when a thread was free"
    assert last.started_at < waited_from, "and it had been waiting since"
    assert bench.reader.gaps() == []


def test_a_slot_that_finds_too_many_waiting_is_a_gap_and_not_memory(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "MAX_WAITING", 5)
    go_on = threading.Event()

    def hold(_ctx: RunContext) -> None:
        go_on.wait(60)

    names = [f"w{number}" for number in range(12)]
    bench.host(*(Task(hold, name=name, interval=0.5) for name in names), max_threads=1)
    try:
        gaps = wait_for(
            lambda: [gap for gap in bench.reader.gaps(limit=1000) if gap.reason == "overload"], "a gap of overload"
        )
        assert {gap.detail for gap in gaps} == {"5 runs were waiting for a thread"}
        wait_for(lambda: len({gap.worker for gap in bench.reader.gaps(limit=1000)}) == len(names), "a gap of each")
        assert len(bench.reader.in_flight()) <= 6, "one has the thread, five wait"
    finally:
        go_on.set()
    for name in names:
        next_success(bench, name, 1)


# The trigger

MOMENTS = st.integers(from_datetime(datetime(2000, 1, 1, tzinfo=UTC)), from_datetime(datetime(2100, 1, 1, tzinfo=UTC)))
SCHEDULES = st.one_of(
    st.integers(SECOND // 10, 3 * DAY).map(Every),
    st.sampled_from(
        [Cron("* * * * *"), Cron("30 2 * * *", "Europe/Berlin"), Cron("*/7 1-3 * * *", "America/New_York")]
    ),
)


@given(SCHEDULES, MOMENTS, st.integers(-5 * SECOND, 5 * SECOND), st.text(min_size=1, max_size=8))
def test_a_trigger_answers_strictly_later_than_before_also_after_rounding(
    schedule: Every | Cron, now: Micros, early: Micros, name: str
) -> None:
    """APScheduler keeps fire times as floats of seconds; a slot that comes back rounded must not come again."""
    slots = Agenda({name: schedule}, now)
    trigger = AgendaTrigger(slots)
    first = trigger.get_next_fire_time(None, to_datetime(now))
    assert first > to_datetime(now)
    rounded = datetime.fromtimestamp(first.timestamp(), UTC)
    for previous in (first, rounded):
        while slots.pop(from_datetime(first)) is not None:
            pass
        second = trigger.get_next_fire_time(previous, first + timedelta(microseconds=early))
        assert second > previous
        assert second > first + timedelta(microseconds=early)
        assert second.timestamp() > first.timestamp()


class Broken(Every):
    def next_slot(self, name: str, after: Micros) -> Micros | None:
        raise OverflowError("a date beyond the calendar")


@given(MOMENTS, st.one_of(st.none(), MOMENTS))
def test_a_trigger_never_raises_and_a_broken_schedule_is_tried_again(now: Micros, previous: Micros | None) -> None:
    before = None if previous is None else to_datetime(previous)
    answer = AgendaTrigger(Agenda({"w": Broken(SECOND)}, now)).get_next_fire_time(before, to_datetime(now))
    latest = max(now, previous or now)
    assert from_datetime(answer) == max(now + MINUTE, latest + BREATH)
