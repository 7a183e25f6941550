"""Clocks that tests move by hand."""

from workerkit.clock import SECOND, Micros, SystemClock

START: Micros = 1_767_225_600 * SECOND
"""2026-01-01 00:00 UTC."""


class HandClock:
    """Wall and monotonic time that stand still until they are moved."""

    def __init__(self, now: Micros = START) -> None:
        self._now = now
        self._monotonic = 1000.0

    def now(self) -> Micros:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Time passes: both clocks go on."""
        self._now += round(seconds * SECOND)
        self._monotonic += seconds

    def step(self, seconds: float) -> None:
        """Somebody sets the wall clock."""
        self._now += round(seconds * SECOND)


class RunningClock(SystemClock):
    """The machine's clocks, which go on by themselves and which a test can set."""

    def __init__(self, ahead: float = 0.0) -> None:
        self._wall: Micros = round(ahead * SECOND)
        self._monotonic = 0.0

    def now(self) -> Micros:
        return super().now() + self._wall

    def monotonic(self) -> float:
        return super().monotonic() + self._monotonic

    def step(self, seconds: float) -> None:
        """Somebody sets the wall clock; or the machine sleeps, and its monotonic clock with it."""
        self._wall += round(seconds * SECOND)

    def leap(self, seconds: float) -> None:
        """The machine sleeps, and its monotonic clock does not: both are ahead when it wakes."""
        self._wall += round(seconds * SECOND)
        self._monotonic += seconds
