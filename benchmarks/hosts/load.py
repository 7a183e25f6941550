"""Workers that do nothing, on a grid: the same names, periods and due moments for everybody who hosts them."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from workerkit.clock import SECOND, Micros

PERIODS = (1, 10)
"""Seconds between two slots of a worker, at least and at most."""
RARE: Micros = 3600 * SECOND
"""Period of workers that are due once while they are measured."""


@dataclass(frozen=True, slots=True)
class Task:
    """One worker: due at `phase + k * period`, in microseconds since 1970."""

    number: int
    period: Micros
    phase: Micros

    @property
    def name(self) -> str:
        return f"worker-{self.number:04d}"

    def slot_before(self, moment: Micros) -> Micros:
        """The latest slot up to a moment."""
        return moment - (moment - self.phase) % self.period

    def slots(self, after: Micros, until: Micros) -> range:
        """Those in (after, until]."""
        return range(self.slot_before(after) + self.period, self.slot_before(until) + 1, self.period)


class Arrival(NamedTuple):
    """The first line of a worker's code was reached."""

    number: int
    at: int
    """Nanoseconds since 1970."""


Arrived = Callable[[tuple[int, int]], None]
"""Told of each arrival; cheap enough not to count."""


class Hosting(Protocol):
    """Something that calls workers when they are due."""

    def start(self, tasks: Sequence[Task], arrived: Arrived) -> None:
        """Registers and schedules all of them."""

    def recorded(self) -> int | None:
        """Runs that are over and recorded so, as another process would see it; None: it records nothing."""

    def stop(self) -> None:
        """Ends it."""


def mixed(workers: int, seed: int = 7) -> list[Task]:
    """Workers of 1 to 10 s; a thousand of them are due 290 times a second."""
    chance = random.Random(seed)
    return [_spread(number, chance.randint(*PERIODS) * SECOND) for number in range(workers)]


def even(workers: int, rate: float) -> list[Task]:
    """Workers of one period, due so many times a second all together."""
    return [_spread(number, round(workers / rate * SECOND)) for number in range(workers)]


def together(workers: int, moment: Micros, first: int = 0) -> list[Task]:
    """Workers that are all due at one moment, once."""
    return [Task(number, RARE, moment % RARE) for number in range(first, first + workers)]


def _spread(number: int, period: Micros) -> Task:
    return Task(number, period, random.Random(number).randrange(period))
