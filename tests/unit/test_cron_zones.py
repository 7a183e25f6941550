"""Cron lines in time zones with odd rules, against the rule of cron(8) applied to every minute of a year.

The rule: a line whose minute and hour are both given (neither begins with `*`) runs once for each local time. What is
left out of local time, by less than three hours, runs right after; what is told twice runs the first time. All other
lines run whenever the clock on the wall matches.
"""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from workerkit.clock import HOUR, MINUTE, SECOND, Micros, from_datetime, to_datetime
from workerkit.schedule import Cron

YEARS = [
    ("Europe/Berlin", 2026),
    ("America/New_York", 2026),
    ("Australia/Lord_Howe", 2026),  # half an hour
    ("America/Sao_Paulo", 2018),  # at midnight
    ("America/St_Johns", 2010),  # a minute past midnight, back into the day before
    ("America/Nuuk", 2024),  # the last hour of a Saturday
    ("Pacific/Apia", 2011),  # no 30 December
    ("Africa/Casablanca", 2026),  # back for Ramadan
    ("Asia/Kathmandu", 1986),  # a quarter of an hour, once
]
A_MINUTE = timedelta(minutes=1)
WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]


@dataclass(frozen=True)
class Field:
    """One field of a line, as it is written and what it means."""

    text: str
    values: frozenset[int]

    @property
    def star(self) -> bool:
        return self.text.startswith("*")


@dataclass(frozen=True)
class Line:
    minute: Field
    hour: Field
    day: Field
    month: Field
    weekday: Field

    def __str__(self) -> str:
        return " ".join(field.text for field in (self.minute, self.hour, self.day, self.month, self.weekday))

    def on(self, day: datetime) -> bool:
        """Whether it is meant for that day."""
        by_day, by_weekday = day.day in self.day.values, day.isoweekday() % 7 in self.weekday.values
        either = by_day and by_weekday if self.day.star or self.weekday.star else by_day or by_weekday
        return either and day.month in self.month.values


def field(low: int, high: int, names: list[str] | None = None, top: int | None = None) -> st.SearchStrategy[Field]:
    """A field of numbers from low to high, named at most up to `top`."""
    whole = range(low, high + 1)

    def step(numbers: tuple[int, int, int]) -> Field:
        first, last, by = min(numbers[:2]), max(numbers[:2]), numbers[2]
        return Field(f"{first}-{last}/{by}", frozenset(range(first, last + 1, by)))

    number = st.integers(low, top or high)
    single = number.map(lambda n: Field(str(n), frozenset({n})))
    named = number.map(lambda n: Field((names or [])[n - low], frozenset({n}))) if names else single
    stepped = st.tuples(number, number, st.integers(1, 7)).map(step)
    some = st.one_of(single, named, stepped)
    return st.one_of(
        st.just(Field("*", frozenset(whole))),
        st.integers(2, 30).map(lambda by: Field(f"*/{by}", frozenset(whole[::by]))),
        some,
        st.lists(some, min_size=2, max_size=3).map(
            lambda fields: Field(
                ",".join(one.text for one in fields), frozenset().union(*(one.values for one in fields))
            )
        ),
    )


EVERY_DAY = [Field("*", frozenset(range(1, 32))), Field("*", frozenset(range(1, 13))), Field("*", frozenset(range(7)))]
DAYS = st.one_of(
    st.just(tuple(EVERY_DAY)), st.tuples(field(1, 31, top=28), field(1, 12, MONTHS), field(0, 6, WEEKDAYS))
)
NIGHT = st.one_of(field(0, 23), st.integers(0, 3).map(lambda hour: Field(str(hour), frozenset({hour}))))
LINES = st.builds(lambda minute, hour, days: Line(minute, hour, *days), field(0, 59), NIGHT, DAYS)


