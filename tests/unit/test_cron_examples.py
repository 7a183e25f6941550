"""Cron lines against examples published with Vixie cron: the manual page crontab(5), and what people quote of it.

The times were read off a calendar. 1 January 2026 is a Thursday.
"""

from datetime import UTC, datetime

import pytest

from workerkit.clock import from_datetime, to_datetime
from workerkit.schedule import Cron, ScheduleError

EXAMPLES = [
    # From crontab(5): examples
    ("5 0 * * *", "2026-01-01 00:00", ["2026-01-01 00:05", "2026-01-02 00:05", "2026-01-03 00:05"]),
    ("15 14 1 * *", "2026-01-01 00:00", ["2026-01-01 14:15", "2026-02-01 14:15", "2026-03-01 14:15"]),
    ("0 22 * * 1-5", "2026-01-01 00:00", ["2026-01-01 22:00", "2026-01-02 22:00", "2026-01-05 22:00"]),
    ("23 0-23/2 * * *", "2026-01-01 00:00", ["2026-01-01 00:23", "2026-01-01 02:23", "2026-01-01 04:23"]),
    ("5 4 * * sun", "2026-01-01 00:00", ["2026-01-04 04:05", "2026-01-11 04:05", "2026-01-18 04:05"]),
    ("0 */4 1 * mon", "2026-01-01 18:00", ["2026-01-01 20:00", "2026-01-05 00:00", "2026-01-05 04:00"]),
    ("0 4 8-14 * *", "2026-01-13 12:00", ["2026-01-14 04:00", "2026-02-08 04:00", "2026-02-09 04:00"]),
    # From crontab(5): either day field matches when both are restricted
    ("30 4 1,15 * 5", "2026-01-01 00:00", ["2026-01-01 04:30", "2026-01-02 04:30", "2026-01-09 04:30"]),
    ("30 4 1,15 * 5", "2026-01-10 00:00", ["2026-01-15 04:30", "2026-01-16 04:30", "2026-01-23 04:30"]),
    ("0 0 13 * 5", "2026-01-01 00:00", ["2026-01-02 00:00", "2026-01-09 00:00", "2026-01-13 00:00"]),
    ("0 0 1 1 1", "2026-01-20 00:00", ["2026-01-26 00:00", "2027-01-01 00:00", "2027-01-04 00:00"]),
    # ... and both must when one of them begins with a star
    ("0 0 */2 * sun", "2026-01-01 00:00", ["2026-01-11 00:00", "2026-01-25 00:00", "2026-02-01 00:00"]),
    ("0 12 */10 * mon", "2026-01-01 00:00", ["2026-05-11 12:00", "2026-06-01 12:00"]),
    ("0 12 13 * */5", "2026-01-01 00:00", ["2026-02-13 12:00", "2026-03-13 12:00", "2026-09-13 12:00"]),
    # Sunday is 0 and 7
    ("0 0 * * 0", "2026-01-01 00:00", ["2026-01-04 00:00", "2026-01-11 00:00"]),
    ("0 0 * * 7", "2026-01-01 00:00", ["2026-01-04 00:00", "2026-01-11 00:00"]),
    ("0 0 * * 5-7", "2026-01-01 00:00", ["2026-01-02 00:00", "2026-01-03 00:00", "2026-01-04 00:00"]),
    ("0 0 * * 0-1", "2026-01-01 00:00", ["2026-01-04 00:00", "2026-01-05 00:00", "2026-01-11 00:00"]),
    ("0 0 * * */2", "2026-01-01 00:00", ["2026-01-03 00:00", "2026-01-04 00:00", "2026-01-06 00:00"]),
    # Lists, ranges, steps
    ("1,2,5,9 0 * * *", "2026-01-01 00:01", ["2026-01-01 00:02", "2026-01-01 00:05", "2026-01-01 00:09"]),
    ("0 0-4,8-12 * * *", "2026-01-01 03:30", ["2026-01-01 04:00", "2026-01-01 08:00", "2026-01-01 09:00"]),
    ("0 0-4,8-12 * * *", "2026-01-01 11:30", ["2026-01-01 12:00", "2026-01-02 00:00", "2026-01-02 01:00"]),
    ("10-20/5 0 * * *", "2026-01-01 00:10", ["2026-01-01 00:15", "2026-01-01 00:20", "2026-01-02 00:10"]),
    ("*/25 * * * *", "2026-01-01 00:00", ["2026-01-01 00:25", "2026-01-01 00:50", "2026-01-01 01:00"]),
    ("0 */5 * * *", "2026-01-01 14:00", ["2026-01-01 15:00", "2026-01-01 20:00", "2026-01-02 00:00"]),
    ("59 23 31 12 *", "2026-01-01 00:00", ["2026-12-31 23:59", "2027-12-31 23:59"]),
    # Names, in any case
    ("0 0 1 feb,Apr *", "2026-01-01 00:00", ["2026-02-01 00:00", "2026-04-01 00:00", "2027-02-01 00:00"]),
    ("0 0 1 JAN-mar *", "2026-01-01 00:00", ["2026-02-01 00:00", "2026-03-01 00:00", "2027-01-01 00:00"]),
    ("0 9 * * Mon-FRI", "2026-01-02 09:00", ["2026-01-05 09:00", "2026-01-06 09:00", "2026-01-07 09:00"]),
    # Days that not every month has
    ("0 0 31 * *", "2026-01-01 00:00", ["2026-01-31 00:00", "2026-03-31 00:00", "2026-05-31 00:00"]),
    ("0 0 30 * *", "2026-01-30 00:00", ["2026-03-30 00:00", "2026-04-30 00:00"]),
    ("0 0 29 2 *", "2026-01-01 00:00", ["2028-02-29 00:00", "2032-02-29 00:00"]),
    ("0 0 29 2 *", "2096-03-01 00:00", ["2104-02-29 00:00"]),
    # Nicknames
    ("@hourly", "2026-01-01 00:00", ["2026-01-01 01:00", "2026-01-01 02:00"]),
    ("@daily", "2026-01-01 00:00", ["2026-01-02 00:00", "2026-01-03 00:00"]),
    ("@midnight", "2026-01-01 00:00", ["2026-01-02 00:00", "2026-01-03 00:00"]),
    ("@weekly", "2026-01-01 00:00", ["2026-01-04 00:00", "2026-01-11 00:00"]),
    ("@monthly", "2026-01-01 00:00", ["2026-02-01 00:00", "2026-03-01 00:00"]),
    ("@yearly", "2026-01-01 00:00", ["2027-01-01 00:00", "2028-01-01 00:00"]),
    ("@Annually", "2026-01-01 00:00", ["2027-01-01 00:00", "2028-01-01 00:00"]),
    # Beyond Vixie cron: the last day of the month, the last Friday, the second Saturday
    ("0 0 L * *", "2026-01-01 00:00", ["2026-01-31 00:00", "2026-02-28 00:00", "2026-03-31 00:00"]),
    ("0 0 * * 5L", "2026-01-01 00:00", ["2026-01-30 00:00", "2026-02-27 00:00", "2026-03-27 00:00"]),
    ("0 0 * * sat#2", "2026-01-01 00:00", ["2026-01-10 00:00", "2026-02-14 00:00", "2026-03-14 00:00"]),
]


