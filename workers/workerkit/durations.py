"""Durations as people write them, and schedules that can't be meant."""

import math
import re
from datetime import timedelta

from workerkit.clock import DAY, SECOND, Micros

MAX_DURATION: Micros = 36_500 * DAY
"""A hundred years; beyond it a number is a mistake, and soon more than the database can hold."""

UNITS: dict[str, Micros] = {
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
        ScheduleError: for anything else, and for NaN, infinity, negative values, and more than a hundred years.
    """
    if isinstance(value, timedelta):
        micros: float = value // timedelta(microseconds=1)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        micros = value * SECOND
    elif isinstance(value, str):
        text = value.strip().lower()
        parts = _DURATION.findall(text)
        if not parts or _DURATION.sub("", text).strip():
            raise ScheduleError(f"{shown(value)} is not a duration; write it like '30s', '5m', '1h30m' or '250ms'")
        micros = sum(float(number) * UNITS[unit] for number, unit in parts)
    else:
        raise ScheduleError(f"{shown(value)} is not a duration; give seconds, a timedelta, or a text such as '30s'")
    if isinstance(micros, float) and not math.isfinite(micros):
        raise ScheduleError(f"{shown(value)} is not a duration; give a finite number of seconds, or a text like '30s'")
    if micros < 0:
        raise ScheduleError(f"{shown(value)} is negative; a duration is at least zero")
    if micros > MAX_DURATION:
        raise ScheduleError(f"{shown(value)} is longer than a hundred years; numbers are seconds, '250ms' milliseconds")
    return round(micros)


def format_duration(span: Micros) -> str:
    """A span in the same words that parse_duration reads: `30s`, `1h30m`, `250ms`.

    One that a clock set back has made negative is `0ms`.
    """
    span = max(0, span)
    if span < SECOND:
        return f"{span / 1000:g}ms"
    whole, rest = divmod(span, SECOND)
    words = ""
    for unit in ("w", "d", "h", "m"):
        count, whole = divmod(whole, UNITS[unit] // SECOND)
        words += f"{count}{unit}" if count else ""
    tail = whole + rest / SECOND
    return words + (f"{tail:g}s" if tail else "")


def shown(value: object) -> str:
    """What a user gave, short enough for a message; a number may have more digits than Python cares to print."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 -- a message about a bad value must not fail on it
        text = f"<{type(value).__name__} that can't be shown>"
    return text if len(text) <= 60 else f"{text[:57]}..."
