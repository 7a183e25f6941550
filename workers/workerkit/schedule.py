"""When a worker is due: every so often, by a cron line, or only when somebody asks.

Slots of an interval lie on a grid that is fixed for all time: `phase + k * period` since 1970, where the phase
is a stable hash of the worker's name. So slots need no stored anchor, are the same on every host, survive restarts
and clock steps, and thousands of workers of one period don't fire in the same instant.
"""

import hashlib
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from workerkit.clock import DAY, SECOND, Micros, from_datetime, to_datetime

MIN_INTERVAL: Micros = SECOND // 10
"""Below 100 ms a thread, a transaction and a row per run cost more than the work."""
MAX_INTERVAL: Micros = 3650 * DAY
"""Ten years; beyond it a number is more likely a mistake of unit."""
MAX_COUNTED_SLOTS = 10_000
"""How many missed slots of a cron line are counted one by one; beyond it the count is a lower bound."""

_UNITS: dict[str, Micros] = {
    "ms": 1000,
    "s": SECOND,
    "m": 60 * SECOND,
    "h": 3600 * SECOND,
    "d": DAY,
    "w": 7 * DAY,
}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|[smhdw])")


class ScheduleError(ValueError):
    """A schedule that can't be meant; the text names the remedy."""


def parse_duration(value: timedelta | float | str) -> Micros:
    """A duration from a timedelta, a number of seconds, or a text like `30s`, `1h30m`, `250ms`.

    Raises:
        ScheduleError: for anything else, and for NaN, infinity and negative values.
    """
    if isinstance(value, timedelta):
        micros = value // timedelta(microseconds=1)
    elif isinstance(value, bool):
        raise ScheduleError(f"{value!r} is not a duration; give seconds, a timedelta, or a text such as '30s'")
    elif isinstance(value, int | float):
        if not math.isfinite(value):
            raise ScheduleError(f"{value!r} seconds is not a duration; give a finite number")
        micros = round(value * SECOND)
    elif isinstance(value, str):
        text = value.strip().lower()
        parts = _DURATION.findall(text)
        if not parts or _DURATION.sub("", text).strip():
            raise ScheduleError(f"{value!r} is not a duration; write it like '30s', '5m', '1h30m' or '250ms'")
        micros = round(sum(float(number) * _UNITS[unit] for number, unit in parts))
    else:
        raise ScheduleError(f"{value!r} is not a duration; give seconds, a timedelta, or a text such as '30s'")
    if micros < 0:
        raise ScheduleError(f"{value!r} is negative; a duration is at least zero")
    return micros


def format_duration(span: Micros) -> str:
    """A span in the same words that parse_duration reads: `30s`, `1h30m`, `250ms`."""
    if span < SECOND:
        return f"{span / 1000:g}ms"
    whole, rest = divmod(span, SECOND)
    words = ""
    for unit in ("w", "d", "h", "m"):
        count, whole = divmod(whole, _UNITS[unit] // SECOND)
        words += f"{count}{unit}" if count else ""
    tail = whole + rest / SECOND
    return words + (f"{tail:g}s" if tail else "")


@dataclass(frozen=True)
class Every:
    """Due once per period, on the worker's own grid. Period in microseconds; see `every()` for other units."""

    period: Micros

    def __post_init__(self) -> None:
        if not MIN_INTERVAL <= self.period <= MAX_INTERVAL:
            raise ScheduleError(
                f"an interval of {self.period / SECOND:g} s is out of bounds; give one between "
                f"{format_duration(MIN_INTERVAL)} and {MAX_INTERVAL // DAY} days"
            )

    def phase(self, name: str) -> Micros:
        """Where in the period this worker's slots lie: a stable hash of its name."""
        digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
        return int.from_bytes(digest) % self.period

    def next_slot(self, name: str, after: Micros) -> Micros | None:
        """The first slot strictly later than `after`, in constant time."""
        phase = self.phase(name)
        return phase + ((after - phase) // self.period + 1) * self.period

    def last_slot(self, name: str, after: Micros, until: Micros) -> tuple[Micros | None, int]:
        """The latest slot in (after, until], and how many slots lie there."""
        phase = self.phase(name)
        latest = (until - phase) // self.period
        count = latest - (after - phase) // self.period
        return (phase + latest * self.period, count) if count > 0 else (None, 0)

    def describe(self) -> str:
        return f"every {format_duration(self.period)}"


@dataclass(frozen=True)
class Cron:
    """Due as the cron line says, in the given IANA time zone (default UTC).

    0 and 7 are Sunday; day-of-month and day-of-week are joined by OR when both are restricted. A job of a fixed
    hour runs exactly once on both odd days of daylight saving, as Debian's cron does (that is cronsim's rule).
    """

    line: str
    timezone: str = "UTC"
    _zone: tzinfo = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.line.split()) != 5:
            raise ScheduleError(
                f"{self.line!r} is not a cron line; give five fields: minute hour day-of-month month day-of-week"
            )
        try:
            zone: tzinfo = UTC if self.timezone == "UTC" else ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ScheduleError(
                f"{self.timezone!r} is not a known time zone; give an IANA name such as 'Europe/Berlin'"
            ) from error
        object.__setattr__(self, "_zone", zone)
        try:
            next(CronSim(self.line, datetime.now(zone)))
        except CronSimError as error:
            raise ScheduleError(
                f"{self.line!r} is not a cron line: {error}; the fields are minute hour day-of-month month day-of-week"
            ) from error
        except StopIteration:
            raise ScheduleError(f"{self.line!r} never comes due; check its day and month") from None

    def _slots(self, after: Micros) -> Iterator[Micros]:
        start = to_datetime(after).astimezone(self._zone)
        return (from_datetime(slot) for slot in CronSim(self.line, start))

    def next_slot(self, name: str, after: Micros) -> Micros | None:  # noqa: ARG002 -- a cron line has no phase
        """The first slot strictly later than `after`; None where there is none within fifty years."""
        return next((slot for slot in self._slots(after) if slot > after), None)

    def last_slot(self, name: str, after: Micros, until: Micros) -> tuple[Micros | None, int]:  # noqa: ARG002
        """The latest slot in (after, until], and how many lie there (at most MAX_COUNTED_SLOTS are counted)."""
        latest, count = None, 0
        for slot in islice(self._slots(after), MAX_COUNTED_SLOTS):
            if slot > until:
                return latest, count
            latest, count = slot, count + 1
        start = to_datetime(until + 1).astimezone(self._zone)
        back = next(CronSim(self.line, start, reverse=True), None)
        return (from_datetime(back) if back else latest), count

    def describe(self) -> str:
        zone = "" if self.timezone == "UTC" else f" {self.timezone}"
        return f"cron {self.line}{zone}"


@dataclass(frozen=True)
class Manual:
    """Never due by itself."""

    def next_slot(self, name: str, after: Micros) -> Micros | None:  # noqa: ARG002
        return None

    def last_slot(self, name: str, after: Micros, until: Micros) -> tuple[Micros | None, int]:  # noqa: ARG002
        return None, 0

    def describe(self) -> str:
        return "manual"


Schedule = Every | Cron | Manual


def every(period: timedelta | float | str) -> Every:
    """An interval schedule from a timedelta, seconds, or a text such as `30s`.

    Raises:
        ScheduleError: when the period is no duration or out of bounds.
    """
    return Every(parse_duration(period))
