"""Local time as zones have it: days of 23 and 25 hours, hours left out or told twice, days that never were."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from workerkit.clock import DAY, SECOND, Micros, from_datetime, to_datetime
from workerkit.durations import ScheduleError, shown

LAST_YEAR = 9990
"""A little before the last that a datetime can hold."""
_END: Micros = from_datetime(datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Stretch:
    """Real time in one piece: one local day under one offset from UTC.

    An ordinary day is one stretch. A day on which the clocks are changed is two, and a day that a zone has left out
    is none.
    """

    day: date
    begin: Micros
    end: Micros
    """The first moment after it."""
    midnight: Micros
    """When the local day begins by this stretch's offset; `moment - midnight` is the local time of day."""
    skipped: Micros
    """How much local time was left out just before it."""
    repeats: bool
    """Whether it begins with local times that have been before."""


def stretches(zone: tzinfo, moment: Micros) -> Iterator[Stretch]:
    """Real time from a moment on, in order and without holes; the first stretch is cut at the moment.

    Takes it that a zone doesn't change its offset there and back within one day; none ever has.
    """
    before: Micros | None = None
    while moment < _END:
        local = to_datetime(moment).astimezone(zone)
        offset = _span(local.utcoffset())
        midnight = from_datetime(datetime(local.year, local.month, local.day, tzinfo=UTC)) - offset
        end = _until_changed(zone, moment, midnight + DAY, offset)
        skipped = 0 if before is None else max(0, offset - before)
        yield Stretch(local.date(), moment, end, midnight, skipped, bool(local.fold))
        moment, before = end, offset


def is_repeat(zone: tzinfo, moment: Micros) -> bool:
    """Whether the moment's local time has been before: the clocks were set back in between."""
    return bool(to_datetime(moment).astimezone(zone).fold)


def zone_named(name: str) -> tzinfo:
    """The time zone of an IANA name.

    Raises:
        ScheduleError: when there is none.
    """
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, TypeError, AttributeError, OSError) as error:
        raise ScheduleError(
            f"{shown(name)} is not a known time zone; give an IANA name such as 'Europe/Berlin'"
        ) from error


def _until_changed(zone: tzinfo, moment: Micros, end: Micros, offset: Micros) -> Micros:
    """The first moment up to `end` at which the zone has another offset; `end` where it keeps it."""
    if _span(to_datetime(end).astimezone(zone).utcoffset()) == offset:
        return end
    # Zones change on whole seconds.
    low, high = moment // SECOND, end // SECOND
    while high - low > 1:
        middle = (low + high) // 2
        if _span(to_datetime(middle * SECOND).astimezone(zone).utcoffset()) == offset:
            low = middle
        else:
            high = middle
    return high * SECOND


def _span(offset: timedelta | None) -> Micros:
    return 0 if offset is None else offset // timedelta(microseconds=1)
