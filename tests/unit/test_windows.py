"""Windows and days off: what they allow, what they refuse, and what they answer when asked why."""

import logging
import time as clocks
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import Phase, given, reject, settings
from hypothesis import strategies as st

from workerkit.calendars import Calendar
from workerkit.clock import DAY, HOUR, MINUTE, SECOND, Micros, from_datetime, to_datetime
from workerkit.cron import HORIZON
from workerkit.schedule import Cron, Every, Manual, Restricted, ScheduleError, every, period_of, restrict

BERLIN = "Europe/Berlin"


def local(text: str, zone: str = BERLIN) -> Micros:
    return from_datetime(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)))


def restricted(schedule: Every | Cron, **limits: Any) -> Restricted:
    schedule_ = restrict(schedule, **{"timezone": BERLIN, **limits})
    assert isinstance(schedule_, Restricted)
    return schedule_


def slots(schedule: Every | Cron | Manual | Restricted, after: Micros, until: Micros, name: str = "w") -> list[Micros]:
    found, slot = [], schedule.next_slot(name, after)
    while slot is not None and slot <= until:
        found.append(slot)
        slot = schedule.next_slot(name, slot)
    return found


def hours(moments: list[Micros], zone: str = BERLIN) -> list[str]:
    return [f"{to_datetime(moment).astimezone(ZoneInfo(zone)):%a %H:%M}" for moment in moments]


# What a window allows


def test_nothing_is_due_outside_the_hours_and_both_ends_belong_to_them() -> None:
    schedule = restricted(Cron("*/30 * * * *", BERLIN), not_before="08:00", not_after="10:00")
    found = slots(schedule, local("2026-01-05 00:00"), local("2026-01-06 08:00"))
    assert hours(found) == [f"Mon {at}" for at in ("08:00", "08:30", "09:00", "09:30", "10:00")] + ["Tue 08:00"]


def test_a_window_may_go_on_over_midnight() -> None:
    schedule = restricted(Cron("0 */2 * * *", BERLIN), not_before=time(22), not_after="06:00")
    found = slots(schedule, local("2026-01-05 04:00"), local("2026-01-06 12:00"))
    assert hours(found) == ["Mon 06:00", "Mon 22:00", "Tue 00:00", "Tue 02:00", "Tue 04:00", "Tue 06:00"]


def test_one_end_alone_leaves_the_other_at_midnight() -> None:
    evenings = restricted(Cron("0 */6 * * *", BERLIN), not_before="12:00")
    assert hours(slots(evenings, local("2026-01-05 00:00"), local("2026-01-06 00:00"))) == ["Mon 12:00", "Mon 18:00"]
    mornings = restricted(Cron("0 */6 * * *", BERLIN), not_after="12:00")
    found = slots(mornings, local("2026-01-05 00:00"), local("2026-01-06 00:00"))
    assert hours(found) == ["Mon 06:00", "Mon 12:00", "Tue 00:00"]


def test_days_off_are_off_from_midnight_to_midnight_also_for_a_window_over_midnight() -> None:
    schedule = restricted(
        Cron("0 */3 * * *", BERLIN), not_before="21:00", not_after="03:00", days_off=["sat", "Sunday"]
    )
    found = slots(schedule, local("2026-01-08 12:00"), local("2026-01-12 12:00"))
    assert hours(found) == ["Thu 21:00", "Fri 00:00", "Fri 03:00", "Fri 21:00", "Mon 00:00", "Mon 03:00"]


