"""One thread that looks at the clock: timers that strike once, and duties that come round."""

import heapq
import itertools
import logging
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from workerkit.bell import Bell
from workerkit.clock import SECOND, Clock, Micros
from workerkit.service import Service

logger = logging.getLogger(__name__)

MAX_NAP = 0.5
"""Seconds; the watchdog looks up at least this often, so that a missed notification costs no more."""

HAIR = 1e-6
"""Part of its pause by which a duty that is called at its moment may seem to come before it: floats are not exact."""

ROOMY = 1_000
"""Timers among which those that were cancelled don't matter."""


@dataclass(order=True, slots=True)
class Timer:
    """Something to be called at a moment of the monotonic clock; cancel() before that undoes it."""

    at: float
    number: int
    call: Callable[[], object] | None = field(compare=False)

    def cancel(self) -> None:
        self.call = None


class Watchdog(Service):
    """Calls timers when they are due and duties every so often. What one of them raises is logged; the others go on."""

    name = "watchdog"

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self._heap: list[Timer] = []
        self._roomy = ROOMY
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._bell = Bell()

    def call_in(self, seconds: float, call: Callable[[], object]) -> Timer:
        """Calls once, after so many seconds of the monotonic clock."""
        return self._call_at(self._clock.monotonic() + seconds, call)

    def _call_at(self, moment: float, call: Callable[[], object]) -> Timer:
        timer = Timer(moment, next(self._numbers), call)
        with self._lock:
            if len(self._heap) >= self._roomy:
                self._drop_cancelled()
            heapq.heappush(self._heap, timer)
            first = self._heap[0] is timer
        if first:
            self._bell.ring()
        return timer

    def every(self, seconds: float, duty: Callable[[], float | None]) -> None:
        """Calls again and again, every so many seconds, or after as many as the last call has returned.

        At multiples of them: duties of half a second and of one take one waking when they meet.
        """

        def round_() -> None:
            pause = None
            try:
                pause = duty()
            finally:
                come_round(pause or seconds)

        def come_round(pause: float) -> None:
            passed = math.floor(self._clock.monotonic() / pause + HAIR)
            self._call_at((passed + 1) * pause, round_)

        come_round(seconds)

    def _drop_cancelled(self) -> None:
        """Else a timeout of an hour, of a run that takes a moment, would be kept for the hour."""
        self._heap = [timer for timer in self._heap if timer.call is not None]
        heapq.heapify(self._heap)
        self._roomy = max(ROOMY, 2 * len(self._heap))

    def run_due(self) -> float:
        """Calls what is due by now; returns the seconds until the next timer, at most MAX_NAP."""
        while True:
            with self._lock:
                now = self._clock.monotonic()
                if not self._heap or self._heap[0].at > now:
                    return min(MAX_NAP, self._heap[0].at - now) if self._heap else MAX_NAP
                call = heapq.heappop(self._heap).call
            if call is not None:
                try:
                    call()
                except Exception:
                    logger.exception("a duty of the watchdog failed")

    def _main(self, stopping: threading.Event) -> None:
        while not stopping.is_set():
            self._bell.wait(self.run_due())

    def _wake(self) -> None:
        with self._lock:
            self._heap.clear()
        self._bell.ring()


class Drift:
    """Tells when the wall clock and the monotonic clock part: somebody set the clock, or the machine slept."""

    LIMIT: Micros = 2 * SECOND
    """Below it, it is the slewing of a time daemon."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset = self._measure()

    def step(self) -> Micros:
        """By how much the wall clock has stepped since the last rebase(): positive forward, 0 within the limit."""
        difference = self._measure() - self._offset
        return difference if abs(difference) > self.LIMIT else 0

    def rebase(self) -> None:
        """Takes the clocks as they are from now on."""
        self._offset = self._measure()

    def _measure(self) -> Micros:
        return self._clock.now() - round(self._clock.monotonic() * SECOND)
