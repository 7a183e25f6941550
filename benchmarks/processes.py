"""A run in a process of its own: from the call to its recorded result, beside what the standard library offers.

Ours captures failures, reads output, limits and supervises; the others only call a function and wait for its end.
"""

import json
import multiprocessing
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from multiprocessing.process import BaseProcess
from types import MappingProxyType

from benchmarks.report import Row, Table
from benchmarks.timing import measure
from workerkit import RunContext, worker
from workerkit.clock import SystemClock, to_datetime
from workerkit.executors.processes import ProcessExecutor
from workerkit.failures import Redactor
from workerkit.outcome import Outcome, Trigger
from workerkit.output import RunOutput
from workerkit.registration import Registration
from workerkit.registry import Registry
from workerkit.roster import ActiveRun, Run

WARM_UP = 5
"""Runs before anything is measured: the first ones begin before their zygote has the module imported."""

_ids = count(1)


@worker(isolation="process")
def nothing() -> None:
    """What is left is the cost of the process."""


@contextmanager
def subjects() -> Iterator[dict[str, Callable[[], object]]]:
    """Each way to run a function in a process, by its name."""
    redactor = Redactor()
    registration = Registry().register(nothing)
    forking, fresh = ProcessExecutor(zygote=True), ProcessExecutor(zygote=False)
    forking.start([registration.locator] if registration.locator is not None else [])
    fresh.start()
    try:
        for _ in range(WARM_UP):
            _run(forking, registration, redactor)
        yield {
            "zygote": lambda: _run(forking, registration, redactor),
            "warm": lambda: _run(forking, replace(registration, warm=True), redactor),
            "fresh interpreter": lambda: _run(fresh, registration, redactor),
            "subprocess, python -c pass": lambda: subprocess.run([sys.executable, "-c", "pass"], check=True),
            "multiprocessing, forkserver": lambda: _started(
                multiprocessing.get_context("forkserver").Process(target=time.sleep, args=(0,))
            ),
            "multiprocessing, spawn": lambda: _started(
                multiprocessing.get_context("spawn").Process(target=time.sleep, args=(0,))
            ),
        }
    finally:
        forking.stop()
        fresh.stop()


def _run(executor: ProcessExecutor, registration: Registration, redactor: Redactor) -> None:
    clock = SystemClock()
    now = clock.now()
    run = Run(next(_ids), registration.name, 1, Trigger.MANUAL, now, now, {})
    active = ActiveRun(run, registration, RunOutput(clock, redactor), redactor)
    context = RunContext(
        run_id=run.id,
        worker=run.worker,
        attempt=1,
        due_at=to_datetime(now),
        deadline=None,
        params=MappingProxyType({}),
        state={},
        cancellation=active.cancellation,
    )
    result = executor.perform(active, context, json.dumps({}))
    assert result.outcome is Outcome.SUCCEEDED, result.failure


def _started(process: BaseProcess) -> None:
    process.start()
    process.join()


def tables(rounds: int) -> list[Table]:
    with subjects() as compared:
        costs = measure(compared, rounds)
    return [
        Table(
            "A run in a process of its own",
            "ms",
            "From the call to its result. Ours captures failures, reads output, limits and supervises; the others only "
            "call a function and wait for its end.",
            tuple(Row(name, tuple(seconds * 1e3 for seconds in times)) for name, times in costs.items()),
        )
    ]
