"""Whom the writer's thread is woken by, and what it finds then."""

import threading
from collections.abc import Callable, Iterator
from time import monotonic

import pytest

from tests.waiting import wait_for
from workerkit.bell import Bell
from workerkit.store.events import NextRunMoved
from workerkit.store.inflow import Inflow
from workerkit.store.queued import Item, Submission

LONG = 60.0


def silent() -> Submission:
    return Submission(NextRunMoved("a", 1), None)


def awaited() -> Submission:
    return Submission(NextRunMoved("a", 1), lambda _error: None)


@pytest.fixture
def inflow() -> Iterator[Inflow]:
    inflow = Inflow()
    yield inflow
    inflow.end()


class Taker:
    """A thread that takes as the writer does; `taken` is what it has got, wake by wake."""

    def __init__(self, inflow: Inflow, linger: float) -> None:
        self.taken: list[list[Item]] = []
        self.ended = False

        def work() -> None:
            while inflow.wait(linger):
                if batch := inflow.take(10):
                    self.taken.append(batch)
            self.ended = True

        self.thread = threading.Thread(target=work, daemon=True)
        self.thread.start()


def test_an_awaited_item_is_taken_at_once_with_all_before_it(inflow: Inflow) -> None:
    taker = Taker(inflow, LONG)
    items = [silent(), silent(), awaited()]
    for item in items:
        inflow.put(item)
    wait_for(lambda: taker.taken == [items], "all three together")


def test_what_nobody_waits_for_is_taken_once_it_has_lingered(inflow: Inflow) -> None:
    taker = Taker(inflow, 0.05)
    for round_ in range(1, 4):
        began = monotonic()
        inflow.put(silent())
        wait_for(lambda round_=round_: len(taker.taken) == round_, "the item that lingers")  # type: ignore[misc]
        assert monotonic() - began < LONG / 2
        wait_for(lambda: inflow._fast_asleep, "nothing more to come")


class ScriptedBell(Bell):
    """Waits no time: in each wait one thing happens. `waits` is for how long it would have been."""

    def __init__(self, *happens: Callable[[], object]) -> None:
        super().__init__()
        self.waits: list[float | None] = []
        self.rings = 0
        self._happens = list(happens)

    def ring(self) -> None:
        self.rings += 1
        super().ring()

    def wait(self, seconds: float | None = None) -> bool:
        if super().wait(0):
            return True
        self.waits.append(seconds)
        self._happens.pop(0)()
        return super().wait(0)


def test_what_comes_of_an_awaited_item_is_waited_for_and_wakes_nobody(inflow: Inflow) -> None:
    """The start of a run, say, and its end. Then the thread falls asleep at once, until something comes."""
    bell = inflow._bell = ScriptedBell(
        lambda: inflow.put(silent()), lambda: inflow.put(silent()), lambda: None, lambda: inflow.put(awaited())
    )
    inflow.put(awaited())
    taken = [inflow.wait(0.05) and len(inflow.take(10)) for _ in range(4)]
    assert taken == [1, 1, 1, 1]
    lingers, sleeps = 0.05, None
    assert bell.waits == [lingers, sleeps, lingers, sleeps]
    assert bell.rings == 3, "each awaited one, and the one that came while it slept"


def test_no_more_is_taken_than_asked_for_and_the_rest_does_not_linger(inflow: Inflow) -> None:
    items = [silent() for _ in range(11)]
    for item in items:
        inflow.put(item)
    inflow.put(awaited())
    assert inflow.wait(LONG)
    assert inflow.take(10) == items[:10]
    assert inflow.wait(LONG)
    assert len(inflow.take(10)) == 2


@pytest.mark.parametrize("there", [0, 25])
def test_the_end_leaves_nothing_behind_and_wakes_who_waits(inflow: Inflow, there: int) -> None:
    items = [silent() for _ in range(there)]
    taker = Taker(inflow, LONG)
    for item in items:
        inflow.put(item)
    inflow.end()
    wait_for(lambda: taker.ended, "the end")
    assert [item for batch in taker.taken for item in batch] == items


def test_nothing_is_lost_or_left_lying_among_many_threads(inflow: Inflow) -> None:
    each = 2_000
    taker = Taker(inflow, 0.001)

    def put() -> None:
        for number in range(each):
            inflow.put(silent() if number % 7 else awaited())

    threads = [threading.Thread(target=put) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_for(lambda: sum(map(len, taker.taken)) == 4 * each, "every item")
    assert all(taker.taken)
