"""How tests wait: for a condition, with a deadline, never for a time."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

DEADLINE = 20.0
"""Seconds after which a condition is taken never to come true; generous, since machines are slow and shared."""


def wait_for(
    condition: Callable[[], T], what: str | Callable[[], str] = "the condition", deadline: float = DEADLINE
) -> T:
    """The first truthy value of the condition."""
    end = time.monotonic() + deadline
    while True:
        if value := condition():
            return value
        if time.monotonic() >= end:
            raise AssertionError(f"{what if isinstance(what, str) else what()} did not come true within {deadline:g} s")
        time.sleep(0.01)
