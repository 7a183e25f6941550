"""Which worker is due when: the earliest first, however many there are."""

import heapq
import logging
import threading
from collections.abc import Mapping

from workerkit.clock import MINUTE, Micros
from workerkit.schedule import Schedule

logger = logging.getLogger(__name__)

RETRY: Micros = MINUTE
"""After which a schedule that failed is asked again."""


class Agenda:
    """The next slot of each of many schedules. Safe from any thread; nothing here raises what a schedule raises.

    Args:
        schedules: by the worker's name.
        now: their slots after this moment are entered.
    """

    def __init__(self, schedules: Mapping[str, Schedule], now: Micros) -> None:
        self._lock = threading.Lock()
        self._schedules = dict(schedules)
        self._next = {name: slot for name in self._schedules if (slot := self._slot_after(name, now)) is not None}
        self._heap = [(slot, name) for name, slot in self._next.items()]
        heapq.heapify(self._heap)

    def put(self, name: str, schedule: Schedule, now: Micros) -> None:
        """Enters a schedule, or another one of the same name in its place."""
        with self._lock:
            self._schedules[name] = schedule
            self._enter(name, now)

    def drop(self, name: str) -> None:
        """Takes a schedule out; nothing happens where there is none of that name."""
        with self._lock:
            self._schedules.pop(name, None)
            self._next.pop(name, None)

    def earliest(self) -> Micros | None:
        """When the next is due; None where there is no further slot."""
        with self._lock:
            self._forget_the_replaced()
            return self._heap[0][0] if self._heap else None

    def pop(self, now: Micros) -> str | None:
        """The first of those due by now, whose first slot after now is entered instead; None where none is due."""
        with self._lock:
            while self._heap and self._heap[0][0] <= now:
                slot, name = heapq.heappop(self._heap)
                if self._next.get(name) == slot:  # else it was replaced
                    self._enter(name, now)
                    return name
            return None

    def _enter(self, name: str, now: Micros) -> None:
        slot = self._slot_after(name, now)
        if slot is None:
            self._next.pop(name, None)
        else:
            self._next[name] = slot
            heapq.heappush(self._heap, (slot, name))

    def _forget_the_replaced(self) -> None:
        while self._heap and self._next.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)

    def _slot_after(self, name: str, now: Micros) -> Micros | None:
        try:
            return self._schedules[name].next_slot(name, now)
        except BaseException:  # whatever it is, the others are due all the same
            logger.exception("the schedule of %s failed; trying again in a minute", name)
            return now + RETRY
