"""A worker's own process: it takes orders from its host, runs them under the same guard as a thread would, and answers.

The main thread runs the worker's code. A second one listens to the host: for requests to stop, and for questions where
the run stands. What the worker prints goes to pipes; what it logs, reports and returns goes to the host as frames.
"""

import asyncio
import faulthandler
import json
import os
import queue
import signal
import socket
import sys
import threading
import time
import traceback
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from types import FrameType, MappingProxyType
from typing import Any

from workerkit import guard, stacks
from workerkit.clock import SystemClock, to_datetime
from workerkit.context import Cancellation, Progress, RunContext
from workerkit.errors import RunCancelled
from workerkit.failures import Redactor
from workerkit.outcome import Outcome, Result, StopCause, Trigger
from workerkit.output import RunOutput
from workerkit.policy import parse_retry
from workerkit.processes import here, lifeline, limits
from workerkit.processes.messages import Order, result_frame
from workerkit.processes.protocol import Channel, Frame, ProtocolError
from workerkit.processes.settling import LogHandler, move_to, open_streams, reset_signals, set_up_logging
from workerkit.registration import Registration
from workerkit.roster import ActiveRun, Run

TICK = 0.2
"""Seconds between two looks at what the run reports."""
UNREAD_PATIENCE = 1.0
"""Seconds that an exception's own __str__ gets."""
NO_HOST = 70
"""What a child exits with that has nobody to answer to."""
_MOST = 2**63 - 1


def live(connection: socket.socket, dump: int, tied: int | None, title: str = "") -> None:
    """The life of a child, from its first instruction on; it does not return.

    Args:
        connection: to the host.
        dump: the file that fatal errors and stacks go to.
        tied: a reopened lifeline.
        title: what `ps` calls the process.
    """
    here.enter()
    connection.setblocking(True)  # a module imported before may have made some timeout the default
    with suppress(PermissionError):  # a fresh interpreter leads a session of its own already
        os.setsid()
    if tied is not None:
        lifeline.tie(tied, os.getpgrp())
    reset_signals()
    faulthandler.disable()  # whoever forked this may have it enabled; then the next line would do nothing
    faulthandler.enable(dump, all_threads=True)
    faulthandler.register(signal.SIGUSR1, dump, all_threads=True)
    faulthandler.register(signal.SIGXCPU, dump, all_threads=True, chain=True)
    open_streams()
    with suppress(OSError):
        # Fifteen bytes of it are kept. It is how people tell the processes of one host apart.
        open("/proc/self/comm", "w").write(title or "workerkit")  # noqa: PTH123, SIM115
    code = NO_HOST
    try:
        code = Child(Channel(connection)).serve()
    except (BrokenPipeError, ConnectionResetError):
        _end_group()
    except BaseException:  # noqa: BLE001 -- told to whoever reads the run's output
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(BaseException):
                stream.flush()
        # No exit handlers and no waiting for threads: what the run was to do is done, and the host has the result.
        os._exit(code)


@dataclass(slots=True)
class _Job:
    """One run of this process."""

    order: Order
    cancellation: Cancellation
    active: ActiveRun | None = None
    context: RunContext | None = None
    loop: asyncio.AbstractEventLoop | None = None
    reported: Progress | None = None


