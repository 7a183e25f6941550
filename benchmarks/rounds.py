"""Rounds: every subject once in each, in turn, each in an interpreter of its own that prints its figures."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence

Figures = Mapping[str, float]
"""What one round of one subject came to, by the figure's name."""
Values = dict[str, tuple[float, ...]]
"""The same over all rounds."""

PATIENCE = 120.0
"""Seconds after which a subject that has not ended counts as broken."""


def in_turn(subjects: Mapping[str, Callable[[], Figures]], rounds: int) -> dict[str, Values]:
    """Calls each subject once a round, one after the other: a busy moment of the machine hits all alike."""
    found: dict[str, list[Figures]] = {name: [] for name in subjects}
    for _ in range(rounds):
        for name, subject in subjects.items():
            found[name].append(subject())
    return {
        name: {figure: tuple(each[figure] for each in measured) for figure in measured[0]}
        for name, measured in found.items()
    }


def figures_of(module: str, arguments: Sequence[object] = ()) -> Figures:
    """Runs `python -m module arguments` to its end; what it printed last is its figures as JSON.

    Raises:
        RuntimeError: it failed; with what it said.
    """
    command = [sys.executable, "-m", module, *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    if ended.returncode:
        raise RuntimeError(f"{' '.join(command)} failed ({ended.returncode}):\n{ended.stderr[-4000:]}")
    found: dict[str, float] = json.loads(ended.stdout.splitlines()[-1])
    return found