@pytest.mark.parametrize(
    "off",
    [["2026-12-25"], [date(2026, 12, 25)], ["12-25"], [lambda day: day == date(2026, 12, 25)], ["FRI"], {"friday"}],
)
def test_a_day_off_may_be_said_in_many_ways(off: Any) -> None:
    schedule = restricted(Cron("0 12 * * *", BERLIN), days_off=off)
    found = slots(schedule, local("2026-12-24 00:00"), local("2026-12-27 00:00"))
    assert hours(found) == ["Thu 12:00", "Sat 12:00"]


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"not_before": "2026-03-02"}, ["Mon 12:00", "Tue 12:00", "Wed 12:00"]),
        ({"not_before": date(2026, 3, 3)}, ["Tue 12:00", "Wed 12:00"]),
        ({"not_after": date(2026, 3, 2)}, ["Sun 12:00", "Mon 12:00"]),
        ({"not_before": "2026-03-01 12:00", "not_after": "2026-03-02T12:00"}, ["Sun 12:00", "Mon 12:00"]),
        ({"not_before": datetime(2026, 3, 1, 11, 0, 1, tzinfo=UTC)}, ["Mon 12:00", "Tue 12:00", "Wed 12:00"]),
        ({"not_before": "2026-03-01T12:00:00+01:00", "not_after": "2026-03-01"}, ["Sun 12:00"]),
        ({"not_before": "2026-03-03", "not_after": "13:00"}, ["Tue 12:00", "Wed 12:00"]),
    ],
)
def test_a_limit_may_be_a_moment_or_a_date(limits: dict[str, Any], expected: list[str]) -> None:
    schedule = restricted(Cron("0 12 * * *", BERLIN), **limits)
    assert hours(slots(schedule, local("2026-03-01 00:00"), local("2026-03-05 00:00"))) == expected


def test_after_its_last_moment_nothing_is_due_any_more() -> None:
    schedule = restricted(every("1s"), not_after="2026-03-01")
    last = local("2026-03-02 00:00") - 1
    assert schedule.next_slot("w", last) is None
    assert schedule.last_slot("w", last, last + DAY) == (None, 0)
    _, count = schedule.last_slot("w", last - HOUR, last + DAY)
    assert count == 3600


def test_without_a_limit_the_schedule_stays_as_it_is() -> None:
    assert restrict(every("1s")) == every("1s")
    assert restrict(every("1s"), not_before="00:00", timezone=BERLIN) == every("1s")
    assert restrict(Manual()) == Manual()


def test_limits_are_meant_in_the_cron_lines_own_zone_unless_said_otherwise() -> None:
    own = restrict(Cron("0 * * * *", "Asia/Tokyo"), not_before="08:00", not_after="09:00")
    other = restrict(Cron("0 * * * *", "Asia/Tokyo"), not_before="08:00", not_after="09:00", timezone="UTC")
    start = from_datetime(datetime(2026, 1, 1, tzinfo=UTC))
    assert hours(slots(own, start, start + DAY), "UTC") == ["Thu 23:00", "Fri 00:00"]
    assert hours(slots(other, start, start + DAY), "UTC") == ["Thu 08:00", "Thu 09:00"]


def test_the_period_of_an_interval_is_known_within_a_window_too() -> None:
    assert period_of(every("5m")) == 5 * MINUTE
    assert period_of(restricted(every("5m"), days_off=["sat"])) == 5 * MINUTE
    assert period_of(restricted(Cron("@daily"), days_off=["sat"])) is None
    assert period_of(Manual()) is None


# Speed, bounds, and the end of it


def test_a_tenth_of_a_second_jumps_to_the_opening_of_tomorrow() -> None:
    schedule = restricted(every("100ms"), not_before="08:00", not_after="18:00", days_off=["sat", "sun"])
    friday_evening = local("2026-01-09 18:00") + 1
    began = clocks.thread_time()
    for _ in range(1000):
        slot = schedule.next_slot("w", friday_evening)
    assert clocks.thread_time() - began < 1
    assert slot is not None
    assert 0 <= slot - local("2026-01-12 08:00") < SECOND // 10


def test_a_calendar_with_every_day_off_ends() -> None:
    asked: list[date] = []

    def always(day: date) -> bool:
        asked.append(day)
        return True

    schedule = restricted(every("100ms"), days_off=[always])
    began = clocks.thread_time()
    for _ in range(10):
        assert schedule.next_slot("w", local("2026-01-01 00:00")) is None
        assert schedule.last_slot("w", local("2026-01-01 00:00"), local("2026-12-31 00:00")) == (None, 0)
    assert clocks.thread_time() - began < 5
    assert len(asked) == len(set(asked)) < 3000, "each day is asked about once"
    assert schedule.closed_because(local("2026-01-01 12:00")) == "day off: 2026-01-01 (always); it does not open again"


def test_a_decade_of_missed_slots_is_counted_by_days() -> None:
    schedule = restricted(every("1s"), not_before="08:00", not_after=time(17, 59, 59, 999_999), days_off=["sat", "sun"])
    began = clocks.thread_time()
    latest, count = schedule.last_slot("w", local("2016-01-01 00:00"), local("2026-01-01 00:00"))
    assert clocks.thread_time() - began < 1
    weekdays = sum((date(2016, 1, 1) + timedelta(days=number)).weekday() < 5 for number in range(3653))
    assert count == weekdays * 10 * 3600
    assert latest is not None
    assert 0 < local("2025-12-31 18:00") - latest <= SECOND


