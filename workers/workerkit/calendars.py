"""Calendars of days off, read from a file: a plain list of dates, or an .ics as calendar programs write it."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from workerkit.durations import ScheduleError, shown

MAX_FILE = 1_000_000
"""Bytes of a calendar's file; a century of holidays is a tenth of it."""

_MONTH_AND_DAY = re.compile(r"(\d{2})-(\d{2})", re.ASCII)


@dataclass(frozen=True)
class Calendar:
    """Days off as a file lists them. Calling it answers whether a day is among them."""

    name: str
    dates: frozenset[date] = frozenset()
    yearly: tuple["Yearly", ...] = ()

    def __call__(self, day: date) -> bool:
        return day in self.dates or any(rule.has(day) for rule in self.yearly)

    @classmethod
    def read(cls, path: str | Path) -> "Calendar":
        """Reads a calendar once; the file is not looked at again until the host starts anew.

        A text file has one day a line: `2026-12-25`, or `12-25` for every year; `#` begins a comment. Of an `.ics`
        file, the events that last whole days count, once or every year; those with a time of day don't.

        Raises:
            ScheduleError: when it can't be read or understood; the text names the line.
        """
        path = Path(path)
        try:
            with path.open("rb") as file:
                content = file.read(MAX_FILE + 1)
            if len(content) > MAX_FILE:
                raise ScheduleError(f"the calendar {path} is larger than {MAX_FILE:,} bytes; keep only the days off")
            lines = content.decode("utf-8-sig").splitlines()
        except OSError as error:
            raise ScheduleError(f"the calendar {path} can't be read: {error.strerror or error}") from error
        except UnicodeDecodeError as error:
            raise ScheduleError(f"the calendar {path} is no UTF-8 text; save it as such") from error
        read = _read_ics if path.suffix.lower() == ".ics" else _read_text
        try:
            dates, yearly = read(lines)
        except _LineError as error:
            raise ScheduleError(f"the calendar {path}, line {error.number}: {error.text}") from None
        return cls(path.name, frozenset(dates), tuple(yearly))


@dataclass(frozen=True)
class Yearly:
    """Days of every year: as many as `length` from the month and day of `first`, not before it nor after `last`."""

    first: date
    length: int = 1
    last: date = date.max

    def has(self, day: date) -> bool:
        # A stretch that began in the year before may reach into this one.
        for year in (day.year, day.year - 1):
            try:
                begin = self.first.replace(year=year)
            except ValueError:  # no 29th of February this year
                continue
            if self.first <= begin <= self.last and 0 <= (day - begin).days < self.length:
                return True
        return False


def read_date(text: str) -> date | None:
    """`2026-12-25`; None for anything else."""
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def read_month_and_day(text: str) -> tuple[int, int] | None:
    """`12-25`; None for anything else."""
    if (match := _MONTH_AND_DAY.fullmatch(text)) is None:
        return None
    try:
        leap_day = date(2000, int(match[1]), int(match[2]))
    except ValueError:
        return None
    return leap_day.month, leap_day.day


class _LineError(Exception):
    def __init__(self, number: int, text: str) -> None:
        super().__init__(number, text)
        self.number, self.text = number, text


def _read_text(lines: list[str]) -> tuple[set[date], list[Yearly]]:
    dates: set[date] = set()
    yearly: list[Yearly] = []
    for number, line in enumerate(lines, 1):
        text = line.partition("#")[0].strip()
        if (day := read_date(text)) is not None:
            dates.add(day)
        elif (year_day := read_month_and_day(text)) is not None:
            # The year 4 is the first leap year.
            yearly.append(Yearly(date(4, *year_day)))
        elif text:
            raise _LineError(number, f"{shown(text)} is no day; write 2026-12-25, or 12-25 for every year")
    return dates, yearly


def _read_ics(lines: list[str]) -> tuple[set[date], list[Yearly]]:
    dates: set[date] = set()
    yearly: list[Yearly] = []
    event: dict[str, str] | None = None
    began = 0
    for number, line in _unfolded(lines):
        name, _, value = line.partition(":")
        key = name.partition(";")[0].upper()
        if (key, value.upper()) == ("BEGIN", "VEVENT"):
            event, began = {}, number
        elif (key, value.upper()) == ("END", "VEVENT") and event is not None:
            try:
                _take_event(event, dates, yearly)
            except ValueError as error:
                raise _LineError(began, str(error)) from None
            event = None
        elif event is not None:
            event.setdefault(key, value.strip())
    return dates, yearly


def _unfolded(lines: list[str]) -> list[tuple[int, str]]:
    """Lines with their numbers; one that begins with white space goes on the line before."""
    whole: list[tuple[int, str]] = []
    for number, line in enumerate(lines, 1):
        if line[:1] in (" ", "\t") and whole:
            whole[-1] = whole[-1][0], whole[-1][1] + line[1:]
        else:
            whole.append((number, line))
    return whole


def _take_event(event: dict[str, str], dates: set[date], yearly: list[Yearly]) -> None:
    """Adds an event's days. Raises ValueError, in words, for one that can't be understood."""
    begin = event.get("DTSTART", "")
    if event.get("STATUS", "").upper() == "CANCELLED" or "T" in begin.upper():
        return
    first = _compact(begin)
    end = _compact(event["DTEND"]) if "DTEND" in event else first + timedelta(days=1)
    length = (end - first).days
    if "DURATION" in event:
        match = re.fullmatch(r"P(\d{1,3})([DW])", event["DURATION"].upper())
        if match is None:
            raise ValueError(f"the duration {shown(event['DURATION'])} is not understood; give the event an end")
        length = int(match[1]) * (7 if match[2] == "W" else 1)
    if not 1 <= length <= 366:
        raise ValueError(f"an event of {length} days is not understood; a day off lasts 1 to 366")
    if unknown := [key for key in ("EXDATE", "RDATE", "RECURRENCE-ID") if key in event]:
        raise ValueError(f"{unknown[0]} is not understood; list the days one by one")
    if "RRULE" in event:
        yearly.append(_yearly(event["RRULE"], first, length))
    else:
        dates.update(first + timedelta(days=number) for number in range(length))


def _yearly(rule: str, first: date, length: int) -> Yearly:
    """A rule that repeats the event every year, for ever or until a date."""
    parts = dict(part.partition("=")[::2] for part in rule.upper().split(";") if part)
    last = date.max
    if (until := parts.pop("UNTIL", None)) is not None:
        last = _compact(until[:8])
    plain = {"FREQ": "YEARLY", "INTERVAL": "1", "BYMONTH": str(first.month), "BYMONTHDAY": str(first.day), "WKST": None}
    if parts.get("FREQ") != "YEARLY" or any(
        key not in plain or plain[key] not in (None, value.lstrip("0")) for key, value in parts.items()
    ):
        raise ValueError(f"the rule {shown(rule)} is not understood; only FREQ=YEARLY is, so list the days one by one")
    return Yearly(first, length, last)


def _compact(text: str) -> date:
    """A date as calendars write it: 20261225."""
    if not re.fullmatch(r"\d{8}", text, re.ASCII):
        raise ValueError(f"{shown(text)} is no date; it is written like 20261225")
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        raise ValueError(f"{shown(text)} is no date; there is no such day") from None
