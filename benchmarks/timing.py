"""How long calls take: several rounds of each in turn, so that a busy moment of the machine hits all alike."""

import gc
import time
from collections.abc import Callable, Mapping

ROUND_TIME = 0.15
"""Seconds of one round, about."""


def measure(subjects: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, tuple[float, ...]]:
    """Seconds of one call of each subject, by round. Each is called once before, as in a long-lived host."""
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
    return {name: tuple(times) for name, times in taken.items()}


def _calls_of(call: Callable[[], object]) -> int:
    call()
    return max(1, round(ROUND_TIME / max(_round(call, 1), 1e-7)))


def _round(call: Callable[[], object], times: int) -> float:
    began = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - began) / times