@lru_cache(maxsize=2)
def walls(zone: str, year: int) -> list[tuple[Micros, datetime]]:
    """What the clock on the wall shows at every minute from a day before the year to a day after it."""
    info, first = ZoneInfo(zone), int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) - 24 * 60 * 60
    table: list[tuple[Micros, datetime]] = []
    for hour in range(first, first + 367 * 24 * 60 * 60, 60 * 60):
        shown, later = (datetime.fromtimestamp(at, info).replace(tzinfo=None) for at in (hour, hour + 60 * 60))
        even = later - shown == timedelta(hours=1)
        for minute in range(60):
            at = hour + minute * 60
            wall = shown + minute * A_MINUTE if even else datetime.fromtimestamp(at, info).replace(tzinfo=None)
            table.append((at * SECOND, wall))
    return table


def due(line: Line, zone: str, year: int) -> list[Micros]:
    """Every moment at which the line is due, by the rule."""
    table = walls(zone, year)
    minutes, hours = line.minute.values, line.hour.values
    if line.minute.star or line.hour.star:
        return [moment for moment, wall in table if wall.minute in minutes and wall.hour in hours and line.on(wall)]
    slots = []
    shown = table[0][1] - A_MINUTE
    for moment, wall in table:
        if wall <= shown:
            continue  # this local time has been before
        times = [wall]
        if wall - shown != A_MINUTE and wall - shown < timedelta(hours=3):
            times += [shown + number * A_MINUTE for number in range(1, (wall - shown) // A_MINUTE)]
        if any(time.minute in minutes and time.hour in hours and line.on(time) for time in times):
            slots.append(moment)
        shown = wall
    return slots


def changes(zone: str, year: int) -> list[Micros]:
    """The moments at which the zone changes its offset."""
    table = walls(zone, year)
    return [moment for (_, before), (moment, wall) in pairwise(table) if wall - before != A_MINUTE]


@pytest.mark.parametrize(("zone", "year"), YEARS)
def test_a_line_is_due_when_the_rule_says_so_all_year_round(zone: str, year: int) -> None:
    odd = changes(zone, year)
    assert odd, "a year without a change would prove little"

    # Shrinking a failure would take minutes; a line of cron is short enough to be read as it is.
    @settings(max_examples=3, deadline=None, derandomize=True, phases=[Phase.generate])
    @given(LINES, st.lists(st.integers(-3 * HOUR, 27 * HOUR), min_size=5, max_size=20))
    def check(line: Line, near: list[Micros]) -> None:
        slots, cron = due(line, zone, year), Cron(str(line), zone)
        begin, end = from_datetime(datetime(year, 1, 1, tzinfo=UTC)), from_datetime(datetime(year, 12, 31, tzinfo=UTC))
        moments = sorted({change + offset for change in odd for offset in near if begin < change + offset < end})
        for moment in [begin, *moments, *(change + by for change in odd for by in (-MINUTE, -1, 0, 1, MINUTE))]:
            place = bisect_right(slots, moment)
            if place < len(slots):
                assert cron.next_slot("w", moment) == slots[place], (str(line), to_datetime(moment))
        for after, until in zip([begin, *moments], [*moments, end], strict=True):
            missed = slots[bisect_right(slots, after) : bisect_right(slots, until)]
            assert cron.last_slot("w", after, until) == (missed[-1] if missed else None, len(missed)), str(line)
        whole = slots[bisect_right(slots, begin) : bisect_right(slots, end)]
        assert cron.last_slot("w", begin, end)[1] == len(whole), str(line)

    check()


@pytest.mark.parametrize(("zone", "year"), YEARS)
@pytest.mark.parametrize("line", ["30 2 * * *", "30 0 * * *", "15 23 * * *", "5 1 * * *"])
def test_a_job_of_a_fixed_time_runs_once_on_every_day_of_the_year(zone: str, year: int, line: str) -> None:
    days = 364 if zone == "Pacific/Apia" else 365 + (year % 4 == 0)
    begin, end = (from_datetime(datetime(y, 1, 1, 12, tzinfo=ZoneInfo(zone))) for y in (year, year + 1))
    assert Cron(line, zone).last_slot("w", begin, end)[1] == days


def utc(text: str) -> Micros:
    return from_datetime(datetime.fromisoformat(text).replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("line", "zone", "after", "expected"),
    [
        # Berlin leaves out 02:00 to 03:00 on 29 March 2026, and tells it twice on 25 October.
        ("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00", ["2026-03-29T01:00", "2026-03-30T00:30"]),
        ("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00", ["2026-10-25T00:30", "2026-10-26T01:30"]),
        ("0,30 2 * * *", "Europe/Berlin", "2026-03-28T12:00", ["2026-03-29T01:00", "2026-03-30T00:00"]),
        ("0 2,3 * * *", "Europe/Berlin", "2026-03-28T12:00", ["2026-03-29T01:00", "2026-03-30T00:00"]),
        ("*/30 2 * * *", "Europe/Berlin", "2026-03-28T12:00", ["2026-03-30T00:00", "2026-03-30T00:30"]),
        ("0 * * * *", "Europe/Berlin", "2026-03-29T00:00", ["2026-03-29T01:00", "2026-03-29T02:00"]),
        ("30 * * * *", "Europe/Berlin", "2026-10-25T00:00", ["2026-10-25T00:30", "2026-10-25T01:30"]),
        # Asked in the second of two equal hours.
        ("30 2 * * *", "Europe/Berlin", "2026-10-25T01:10", ["2026-10-26T01:30"]),
        # Lord Howe moves by half an hour: 02:00 to 02:30 on 4 October 2026, back on 5 April.
        ("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00", ["2026-10-03T15:30", "2026-10-04T15:15"]),
        ("* 3 * * *", "Australia/Lord_Howe", "2026-10-03T15:00", ["2026-10-03T16:00", "2026-10-03T16:01"]),
        ("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T12:00", ["2026-04-04T14:45", "2026-04-05T15:15"]),
        # Sao Paulo left out the first hour of 4 November 2018.
        ("30 0 * * *", "America/Sao_Paulo", "2018-11-03T12:00", ["2018-11-04T03:00", "2018-11-05T02:30"]),
        ("0 0 * * *", "America/Sao_Paulo", "2018-11-03T12:00", ["2018-11-04T03:00", "2018-11-05T02:00"]),
        # Apia went from the 29th to the 31st of December 2011; what never was has no slot.
        ("30 2 * * *", "Pacific/Apia", "2011-12-29T00:00", ["2011-12-29T12:30", "2011-12-30T12:30"]),
        ("30 2 30 12 *", "Pacific/Apia", "2011-01-01T00:00", ["2012-12-29T12:30"]),
    ],
)
def test_on_odd_days_a_line_is_due_at(line: str, zone: str, after: str, expected: list[str]) -> None:
    moment, found = utc(after), []
    for _ in expected:
        slot = Cron(line, zone).next_slot("w", moment)
        assert slot is not None
        moment = slot
        found.append(slot)
    assert found == [utc(text) for text in expected]


def test_in_the_second_of_two_equal_hours_the_latest_slot_is_that_of_the_first() -> None:
    latest, count = Cron("30 2 * * *", "Europe/Berlin").last_slot("w", utc("2026-10-25T00:00"), utc("2026-10-25T01:15"))
    assert (latest, count) == (utc("2026-10-25T00:30"), 1)
    assert Cron("30 2 * * *", "Europe/Berlin").last_slot("w", utc("2026-10-25T00:30"), utc("2026-10-25T12:00"))[1] == 0


def test_the_rarest_of_lines_is_found_and_counted() -> None:
    """The 29th of February on a Sunday: 2032, 2060, 2088, and not before 2128, since 2100 is no leap year."""
    cron = Cron("0 0 29 2 */7")
    assert cron.next_slot("w", utc("2026-01-01T00:00")) == utc("2032-02-29T00:00")
    assert cron.next_slot("w", utc("2088-03-01T00:00")) == utc("2128-02-29T00:00")
    assert cron.last_slot("w", utc("2045-01-01T00:00"), utc("2090-01-01T00:00")) == (utc("2088-02-29T00:00"), 2)
