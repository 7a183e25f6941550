"""What every measurement of a hosting needs: it started, what has arrived, and the wait for the end of it."""

import time
from collections.abc import Callable, Sequence

from benchmarks.hosts.load import Arrival, Hosting, Task

POLL = 0.005
"""Seconds between two looks."""


class Measured:
    """A hosting with its tasks scheduled, and all arrivals so far."""

    def __init__(self, hosting: Hosting, tasks: Sequence[Task]) -> None:
        self.hosting = hosting
        self.tasks = tasks
        self._arrivals: list[tuple[int, int]] = []
        asked = time.perf_counter()
        hosting.start(tasks, self._arrivals.append)
        self.registered_in = time.perf_counter() - asked
        """Seconds that it took to register and schedule the tasks."""

    def arrivals(self) -> list[Arrival]:
        return [Arrival(*each) for each in self._arrivals]

    def done(self) -> int:
        """Runs that are over; recorded so by whoever records anything."""
        recorded = self.hosting.recorded()
        return len(self._arrivals) if recorded is None else recorded

    def wait_for(self, runs: int, patience: float) -> None:
        """Waits until so many runs are done. It looks at the record only when the last has begun."""
        wait_until(lambda: len(self._arrivals) >= runs and self.done() >= runs, patience)


def wait_until(condition: Callable[[], bool], patience: float) -> None:
    """Looks again and again.

    Raises:
        TimeoutError: it has not become true in so many seconds.
    """
    end = time.monotonic() + patience
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"it did not come true within {patience:g} s")
        time.sleep(POLL)
