"""Days off: weekdays, days of every year, dates, calendars, and functions that know."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from workerkit.calendars import Calendar, read_date, read_month_and_day
from workerkit.durations import ScheduleError, shown

logger = logging.getLogger(__name__)

MAX_REMEMBERED = 4096
"""Days whose answer is remembered, so that a function is asked once about each."""

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FULL = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NAMED = 3
"""Dates that describe() names one by one."""

DayOff = Callable[[date], object]
"""Answers whether a day is off."""


@dataclass(frozen=True)
class DaysOff:
    """Which days are off, and why in words. Made by days_off()."""

    weekdays: frozenset[int] = frozenset()
    yearly: frozenset[tuple[int, int]] = frozenset()
    dates: frozenset[date] = frozenset()
    functions: tuple[DayOff, ...] = ()
    _remembered: dict[date, str | None] = field(default_factory=dict, repr=False, compare=False)
    _failed: set[int] = field(default_factory=set, repr=False, compare=False)

    def __bool__(self) -> bool:
        return bool(self.weekdays or self.yearly or self.dates or self.functions)

    def why(self, day: date) -> str | None:
        """Why the day is off, in words; None when it is not."""
        if self.weekdays and day.weekday() in self.weekdays:
            return WEEKDAYS[day.weekday()]
        if self.dates and day in self.dates:
            return day.isoformat()
        if self.yearly and (day.month, day.day) in self.yearly:
            return f"{day:%m-%d}"
        if not self.functions:
            return None
        try:
            return self._remembered[day]
        except KeyError:
            answer = next((f"{day} ({_name(ask)})" for ask in self.functions if self._ask(ask, day)), None)
            if len(self._remembered) >= MAX_REMEMBERED:
                self._remembered.clear()
            self._remembered[day] = answer
            return answer

    def known(self) -> "DaysOff":
        """The same without functions: what is certain without asking anybody."""
        return DaysOff(self.weekdays, self.yearly, self.dates)

    def describe(self) -> str:
        """`not sat, sun, 12-25, 2026-05-01, holidays.ics`; empty when no day is off."""
        words = [WEEKDAYS[number] for number in sorted(self.weekdays)]
        words += [f"{month:02}-{day:02}" for month, day in sorted(self.yearly)]
        dates = sorted(self.dates)
        words += [day.isoformat() for day in dates[:_NAMED]]
        if len(dates) > _NAMED:
            words.append(f"{len(dates) - _NAMED} more dates")
        words += [_name(ask) for ask in self.functions]
        return f"not {', '.join(words)}" if words else ""

    def _ask(self, ask: DayOff, day: date) -> bool:
        try:
            return bool(ask(day))
        except (Exception, SystemExit):
            if id(ask) not in self._failed:
                self._failed.add(id(ask))
                logger.exception("%s could not say whether %s is a day off; what it fails on is none", _name(ask), day)
            return False


def days_off(days: Iterable[Any]) -> DaysOff:
    """Reads what people give: dates, `2026-12-25`, `12-25`, `sat`, `Sunday`, calendars, files, functions of a date.

    Raises:
        ScheduleError: for anything else.
    """
    if isinstance(days, str | bytes) or callable(days) or not isinstance(days, Iterable):
        raise ScheduleError(f"days_off={shown(days)} won't do; give a list such as ['sat', 'sun', '12-25']")
    weekdays: set[int] = set()
    yearly: set[tuple[int, int]] = set()
    dates: set[date] = set()
    functions: list[DayOff] = []
    for day in days:
        match day:
            case datetime():
                raise ScheduleError(f"{day} among days_off has a time; a day off is a date such as '{day:%Y-%m-%d}'")
            case date():
                dates.add(day)
            case Path():
                functions.append(Calendar.read(day))
            case str() if (word := day.strip().lower()) in WEEKDAYS or word in _FULL:
                weekdays.add(WEEKDAYS.index(word[:3]))
            case str() if word.endswith((".ics", ".txt")):
                functions.append(Calendar.read(day.strip()))
            case str() if (parsed := read_date(word)) is not None:
                dates.add(parsed)
            case str() if (year_day := read_month_and_day(word)) is not None:
                yearly.add(year_day)
            case _ if callable(day):
                functions.append(day)
            case _:
                raise ScheduleError(
                    f"{shown(day)} is no day off; give a date such as '2026-12-25', '12-25' for every year, a weekday "
                    "such as 'sat', a calendar's file (.ics, .txt), or a function of the date"
                )
    return DaysOff(frozenset(weekdays), frozenset(yearly), frozenset(dates), tuple(functions))


def _name(ask: DayOff) -> str:
    name = ask.name if isinstance(ask, Calendar) else getattr(ask, "__name__", type(ask).__name__)
    return "a function" if name == "<lambda>" else str(name)[:60]