def test_more_than_fifty_years_are_counted_as_fifty() -> None:
    schedule = restricted(Cron("0 12 * * *"), days_off=["sun"], timezone="UTC")
    _, count = schedule.last_slot("w", 0, local("2026-01-01 00:00"))
    assert abs(count - HORIZON // DAY * 6 // 7) <= 1


# Days off that misbehave


def test_a_function_that_raises_means_not_off_and_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    def holidays(day: date) -> bool:
        if day.day == 2:
            return True
        raise SystemExit(f"no network on {day}") if day.day == 3 else ValueError("no such country")

    schedule = restricted(Cron("0 12 * * *", BERLIN), days_off=[holidays])
    with caplog.at_level(logging.ERROR):
        found = slots(schedule, local("2026-01-01 00:00"), local("2026-01-06 00:00"))
    assert hours(found) == ["Thu 12:00", "Sat 12:00", "Sun 12:00", "Mon 12:00"]
    (record,) = caplog.records
    assert "holidays could not say whether 2026-01-01 is a day off" in record.getMessage()


def test_a_function_that_says_otherwise_each_time_is_held_to_its_first_answer() -> None:
    answers: list[bool] = []

    def moody(_day: date) -> bool:
        answers.append(len(answers) % 2 == 0)
        return answers[-1]

    schedule = restricted(Cron("0 12 * * *", BERLIN), days_off=[moody])
    first = slots(schedule, local("2026-01-01 00:00"), local("2026-02-01 00:00"))
    assert slots(schedule, local("2026-01-01 00:00"), local("2026-02-01 00:00")) == first
    assert schedule.last_slot("w", local("2026-01-01 00:00"), local("2026-02-01 00:00")) == (first[-1], len(first))


# What is refused


@pytest.mark.parametrize(
    ("schedule", "limits", "says"),
    [
        (every("1s"), {"not_before": "8"}, "not_before='8' won't do; give a time of day such as '08:00'"),
        (every("1s"), {"not_before": "25:00"}, "not_before='25:00' won't do"),
        (every("1s"), {"not_after": "tomorrow"}, "or a moment such as '2026-12-24'"),
        (every("1s"), {"not_after": "2026-02-30"}, "not_after='2026-02-30' won't do"),
        (every("1s"), {"not_after": 18}, "not_after=18 won't do"),
        (every("1s"), {"not_after": time(8, tzinfo=UTC)}, "give it without, and timezone= beside it"),
        (every("1s"), {"not_before": "08:00", "not_after": "08:00"}, "are both 08:00.*make them differ"),
        (every("1s"), {"not_before": "2026-03-01", "not_after": "2026-02-01"}, "is not later than.*exchange them"),
        (every("1s"), {"not_after": "9999-12-31"}, "leave it out for no limit"),
        (every("1s"), {"not_before": date.min}, "leave it out for no limit"),
        (every("1s"), {"not_before": "08:00", "timezone": "Europe/Berlinn"}, "an IANA name such as 'Europe/Berlin'"),
        (every("1s"), {"days_off": "sat"}, r"give a list such as \['sat', 'sun', '12-25'\]"),
        (every("1s"), {"days_off": 6}, "give a list"),
        (every("1s"), {"days_off": lambda day: True}, "give a list"),
        (every("1s"), {"days_off": ["caturday"]}, "'caturday' is no day off; give a date such as"),
        (every("1s"), {"days_off": ["2026-02-29"]}, "is no day off"),
        (every("1s"), {"days_off": ["02-30"]}, "is no day off"),
        (every("1s"), {"days_off": [6]}, "6 is no day off"),
        (every("1s"), {"days_off": [datetime(2026, 1, 1, 8)]}, "a day off is a date such as '2026-01-01'"),
        (every("1s"), {"days_off": ["nowhere/holidays.ics"]}, "nowhere/holidays.ics can't be read: No such file"),
        (every("1s"), {"days_off": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]}, "it never comes due"),
        (every("1d"), {"not_before": "08:00", "not_after": "18:00"}, "at most 10h, or a cron line such as '0 8"),
        (every("9h"), {"not_before": "22:00", "not_after": "06:00"}, "at most 8h, or a cron line such as '0 22"),
        (every("1w"), {"days_off": ["sun"]}, "may miss the days that are not off for ever; give one of at most 1d"),
        (Cron("0 3 * * *"), {"not_before": "08:00"}, "no slot of cron 0 3 .* lies in 08:00-24:00 Europe/Berlin"),
        (Cron("0 3 25 12 *"), {"days_off": ["12-25"]}, "it never comes due.*make the limits wider"),
        (Cron("0 3 * * 6,0"), {"days_off": ["sat", "sun"]}, "it never comes due"),
        (Manual(), {"not_before": "08:00"}, "give it an interval or a cron line, or leave them out"),
    ],
)
def test_limits_that_cannot_be_meant_are_refused_with_the_remedy(schedule: Any, limits: Any, says: str) -> None:
    with pytest.raises(ScheduleError, match=says):
        restrict(schedule, **{"timezone": BERLIN, **limits})