class Child:
    """Serves one host over one channel, with one run at a time."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._job: _Job | None = None
        self._handler = LogHandler(self._say)

    def serve(self) -> int:
        """Runs what the host orders until it has had enough; what to exit with."""
        set_up_logging(self._handler)
        signal.signal(signal.SIGTERM, self._on_term)
        threading.Thread(target=self._listen, name="workerkit-host", daemon=True).start()
        while (job := self._jobs.get()) is not None:
            result = self._perform(job)
            self._answer(job, result)
            if not job.order.warm:
                return 0
        return NO_HOST

    # The main thread

    def _perform(self, job: _Job) -> Result:
        order = job.order
        move_to(order.surroundings)
        redactor = Redactor(order.secrets)
        run = Run(
            order.run_id,
            order.worker,
            order.attempt,
            Trigger(order.trigger),
            order.due_at,
            order.started_at,
            order.params,
        )
        registration = Registration(order.worker, isolation="process", timeout=order.timeout)
        active = ActiveRun(run, registration, _Output(SystemClock(), redactor), redactor, cancellation=job.cancellation)
        active.thread_id = threading.get_ident()
        job.active, job.context = active, _context(job)
        active.registration = _find(order, registration)
        if order.cpu_limit is not None:
            limits.limit_cpu(order.cpu_limit, final=not order.warm)
        if order.memory_limit is not None:
            limits.limit_memory(order.memory_limit)
        try:
            if order.asynchronous:
                return self._perform_async(active, job.context, order.state)
            return guard.call(active, job.context, order.state)
        finally:
            if order.memory_limit is not None:
                limits.relax()

    def _perform_async(self, active: ActiveRun, context: RunContext, state: str) -> Result:
        """On an event loop of the run's own. What its tasks leave undone is not waited for."""
        job, loop = self._job, asyncio.new_event_loop()
        assert job is not None
        try:
            asyncio.set_event_loop(loop)
            active.task = loop.create_task(guard.call_async(active, context, state))
            job.loop = loop
            if job.cancellation.cause is not None:
                active.task.cancel()
            result: Result = loop.run_until_complete(active.task)
        except BaseException as error:  # noqa: BLE001 -- another of its tasks has stopped the loop, e.g. by SystemExit
            active.registration = replace(active.registration, worker=_Raises(error))
            result = guard.call(active, context, state)
        finally:
            job.loop = None
            if job.order.warm:
                _abandon(loop)
        return result

    def _answer(self, job: _Job, result: Result) -> None:
        self._job = None
        if job.active is not None:
            job.active.returned = True
        self._channel.send(result_frame(result, _bounded(job.context.reported if job.context else None)))

    def _on_term(self, number: int, _frame: FrameType | None) -> None:
        """Told to end: code that runs gets an exception, so that it can tidy up; a stranger's signal simply kills."""
        job = self._job
        if job is None or job.cancellation.cause is None:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        elif job.loop is None:
            raise RunCancelled(job.cancellation.reason)

    # The thread that listens to the host

    def _listen(self) -> None:
        try:
            while (frames := self._channel.receive(TICK)) is not None:
                for frame in frames:
                    self._obey(frame)
                self._report()
        except (OSError, ProtocolError):
            self._jobs.put(None)  # somebody closed the channel under us, or the host speaks another language
            return
        _end_group()
        os._exit(NO_HOST)

    def _obey(self, frame: Frame) -> None:
        job = self._job
        match frame:
            case {"kind": "start"}:
                self._job = job = _Job(Order.read(frame), Cancellation())
                self._jobs.put(job)
            case {"kind": "cancel", "cause": str(cause), "reason": str(reason)} if job is not None:
                job.cancellation.request(StopCause(cause), reason)
                task = job.active.task if job.active is not None else None
                if task is not None and job.loop is not None and cause != StopCause.SHUTDOWN:
                    with suppress(RuntimeError):  # the loop has just ended
                        job.loop.call_soon_threadsafe(task.cancel)
            case {"kind": "stack", "id": int(number), "times": int(times)} if job is not None:
                self._say({"kind": "looking", "id": number})
                threading.Thread(
                    target=self._tell_stack, args=(job, number, times), name="workerkit-stack", daemon=True
                ).start()

    def _report(self) -> None:
        """What cannot wait for the result: how far the run is, and a failure whose own text does not come."""
        job = self._job
        if job is None or job.active is None or job.context is None:
            return
        reported = job.context.reported
        if reported is not None and reported is not job.reported:
            job.reported = reported
            self._say({"kind": "progress", **(asdict(_bounded(reported) or reported))})
        unread = job.active.unread
        if unread is not None and time.monotonic() - unread[1] > UNREAD_PATIENCE:
            result = Result(Outcome.FAILED, unread[0])
            self._say(result_frame(result, None))
            os._exit(0)

    def _tell_stack(self, job: _Job, number: int, times: int) -> None:
        active = job.active
        if active is None:
            return
        stands = stacks.sample(partial(_look, active), times=times)
        if stands:
            answer = stacks.describe(f"run {active.run.id} in process {os.getpid()}", stands[-1], active.redactor)
            if times > 1:
                answer |= {"samples": len(stands), "tree": stacks.tree(stands, active.redactor)}
            self._say({"kind": "stack", "id": number, "data": answer})

    def _say(self, frame: Frame) -> None:
        """Sends what nobody's fate depends on."""
        with suppress(OSError, ProtocolError):
            self._channel.send(frame)


