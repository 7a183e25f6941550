"""What happens around a run: whether it is tried again, and what becomes of slots that find its worker busy or away."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from workerkit.clock import SECOND, Micros
from workerkit.schedule import ScheduleError, format_duration, parse_duration

MAX_ATTEMPTS = 100
"""More is a schedule of its own."""
MAX_OVERLAP = 1_000
"""Runs of one worker at a time."""
MAX_CATCH_UP = 1_000
"""Missed slots that may be run after all."""


class PolicyError(ValueError):
    """A policy that can't be meant; the text names the remedy."""


@dataclass(frozen=True, slots=True)
class Retry:
    """When a failed run is tried again, within its one scheduled occurrence. Each attempt is a run of its own.

    After the k-th failed attempt the next one follows in `min(max, base * factor ** (k - 1))`, give or take a random
    part of `jitter` of it, so that workers which fail together don't come back together.

    Args:
        attempts: how many in all, the first included.
        base: the wait after the first failure; a timedelta, seconds, or a text such as `2s`.
        factor: by how much each wait is longer than the one before.
        max: the longest wait.
        jitter: between 0 (none) and 1.
        on: the exceptions that are worth another attempt, or a function of the exception that says so. A timeout counts
            as TimeoutError, a child process that died as WorkerCrashed.

    Raises:
        PolicyError, ScheduleError: for what can't be meant.
    """

    attempts: int = 3
    base: timedelta | float | str = 1.0
    factor: float = 2.0
    max: timedelta | float | str = 300.0
    jitter: float = 0.1
    on: type[BaseException] | tuple[type[BaseException], ...] | Callable[[BaseException], bool] = Exception
    _base: Micros = field(init=False, repr=False, compare=False)
    _max: Micros = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if type(self.attempts) is not int or not 1 <= self.attempts <= MAX_ATTEMPTS:
            raise PolicyError(
                f"retry attempts={self.attempts!r} won't do; give a whole number from 1 to {MAX_ATTEMPTS}"
            )
        if not _number(self.factor) or not 1 <= self.factor <= 1000:
            raise PolicyError(f"retry factor={self.factor!r} won't do; give a number from 1 (the same wait) to 1000")
        if not _number(self.jitter) or not 0 <= self.jitter <= 1:
            raise PolicyError(f"retry jitter={self.jitter!r} won't do; give a number from 0 (none) to 1")
        kinds = self.on if isinstance(self.on, tuple) else (self.on,)
        if not callable(self.on) and not all(_is_exception(kind) for kind in kinds):
            raise PolicyError(f"retry on={self.on!r} won't do; give exception classes, or a function of the exception")
        object.__setattr__(self, "_base", parse_duration(self.base))
        object.__setattr__(self, "_max", parse_duration(self.max))

    def wants(self, error: BaseException) -> bool:
        """Whether this exception is worth another attempt. A function given as `on` may raise what it likes here."""
        if isinstance(self.on, tuple) or _is_exception(self.on):
            return issubclass(type(error), self.on)  # type: ignore[arg-type]
        return bool(self.on(error))

    def delay(self, attempt: int, chance: float) -> Micros:
        """The wait after so many attempts; `chance` in [0, 1) decides on the jitter."""
        wait = self._max
        if self._base and math.log(max(1.0, self._max / self._base)) > (attempt - 1) * math.log(self.factor):
            wait = min(self._max, round(self._base * self.factor ** (attempt - 1)))
        return round(wait * (1 + self.jitter * (2 * chance - 1))) if self._base else 0

    def describe(self) -> str:
        """The policy in a few words."""
        if self.attempts == 1:
            return "no retry"
        growth = "" if self.factor == 1 else f", each {self.factor:g} times the last up to {format_duration(self._max)}"
        return f"{self.attempts} attempts, {format_duration(self._base)} apart{growth}"


