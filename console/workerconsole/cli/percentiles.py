"""How long runs of a worker take: what half of them, 95 and 99 of a hundred do not exceed."""

from collections.abc import Iterable
from dataclasses import dataclass

from workerconsole.cli import documents
from workerconsole.format import duration, plural
from workerkit.clock import Micros


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Of the durations of so many runs."""

    p50: Micros
    p95: Micros
    p99: Micros
    runs: int

    def __str__(self) -> str:
        """`usually 1.2s, 95 of 100 within 3.0s, 99 within 3.1s (of 200 runs)`"""
        within = f"95 of 100 within {duration(self.p95)}, 99 within {duration(self.p99)}"
        return f"usually {duration(self.p50)}, {within} (of {plural(self.runs, 'run')})"


def percentiles(spans: Iterable[Micros]) -> Percentiles | None:
    """None where there are none."""
    ordered = sorted(spans)
    if not ordered:
        return None

    def within(percent: int) -> Micros:
        """The smallest value that so many of a hundred do not exceed."""
        return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]

    return Percentiles(within(50), within(95), within(99), len(ordered))


def document(found: Percentiles | None) -> documents.Document | None:
    if found is None:
        return None
    spans = {f"{name}_seconds": documents.span(getattr(found, name)) for name in ("p50", "p95", "p99")}
    return {**spans, "runs": found.runs}
