"""The failures screen: one row for each fault."""

from collections.abc import Callable
from time import thread_time
from typing import Any

import pytest
from textual.widgets import Input

from tests.console import mishaps
from tests.console.conftest import resize, type_in, until
from tests.console.factory import NOW, Seed, spec
from tests.console.pane import lines_of, on_screen
from tests.console.test_groups import group
from workerconsole.app import ConsoleApp
from workerconsole.groups import arrange
from workerconsole.screens.failures import FailuresScreen
from workerconsole.screens.help import Help
from workerconsole.screens.note import AskNote
from workerconsole.screens.traceback import TracebackScreen
from workerkit.clock import HOUR, SECOND
from workerkit.store.groups import GroupState

Console = Callable[..., Any]


@pytest.fixture
def faults(seed: Seed) -> Seed:
    """An open fault of two workers, one that came back, and one that is acknowledged."""
    seed.workers([spec("pages"), spec("other"), spec("prices")])
    for number in (411, 412):
        seed.fail("pages", mishaps.page(number), group="pages", at=NOW - HOUR)
    seed.fail("other", mishaps.page(413), group="pages", at=NOW - 60 * SECOND)
    seed.fail("prices", mishaps.chain(), group="prices", at=NOW - 3 * HOUR)
    seed.fail("prices", mishaps.recursion(), group="tree", at=NOW - 2 * HOUR)
    by_title = {record.title.partition(":")[0]: record for record in seed.groups()}
    seed.group_state(by_title["RuntimeError"], GroupState.RESOLVED, "fixed in 1.2")
    seed.group_state(by_title["RecursionError"], GroupState.ACKNOWLEDGED, "on it")
    seed.fail("prices", mishaps.chain(), group="prices", at=NOW - 2 * 60 * SECOND)
    return seed


async def show(app: ConsoleApp, pilot: Any) -> FailuresScreen:
    """The screen, by its key."""
    await until(pilot, lambda: app.main.snapshot is not None and app.session.ready, "the first picture")
    await pilot.press("2")
    await until(pilot, lambda: isinstance(app.screen, FailuresScreen) and app.screen.groups is not None, "the groups")
    await pilot.pause()
    assert isinstance(app.screen, FailuresScreen)
    return app.screen


def text(app: ConsoleApp) -> str:
    return "\n".join(on_screen(app.screen))


async def test_groups_are_rows_the_most_urgent_first(console: Console, faults: Seed) -> None:
    async with console() as (app, pilot):
        screen = await show(app, pilot)
        rows = lines_of(screen.table)
        assert [row.split()[1] for row in rows] == [
            "▲" if n is None else n for n in ("regressed", "open", "acknowledged")
        ]
        assert "RuntimeError: no prices in attempt 2" in rows[0]
        assert rows[1].endswith("pages, other")
        assert rows[1].split()[2:4] == ["1m", "3"]
        assert "3 faults, 2 open" in text(app)
        details = text(app)
        assert "came back 2m ago, after ops@box had resolved it: fixed in 1.2" in details
        assert "one fault, because: named by the worker: prices" in details


async def test_enter_opens_the_latest_occurrence_and_brackets_walk_on(console: Console, faults: Seed) -> None:
    async with console() as (app, pilot):
        screen = await show(app, pilot)
        await pilot.press("j", "enter")
        await until(pilot, lambda: isinstance(app.screen, TracebackScreen) and app.screen.case, "the traceback")
        await pilot.pause()
        assert "other · run 3" in text(app)
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: "pages · run 2" in text(app), "the one before")
        await pilot.press("escape")
        assert app.screen is screen
        assert screen.table.selected is not None
        assert screen.table.selected.count == 3, "the cursor stays"
        await pilot.press("1")
        assert app.screen is app.main


async def test_a_new_failure_shows_up_and_the_cursor_stays_with_its_fault(console: Console, faults: Seed) -> None:
    async with console() as (app, pilot):
        screen = await show(app, pilot)
        await pilot.press("j")
        assert screen.table.selected is not None
        mark = screen.table.selected.fingerprint
        faults.fail("pages", mishaps.page(1), group="new")
        app._clock.move(SECOND)
        await until(pilot, lambda: len(lines_of(screen.table)) == 4, "the new row")
        assert screen.table.selected.fingerprint == mark
        await until(pilot, lambda: "4 faults" in text(app), "the count")


async def test_while_an_occurrence_is_open_and_after_it_the_rows_are_kept_up(console: Console, faults: Seed) -> None:
    async with console() as (app, pilot):
        screen = await show(app, pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, TracebackScreen) and app.screen.case, "the traceback")
        faults.fail("pages", mishaps.page(1), group="new")
        await pilot.press("escape")
        await until(pilot, lambda: len(lines_of(screen.table)) == 4, "the new row")


@pytest.mark.parametrize(
    ("key", "typed", "verb", "params"),
    [
        ("a", "on it", "acknowledge", {}),
        ("d", "fixed in 1.3", "resolve", {}),
        ("w", "", "snooze", {"until": NOW + HOUR}),
    ],
)
async def test_states_are_given_with_a_note(
    console: Console, faults: Seed, key: str, typed: str, verb: str, params: dict[str, Any]
) -> None:
    async with console() as (app, pilot):
        screen = await show(app, pilot)
        assert screen.table.selected is not None
        mark = screen.table.selected.fingerprint
        await pilot.press(key)
        await until(pilot, lambda: isinstance(app.screen, AskNote), "the dialog")
        type_in(app, typed)
        await pilot.press("enter")
        with faults.database.reader() as reader:
            await until(pilot, reader.commands, "the command")
            [command] = reader.commands()
        assert (command.verb, command.params, command.reason) == (verb, {"group": mark} | params, typed)
        assert command.worker is None


