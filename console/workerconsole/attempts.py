"""Attempts of one occurrence: which one follows, and of how many."""

import re
from collections.abc import Sequence

from workerkit.outcome import Outcome
from workerkit.store.records import RunRecord, WorkerRecord

_IN_ALL = re.compile(r"(\d{1,3}) attempts\b")


def in_all(worker: WorkerRecord) -> int | None:
    """How many attempts the worker's policy allows; None where it names none."""
    found = _IN_ALL.match(worker.policy.get("retry", ""))
    return int(found[1]) if found else None


def awaited(runs: Sequence[RunRecord]) -> list[RunRecord]:
    """Failed runs whose next attempt has not begun, the one that is due first in front. `runs`: latest first."""
    latest: dict[tuple[int, str], RunRecord] = {}
    for run in runs:
        latest.setdefault((run.due_at, run.trigger), run)
    waiting = [run for run in latest.values() if run.retry_at is not None and run.outcome == Outcome.FAILED]
    return sorted(waiting, key=lambda run: run.retry_at or 0)


def ordinal(worker: WorkerRecord, attempt: int) -> str:
    """`attempt 2 of 3`."""
    number = in_all(worker)
    return f"attempt {attempt}" + (f" of {number}" if number else "")
