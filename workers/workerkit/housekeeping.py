"""Keeps the database within its bounds, a little at a time, while everything else goes on."""

import logging
import threading

from workerkit.clock import Clock
from workerkit.service import Service
from workerkit.store import retention
from workerkit.store.writer import Writer

logger = logging.getLogger(__name__)

ROUND = 60.0
"""Seconds between two rounds."""
BREATH = 0.05
"""Seconds between two batches of one round, in which runs get their turn at the writer."""


class Housekeeper(Service):
    """Prunes old runs and what belongs to them."""

    name = "housekeeping"

    def __init__(self, writer: Writer, clock: Clock) -> None:
        super().__init__()
        self._writer = writer
        self._clock = clock

    def _main(self, stopping: threading.Event) -> None:
        while not stopping.wait(ROUND):
            try:
                self._round(stopping)
            except Exception:
                logger.exception("a round of housekeeping failed; the next one is in %.0f s", ROUND)

    def _round(self, stopping: threading.Event) -> None:
        while self._writer.call(lambda connection, _change: retention.prune(connection, now=self._clock.now())).runs:
            if stopping.wait(BREATH):
                return