@pytest.mark.parametrize(("line", "after", "expected"), EXAMPLES, ids=[f"{line} @{at}" for line, at, _ in EXAMPLES])
def test_a_line_comes_due_as_the_manual_says(line: str, after: str, expected: list[str]) -> None:
    moment = from_datetime(datetime.fromisoformat(after).replace(tzinfo=UTC))
    found = []
    for _ in expected:
        slot = Cron(line).next_slot("w", moment)
        assert slot is not None
        moment = slot
        found.append(f"{to_datetime(slot):%Y-%m-%d %H:%M}")
    assert found == expected


@pytest.mark.parametrize(("line", "after", "expected"), EXAMPLES, ids=[f"{line} @{at}" for line, at, _ in EXAMPLES])
def test_missed_slots_of_a_line_are_counted(line: str, after: str, expected: list[str]) -> None:
    begin, *slots = (from_datetime(datetime.fromisoformat(text).replace(tzinfo=UTC)) for text in [after, *expected])
    for number, slot in enumerate(slots, 1):
        assert Cron(line).last_slot("w", begin, slot) == (slot, number)
        assert Cron(line).last_slot("w", begin, slot - 1)[1] == number - 1


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("60 * * * *", "Bad minute"),
        ("* 24 * * *", "Bad hour"),
        ("* * 0 * *", "Bad day-of-month"),
        ("* * 32 * *", "Bad day-of-month"),
        ("* * 32 2 *", "Bad day-of-month"),
        ("* * * 13 *", "Bad month"),
        ("* * * 0 *", "Bad month"),
        ("* * * * 8", "Bad day-of-week"),
        ("* * * * monday", "Bad day-of-week"),
        ("*/0 * * * *", "Bad minute"),
        ("5-1 * * * *", "Bad minute"),
        ("1,,2 * * * *", "Bad minute"),
        ("-5 * * * *", "Bad minute"),
        ("٣ * * * *", "Bad minute"),
        ("9" * 5000 + " * * * *", "far too large"),
        ("0 0 30 2 *", "never comes due: none of its months has such a day"),
        ("0 0 31 4,6,9,11 *", "never comes due: none of its months has such a day"),
        ("0 0 */31 2 1#5", "never comes due"),
        ("* * * *", "five fields: minute hour day-of-month month day-of-week"),
        ("* * * * * *", "an interval such as '10s'"),
        ("", "five fields"),
        ("@reboot", "names no time.*give an interval or a cron line"),
        ("@fortnightly", "nicknames are @yearly"),
        (5, "give a text such as"),
        (None, "give a text such as"),
    ],
)
def test_a_wrong_line_is_refused_with_the_reason(line: str, says: str) -> None:
    with pytest.raises(ScheduleError, match=says) as refusal:
        Cron(line)
    assert len(str(refusal.value)) < 250


@pytest.mark.parametrize(
    "zone", ["Mars/Olympus", "", "Europe", "../etc/passwd", "/etc/localtime", "Europe/Berlin\0", 7]
)
def test_an_unknown_time_zone_is_refused_with_an_example(zone: str) -> None:
    with pytest.raises(ScheduleError, match="'Europe/Berlin'"):
        Cron("* * * * *", zone)
