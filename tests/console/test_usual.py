"""What is usual for a worker, and when a run in flight is slow."""

import pytest

from tests.console.factory import NOW, worker
from workerconsole.samples import MAX_NODES, read_samples
from workerconsole.usual import Usual, is_slow, usual
from workerkit.clock import SECOND, Micros


def succeeded(*seconds: float) -> tuple[tuple[str, Micros], ...]:
    return tuple(("succeeded", round(span * SECOND)) for span in seconds)


def test_percentiles_are_of_succeeded_runs_and_need_enough_of_them() -> None:
    assert usual(succeeded(1, 2, 3, 4)) is None
    assert usual((*succeeded(1, 2, 3, 4), ("failed", 99 * SECOND))) is None
    assert usual(succeeded(*range(20, 0, -1))) == Usual(10 * SECOND, 19 * SECOND, 20)
    assert usual(succeeded(5, 1, 4, 2, 3)) == Usual(3 * SECOND, 5 * SECOND, 5)


@pytest.mark.parametrize(
    ("recent", "age", "slow"),
    [
        (succeeded(*[1] * 20), 1.9, False),
        (succeeded(*[1] * 20), 2.1, True),
        (succeeded(*[0.01] * 20), 1.9, False),
        (succeeded(*[0.01] * 20), 2.1, True),
        (succeeded(*[60] * 20), 119, False),
        (succeeded(*[60] * 20), 121, True),
        (succeeded(1, 1), 1000, False),
    ],
)
def test_a_run_is_slow_beyond_twice_its_p95_and_two_seconds(
    recent: tuple[tuple[str, Micros], ...], age: float, slow: bool
) -> None:
    busy = worker(status="running", last_run_at=NOW - round(age * SECOND), recent=recent)
    assert is_slow(busy, NOW) is slow
    assert not is_slow(worker(status="idle", last_run_at=0, recent=recent), NOW)


@pytest.mark.parametrize(
    "data",
    [
        None,
        7,
        {},
        {"tree": 3, "samples": -1, "children": "x"},
        {"tree": [7, {"below": "x", "count": "many"}], "children": [{}, 3]},
        {"samples": True, "tree": [{"line": 10**30, "file": "\x1b]52;c;x\x07", "text": None}]},
    ],
)
def test_odd_samples_are_read_without_a_fault(data: object) -> None:
    samples = read_samples(data)
    assert samples.count == 0
    assert all("\x1b" not in place.file for place in samples.places)


def test_a_tree_without_end_is_bounded() -> None:
    deep: dict[str, object] = {}
    for _ in range(500):
        deep = {"line": 1, "below": [deep, {"line": 2}]}
    assert len(read_samples({"tree": [deep] * 1000}).places) <= MAX_NODES
