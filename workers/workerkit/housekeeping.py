"""Keeps the database within its bounds, a little at a time, while everything else goes on."""

import logging
import threading

from sqlalchemy import Connection

from workerkit.clock import SECOND, Clock, Micros
from workerkit.service import Service
from workerkit.store import retention
from workerkit.store.thinning import Thinning
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
        self._began_at, self._up_since = clock.now(), clock.monotonic()
        self._ages_from: Micros | None = None

    def _main(self, stopping: threading.Event) -> None:
        while not stopping.wait(ROUND):
            try:
                self._round(stopping)
            except Exception:
                logger.exception("a round of housekeeping failed; the next one is in %.0f s", ROUND)

    def _round(self, stopping: threading.Event) -> None:
        thinning = Thinning()
        # What is thinned out leaves room: a file that is too large may lose fewer runs.
        for work in (lambda connection, _change: thinning.go_on(connection), self._prune):
            while self._writer.call(work):
                if stopping.wait(BREATH):
                    return

    def _prune(self, connection: Connection, _change: int) -> bool:
        return retention.prune(connection, now=self._now(connection)).anything

    def _now(self, connection: Connection) -> Micros:
        """The time by which things are old: the wall clock, unless that has jumped ahead. See retention.ages_from()."""
        if self._ages_from is None:
            self._ages_from = retention.ages_from(connection, self._began_at)
        return min(self._clock.now(), self._ages_from + round((self._clock.monotonic() - self._up_since) * SECOND))
