"""Workers with isolation="process": each run in a child that can crash, hang or be killed without the host.

A child is forked from a zygote on Linux, is a fresh interpreter elsewhere, or stays from the run before (warm=True).
See workerkit.processes and docs/isolation.md.
"""

import logging
import os
import sys
import threading
from collections.abc import Iterable
from typing import Any

from workerkit.base import is_async
from workerkit.clock import from_datetime
from workerkit.context import RunContext
from workerkit.outcome import Outcome, Result
from workerkit.processes import endings, lifeline
from workerkit.processes.launching import FreshProcess, Process
from workerkit.processes.locator import Locator
from workerkit.processes.messages import Order, Surroundings
from workerkit.processes.samples import sampled_once
from workerkit.processes.supervisor import Connection, Supervision
from workerkit.processes.zygotes import Zygotes
from workerkit.roster import ActiveRun
from workerkit.stacks import SAMPLES

logger = logging.getLogger(__name__)

MAX_WARM_RUNS = 1_000
"""Runs of one warm process; then a new one takes its place, and what leaked is gone."""
STOP_PATIENCE = 2.0
"""Seconds that stop() waits for runs which it has killed."""


class ProcessExecutor:
    """Runs workers in children. Safe from any thread; start() and stop() are idempotent.

    Args:
        zygote: whether children are forked from a preloaded process; by default where that can be done.
    """

    def __init__(self, *, zygote: bool | None = None) -> None:
        self._zygotes = Zygotes() if (lifeline.SUPPORTED if zygote is None else zygote) else None
        self._lock = threading.Condition()
        self._runs: dict[int, Supervision | None] = {}
        self._warm: dict[str, Connection] = {}
        self._stopped = True

    def start(self, expected: Iterable[Locator] = ()) -> None:
        """Takes runs from here on.

        The zygotes of the workers expected begin now, so that the first runs need not wait for their modules; those of
        others when they are first needed.
        """
        self._stopped = False
        if self._zygotes is not None:
            self._zygotes.begin(expected)

    def stop(self) -> None:
        """Kills every child, with its process group. Runs that are supervised then end at once."""
        with self._lock:
            self._stopped = True
            warm, self._warm = list(self._warm.values()), {}
            for supervision in self._runs.values():
                if supervision is not None:
                    supervision.kill()
            self._lock.wait_for(lambda: not self._runs, STOP_PATIENCE)
        for connection in warm:
            connection.process.close()
        if self._zygotes is not None:
            self._zygotes.stop()

    def perform(self, active: ActiveRun, ctx: RunContext, state_before: str) -> Result:
        """Runs a worker in a child, and waits for its end. Never raises.

        As guard.call does it: the same context, the same kinds of result. A timeout, cancellation or kill() ends the
        child's whole process group, so that a run is never stuck.
        """
        try:
            return self._perform(active, ctx, state_before)
        except BaseException as error:
            logger.exception("run %d of %s could not be had in a process", active.run.id, active.run.worker)
            return endings.failed(
                active, "not started", f"No process could be had for it: {type(error).__name__}: {error}"
            )
        finally:
            with self._lock:
                self._runs.pop(active.run.id, None)
                self._lock.notify_all()

    def stack(self, active: ActiveRun, times: int = SAMPLES) -> dict[str, Any] | None:
        """Where a run stands: what stacks.describe() gives, and with more than one look `samples` and `tree`.

        Takes as long as the looks do, half a second longer where the child does not answer. None when it has ended,
        or nothing can be seen of it.
        """
        supervision = self._runs.get(active.run.id)
        answer = supervision.ask(times) if supervision is not None else None
        return sampled_once(answer) if answer is not None and times > 1 and "tree" not in answer else answer

    def kill(self, active: ActiveRun) -> bool:
        """Ends a run's process group at once; whether there was such a run."""
        with self._lock:
            if active.run.id not in self._runs:
                return False
            supervision = self._runs[active.run.id]
        if supervision is not None:
            supervision.kill()
        return True

    def _perform(self, active: ActiveRun, ctx: RunContext, state: str) -> Result:
        order = _order(active, ctx, state)
        with self._lock:
            if self._has_stopped():
                return Result(Outcome.INTERRUPTED)
            self._runs[active.run.id] = None
        connection, kept = self._connect(order), False
        try:
            supervision = Supervision(active, connection, order)
            with self._lock:
                self._runs[active.run.id] = supervision
            if self._has_stopped():
                supervision.kill()
            result = supervision.run()
            connection.runs += 1
            kept = order.warm and supervision.reusable and self._keep(order.worker, connection)
        finally:
            if not kept:
                connection.process.close()
        return result

    def _connect(self, order: Order) -> Connection:
        if order.warm and (connection := self._rouse(order.worker)) is not None:
            return connection
        process: Process | None = None
        if self._zygotes is not None:
            process = self._zygotes.fork(order.locator, order.worker)
        return Connection(process or FreshProcess(order.worker))

    def _rouse(self, worker: str) -> Connection | None:
        """The warm process of a worker, unless it has died, or had enough."""
        with self._lock:
            connection = self._warm.pop(worker, None)
        if connection is None:
            return None
        if connection.process.look() is None and connection.runs < MAX_WARM_RUNS:
            return connection
        connection.process.close()
        return None

    def _has_stopped(self) -> bool:
        return self._stopped

    def _keep(self, worker: str, connection: Connection) -> bool:
        with self._lock:
            if self._stopped or worker in self._warm:
                return False
            self._warm[worker] = connection
        return True


def _order(active: ActiveRun, ctx: RunContext, state: str) -> Order:
    run, registration = active.run, active.registration
    assert registration.locator is not None, "registration has seen to it"
    return Order(
        run_id=run.id,
        worker=run.worker,
        attempt=run.attempt,
        trigger=run.trigger.value,
        due_at=run.due_at,
        started_at=run.started_at,
        deadline=None if ctx.deadline is None else from_datetime(ctx.deadline),
        params=run.params,
        state=state,
        locator=registration.locator,
        asynchronous=is_async(registration.worker),
        timeout=registration.timeout,
        memory_limit=registration.memory_limit,
        cpu_limit=registration.cpu_limit,
        warm=registration.warm,
        capture_locals=registration.capture_locals,
        secrets=list(registration.secrets),
        surroundings=Surroundings(os.getcwd(), [str(entry) for entry in sys.path], dict(os.environ)),  # noqa: PTH109
    )
