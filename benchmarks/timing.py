"""How long calls take: several rounds of each in turn, so that a busy moment of the machine hits all alike."""

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

ROUNDS = 7
ROUND_TIME = 0.15
"""Seconds of one round, about."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of one call, over all rounds."""

    least: float
    median: float
    most: float


def measure(subjects: Mapping[str, Callable[[], object]], rounds: int = ROUNDS) -> dict[str, Cost]:
    """The cost of each subject. Each is called once before, so that caches are as they are in a long-lived host."""
    calls = {name: _calls_of(call) for name, call in subjects.items()}
    taken: dict[str, list[float]] = {name: [] for name in subjects}
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for name, call in subjects.items():
                taken[name].append(_round(call, calls[name]))
            gc.collect()
    finally:
        gc.enable()
    return {name: Cost(min(times), statistics.median(times), max(times)) for name, times in taken.items()}


def _calls_of(call: Callable[[], object]) -> int:
    call()
    return max(1, round(ROUND_TIME / max(_round(call, 1), 1e-7)))


def _round(call: Callable[[], object], times: int) -> float:
    began = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - began) / times
