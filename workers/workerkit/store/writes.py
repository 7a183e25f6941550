"""One function per event: what it changes in the tables. Each takes a list of its events and uses executemany.

All run inside the writer's transaction; `change` is that transaction's number. The statements are built once.
"""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection

from workerkit.store.events import (
    Event,
    HostBeat,
    LinesCaptured,
    NextRunMoved,
    PauseEnded,
    RetryDropped,
    RunFinished,
    RunGoesOn,
    RunProgressed,
    RunStarted,
    SlotsMissed,
    StatusChanged,
    WorkerSuspended,
)
from workerkit.store.run_writes import lines_captured, run_finished, run_goes_on, run_progressed, run_started
from workerkit.store.worker_writes import (
    host_beat,
    next_run_moved,
    pause_ended,
    retry_dropped,
    slots_missed,
    status_changed,
    worker_suspended,
)

APPLY: dict[type[Event], Callable[[Connection, int, Sequence[Any]], None]] = {
    RunStarted: run_started,
    RunGoesOn: run_goes_on,
    RunFinished: run_finished,
    RetryDropped: retry_dropped,
    WorkerSuspended: worker_suspended,
    PauseEnded: pause_ended,
    StatusChanged: status_changed,
    RunProgressed: run_progressed,
    LinesCaptured: lines_captured,
    SlotsMissed: slots_missed,
    NextRunMoved: next_run_moved,
    HostBeat: host_beat,
}
"""Which function writes which event."""