def test_a_schedule_is_restricted_only_once() -> None:
    with pytest.raises(ScheduleError, match=r"every 1s, 08:00-24:00 Europe/Berlin\); give all limits in one restrict"):
        restrict(restricted(every("1s"), not_before="08:00"), days_off=["sat"])


def test_an_interval_as_long_as_the_window_has_a_slot_in_each() -> None:
    schedule = restricted(every("10h"), not_before="08:00", not_after="18:00")
    for number in range(50):
        found = slots(schedule, local("2026-01-05 00:00"), local("2026-01-06 00:00"), f"worker-{number}")
        assert len(found) == 1


# In words


@pytest.mark.parametrize(
    ("schedule", "limits", "words"),
    [
        (
            every("30s"),
            {"not_before": "08:00", "not_after": "18:00", "days_off": ["sun", "sat"]},
            "every 30s, 08:00-18:00 Europe/Berlin, not sat, sun",
        ),
        (every("5m"), {"not_before": "22:30", "not_after": "06:00:30"}, "every 5m, 22:30-06:00:30 Europe/Berlin"),
        (every("5m"), {"days_off": ["sat", "12-25"]}, "every 5m, not sat, 12-25 in Europe/Berlin"),
        (
            Cron("@hourly"),
            {"not_before": "2026-03-01", "not_after": "2026-03-31 12:00", "timezone": "UTC"},
            "cron @hourly, from 2026-03-01, until 2026-03-31 12:00 UTC",
        ),
        (
            every("5m"),
            {
                "not_after": "2026-03-31",
                "days_off": [date(2026, 1, day) for day in range(1, 6)] + [lambda day: False],
                "timezone": "UTC",
            },
            "every 5m, until 2026-03-31 UTC, not 2026-01-01, 2026-01-02, 2026-01-03, 2 more dates, a function",
        ),
    ],
)
def test_a_window_describes_itself_for_people(schedule: Any, limits: Any, words: str) -> None:
    assert restricted(schedule, **limits).describe() == words


@pytest.mark.parametrize(
    ("moment", "because"),
    [
        ("2026-01-05 12:00", None),
        ("2026-01-05 08:00", None),
        ("2026-01-05 18:00", None),
        ("2026-01-05 07:59:59", "outside its window 08:00-18:00 Europe/Berlin; opens 08:00"),
        ("2026-01-05 18:00:01", "outside its window 08:00-18:00 Europe/Berlin; opens Tue 08:00"),
        ("2026-01-09 20:00", "outside its window 08:00-18:00 Europe/Berlin; opens Mon 08:00"),
        ("2026-01-10 12:00", "day off: sat; opens Mon 08:00"),
        ("2026-12-25 12:00", "day off: 12-25; opens Mon 08:00"),
        ("2026-05-01 12:00", "day off: 2026-05-01; opens Mon 08:00"),
        ("2026-08-03 12:00", "day off: 2026-08-03 (summer); opens Tue 2026-09-01 08:00"),
        ("2025-12-31 12:00", "not before 2026-01-01 Europe/Berlin"),
        ("2027-01-01 12:00", "not after 2026-12-31 12:30 Europe/Berlin"),
        ("2026-12-31 07:00", "outside its window 08:00-18:00 Europe/Berlin; opens 08:00"),
    ],
)
def test_it_answers_why_nothing_is_due_and_when_it_opens(moment: str, because: str | None) -> None:
    def summer(day: date) -> bool:
        return day.month == 8

    off = ["sat", "sun", "12-25", "2026-05-01", summer]
    daily = restricted(every("30s"), not_before="08:00", not_after="18:00", days_off=off)
    bounded = restricted(every("30s"), not_before="2026-01-01", not_after="2026-12-31 12:30", days_off=off)
    schedule = bounded if because is not None and because.startswith("not ") else daily
    assert schedule.closed_because(local(moment)) == because


