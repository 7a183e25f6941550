"""Taking a failure apart: our capture, beside the standard library's and Rich's, all with local variables.

Ours also redacts, and bounds what hostile objects may cost; the other two call their `__repr__`.
"""

import traceback
from collections.abc import Callable
from io import StringIO
from typing import Any

from rich.console import Console
from rich.traceback import Traceback

from benchmarks.report import Row, Table
from benchmarks.timing import measure
from workerkit.failures import Capture, Redactor
from workerkit.failures.sampling import Mention, place_of

DEPTH = 12
"""Frames of the typical failure."""

ENVIRONMENT = {f"SERVICE_{number}_PASSWORD": f"a-secret-of-this-machine-{number}" for number in range(5)}


class Order:
    def __init__(self, number: int) -> None:
        self.number = number
        self.items = [{"sku": f"A-{place}", "qty": place, "price": 9.99} for place in range(3)]
        self.customer = {"name": "Ada", "email": "ada@example.org", "password": "hunter22"}


def typical() -> BaseException:
    """An order that can't be shipped, twelve calls deep, with a cause."""

    def step(depth: int, order: Order) -> int:
        label, total, seen = f"step {depth}", depth * 1.5, [order.number, depth]
        if depth > 1:
            return step(depth - 1, order) + len(label) + len(seen)
        try:
            return int("not a number")
        except ValueError as error:
            raise RuntimeError(f"order {order.number} has no page {total}") from error

    return _caught(lambda: step(DEPTH, Order(17)))


def worst() -> BaseException:
    """Sixty frames whose variables are forests: every budget is used up."""

    def tree(depth: int) -> Any:
        return {f"key {place}": tree(depth - 1) for place in range(12)} if depth else "leaf " * 50

    def step(depth: int) -> int:
        first, second, text = tree(2), [tree(1)] * 5, "password=hunter22 " * 100
        return step(depth - 1) + len(first) + len(second) + len(text) if depth else 1 // 0

    return _caught(lambda: step(59))


def _caught(call: Callable[[], object]) -> BaseException:
    try:
        call()
    except Exception as error:  # noqa: BLE001 -- whatever it is, it is what is measured
        return error
    raise AssertionError("it should have failed")


def subjects(case: str) -> dict[str, Callable[[], object]]:
    """Each way to take the same failure apart, by its name."""
    error = CASES[case]()
    redactor = Redactor(environment=ENVIRONMENT)

    def ours(*, with_locals: bool) -> object:
        capture = Capture(error, redactor, with_locals=with_locals)
        capture.read_messages()
        return capture.data

    def counted() -> object:
        place = place_of(error)
        mention = Mention(error, redactor)
        mention.read_messages()
        return place, mention.headline

    def stdlib() -> object:
        return list(traceback.TracebackException.from_exception(error, capture_locals=True).format())

    def rich() -> object:
        drawn = Traceback.from_exception(type(error), error, error.__traceback__, show_locals=True)
        console = Console(file=StringIO(), width=120)
        console.print(drawn)
        return console

    compared: dict[str, Callable[[], object]] = {
        "Capture": lambda: ours(with_locals=True),
        "Capture, no locals": lambda: ours(with_locals=False),
        "only counted": counted,
        "traceback.TracebackException": stdlib,
    }
    # Of the worst it takes seconds, which tell nothing more.
    return compared | {"rich.traceback": rich} if case == "typical" else compared


CASES: dict[str, Callable[[], BaseException]] = {"typical": typical, "worst": worst}


def tables(rounds: int) -> list[Table]:
    return [
        Table(
            f"Taking a {case} failure apart",
            "µs",
            "One exception with its local variables as data. Ours also redacts; the others call every `__repr__`. One "
            "that failed at the same place less than ten seconds ago is only counted.",
            tuple(
                Row(name, tuple(seconds * 1e6 for seconds in times))
                for name, times in measure(subjects(case), rounds).items()
            ),
        )
        for case in CASES
    ]
