"""Every so often, or only when somebody asks.

Slots of an interval lie on a grid that is fixed for all time: `phase + k * period` since 1970, where the phase
is a stable hash of the worker's name. So slots need no stored anchor, are the same on every host, survive restarts
and clock steps, and thousands of workers of one period don't fire in the same instant.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

from workerkit.clock import DAY, SECOND, Micros
from workerkit.durations import ScheduleError, format_duration, parse_duration, shown

MIN_INTERVAL: Micros = SECOND // 10
"""Below 100 ms a thread, a transaction and a row per run cost more than the work."""
MAX_INTERVAL: Micros = 3650 * DAY
"""Ten years; beyond it a number is more likely a mistake of unit."""


@dataclass(frozen=True)
class Every:
    """Due once per period, on the worker's own grid. Period in microseconds; see `every()` for other units."""

    period: Micros

    def __post_init__(self) -> None:
        if not isinstance(self.period, int) or isinstance(self.period, bool):
            raise ScheduleError(f"Every({shown(self.period)}) won't do; it takes microseconds: write every('30s')")
        if not MIN_INTERVAL <= self.period <= MAX_INTERVAL:
            # Beyond a float's range, numbers have no short form.
            length = f"{self.period / SECOND:g} s" if abs(self.period) < 2**63 else shown(self.period)
            raise ScheduleError(
                f"an interval of {length} is out of bounds; give one between "
                f"{format_duration(MIN_INTERVAL)} and {MAX_INTERVAL // DAY} days"
            )

    def phase(self, name: str) -> Micros:
        """Where in the period this worker's slots lie: a stable hash of its name."""
        return _number_of(name) % self.period

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

    def closed_because(self, moment: Micros) -> str | None:  # noqa: ARG002 -- an interval never closes
        """Why nothing is due at a moment, in words; an interval always goes on."""
        return None

    def describe(self) -> str:
        return f"every {format_duration(self.period)}"


@lru_cache(maxsize=65_536)
def _number_of(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest())


@dataclass(frozen=True)
class Manual:
    """Never due by itself."""

    def next_slot(self, name: str, after: Micros) -> Micros | None:  # noqa: ARG002
        return None

    def last_slot(self, name: str, after: Micros, until: Micros) -> tuple[Micros | None, int]:  # noqa: ARG002
        return None, 0

    def closed_because(self, moment: Micros) -> str | None:  # noqa: ARG002
        """Why nothing is due at a moment, in words."""
        return "it has no schedule; it runs only when somebody asks"

    def describe(self) -> str:
        return "manual"


def every(period: timedelta | float | str) -> Every:
    """An interval schedule from a timedelta, seconds, or a text such as `30s`.

    Raises:
        ScheduleError: when the period is no duration or out of bounds.
    """
    return Every(parse_duration(period))
