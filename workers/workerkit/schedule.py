"""When a worker is due: every so often, by a cron line, only when somebody asks; the first two also within a window."""

from workerkit.clock import Micros
from workerkit.cron import Cron
from workerkit.durations import ScheduleError, format_duration, parse_duration
from workerkit.intervals import MAX_INTERVAL, MIN_INTERVAL, Every, Manual, every
from workerkit.windows import Restricted, restrict

Schedule = Every | Cron | Manual | Restricted
"""Each has next_slot(), last_slot(), closed_because() and describe(). isinstance() takes it, too."""


def period_of(schedule: Schedule) -> Micros | None:
    """The period of an interval, within a window or not; None of any other schedule."""
    inner = schedule.schedule if isinstance(schedule, Restricted) else schedule
    return inner.period if isinstance(inner, Every) else None


__all__ = [
    "MAX_INTERVAL",
    "MIN_INTERVAL",
    "Cron",
    "Every",
    "Manual",
    "Restricted",
    "Schedule",
    "ScheduleError",
    "every",
    "format_duration",
    "parse_duration",
    "period_of",
    "restrict",
]
