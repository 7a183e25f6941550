"""Which workers are shown, and in what order. Pure: the table draws it."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from workerconsole.filters import Filter
from workerkit.outcome import Status
from workerkit.store.records import WorkerRecord

_DIGITS = re.compile(r"(\d+)")
_SEVERITY = (
    Status.STUCK,
    Status.FAILED,
    Status.SUSPENDED,
    Status.BROKEN,
    Status.RETRYING,
    Status.RUNNING,
    Status.PAUSED,
    Status.IDLE,
    Status.UNREGISTERED,
)
_RANKS = {status.value: rank for rank, status in enumerate(_SEVERITY)}
_BAD = frozenset(status.value for status in (Status.FAILED, Status.STUCK, Status.BROKEN))
_FAR = 1 << 62
"""Later than every moment: where there is none, the worker comes last."""


class Sort(StrEnum):
    """What the rows are ordered by; the value is what the operator reads."""

    ATTENTION = "attention"
    """Those that need somebody first, then by name. Calm: a row moves only when a worker begins or ceases to fail."""
    NAME = "name"
    STATUS = "status"
    LAST_RUN = "last run"
    NEXT_RUN = "next run"
    DURATION = "duration"
    FAILURES = "failures"


def needs_attention(worker: WorkerRecord) -> bool:
    """Failing, suspended, stuck or broken. A failing worker stays so while its next run is on its way.

    One that is only retrying does not count: most attempts that follow help, and rows must not jump for each.
    """
    return worker.consecutive_failures > 0 or worker.suspended_because is not None or worker.status in _BAD


def starts_by_itself(worker: WorkerRecord) -> bool:
    """Whether slots of it get a run."""
    return worker.registered and not worker.paused and worker.suspended_because is None


@lru_cache(maxsize=16_384)
def natural(name: str) -> tuple[str | int, ...]:
    """A key that puts `job-2` before `job-10`. Texts and numbers alternate, so keys of any two names compare."""
    parts: list[str | int] = [*_DIGITS.split(name.lower())]
    parts[1::2] = map(int, parts[1::2])
    return tuple(parts)


_Key = Callable[[WorkerRecord], tuple[int, ...]]
_KEYS: Mapping[Sort, _Key] = {
    Sort.ATTENTION: lambda w: (not needs_attention(w), not w.registered),
    Sort.STATUS: lambda w: (_RANKS.get(w.status, len(_RANKS)),),
    Sort.LAST_RUN: lambda w: (-(w.last_run_at or 0),),
    Sort.NEXT_RUN: lambda w: (w.next_run_at if w.next_run_at is not None and starts_by_itself(w) else _FAR,),
    Sort.DURATION: lambda w: (-(w.last_duration or 0),),
    Sort.FAILURES: lambda w: (-w.failure_count,),
}


@dataclass(frozen=True, slots=True)
class Order:
    """A sort and its direction."""

    sort: Sort = Sort.ATTENTION
    reverse: bool = False

    def next(self) -> "Order":
        """The sort that comes after this one, forwards."""
        sorts = list(Sort)
        return Order(sorts[(sorts.index(self.sort) + 1) % len(sorts)])

    def reversed(self) -> "Order":
        return Order(self.sort, not self.reverse)


def stays(before: WorkerRecord, now: WorkerRecord, wanted: Filter, order: Order) -> bool:
    """Whether a worker keeps its place among the others."""
    if wanted.accepts(before) is not wanted.accepts(now):
        return False
    key = _KEYS.get(order.sort)
    return key is None or key(before) == key(now)


def arrange(workers: Iterable[WorkerRecord], wanted: Filter, order: Order) -> list[str]:
    """The names of the workers that pass the filter, in order; equal ones by name, whichever the direction."""
    passing = [worker for worker in workers if wanted.accepts(worker)] if wanted else workers
    shown = sorted(passing, key=lambda worker: natural(worker.name))
    if order.sort is Sort.NAME:
        if order.reverse:
            shown.reverse()
    else:
        # A stable second sort keeps equal ones by name, also when it runs backwards.
        shown.sort(key=_KEYS[order.sort], reverse=order.reverse)
    return [worker.name for worker in shown]