@dataclass(frozen=True, slots=True)
class Overlap:
    """What a due slot does that finds its worker busy."""

    limit: int = 1
    """Runs of the worker at one time."""
    then: Literal["skip", "queue", "replace"] = "skip"
    """Beyond the limit: a gap; wait for the run in flight (one slot waits, the latest); or have it stopped and wait."""

    def describe(self) -> str:
        """The policy in a few words."""
        if self.limit > 1:
            return f"up to {self.limit} at a time"
        return {"skip": "skip the slot", "queue": "queue one", "replace": "stop the run in flight"}[self.then]


def parse_retry(value: Any) -> Retry | None:
    """A Retry as it is, or a number of attempts; None for no retry.

    Raises:
        PolicyError: for anything else.
    """
    if value is None or isinstance(value, Retry):
        return value
    if type(value) is int:
        return Retry(attempts=value)
    raise PolicyError(f"retry={value!r} won't do; give Retry(attempts=3, base='2s'), or a number of attempts")


def parse_overlap(value: Any) -> Overlap:
    """`skip`, `queue`, `replace`, or how many runs may go on at one time.

    Raises:
        PolicyError: for anything else.
    """
    if value in ("skip", "queue", "replace"):
        return Overlap(then=value)
    if type(value) is int and 1 <= value <= MAX_OVERLAP:
        return Overlap(limit=value)
    raise PolicyError(
        f"overlap={value!r} won't do; give 'skip', 'queue', 'replace', or a number from 1 to {MAX_OVERLAP}"
    )


def parse_catch_up(value: Any) -> int:
    """How many of the slots that were missed get a run after all: `once` is 1, `skip` none, a number that many.

    Raises:
        PolicyError: for anything else.
    """
    if value in ("once", "skip"):
        return 1 if value == "once" else 0
    if type(value) is int and 0 <= value <= MAX_CATCH_UP:
        return value
    raise PolicyError(f"catch_up={value!r} won't do; give 'once', 'skip', or a number up to {MAX_CATCH_UP}")


def parse_pause_after(value: Any) -> int | None:
    """After how many failures in a row a worker is suspended; None: never.

    Raises:
        PolicyError: for anything but a positive whole number.
    """
    if value is None or (type(value) is int and value >= 1):
        return value
    raise PolicyError(f"pause_after={value!r} won't do; give a number of failures in a row, or None")


def parse_size(option: str, value: Any) -> int | None:
    """Bytes, from a number or a text such as `512MB` (powers of 1024); None: no limit.

    Raises:
        PolicyError: for anything else, and below 16 MB, in which Python does not start.
    """
    if value is None:
        return None
    size: Any = value
    if isinstance(value, str):
        number = value.strip().upper().removesuffix("B").removesuffix("I")
        unit = _SIZES.get(number[-1:], 0)
        try:
            size = round(float(number[:-1]) * unit) if unit else int(number)
        except (ValueError, OverflowError):
            size = None
    if type(size) is not int or not MIN_MEMORY <= size < 2**60:
        raise PolicyError(f"{option}={value!r} won't do; give bytes or a text such as '512MB', at least 16MB")
    return size


_SIZES = {"K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}
MIN_MEMORY = 16 * 1024**2
"""Bytes."""


def parse_limit(option: str, value: Any, at_least: Micros = SECOND) -> Micros | None:
    """A span that limits something; None: no limit.

    Raises:
        PolicyError: when it is shorter than makes sense.
        ScheduleError: when it is no span at all.
    """
    if value is None:
        return None
    span = parse_duration(value)
    if span < at_least:
        raise PolicyError(
            f"{option}={value!r} is too short; give at least {format_duration(at_least)}, or leave it out"
        )
    return span


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_exception(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseException)


__all__ = [
    "Overlap",
    "PolicyError",
    "Retry",
    "ScheduleError",
    "parse_catch_up",
    "parse_limit",
    "parse_overlap",
    "parse_pause_after",
    "parse_retry",
    "parse_size",
]
