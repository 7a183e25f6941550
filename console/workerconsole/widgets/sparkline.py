"""Small trends as text: one cell a value."""

from collections.abc import Sequence

from workerkit.clock import Micros
from workerkit.outcome import Outcome

BARS = "▁▂▃▄▅▆▇█"
FAILED = "×"
"""In place of a bar, so that a failed run is seen without colour."""
UNFINISHED = "·"
"""A run that was cancelled or interrupted: its duration says nothing."""
FLAT = 1.3
"""Durations within this ratio are called the same."""
FLAT_LEVEL = 1
# Plain text: a comparison with a member of an enumeration takes several times as long.
_SUCCEEDED, _FAILED = Outcome.SUCCEEDED.value, Outcome.FAILED.value


def sparkline(values: Sequence[float], width: int) -> str:
    """The last `width` values as bars, the greatest one full; zero is the lowest bar. Padded on the left."""
    shown = values[-width:] if width > 0 else ()
    top = max(shown, default=0)
    bars = "".join(BARS[_level(value, top)] for value in shown)
    return bars.rjust(max(width, 0))


def run_line(recent: Sequence[tuple[str, Micros]], width: int) -> str:
    """The last `width` runs: bars between the shortest and the longest run, or a mark where it did not end well.

    Runs that take about the same time are a flat line: what differs by little must not look like a mountain.
    Padded on the left.
    """
    shown = recent[-width:] if width > 0 else ()
    durations = [duration for outcome, duration in shown if outcome == _SUCCEEDED]
    least, most = min(durations, default=0), max(durations, default=0)
    if most <= least * FLAT:
        cells = [BARS[FLAT_LEVEL] if outcome == _SUCCEEDED else _bad(outcome) for outcome, _ in shown]
    else:
        top = most - least
        cells = [
            BARS[_level(duration - least, top)] if outcome == _SUCCEEDED else _bad(outcome)
            for outcome, duration in shown
        ]
    return "".join(cells).rjust(max(width, 0))


def _bad(outcome: str) -> str:
    return FAILED if outcome == _FAILED else UNFINISHED


def _level(value: float, top: float) -> int:
    return min(len(BARS) - 1, int(value / top * len(BARS))) if top > 0 else 0