def _end_group() -> None:
    """The host has gone or closed, and whoever should have killed this group has not done so yet."""
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)


def _look(active: ActiveRun) -> stacks.Stand | None:
    if active.returned:
        return None
    main = threading.main_thread().ident
    return stacks.of_task(active.task, main) if active.task is not None else stacks.of_thread(main or 0)


class _Output(RunOutput):
    """What the guard takes for the run's output. Prints go into the pipes, and log records through a handler."""

    def close(self) -> None:
        """Sends on what the streams still hold."""
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):
                stream.flush()


class _Raises:
    """A worker in place of one that could not be had: it fails with the reason."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def run(self, _ctx: RunContext) -> None:
        raise self._error


class _Limited:
    """A worker whose memory may end: then there is room again to tell where that was."""

    def __init__(self, worker: Any) -> None:
        self._worker = worker

    def run(self, ctx: RunContext) -> Any:
        try:
            return self._worker.run(ctx)
        except MemoryError:
            limits.relax()
            raise


class _LimitedAsync(_Limited):
    async def run(self, ctx: RunContext) -> Any:
        try:
            return await self._worker.run(ctx)
        except MemoryError:
            limits.relax()
            raise


def _find(order: Order, registration: Registration) -> Registration:
    """How the worker is to be run, with the worker itself; where it isn't to be had, one that says why."""
    try:
        worker, registered = order.locator.find()
        found = registered or Registration(
            order.worker,
            retry=parse_retry(getattr(worker, "retry", None)),
            fingerprint=getattr(worker, "fingerprint", None),
        )
    except BaseException as error:  # noqa: BLE001 -- a module may raise anything
        worker, found = _Raises(error), registration
    kind = _LimitedAsync if order.asynchronous else _Limited
    return Registration(
        order.worker,
        kind(worker),
        isolation="process",
        timeout=order.timeout,
        retry=found.retry,
        fingerprint=found.fingerprint,
        capture_locals=order.capture_locals,
    )


def _abandon(loop: asyncio.AbstractEventLoop) -> None:
    """Ends a loop, with one round for its tasks to hear of it."""
    for task in asyncio.all_tasks(loop):
        task.cancel()
    with suppress(BaseException):
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


def _context(job: _Job) -> RunContext:
    order = job.order
    return RunContext(
        run_id=order.run_id,
        worker=order.worker,
        attempt=order.attempt,
        due_at=to_datetime(order.due_at),
        deadline=None if order.deadline is None else to_datetime(order.deadline),
        params=MappingProxyType(order.params),
        state=json.loads(order.state),
        cancellation=job.cancellation,
    )


def _bounded(progress: Progress | None) -> Progress | None:
    """Progress as frames carry it: a worker may count further than 63 bits."""
    if progress is None:
        return None
    total = None if progress.total is None else max(-_MOST, min(_MOST, progress.total))
    return Progress(max(-_MOST, min(_MOST, progress.done)), total, progress.note)
