"""Slots of intervals, durations, and what is refused at registration."""

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workerkit import RunContext, worker
from workerkit.clock import DAY, HOUR, MINUTE, SECOND, from_datetime
from workerkit.errors import RegistrationError
from workerkit.registry import Registry
from workerkit.schedule import (
    MAX_INTERVAL,
    MIN_INTERVAL,
    Cron,
    Every,
    Manual,
    ScheduleError,
    every,
    format_duration,
    parse_duration,
)

NOW = from_datetime(datetime(2026, 3, 5, 12, 0, tzinfo=UTC))


@pytest.mark.parametrize(
    ("given_value", "micros"),
    [
        ("30s", 30 * SECOND),
        ("1h30m", HOUR + 30 * MINUTE),
        ("250ms", SECOND // 4),
        ("1.5m", 90 * SECOND),
        (" 2 D ", 2 * DAY),
        ("1w", 7 * DAY),
        (5, 5 * SECOND),
        (0.25, SECOND // 4),
        (timedelta(minutes=2), 2 * MINUTE),
    ],
)
def test_a_duration_reads_as_people_write_it(given_value: timedelta | float | str, micros: int) -> None:
    assert parse_duration(given_value) == micros


@pytest.mark.parametrize("value", ["", "soon", "5", "5x", "5s!", float("nan"), float("inf"), -1, "-5s", True, None, []])
def test_what_is_no_duration_is_refused(value: object) -> None:
    with pytest.raises(ScheduleError):
        parse_duration(value)  # type: ignore[arg-type] # what a user may write


@given(st.integers(min_value=1, max_value=10_000_000).map(lambda milliseconds: milliseconds * 1000))
def test_a_written_duration_is_read_back_as_the_same(span: int) -> None:
    assert abs(parse_duration(format_duration(span)) - span) <= SECOND // 100


@pytest.mark.parametrize("period", [0, MIN_INTERVAL - 1, MAX_INTERVAL + 1, -SECOND])
def test_an_interval_out_of_bounds_is_refused_with_the_bounds(period: int) -> None:
    with pytest.raises(ScheduleError, match="between 100ms and 3650 days"):
        Every(period)


@given(
    st.integers(min_value=MIN_INTERVAL, max_value=MAX_INTERVAL),
    st.integers(min_value=0, max_value=4 * 10**15),
    st.text(min_size=1, max_size=20),
)
def test_the_next_slot_is_later_within_a_period_and_on_the_grid(period: int, after: int, name: str) -> None:
    schedule = Every(period)
    slot = schedule.next_slot(name, after)
    assert slot is not None
    assert after < slot <= after + period
    assert (slot - schedule.phase(name)) % period == 0


@given(
    st.integers(min_value=MIN_INTERVAL, max_value=DAY),
    st.integers(min_value=0, max_value=4 * 10**15),
    st.integers(min_value=0, max_value=100),
)
def test_missed_slots_are_counted_without_walking_them(period: int, after: int, periods: int) -> None:
    schedule = Every(period)
    latest, count = schedule.last_slot("w", after, after + periods * period)
    assert count == periods
    assert latest is None if periods == 0 else latest is not None and after < latest <= after + periods * period


def test_workers_of_one_period_are_spread_over_it() -> None:
    phases = {Every(MINUTE).phase(f"worker-{number}") // SECOND for number in range(1000)}
    assert len(phases) == 60


def test_a_year_of_missed_slots_costs_nothing() -> None:
    _, count = every("200ms").last_slot("w", NOW - 365 * DAY, NOW)
    assert count == 365 * 86_400 * 5


def test_a_year_of_missed_cron_slots_is_counted_by_days_and_costs_next_to_nothing() -> None:
    began = time.thread_time()
    assert Cron("* * * * *", "Europe/Berlin").last_slot("w", NOW - 365 * DAY, NOW) == (NOW, 365 * 24 * 60)
    assert time.thread_time() - began < 0.5


@given(st.integers(0, 365 * 24 * 60), st.integers(0, 60 * 24 * 60))
def test_what_is_counted_is_what_comes_due(begin: int, minutes: int) -> None:
    cron, moment = Cron("7,*/20 1-5,22 * * mon-fri", "Europe/Berlin"), NOW + begin * MINUTE
    until, count, latest = moment + minutes * MINUTE, 0, None
    slot = cron.next_slot("w", moment)
    while slot is not None and slot <= until:
        count, latest = count + 1, slot
        slot = cron.next_slot("w", slot)
    assert cron.last_slot("w", moment, until) == (latest, count)


def job(_ctx: RunContext) -> None: ...


class Job:
    name, interval = "job", 1

    def run(self, ctx: RunContext) -> None: ...


@pytest.mark.parametrize(
    ("interval", "says"),
    [
        (0, "an interval of 0 s is out of bounds; give one between 100ms and 3650 days"),
        ("0s", "an interval of 0 s is out of bounds"),
        (0.0, "an interval of 0 s is out of bounds"),
        (timedelta(0), "an interval of 0 s is out of bounds"),
        (-1, "-1 is negative"),
        (-0.5, "-0.5 is negative"),
        (timedelta(seconds=-1), "is negative"),
        (float("nan"), "nan is not a duration; give a finite number"),
        (float("inf"), "inf is not a duration; give a finite number"),
        (float("-inf"), "-inf is not a duration; give a finite number"),
        ("nan", "'nan' is not a duration; write it like '30s'"),
        (0.099, "an interval of 0.099 s is out of bounds"),
        ("99ms", "an interval of 0.099 s is out of bounds"),
        ("3651d", "out of bounds; give one between 100ms and 3650 days"),
        (timedelta.max, "is longer than a hundred years"),
        (10**18, "is longer than a hundred years"),
        pytest.param(10**400, "is longer than a hundred years", id="beyond floats"),
        pytest.param(10**5000, "is longer than a hundred years", id="beyond printing"),
        pytest.param(-(10**5000), "is negative", id="beyond printing, negative"),
        (1e300, "is longer than a hundred years"),
        pytest.param("9" * 400 + "w", "is not a duration; give a finite number", id="infinite weeks"),
        (True, "True is not a duration"),
        (False, "False is not a duration"),
        (1 + 2j, "is not a duration"),
        (b"5s", "is not a duration"),
        ([5], "is not a duration"),
    ],
)
def test_an_interval_that_cannot_be_meant_is_refused_at_registration(interval: Any, says: str) -> None:
    registry = Registry()
    with pytest.raises(RegistrationError, match=re.escape(says)) as refusal:
        registry.register(Job(), interval=interval)
    assert "worker 'job'" in str(refusal.value)
    assert len(str(refusal.value)) < 400
    assert len(registry) == 0


@pytest.mark.parametrize("line", ["0 0 30 2 *", "61 * * * *", "* * * *", "@reboot", "9" * 5000 + " * * * *"])
def test_a_cron_line_that_cannot_be_meant_is_refused_before_there_is_a_worker(line: str) -> None:
    with pytest.raises(ScheduleError):
        worker(cron=line)(job)


@pytest.mark.parametrize("schedule", [30, "30s", Every, object()])
def test_what_is_no_schedule_is_refused_at_registration(schedule: Any) -> None:
    with pytest.raises(RegistrationError, match=r"give every\(\.\.\.\), Cron\(\.\.\.\) or Manual\(\)"):
        Registry().register(Job(), schedule=schedule)


@pytest.mark.parametrize("interval", ["100ms", 0.1, "3650d", timedelta(days=3650)])
def test_an_interval_at_the_bounds_is_taken(interval: timedelta | float | str) -> None:
    assert Registry().register(Job(), interval=interval).schedule == every(interval)


@pytest.mark.parametrize("period", [30.0, "30s", True, None, float("nan")])
def test_every_with_anything_but_microseconds_says_how_to_write_it(period: Any) -> None:
    with pytest.raises(ScheduleError, match=r"write every\('30s'\)"):
        Every(period)


def test_a_manual_schedule_is_never_due() -> None:
    assert Manual().next_slot("w", NOW) is None
    assert Manual().last_slot("w", NOW - DAY, NOW) == (None, 0)


def test_schedules_describe_themselves_for_people() -> None:
    assert Manual().closed_because(NOW) == "it has no schedule; it runs only when somebody asks"
    assert every("90s").closed_because(NOW) is None
    assert Cron("@daily").closed_because(NOW) is None
    described = [every("90s").describe(), Cron("0 3 * * *", "Asia/Tokyo").describe(), Manual().describe()]
    assert described == ["every 1m30s", "cron 0 3 * * * Asia/Tokyo", "manual"]
