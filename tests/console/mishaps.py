"""Failures as they happen: code that fails in known ways, and the captures that the kit takes of it."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from workerkit.failures import Capture, Redactor


class Order:
    """Something with parts."""

    def __init__(self, qty: int) -> None:
        self.items = [{"sku": "A-1", "qty": qty}, {"sku": "B-2", "qty": 2}]
        self.api_token = "t-1234567890"
        self.itself = self


def captured(fails: Callable[[], object]) -> dict[str, Any]:
    """The capture of what this raises, as it is read back from a database."""
    try:
        fails()
    except BaseException as error:
        capture = Capture(error, Redactor(environment={}))
        capture.read_messages()
        data: dict[str, Any] = json.loads(json.dumps(capture.data))
        return data
    raise AssertionError("it did not fail")


def page(number: int) -> dict[str, Any]:
    """Twice the same fault, with another page."""

    def read_page(page: int) -> None:
        order = Order(qty=3)
        params = {"page": page, "size": 50}
        text = "first line\nsecond line\x1b[31m"
        raise ValueError(f"page {page} of {len(params)} and {len(order.items)} {text[:5]}")

    return captured(lambda: read_page(number))


def chain() -> dict[str, Any]:
    """A cause, and what was being handled when it happened."""

    def parse(text: str) -> object:
        return json.loads(text)

    def read() -> object:
        answer = "{prices}"
        try:
            return parse(answer)
        except ValueError:
            fallback: dict[str, int] = {}
            return fallback["prices"]

    def work() -> None:
        attempt = 2
        try:
            read()
        except KeyError as error:
            error.add_note("is the partner's gateway up?")
            raise RuntimeError(f"no prices in attempt {attempt}") from error

    return captured(work)


def group() -> dict[str, Any]:
    """Two tasks of a group that fail."""

    async def ask(bank: str) -> None:
        await asyncio.sleep(0)
        raise TimeoutError(f"{bank} did not answer")

    async def both() -> None:
        async with asyncio.TaskGroup() as tasks:
            for bank in ("north", "south"):
                tasks.create_task(ask(bank))

    return captured(lambda: asyncio.run(both()))


def recursion() -> dict[str, Any]:
    """One line that calls itself until it can't."""

    def resolve(depth: int) -> int:
        return resolve(depth + 1)

    return captured(lambda: resolve(0))


TIMEOUT: dict[str, Any] = {
    "version": 1,
    "exceptions": [],
    "note": "it took longer than 1s",
    "stack": {
        "label": "thread worker-3",
        "frames": [
            {
                "file": "/srv/app/jobs.py",
                "line": 3,
                "function": "wait",
                "own": True,
                "columns": None,
                "source": [[3, "    sock.recv(4)"]],
            }
        ],
    },
}
CRASH: dict[str, Any] = {"version": 1, "exceptions": [], "note": "the host died while this run was in flight"}
CORRUPT: dict[str, Any] = {"corrupt": "its bytes are no zlib stream"}
