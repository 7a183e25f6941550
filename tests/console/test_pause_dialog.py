"""The dialog of a pause, and the screen that says why: driven as an operator would."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.console.conftest import type_in, until
from tests.console.factory import NOW, Seed, spec, worker
from tests.console.test_app import commands, opened, screen_text, toasts
from workerconsole.screens.pause import AskPause, costs, heading
from workerconsole.screens.why import WhyScreen
from workerconsole.until import UntilError
from workerkit.clock import HOUR, to_iso
from workerkit.outcome import GapReason

Console = Callable[..., Any]


@pytest.fixture
def fleet(seed: Seed) -> Seed:
    seed.workers([spec("web"), spec("mail")])
    seed.history("web", ["succeeded"] * 3)
    seed.gap("web", GapReason.OVERLAP, 3, "run 7 is still running (for 20s)")
    return seed


def test_the_heading_says_whom_a_pause_is_for() -> None:
    web, paused = worker("web"), worker("mail", paused=True)
    assert heading([web], everyone=False) == "Pause web"
    assert heading([paused], everyone=False) == "mail is paused; change that"
    assert heading([web, paused], everyone=False) == "Pause 2 marked workers"
    assert heading([web, paused], everyone=True) == "Pause all 2 workers"


def test_what_it_costs_is_told_with_its_end() -> None:
    assert costs([worker()], "", NOW) == "No slot starts until somebody resumes. Runs in flight go on."
    said = costs([worker()], "1h", NOW)
    assert said.startswith("Until ")
    assert "360 slots will be missed, the next at " in said
    with pytest.raises(UntilError):
        costs([worker()], "whenever", NOW)


async def test_a_pause_for_a_while_says_what_it_costs_while_one_types(console: Console, fleet: Seed) -> None:
    async with console() as (app, pilot):
        await opened(app, pilot)
        await pilot.press("u")
        assert isinstance(app.screen, AskPause)
        await until(pilot, lambda: "360 slots will be missed" in screen_text(app), "what an hour costs")
        type_in(app, "2")
        await pilot.press("enter")
        assert "write it like 2h, 14:30" in screen_text(app), "a bare number is no end"
        type_in(app, "h")
        await until(pilot, lambda: "720 slots will be missed" in screen_text(app), "what two hours cost")
        await pilot.press("tab")
        type_in(app, "disk")
        await pilot.press("enter")
        (command,) = await answered(app, pilot)
        assert (command.verb, command.worker, command.reason) == ("pause", "mail", "disk")
        assert command.params == {"until": NOW + 2 * HOUR}
        fleet.answer(command.id, "done", f"mail is paused until {to_iso(NOW + 2 * HOUR)}; 720 slots will be missed")
        await until(pilot, lambda: any("720 slots" in toast for toast in toasts(app)), "the answer")
        assert all("Z;" not in toast for toast in toasts(app)), "moments are told in local time"


async def answered(app: Any, pilot: Any) -> Any:
    await until(pilot, lambda: commands(app.database_path), "the command")
    return commands(app.database_path)


async def test_why_is_said_over_the_whole_screen_and_escape_goes_back(console: Console, fleet: Seed) -> None:
    async with console(size=(80, 24)) as (app, pilot):
        await opened(app, pilot)
        app.main.go_to_worker("web")
        await until(pilot, lambda: app.main.detail.worker.name == "web", "the details of web")
        await pilot.press("y")
        assert isinstance(app.screen, WhyScreen)
        await until(pilot, lambda: "It is due at" in screen_text(app), "the next slot")
        text = screen_text(app)
        assert "3 slots from" in text
        assert "The last slots" in text
        assert "overlap ×3" in text
        await pilot.press("escape")
        assert app.screen is app.main
