"""What the tests of the console share: a clock moved by hand, a place for databases, and a running console."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from textual import events
from textual.app import App
from textual.pilot import Pilot

from tests.console.factory import HandClock, Seed
from workerconsole.app import ConsoleApp
from workerconsole.session import Stage
from workerkit.store.database import Database

PATIENCE = 30.0
"""Seconds after which a condition that did not come true fails its test."""


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a test's database lies."""
    return tmp_path / "data" / "console.db"


@pytest.fixture
def seed(path: Path) -> Iterator[Seed]:
    """A database of a live host that schedules nothing; the test writes what happened."""
    with Seed(path) as seeding:
        yield seeding


async def until(pilot: Pilot[Any], condition: Callable[[], object], what: str = "the condition") -> None:
    """Let the app work until the condition holds."""
    end = monotonic() + PATIENCE
    while not condition():
        if monotonic() > end:
            raise AssertionError(f"{what} did not come true within {PATIENCE:g} s")
        await pilot.pause(0.01)


async def resize(pilot: Pilot[Any], columns: int, rows: int) -> None:
    """Another size of the terminal, once the screen has it."""
    await pilot.resize_terminal(columns, rows)
    await until(pilot, lambda: pilot.app.screen.outer_size == (columns, rows), f"a screen of {columns} x {rows}")


def type_in(app: App[Any], text: str) -> None:
    """Type faster than any person."""
    for character in text:
        app.post_message(events.Key({" ": "space"}.get(character, character), character))


@pytest.fixture
def console(path: Path, clock: HandClock) -> Callable[..., Any]:
    """Opens a console that is attached to the test's database: `async with console(size=(140, 42)) as (app, pilot)`."""

    @asynccontextmanager
    async def opened(size: tuple[int, int] = (140, 42), **options: Any) -> AsyncIterator[tuple[ConsoleApp, Any]]:
        staged = {key: options.pop(key) for key in ("make_host", "leave_headless", "grace") if key in options}
        stage = Stage(lambda: Database.open(path, create=False), **staged)
        app = ConsoleApp(lambda: stage, **({"clock": clock} | options))
        try:
            async with app.run_test(size=size) as pilot:
                yield app, pilot
        finally:
            app.session.close()

    return opened
