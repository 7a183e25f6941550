"""Values of the command line: text that people typed as what it means, or a sentence that says why it means nothing."""

import argparse
import contextlib
import json
import re
from collections.abc import Callable
from typing import Any

from workerkit.clock import DAY, Micros

PROGRAM = "workerconsole"
MAX_SECONDS = 86_400
"""A day: more is more likely a mistake of unit."""
MAX_SPAN = 366 * DAY


def fingerprint(text: str) -> str:
    if begins_fingerprint(text):
        return text
    raise argparse.ArgumentTypeError(
        f"{text!r} is not four or more characters of a failure's fingerprint; `{PROGRAM} failures` lists them"
    )


def begins_fingerprint(text: str) -> bool:
    """Whether it can be the beginning of a failure's fingerprint, and is enough of it."""
    return re.fullmatch(r"[0-9a-fA-F]{4,16}", text) is not None


def until(text: str) -> int:
    """A moment."""
    from workerconsole.until import parse_until

    return _ending(text, parse_until)


def pause_for(text: str) -> int:
    """A moment, so long from now."""
    from workerconsole.until import parse_for

    return _ending(text, parse_for)


def _ending(text: str, read: Callable[[str, Micros], Micros]) -> Micros:
    from workerkit.clock import SystemClock

    try:
        return read(text, SystemClock().now())
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def span(text: str) -> int:
    """Microseconds."""
    from workerkit.schedule import ScheduleError, parse_duration

    try:
        span = parse_duration(text)
    except ScheduleError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    if not 0 < span <= MAX_SPAN:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time of at most a year")
    return span


def seconds(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 <= (value := float(text)) <= MAX_SECONDS:
            return value
    raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds between 0 and {MAX_SECONDS}")


def positive(text: str) -> int:
    with contextlib.suppress(ValueError):
        if 0 < (value := int(text)) < 2**63:
            return value
    raise argparse.ArgumentTypeError(f"{text!r} is not a positive number")


def key_value(text: str) -> tuple[str, Any]:
    key, separator, value = text.partition("=")
    if not separator or not key:
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value


def json_object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(f"{text!r} is not a JSON object such as '{{\"day\": 5}}'")
    return value