# Calendars


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_calendar_of_text_has_one_day_a_line(tmp_path: Path) -> None:
    path = write(tmp_path / "holidays.txt", "\ufeff# ours\n2026-05-01  # May Day\n\n12-25\n02-29\r\n")
    for off in (Calendar.read(path), path, str(path)):
        schedule = restricted(every("5m"), days_off=[off])
        assert schedule.describe() == "every 5m, not holidays.txt in Europe/Berlin"
        assert (
            schedule.closed_because(local("2026-05-01 12:00")) == "day off: 2026-05-01 (holidays.txt); opens Sat 00:00"
        )
        closed = [day for day in ("2027-05-01", "2031-12-25", "2028-02-29") if schedule.closed_because(local(day))]
        assert closed == ["2031-12-25", "2028-02-29"]


ICS = """BEGIN:VCALENDAR
VERSION:2.0
X-WR-CALNAME:Holidays
BEGIN:VEVENT
UID:1
DTSTART;VALUE=DATE:20260403
DTEND;VALUE=DATE:20260404
SUMMARY:Good Friday: a summary that goes on
  in the next line
END:VEVENT
BEGIN:VEVENT
DTSTART;VALUE=DATE:20201224
DTEND;VALUE=DATE:20201227
RRULE:FREQ=YEARLY;UNTIL=20300101
END:VEVENT
BEGIN:VEVENT
DTSTART;VALUE=DATE:20251231
DURATION:P2D
RRULE:FREQ=YEARLY;INTERVAL=1;BYMONTH=12;BYMONTHDAY=31
END:VEVENT
BEGIN:VEVENT
DTSTART;TZID=Europe/Berlin:20260506T100000
RRULE:FREQ=WEEKLY
SUMMARY:A meeting is no day off
END:VEVENT
BEGIN:VEVENT
DTSTART;VALUE=DATE:20260507
STATUS:CANCELLED
END:VEVENT
END:VCALENDAR
"""


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_calendar_in_ics_counts_whole_days_once_and_every_year(tmp_path: Path, line_end: str) -> None:
    calendar = Calendar.read(write(tmp_path / "days.ICS", ICS.replace("\n", line_end)))
    first = date(2020, 1, 1)
    off = [day for number in range(366 * 12) if calendar(day := first + timedelta(days=number))]
    christmas = [date(year, 12, day) for year in range(2020, 2030) for day in (24, 25, 26)]
    silvester = [day for year in range(2025, 2032) for day in (date(year, 12, 31), date(year + 1, 1, 1))]
    assert off == sorted([date(2026, 4, 3), *christmas, *(day for day in silvester if day <= off[-1])])
    assert date(2031, 12, 31) in off


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.txt", "2026-05-01\nMay Day\n", "line 2: 'May Day' is no day; write 2026-12-25"),
        ("a.txt", "2026-13-01\n", "line 1: '2026-13-01' is no day"),
        ("a.ics", "BEGIN:VEVENT\nDTSTART;VALUE=DATE:20261301\nEND:VEVENT\n", "line 1: '20261301' is no date"),
        ("a.ics", "BEGIN:VEVENT\nSUMMARY:x\nEND:VEVENT\n", "line 1: '' is no date"),
        ("a.ics", "BEGIN:VEVENT\nDTSTART:20260101\nDTEND:20260101\nEND:VEVENT\n", "an event of 0 days"),
        ("a.ics", "BEGIN:VEVENT\nDTSTART:20260101\nDURATION:P1M\nEND:VEVENT\n", "the duration 'P1M' is not understood"),
        (
            "a.ics",
            "\nBEGIN:VEVENT\nDTSTART:20261126\nRRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH\nEND:VEVENT\n",
            "line 2: the rule 'FREQ=YEARLY;BYMONTH=11;BYDAY=4TH' is not understood; only FREQ=YEARLY is",
        ),
        ("a.ics", "BEGIN:VEVENT\nDTSTART:20261126\nRRULE:FREQ=MONTHLY\nEND:VEVENT\n", "list the days one by one"),
        ("a.ics", "BEGIN:VEVENT\nDTSTART:20261126\nEXDATE:20261126\nEND:VEVENT\n", "EXDATE is not understood"),
    ],
)
def test_a_calendar_that_cannot_be_understood_names_the_line(tmp_path: Path, name: str, text: str, says: str) -> None:
    with pytest.raises(ScheduleError, match=says) as refusal:
        Calendar.read(write(tmp_path / name, text))
    assert name in str(refusal.value)


