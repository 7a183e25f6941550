"""A loop around a heap of due moments that hands what is due to ten threads: the least that a scheduler can be."""

import heapq
import threading
import time
from collections.abc import Sequence
from queue import SimpleQueue

from benchmarks.hosts.load import Arrived, Task
from workerkit.clock import SECOND

THREADS = 10


class Heap:
    """Records nothing, and keeps no books of what runs."""

    def __init__(self) -> None:
        self._due: SimpleQueue[int | None] = SimpleQueue()
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, tasks: Sequence[Task], arrived: Arrived) -> None:
        now = time.time_ns() // 1000
        heap = [(task.slot_before(now) + task.period, task.number, task.period) for task in tasks]
        heapq.heapify(heap)

        def schedule() -> None:
            while not self._stopped.wait(max(0, heap[0][0] - time.time_ns() // 1000) / SECOND):
                while heap[0][0] <= time.time_ns() // 1000:
                    slot, number, period = heap[0]
                    heapq.heapreplace(heap, (slot + period, number, period))
                    self._due.put(number)

        def work() -> None:
            while (number := self._due.get()) is not None:
                arrived((number, time.time_ns()))

        self._threads = [threading.Thread(target=target) for target in (schedule, *[work] * THREADS)]
        for thread in self._threads:
            thread.start()

    def recorded(self) -> None:
        """Nothing."""

    def stop(self) -> None:
        self._stopped.set()
        for _ in range(THREADS):
            self._due.put(None)
        for thread in self._threads:
            thread.join()
