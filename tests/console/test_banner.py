"""The banner as people meet it: on the screen, over what was last known."""

from collections.abc import Callable
from typing import Any

from tests.console.conftest import until
from tests.console.factory import HandClock, Seed, spec
from tests.console.test_session import FakeHost
from workerconsole.widgets.banner import Banner
from workerkit.clock import SECOND


def said(app: Any) -> str:
    return str(app.main.query_one(Banner).render())


async def test_what_the_embedded_host_says_of_the_database_is_on_the_screen_until_it_has_passed(
    seed: Seed, console: Callable[..., Any]
) -> None:
    seed.workers([spec("mail")])
    async with console() as (app, pilot):
        await until(pilot, lambda: app.main.snapshot is not None and app.session.ready)
        host = app.session.host = FakeHost()
        host.trouble = "/srv/jobs.db can't be written: the disk is full. Workers go on; 12 records wait in memory"
        app.main.tick()
        await until(pilot, lambda: "the disk is full" in said(app), "the trouble")
        await pilot.press("escape")
        assert "12 records wait" in said(app), "it can't be put away while it lasts"
        host.trouble = None
        app.main.tick()
        await until(pilot, lambda: not app.main.query_one(Banner).has_class("-open"), "its end")


async def test_an_attached_screen_says_that_the_host_writes_nothing(
    seed: Seed, console: Callable[..., Any], clock: HandClock
) -> None:
    seed.workers([spec("mail")])
    async with console() as (app, pilot):
        await until(pilot, lambda: app.main.snapshot is not None and app.main.snapshot.host_alive)
        clock.move(30 * SECOND)
        app.main.tick()
        await until(pilot, lambda: "has written nothing since" in said(app), "the silence")
