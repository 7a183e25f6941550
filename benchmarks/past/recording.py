"""A host's side of a database, without a host: plain runs that begin and end well, as its writer records them."""

import json
from collections.abc import Sequence
from itertools import count, cycle
from pathlib import Path

from sqlalchemy import Connection

from workerkit.clock import MINUTE, SECOND, SystemClock
from workerkit.outcome import Outcome, Result, Status, Trigger
from workerkit.roster import RECENT_RUNS
from workerkit.store.database import Database
from workerkit.store.events import RunFinished, RunStarted
from workerkit.store.operations import HostBegun, begin_host
from workerkit.store.writer import Writer
from workerkit.version import __version__

TOOK = SECOND // 8
RECENT = json.dumps([[Outcome.SUCCEEDED.value, TOOK]] * RECENT_RUNS, separators=(",", ":"))


class Recording:
    """Runs of workers in turn, by the writer of a database that knows them. Close it."""

    def __init__(self, path: Path, workers: Sequence[str]) -> None:
        self.database = Database.open(path)
        self.writer: Writer = self.database.writer(SystemClock())
        self.writer.start()
        begun = self.writer.call(_begin)
        self._host, self._ids, self._workers = begun.host_id, count(begun.next_run_id), cycle(workers)

    def started(self) -> RunStarted:
        """The start of the next run."""
        now = SystemClock().now()
        return RunStarted(
            run_id=next(self._ids),
            worker=next(self._workers),
            attempt=1,
            trigger=Trigger.SCHEDULE,
            due_at=now,
            started_at=now,
            host_id=self._host,
            next_run_at=now + MINUTE,
            covered_until=now,
        )

    def ended(self, run: RunStarted) -> RunFinished:
        """The end of a run."""
        return RunFinished(
            run_id=run.run_id,
            worker=run.worker,
            finished_at=run.started_at + TOOK,
            duration=TOOK,
            result=Result(Outcome.SUCCEEDED),
            status=Status.IDLE,
            recent=RECENT,
            last_run_at=run.started_at,
            next_run_at=run.next_run_at,
            covered_until=run.due_at,
        )

    def close(self) -> None:
        self.writer.stop()
        self.database.close()


def _begin(connection: Connection, change: int) -> HostBegun:
    return begin_host(
        connection,
        change,
        hostname="machine",
        pid=1,
        username="ada",
        mode="headless",
        version=__version__,
        targets=(),
        now=SystemClock().now(),
    )
