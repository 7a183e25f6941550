"""As a cron line says, in a time zone of its own.

cronsim reads the line and knows which days match. The walk over time is ours: a local day at a time, so that counting
a year of missed slots costs a year of days, and a day on which the clocks change is as right as any other.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo

from cronsim import CronSim, CronSimError

from workerkit.clock import DAY, HOUR, MINUTE, Micros
from workerkit.durations import ScheduleError, shown
from workerkit.localtime import LAST_YEAR, Stretch, is_repeat, stretches, zone_named

HORIZON: Micros = 50 * 366 * DAY
"""How far a slot is looked for. The rarest days, 29ths of February on one weekday, are 40 years apart at most."""
MAX_SKIP: Micros = 3 * HOUR
"""Slots in local time that was left out are due right after it; beyond so much, cron calls it no daylight saving."""

NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}

_FIELDS = "minute hour day-of-month month day-of-week"
_ONE_DAY = timedelta(days=1)
_ONE_WITH_STEP = re.compile(r"\b(\w+)-\1/\d+\b")
"""`5-5/2` is 5; cronsim takes it for `5/2`, which goes on to the end."""


@dataclass(frozen=True)
class Cron:
    """Due as the cron line or nickname (`@daily`) says, in the given IANA time zone (default UTC).

    0 and 7 are Sunday. Day-of-month and day-of-week are joined by OR when both are restricted; one that begins with
    `*` restricts the other. A job of fixed minutes and hours runs exactly once on both odd days of daylight saving:
    right after a gap, and in the first of two equal hours. A line whose minute or hour begins with `*` follows real
    time. That is Debian's cron.
    """

    line: str
    timezone: str = "UTC"
    _zone: tzinfo = field(init=False, repr=False, compare=False)
    _days: CronSim = field(init=False, repr=False, compare=False)
    _times: tuple[Micros, ...] = field(init=False, repr=False, compare=False)
    _fixed: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        minute, hour, *others = _fields(self.line)
        days = _parse(self.line, [minute, hour, *others])
        times = sorted(h * HOUR + m * MINUTE for h in days.hours for m in days.minutes)
        object.__setattr__(self, "_zone", zone_named(self.timezone))
        object.__setattr__(self, "_days", days)
        object.__setattr__(self, "_times", tuple(times))
        object.__setattr__(self, "_fixed", not minute.startswith("*") and not hour.startswith("*"))
        if self._next_day(date(2000, 1, 1)) is None:
            raise ScheduleError(f"{shown(self.line)} never comes due; check its day and month")

    def next_slot(self, name: str, after: Micros) -> Micros | None:  # noqa: ARG002 -- a cron line has no phase
        """The first slot strictly later than `after`; None where there is none within fifty years."""
        for stretch in self._stretches(after):
            if times := self._times_in(stretch, after, stretch.end):
                return stretch.midnight + times[0]
        return None

    def last_slot(self, name: str, after: Micros, until: Micros) -> tuple[Micros | None, int]:  # noqa: ARG002
        """The latest slot in (after, until], and how many lie there; of more than fifty years, the last fifty."""
        latest, count = None, 0
        for stretch in self._stretches(max(after, until - HORIZON)):
            if stretch.begin > until:
                break
            if times := self._times_in(stretch, after, until):
                latest, count = stretch.midnight + times[-1], count + len(times)
        return latest, count

    def closed_because(self, moment: Micros) -> str | None:  # noqa: ARG002 -- a cron line never closes
        """Why nothing is due at a moment, in words; a cron line always goes on."""
        return None

    def describe(self) -> str:
        zone = "" if self.timezone == "UTC" else f" {self.timezone}"
        return f"cron {self.line}{zone}"

    def _stretches(self, after: Micros) -> Iterator[Stretch]:
        """Real time from `after` on, for fifty years, with long times that hold no slot left out."""
        end = after + HORIZON
        moment: Micros | None = after
        while moment is not None:
            start, moment = moment, None
            for stretch in stretches(self._zone, start):
                if stretch.begin > end:
                    return
                yield stretch
                if self._matches(stretch.day):
                    continue
                if (day := self._next_day(stretch.day)) is None:
                    return
                # Two days early, so that a change of the clocks on the way to that day is seen.
                if (far := (day - stretch.day).days - 2) > 1:
                    moment = stretch.midnight + far * DAY
                    break

    def _times_in(self, stretch: Stretch, after: Micros, until: Micros) -> tuple[Micros, ...]:
        """The local times of the stretch's slots in (after, until], in order."""
        first: tuple[Micros, ...] = ()
        if stretch.begin <= until and self._was_skipped(stretch):
            first = (stretch.begin - stretch.midnight,)
        if not self._matches(stretch.day):
            return first
        low = bisect_left(self._times, max(stretch.begin, after + 1) - stretch.midnight)
        high = bisect_left(self._times, min(stretch.end, until + 1) - stretch.midnight)
        if self._fixed and stretch.repeats:
            while low < high and is_repeat(self._zone, stretch.midnight + self._times[low]):
                low += 1
        times = self._times[low:high]
        return times if times[:1] == first else first + times

    def _was_skipped(self, stretch: Stretch) -> bool:
        """Whether a slot of a job of fixed times lay in the local time left out just before the stretch."""
        if not self._fixed or not 0 < stretch.skipped < MAX_SKIP:
            return False
        end = stretch.begin - stretch.midnight
        begin = end - stretch.skipped
        return any(
            self._matches(day) and bisect_left(self._times, begin + shift) < bisect_left(self._times, end + shift)
            for day, shift in ((stretch.day, 0), (stretch.day - _ONE_DAY, DAY))
        )

    def _matches(self, day: date) -> bool:
        return day.month in self._days.months and self._days.match_day(day)

    def _next_day(self, day: date) -> date | None:
        """The first day later than `day` that matches; None where there is none within fifty years."""
        last = min(day.year + HORIZON // (366 * DAY), LAST_YEAR)
        day += _ONE_DAY
        while day.year <= last:
            if day.month not in self._days.months:
                day = (day.replace(day=1) + 31 * _ONE_DAY).replace(day=1)
            elif self._days.match_day(day):
                return day
            else:
                day += _ONE_DAY
        return None


def _fields(line: str) -> list[str]:
    """The five fields of a line, or of what a nickname stands for."""
    if not isinstance(line, str):
        raise ScheduleError(f"{shown(line)} is not a cron line; give a text such as '15 3 * * *'")
    text = line.strip().lower()
    if text == "@reboot":
        raise ScheduleError(
            "'@reboot' names no time, and a host that starts again is no reboot; "
            "give an interval or a cron line, or leave the schedule out and run it by hand"
        )
    if text.startswith("@") and text not in NICKNAMES:
        raise ScheduleError(f"{shown(line)} is not known; nicknames are {', '.join(NICKNAMES)}")
    fields = NICKNAMES.get(text, text).split()
    if len(fields) == 6:
        raise ScheduleError(
            f"{shown(line)} has six fields; cron has no seconds: give five ({_FIELDS}), or an interval such as '10s'"
        )
    if len(fields) != 5:
        raise ScheduleError(f"{shown(line)} is not a cron line; give five fields: {_FIELDS}")
    return fields


def _parse(line: str, fields: list[str]) -> CronSim:
    start = datetime(2000, 1, 1, tzinfo=UTC)
    try:
        return CronSim(_ONE_WITH_STEP.sub(r"\1", " ".join(fields)), start)
    except CronSimError as error:
        reason = str(error)
    except ValueError:
        reason = "a number is far too large"
    if reason == "Bad day-of-month" and fields[3] != "*":
        _parse(line, [*fields[:3], "*", fields[4]])
        raise ScheduleError(f"{shown(line)} never comes due: none of its months has such a day")
    raise ScheduleError(f"{shown(line)} is not a cron line: {reason}; the fields are {_FIELDS}")
