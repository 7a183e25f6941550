"""The end of a pause as people write it: how long, or until when, in local time."""

import re
from datetime import date, datetime, time, timedelta

from workerkit.clock import DAY, SECOND, Micros, from_datetime
from workerkit.durations import ScheduleError, parse_duration

LONGEST: Micros = 366 * DAY
"""More is more likely a mistake; without an end a pause lasts until somebody resumes."""

_TIME = re.compile(r"(?:(today|tomorrow)\s+)?(\d{1,2}):(\d{2})(?::(\d{2}))?", re.ASCII)
_EXAMPLES = "write it like 14:30, tomorrow 06:00, or 2026-03-05 06:00"


class UntilError(ValueError):
    """An end that can't be meant; the text names the remedy."""


def parse_until(text: str, now: Micros) -> Micros:
    """A moment: a time of day (tomorrow's where today's is past), or a date with or without one.

    Raises:
        UntilError: when it can't be read, is past, or is more than a year away.
    """
    local_now = datetime.fromtimestamp(now / SECOND).astimezone().replace(tzinfo=None)
    try:
        then = _moment(text.strip().lower(), local_now)
        # Without a zone it is local time, by the rules that hold then.
        until = from_datetime(then.astimezone())
    except (ValueError, OverflowError, OSError):
        raise UntilError(f"{text.strip()!r} is no time; {_EXAMPLES}") from None
    if until <= now:
        raise UntilError(f"{text.strip()!r} is past; give a later time, or leave it out")
    return _checked(until, now)


def parse_for(text: str, now: Micros) -> Micros:
    """A moment so long from now.

    Raises:
        UntilError: when it is no span, none at all, or more than a year.
    """
    try:
        span = parse_duration(text)
    except ScheduleError as error:
        raise UntilError(str(error)) from error
    if not span:
        raise UntilError(f"{text.strip()!r} is no time at all; write it like 30m, 2h or 1d")
    return _checked(now + span, now)


def parse_end(text: str, now: Micros) -> Micros | None:
    """Either of them, or nothing: None.

    Raises:
        UntilError: as above.
    """
    text = text.strip().removeprefix("until ").removeprefix("for ").strip()
    if not text:
        return None
    if re.match(r"\d+(\.\d+)?\s*(ms|[smhdw])", text.lower()):
        return parse_for(text, now)
    if not re.search(r"\d", text) or re.fullmatch(r"[\d.]+", text):
        raise UntilError(f"{text!r} is no end; write it like 2h, 14:30, or tomorrow 06:00")
    return parse_until(text, now)


def _moment(text: str, now: datetime) -> datetime:
    if (found := _TIME.fullmatch(text)) is not None:
        day, at = found[1], time(int(found[2]), int(found[3]), int(found[4] or 0))
        then = datetime.combine(now.date() + timedelta(days=day == "tomorrow"), at)
        return then + timedelta(days=1) if day is None and then <= now else then
    if len(text) == len("2026-03-05"):
        return datetime.combine(date.fromisoformat(text), time())
    return datetime.fromisoformat(text.upper())


def _checked(until: Micros, now: Micros) -> Micros:
    if until - now > LONGEST:
        raise UntilError("a pause of more than a year is refused; without an end it lasts until somebody resumes")
    return until
