"""A clock that tests move by hand."""

from workerkit.clock import SECOND, Micros

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
