"""Slots, durations and cron lines."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workerkit.clock import DAY, HOUR, MINUTE, SECOND, from_datetime, to_datetime
from workerkit.schedule import (
    MAX_COUNTED_SLOTS,
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


def test_sunday_is_0_and_7_as_cron_has_it() -> None:
    saturday = from_datetime(datetime(2026, 3, 7, 12, 0, tzinfo=UTC))
    sunday = from_datetime(datetime(2026, 3, 8, 0, 0, tzinfo=UTC))
    assert Cron("0 0 * * 0").next_slot("w", saturday) == sunday
    assert Cron("0 0 * * 7").next_slot("w", saturday) == sunday


def test_day_of_month_and_day_of_week_are_joined_by_or() -> None:
    slots, moment = [], from_datetime(datetime(2026, 3, 1, 12, 0, tzinfo=UTC))
    for _ in range(4):
        found = Cron("0 0 13 * 5").next_slot("w", moment)
        assert found is not None
        moment = found
        slots.append(to_datetime(moment).day)
    assert slots == [6, 13, 20, 27]


@pytest.mark.parametrize(
    ("day", "utc"),
    [
        (datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 3, 29, 1, 0, tzinfo=UTC)),
        (datetime(2026, 10, 25, tzinfo=UTC), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
    ],
)
def test_a_job_at_half_past_two_runs_once_on_both_odd_days(day: datetime, utc: datetime) -> None:
    schedule = Cron("30 2 * * *", "Europe/Berlin")
    latest, count = schedule.last_slot("w", from_datetime(day), from_datetime(day + timedelta(hours=20)))
    assert count == 1
    assert latest == from_datetime(utc)


def test_the_29th_of_february_comes_every_four_years() -> None:
    slot = Cron("0 0 29 2 *").next_slot("w", NOW)
    assert slot == from_datetime(datetime(2028, 2, 29, tzinfo=UTC))


def test_the_count_of_missed_cron_slots_is_bounded_and_the_latest_is_still_right() -> None:
    latest, count = Cron("* * * * *").last_slot("w", NOW - 365 * DAY, NOW)
    assert (latest, count) == (NOW, MAX_COUNTED_SLOTS)


@pytest.mark.parametrize(
    ("line", "says"),
    [("* * * *", "five fields"), ("61 * * * *", "not a cron line"), ("0 0 30 2 *", "never comes due|not a cron line")],
)
def test_a_wrong_cron_line_is_refused_with_the_reason(line: str, says: str) -> None:
    with pytest.raises(ScheduleError, match=says):
        Cron(line)


def test_an_unknown_time_zone_is_refused_with_an_example() -> None:
    with pytest.raises(ScheduleError, match="Europe/Berlin"):
        Cron("* * * * *", "Mars/Olympus")


def test_a_manual_schedule_is_never_due() -> None:
    assert Manual().next_slot("w", NOW) is None
    assert Manual().last_slot("w", NOW - DAY, NOW) == (None, 0)


def test_schedules_describe_themselves_for_people() -> None:
    described = [every("90s").describe(), Cron("0 3 * * *", "Asia/Tokyo").describe(), Manual().describe()]
    assert described == ["every 1m30s", "cron 0 3 * * * Asia/Tokyo", "manual"]
