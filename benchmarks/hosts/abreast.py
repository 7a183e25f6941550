"""Rounds in which all subjects work at the same time, for figures that neighbours on the machine hardly change."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from benchmarks.rounds import Figures, Values


def abreast(subjects: Mapping[str, Callable[[], Figures]], rounds: int) -> dict[str, Values]:
    """Calls all subjects at once, once a round; what is measured is memory, or processor time, and not the clock's."""
    found: dict[str, list[Figures]] = {name: [] for name in subjects}
    with ThreadPoolExecutor(len(subjects)) as pool:
        for _ in range(rounds):
            going = {name: pool.submit(subject) for name, subject in subjects.items()}
            for name, future in going.items():
                found[name].append(future.result())
    return {
        name: {figure: tuple(each[figure] for each in measured) for figure in measured[0]}
        for name, measured in found.items()
    }
