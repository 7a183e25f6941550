"""Time as the kit sees it: integer microseconds of UTC, and a clock that is passed in."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

Micros = int
"""Microseconds. As a moment: since 1970-01-01 UTC. As a span: a duration."""

SECOND: Micros = 1_000_000
MINUTE: Micros = 60 * SECOND
HOUR: Micros = 60 * MINUTE
DAY: Micros = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """What tells the time. Tests pass one that they move by hand."""

    def now(self) -> Micros:
        """The wall clock; it may step in either direction."""

    def monotonic(self) -> float:
        """Seconds of a clock that never steps and stands still while the machine sleeps."""


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> Micros:
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        return time.monotonic()


def to_datetime(moment: Micros) -> datetime:
    """The moment as an aware datetime in UTC."""
    return _EPOCH + timedelta(microseconds=moment)


def from_datetime(moment: datetime) -> Micros:
    """An aware datetime as microseconds; exact, where a float of seconds would round."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def to_iso(moment: Micros) -> str:
    """ISO 8601 in UTC with milliseconds, as every JSON document of ours writes it."""
    return to_datetime(moment).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds(span: Micros) -> float:
    """A span of microseconds in seconds."""
    return span / SECOND
