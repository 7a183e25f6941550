"""Runs whose process ended without a result: what there is to say about it, as a failure."""

import signal
from typing import Any

from workerkit import guard
from workerkit.clock import SECOND
from workerkit.errors import WorkerCrashed
from workerkit.outcome import Failure, FailureKind, Outcome, Result
from workerkit.processes.dump import Dump
from workerkit.processes.launching import Ending
from workerkit.roster import ActiveRun
from workerkit.schedule import format_duration

NO_DUMP = Dump(None, None)


def crashed(active: ActiveRun, ending: Ending, dump: Dump = NO_DUMP) -> Result:
    """The result of a run whose process ended like this."""
    limit = active.registration.cpu_limit
    if ending.lost is not None:
        return failed(active, "lost", f"Its process is lost: {ending.lost}")
    if limit is not None and ending.was_out_of_time(limit / SECOND):
        text = f"Used up its CPU limit of {format_duration(limit)}"
        return failed(active, "cpu limit", text, dump)
    if ending.signal == signal.SIGKILL:
        had = "" if ending.peak is None else f"; it had {ending.peak / 2**20:,.0f} MB at its peak"
        return failed(active, "SIGKILL", f"Killed from outside by SIGKILL, possibly out of memory{had}", dump)
    if (name := ending.signal_name) is not None:
        return failed(active, name, f"Killed by {name}{f': {dump.reason}' if dump.reason else ''}", dump)
    return failed(active, f"exit {ending.code}", f"Exited with code {ending.code} without a result", dump)


def failed(active: ActiveRun, ending: str, text: str, dump: Dump = NO_DUMP) -> Result:
    """A crash. `ending` names it for the fingerprint, `text` for people."""
    capture: dict[str, Any] = {"version": 1, "exceptions": [], "note": text, "ending": ending}
    if dump.stack is not None:
        capture["stack"] = dump.stack
    return Result(
        Outcome.FAILED,
        Failure(FailureKind.CRASH, text, capture),
        retry_in=guard.retry_in(active, WorkerCrashed(text)),
    )
