"""How long runs of a worker usually take, and whether the one in flight takes longer than that."""

from collections.abc import Sequence
from dataclasses import dataclass

from workerkit.clock import SECOND, Micros
from workerkit.outcome import Outcome, Status
from workerkit.store.records import WorkerRecord

ENOUGH = 5
"""Succeeded runs from which on there is something usual."""
SLOW_FACTOR = 2
"""Times its p95 that a run takes before it is called slow."""
SLOW_MINIMUM: Micros = 2 * SECOND
"""However short it usually is, a run this young is not called slow."""


@dataclass(frozen=True, slots=True)
class Usual:
    """Durations of the latest runs that succeeded."""

    p50: Micros
    p95: Micros
    runs: int


def usual(recent: Sequence[tuple[str, Micros]]) -> Usual | None:
    """What is usual by these runs (outcome and duration each); None while there are too few."""
    spans = sorted(span for outcome, span in recent if outcome == Outcome.SUCCEEDED)
    if len(spans) < ENOUGH:
        return None
    # Nearest rank: with so few runs an interpolated percentile would be a number that never occurred.
    return Usual(_rank(spans, 50), _rank(spans, 95), len(spans))


def is_slow(worker: WorkerRecord, now: Micros) -> bool:
    """Whether the worker's run in flight has passed SLOW_FACTOR times its usual p95."""
    if worker.status != Status.RUNNING or worker.last_run_at is None:
        return False
    known = usual(worker.recent)
    return known is not None and now - worker.last_run_at > max(SLOW_MINIMUM, SLOW_FACTOR * known.p95)


def _rank(spans: Sequence[Micros], percent: int) -> Micros:
    return spans[max(0, -(-len(spans) * percent // 100) - 1)]
