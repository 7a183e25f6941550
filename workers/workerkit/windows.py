"""Windows: the times at which a schedule may be due at all."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from workerkit.clock import DAY, HOUR, MINUTE, SECOND, Micros, from_datetime, to_datetime
from workerkit.cron import HORIZON, Cron
from workerkit.daysoff import DaysOff, days_off
from workerkit.durations import ScheduleError, format_duration, shown
from workerkit.intervals import Every, Manual
from workerkit.localtime import LAST_YEAR, stretches, zone_named

MAX_CLOSED: Micros = 5 * 366 * DAY
"""A window that stays closed for longer is taken never to open again."""

_A_YEAR_LIKE_ANY = from_datetime(datetime(2024, 1, 1, tzinfo=UTC))
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?", re.ASCII)

Bound = time | datetime | date | str | None
"""A time of day, or a moment; a text may be either."""


@dataclass(frozen=True)
class Window:
    """When something may be due: between two times of day, not on days off, not before nor after a moment.

    A time of day is local, in microseconds since midnight; both ends belong to the window. One that closes before it
    opens goes on over midnight. A day off is off from midnight to midnight.
    """

    opens: Micros = 0
    closes: Micros = DAY
    since: Micros | None = None
    until: Micros | None = None
    days_off: DaysOff = field(default_factory=DaysOff)
    timezone: str = "UTC"
    _zone: tzinfo = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_zone", zone_named(self.timezone))

    @property
    def daily(self) -> bool:
        """Whether it opens and closes every day."""
        return (self.opens, self.closes) != (0, DAY)

    @property
    def span(self) -> Micros:
        """How long it stays open at a time, at least."""
        if not self.daily:
            return DAY
        return self.closes - self.opens if self.opens < self.closes else DAY - self.opens + self.closes

    def spans(self, moment: Micros) -> Iterator[tuple[Micros, Micros]]:
        """From a moment on, the times when it is open: begin, and the first moment after the end. In order.

        Ends when there is none any more, or none for MAX_CLOSED.
        """
        start = moment if self.since is None else max(moment, self.since)
        last = start
        for stretch in stretches(self._zone, start):
            if stretch.begin - last > MAX_CLOSED or (self.until is not None and stretch.begin > self.until):
                return
            if self.days_off and self.days_off.why(stretch.day) is not None:
                continue
            for opens, closes in self._times():
                begin = max(stretch.begin, stretch.midnight + opens)
                end = min(stretch.end, stretch.midnight + closes + 1)
                if self.until is not None:
                    end = min(end, self.until + 1)
                if begin < end:
                    yield begin, end
                    last = end

    def opening(self, moment: Micros) -> Micros | None:
        """The first moment, from the given one on, at which it is open; None where there is none."""
        return next((begin for begin, _ in self.spans(moment)), None)

    def closed_because(self, moment: Micros) -> str | None:
        """Why nothing is due at the moment, in words, and when something may be again; None while it is open."""
        opening = self.opening(moment)
        if opening == moment:
            return None
        if self.since is not None and moment < self.since:
            return f"not before {self._moment(self.since)} {self.timezone}"
        if self.until is not None and moment > self.until:
            return f"not after {self._moment(self.until)} {self.timezone}"
        local = self._local(moment)
        if (why := self.days_off.why(local.date())) is not None:
            return f"day off: {why}; {self._opens(local, opening)}"
        return f"outside its window {self.hours()} {self.timezone}; {self._opens(local, opening)}"

    def hours(self) -> str:
        """`08:00-18:00`."""
        return f"{_clock(self.opens)}-{_clock(self.closes)}"

    def describe(self) -> str:
        """`08:00-18:00 Europe/Berlin, not sat, sun`."""
        words = [
            f"from {self._moment(self.since)}" if self.since is not None else "",
            f"until {self._moment(self.until)}" if self.until is not None else "",
            self.hours() if self.daily else "",
        ]
        limits = ", ".join(word for word in words if word)
        off = self.days_off.describe()
        if not limits:
            return f"{off} in {self.timezone}"
        return ", ".join(word for word in (f"{limits} {self.timezone}", off) if word)

    def _times(self) -> tuple[tuple[Micros, Micros], ...]:
        """Between which times of one day it is open."""
        if self.opens < self.closes:
            return ((self.opens, self.closes),)
        return (0, self.closes), (self.opens, DAY)

    def _local(self, moment: Micros) -> datetime:
        return to_datetime(moment).astimezone(self._zone)

    def _moment(self, moment: Micros) -> str:
        """A limit in local time, without what is zero of it."""
        local = self._local(moment)
        if local.time() in (time(), time.max):
            return f"{local:%Y-%m-%d}"
        return f"{local:%Y-%m-%d %H:%M:%S}" if local.second else f"{local:%Y-%m-%d %H:%M}"

    def _opens(self, now: datetime, opening: Micros | None) -> str:
        if opening is None:
            return "it does not open again"
        local = self._local(opening)
        days = (local.date() - now.date()).days
        day = "" if days == 0 else f"{local:%a} " if days < 7 else f"{local:%a %Y-%m-%d} "
        return f"opens {day}{_clock(from_datetime(local.replace(tzinfo=UTC)) % DAY)}"


@dataclass(frozen=True)
class Restricted:
    """Due as another schedule is while a window is open. A slot outside is none: it is not due, and nobody misses it.

    restrict() makes one from what people give.
    """

    schedule: Every | Cron
    window: Window

    def next_slot(self, name: str, after: Micros) -> Micros | None:
        """The first slot strictly later than `after` in the window; None where there is none for years."""
        end = after + HORIZON
        while after < end:
            slot = self.schedule.next_slot(name, after)
            opening = None if slot is None else self.window.opening(slot)
            if opening is None or opening == slot:
                return opening
            after = opening - 1
        return None

    def last_slot(self, name: str, after: Micros, until: Micros) -> tuple[Micros | None, int]:
        """The latest slot in (after, until] in the window, and how many lie there; of fifty years at most."""
        latest, count = None, 0
        for begin, end in self.window.spans(max(after, until - HORIZON) + 1):
            if begin > until:
                break
            slot, slots = self.schedule.last_slot(name, begin - 1, min(end - 1, until))
            latest, count = slot if slots else latest, count + slots
        return latest, count

    def closed_because(self, moment: Micros) -> str | None:
        """Why nothing is due at a moment, in words: `outside its window 08:00-18:00 UTC; opens Mon 08:00`."""
        return self.window.closed_because(moment)

    def describe(self) -> str:
        return f"{self.schedule.describe()}, {self.window.describe()}"


def restrict(
    schedule: Every | Cron | Manual | Restricted,
    *,
    not_before: Bound = None,
    not_after: Bound = None,
    days_off: Iterable[Any] = (),
    timezone: str | None = None,
) -> Every | Cron | Manual | Restricted:
    """The schedule within limits; without any, the schedule as it is.

    Args:
        schedule: an interval or a cron line.
        not_before: a time of day (`08:00`, or a time), or a moment (a datetime, a date, or `2026-12-24 08:00`).
        not_after: the same; it may still be due at that very time, and on all of that date. A time of day earlier
            than not_before means the next day.
        days_off: dates, `12-25`, weekdays such as `sat`, calendars or their files, functions of a date.
        timezone: in which all of them are meant: an IANA name. Default: the cron line's own, else UTC.

    Raises:
        ScheduleError: for limits that can't be meant, or that leave nothing over; the text names the remedy.
    """
    off = _days_off(days_off)
    if timezone is None:
        timezone = schedule.timezone if isinstance(schedule, Cron) else "UTC"
    if not_before is None and not_after is None and not off:
        return schedule
    if isinstance(schedule, Manual):
        raise ScheduleError(
            "a worker without a schedule is never due, so not_before, not_after and days_off say nothing; "
            "give it an interval or a cron line, or leave them out"
        )
    if isinstance(schedule, Restricted):
        raise ScheduleError(
            f"the schedule is restricted already ({schedule.describe()}); "
            "give all limits in one restrict(), or all as options of the worker"
        )
    window = _window(_bound("not_before", not_before), _bound("not_after", not_after), off, timezone)
    if window == Window(timezone=timezone):
        return schedule
    _check(schedule, window)
    return Restricted(schedule, window)


def _days_off(days: Iterable[Any]) -> DaysOff:
    return days if isinstance(days, DaysOff) else days_off(days)


def _window(
    not_before: time | datetime | date | None, not_after: time | datetime | date | None, off: DaysOff, timezone: str
) -> Window:
    zone = zone_named(timezone)
    opens, closes, since, until = 0, DAY, None, None
    if isinstance(not_before, time):
        opens = _time_of_day(not_before)
    elif not_before is not None:
        since = _moment_of(not_before, zone)
    if isinstance(not_after, time):
        closes = _time_of_day(not_after)
    elif not_after is not None:
        until = _moment_of(not_after, zone, end_of_day=True)
    if opens == closes:
        raise ScheduleError(
            f"not_before and not_after are both {_clock(opens)}, so it would be due for an instant a day; "
            "make them differ, or give a cron line"
        )
    if since is not None and until is not None and until <= since:
        raise ScheduleError(f"not_after={not_after} is not later than not_before={not_before}; exchange them")
    return Window(opens, closes, since, until, off, timezone)


def _check(schedule: Every | Cron, window: Window) -> None:
    """Refuses limits that leave nothing over, or that leave it to chance."""
    if isinstance(schedule, Every) and (window.daily or window.days_off) and schedule.period > window.span:
        place = f"a window of {format_duration(window.span)}" if window.daily else "the days that are not off"
        raise ScheduleError(
            f"an interval of {format_duration(schedule.period)} may miss {place} for ever; give one of at most "
            f"{format_duration(window.span)}, or a cron line such as '{_cron_at(window.opens)}'"
        )
    certain = Window(window.opens, window.closes, days_off=window.days_off.known(), timezone=window.timezone)
    if Restricted(schedule, certain).next_slot("", _A_YEAR_LIKE_ANY) is None:
        raise ScheduleError(
            f"it never comes due: no slot of {schedule.describe()} lies in {certain.describe()}; make the limits wider"
        )


def _cron_at(opens: Micros) -> str:
    return f"{opens % HOUR // MINUTE} {opens // HOUR} * * *"


def _bound(option: str, value: Bound) -> time | datetime | date | None:
    """What people gave, as an object."""
    if isinstance(value, str):
        text = value.strip()
        try:
            if match := _TIME.fullmatch(text):
                return time(int(match[1]), int(match[2]), int(match[3] or 0))
            return date.fromisoformat(text) if len(text) == len("2026-12-24") else datetime.fromisoformat(text)
        except ValueError:
            raise ScheduleError(_wrong(option, value)) from None
    if isinstance(value, time) and value.tzinfo is not None:
        raise ScheduleError(f"{option}={value} has a time zone of its own; give it without, and timezone= beside it")
    if value is not None and not isinstance(value, time | date):
        raise ScheduleError(_wrong(option, value))
    return value


def _wrong(option: str, value: object) -> str:
    return (
        f"{option}={shown(value)} won't do; give a time of day such as '08:00', "
        "or a moment such as '2026-12-24' or '2026-12-24 18:00'"
    )


def _moment_of(value: datetime | date, zone: tzinfo, *, end_of_day: bool = False) -> Micros:
    """A moment; of a date, its first one or its last."""
    if not 1900 <= value.year <= LAST_YEAR:
        raise ScheduleError(f"{value} is beyond the calendar; leave it out for no limit")
    if not isinstance(value, datetime):
        # Where midnight is told twice, a date ends with the second.
        value = datetime.combine(value, time.max.replace(fold=1) if end_of_day else time())
    return from_datetime(value if value.tzinfo is not None else value.replace(tzinfo=zone))


def _time_of_day(value: time) -> Micros:
    return timedelta(
        hours=value.hour, minutes=value.minute, seconds=value.second, microseconds=value.microsecond
    ) // timedelta(microseconds=1)


def _clock(of_day: Micros) -> str:
    """A time of day as people write it: 08:00, or 08:00:30."""
    hours, rest = divmod(of_day, HOUR)
    minutes, rest = divmod(rest, MINUTE)
    tail = f":{rest // SECOND:02}" if rest >= SECOND else ""
    return f"{hours:02}:{minutes:02}{tail}"