def test_a_calendar_that_is_no_text_or_far_too_large_is_refused(tmp_path: Path) -> None:
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "large.txt").write_bytes(b"# nothing\n" * 200_000)
    for name, says in (("binary.txt", "no UTF-8"), ("large.txt", "larger than"), ("", "can't be read")):
        with pytest.raises(ScheduleError, match=says):
            Calendar.read(tmp_path / name)


# Against a reference: the clock on the wall, asked at every slot

ZONES = ["Europe/Berlin", "Australia/Lord_Howe", "America/Sao_Paulo", "America/St_Johns", "Pacific/Apia", "UTC"]
CHANGES = {
    "Europe/Berlin": ["2026-03-29T01:00", "2026-10-25T01:00"],
    "Australia/Lord_Howe": ["2026-04-04T15:00", "2026-10-03T15:30"],
    "America/Sao_Paulo": ["2018-02-18T02:00", "2018-11-04T03:00"],
    "America/St_Johns": ["2010-03-14T03:31", "2010-11-07T02:31"],
    "Pacific/Apia": ["2011-12-30T10:00"],
    "UTC": ["2028-02-29T00:00"],
}
TIMES = st.one_of(
    st.times(min_value=time(0), max_value=time(23, 59)).map(lambda at: at.replace(second=0, microsecond=0)),
    st.sampled_from([time(0), time(0, 30), time(1), time(2), time(2, 30), time(3), time(23), time(23, 59)]),
)
OFF = st.lists(st.sampled_from(["sat", "sun", "mon", "02-28", "12-31", "2026-10-25", "2018-02-17"]), max_size=3)


@st.composite
def places(draw: st.DrawFn) -> tuple[str, Micros]:
    zone = draw(st.sampled_from(ZONES))
    change = from_datetime(datetime.fromisoformat(draw(st.sampled_from(CHANGES[zone]))).replace(tzinfo=UTC))
    return zone, change + draw(st.integers(-36 * 60, 12 * 60)) * MINUTE


@settings(max_examples=80, deadline=None, derandomize=True, phases=[Phase.generate])
@given(
    places(),
    st.sampled_from([every("7m"), every("59s"), Cron("*/15 * * * *"), Cron("5,35 * * * *", BERLIN)]),
    st.one_of(st.none(), TIMES),
    st.one_of(st.none(), TIMES),
    OFF,
)
def test_a_slot_is_due_exactly_when_the_clock_on_the_wall_is_within_the_window(
    place: tuple[str, Micros], schedule: Every | Cron, opens: time | None, closes: time | None, off: list[str]
) -> None:
    zone, start = place
    try:
        window = restrict(schedule, not_before=opens, not_after=closes, days_off=off, timezone=zone)
    except ScheduleError:
        reject()

    def allowed(moment: Micros) -> bool:
        wall = to_datetime(moment).astimezone(ZoneInfo(zone))
        first, last = opens or time(0), closes or time.max
        at = wall.time()
        inside = first <= at <= last if first <= last else at >= first or at <= last
        marks = {f"{wall:%a}".lower(), f"{wall:%m-%d}", f"{wall:%Y-%m-%d}"}
        return inside and not marks & set(off)

    end = start + 2 * DAY
    expected = [slot for slot in slots(schedule, start, end) if allowed(slot)]
    assert slots(window, start, end) == expected
    assert window.last_slot("w", start, end) == (expected[-1] if expected else None, len(expected))
    for moment in range(start, end, 41 * MINUTE + 7 * SECOND):
        assert (window.closed_because(moment) is None) == allowed(moment), to_datetime(moment)