async def test_after_a_state_was_given_the_cursor_goes_on_to_the_next_row(console: Console, faults: Seed) -> None:
    async with console() as (app, pilot):
        screen = await show(app, pilot)
        assert screen.groups is not None
        mark, following = arrange(screen.groups, screen.filter, screen.sort)[:2]
        assert screen.table.selected == mark
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, AskNote), "the dialog")
        await pilot.press("enter")
        faults.group_state(mark, GroupState.RESOLVED)
        app._clock.move(SECOND)
        await until(
            pilot, lambda: arrange(screen.groups or (), screen.filter, screen.sort)[0] == following, "the order"
        )
        assert screen.table.selected == following


async def test_a_snooze_asks_until_it_is_understood(console: Console, faults: Seed) -> None:
    async with console() as (app, pilot):
        await show(app, pilot)
        await pilot.press("w")
        await until(pilot, lambda: isinstance(app.screen, AskNote), "the dialog")
        span, note = app.screen.query(Input)
        span.value = "1s"
        await pilot.press("enter")
        await until(pilot, lambda: "at least a minute" in text(app), "the reason")
        span.value, note.value = "2d", "later"
        await pilot.press("enter")
        with faults.database.reader() as reader:
            await until(pilot, reader.commands, "the command")
            [command] = reader.commands()
        assert command.params["until"] == NOW + 48 * HOUR
        assert command.reason == "later"


async def test_reopening_needs_no_words_and_what_is_open_says_so(console: Console, faults: Seed) -> None:
    async with console() as (app, pilot):
        await show(app, pilot)
        await pilot.press("j", "o")
        assert [toast.message for toast in app._notifications] == ["It is open already."]
        await pilot.press("j", "o")
        with faults.database.reader() as reader:
            await until(pilot, reader.commands, "the command")
            assert reader.commands()[0].verb == "reopen"


async def test_a_dialog_that_is_left_does_nothing(console: Console, faults: Seed) -> None:
    async with console() as (app, pilot):
        screen = await show(app, pilot)
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, AskNote), "the dialog")
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen, "the failures")
        with faults.database.reader() as reader:
            assert reader.commands() == []


async def test_the_filter_works_while_one_types_and_escape_clears_it(console: Console, faults: Seed) -> None:
    async with console() as (app, pilot):
        screen = await show(app, pilot)
        await pilot.press("slash")
        type_in(app, "worker:oth")
        await until(pilot, lambda: len(lines_of(screen.table)) == 1, "the filter")
        await until(pilot, lambda: "1 of 3" in text(app), "the count")
        await pilot.press("enter")
        assert screen.table.has_focus
        await pilot.press("slash")
        type_in(app, "zzz")
        await until(pilot, lambda: "No failure matches" in text(app), "the reason")
        await pilot.press("escape")
        await until(pilot, lambda: len(lines_of(screen.table)) == 3, "all of them")
        assert app.screen is screen
        await pilot.press("slash")
        type_in(app, "state:x")
        await until(pilot, lambda: "no state begins with 'x'" in text(app).lower(), "the mistake")


async def test_s_and_capital_s_order_the_rows(console: Console, faults: Seed) -> None:
    async with console() as (app, pilot):
        screen = await show(app, pilot)
        await pilot.press("s")
        assert "by last seen" in text(app)
        assert "last ▾" in text(app)
        first = lines_of(screen.table)[0]
        await pilot.press("S")
        assert lines_of(screen.table)[-1][1:] == first[1:]


async def test_without_failures_it_says_what_would_be_here(console: Console, seed: Seed) -> None:
    async with console() as (app, pilot):
        await show(app, pilot)
        assert "No failures. Good." in text(app)
        assert "each fault has one row here" in text(app)
        await pilot.press("enter", "a", "s")
        assert [toast.message for toast in app._notifications] == ["No failure is selected."] * 2
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, Help), "the help")
        assert "Say that somebody is on it" in text(app)


async def test_it_draws_at_any_size(console: Console, faults: Seed) -> None:
    async with console(size=(220, 60)) as (app, pilot):
        await show(app, pilot)
        for size in ((80, 24), (40, 12), (10, 3), (1, 1), (100, 30)):
            await resize(pilot, *size)
            await pilot.press("j")
        await pilot.press("G", "slash", "x", "escape", "s")
        assert app.is_running


async def test_a_thousand_groups_move_without_delay(console: Console, seed: Seed) -> None:
    many = tuple(group(f"{n:04}", title=f"ValueError: number {n}", last_run_id=n) for n in range(1_000))
    async with console() as (app, pilot):
        screen = await show(app, pilot)
        screen.take_answer(screen.question, many)
        await pilot.pause()
        began = thread_time()
        for _ in range(50):
            screen.table.move_by(7)
            on_screen(screen)
        screen.take_answer(screen.question, many[::-1])
        assert thread_time() - began < 3.0
        assert screen.table.line_count == 1_000
