"""The interactive traceback."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.console import mishaps
from tests.console.conftest import resize, type_in, until
from tests.console.factory import NOW, Seed, spec
from tests.console.pane import exception, frame, library_frame, lines_of, on_screen
from workerconsole import editor
from workerconsole.app import ConsoleApp
from workerconsole.screens.note import AskNote
from workerconsole.screens.traceback import TracebackScreen
from workerconsole.widgets.search_bar import SearchBar
from workerkit.clock import DAY, HOUR, SECOND
from workerkit.outcome import FailureKind
from workerkit.store.groups import GroupState

Console = Callable[..., Any]


@pytest.fixture
def shop(seed: Seed) -> Seed:
    """Two occurrences of one fault, and some others."""
    seed.workers([spec(name) for name in ("pages", "prices", "banks", "tree", "slow", "gone", "bad")])
    seed.fail("pages", mishaps.page(411), at=NOW - HOUR, params={"page": 411})
    seed.fail("pages", mishaps.page(412), at=NOW - 60 * SECOND, params={"page": 412})
    seed.fail("prices", mishaps.chain())
    seed.fail("banks", mishaps.group())
    seed.fail("tree", mishaps.recursion(), kind=FailureKind.PANIC)
    seed.fail("slow", mishaps.TIMEOUT, error="Timeout: it took longer than 1s", kind=FailureKind.TIMEOUT)
    seed.fail("gone", mishaps.CRASH, error="Crash: the host died", kind=FailureKind.CRASH)
    seed.fail("bad", mishaps.CORRUPT, error="E: m")
    return seed


OLDER, LATER, PRICES, BANKS, TREE, SLOW, GONE, BAD = range(1, 9)


async def show(app: ConsoleApp, pilot: Any, run_id: int) -> TracebackScreen:
    """The traceback of a run, read."""
    await until(pilot, lambda: app.main.snapshot is not None and app.feed is not None, "the first picture")
    app.visits.failure(run_id)
    await until(pilot, lambda: isinstance(app.screen, TracebackScreen) and app.screen.case, "the traceback")
    await pilot.pause()
    screen = app.screen
    assert isinstance(screen, TracebackScreen)
    return screen


def text(app: ConsoleApp) -> str:
    return "\n".join(on_screen(app.screen))


def toasts(app: ConsoleApp) -> list[str]:
    return [notification.message for notification in app._notifications]


async def test_t_opens_the_latest_failure_of_the_worker(console: Console, shop: Seed) -> None:
    async with console() as (app, pilot):
        await until(pilot, lambda: app.main.detail is not None, "the details")
        app.main.table.go_to("pages")
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, TracebackScreen) and app.screen.case, "the traceback")
        await pilot.pause()
        lines = on_screen(app.screen)
        assert lines[0].startswith(" ✗ error  pages · run 2 · ")
        assert 'params {"page": 412}' in lines[0]
        assert lines[0].endswith("1h ago · 1 of 2 · ✗ open")
        assert lines[1] == " ≠ only page differs from run 1: 411, now 412"
        assert "ValueError: page 412 of 2 and 2 first" in lines[2]
        await pilot.press("escape")
        assert app.screen is app.main


async def test_t_on_a_worker_that_never_failed_says_so(console: Console, seed: Seed) -> None:
    seed.workers([spec("web")])
    async with console() as (app, pilot):
        await until(pilot, lambda: app.main.detail is not None, "the details")
        await pilot.press("t")
        await until(pilot, lambda: "web has not failed yet." in toasts(app), "the reason")


async def test_the_frame_of_the_user_is_selected_with_its_source_and_variables(console: Console, shop: Seed) -> None:
    async with console() as (app, pilot):
        screen = await show(app, pilot, LATER)
        view = screen.view
        assert view.frame is not None
        assert view.frame.function.endswith("read_page")
        assert view.frames.has_focus
        source = lines_of(view.source)
        assert any("►" in line and "raise ValueError" in line for line in source)
        variables = lines_of(view.variables)
        assert variables[0].startswith("▌  page ")
        assert variables[0].endswith("412  ≠ was 411")
        assert any("api_token" in line and "hidden: its name says it is secret" in line for line in variables)
        assert any("params" in line and line.endswith("dict, 2  ≠") for line in variables), "it differs inside"
        assert r"\x1b[31m" in "\n".join(variables)


async def test_the_chain_is_a_tree_and_rules_the_frames(console: Console, shop: Seed) -> None:
    async with console() as (app, pilot):
        screen = await show(app, pilot, PRICES)
        chain, frames = screen.view.chain, screen.view.frames
        assert [line[1:41].rstrip() for line in lines_of(chain)] == [
            "RuntimeError: no prices in attempt 2",
            "└ caused by  KeyError: 'prices'",
            "  └ while handling  JSONDecodeError: Exp",
        ]
        height = chain.size.height
        await pilot.press("shift+tab", "j")
        assert "is the partner's gateway up?" in "\n".join(lines_of(chain))
        assert chain.size.height == height, "what stands below does not move"
        await pilot.press("j")
        assert screen.view.frame is not None
        assert screen.view.frame.function.endswith("parse")
        assert lines_of(frames)[0].strip() == "… 3 library frames (json)"
        await pilot.press("v")
        assert sum(line.startswith(" · ") for line in lines_of(frames)) == 3
        assert screen.view.frame.function.endswith("parse"), "the cursor stays with its frame"
        await pilot.press("enter")
        await until(pilot, lambda: frames.has_focus, "the frames")


async def test_the_members_of_a_group_and_a_recursion(console: Console, shop: Seed) -> None:
    async with console() as (app, pilot):
        screen = await show(app, pilot, BANKS)
        assert "├ 1 of 2  TimeoutError: north did not answer" in text(app)
        screen.go_to_run(TREE)
        await until(pilot, lambda: screen.case is not None, "the recursion")
        await pilot.pause()
        lines = lines_of(screen.view.frames)
        assert any("more calls from this line to itself" in line for line in lines)
        assert "frames in the middle were left out" in lines[-1]
        await pilot.press("j", "enter")
        assert len(lines_of(screen.view.frames)) > 50


@pytest.mark.parametrize(
    ("run_id", "words"),
    [
        (SLOW, ["✗ timeout  slow", "it took longer than 1s", "where it stood (thread worker-3)", "sock.recv(4)"]),
        (GONE, ["✗ crash  gone", "Crash: the host died", "No frames were kept."]),
        (BAD, ["E: m", "the record is damaged (", "No frames were kept."]),
    ],
)
async def test_failures_without_an_exception_look_right(
    console: Console, shop: Seed, run_id: int, words: list[str]
) -> None:
    async with console() as (app, pilot):
        await show(app, pilot, run_id)
        shown = text(app)
        for word in words:
            assert word in shown
        await pilot.press("j", "v", "tab", "tab", "right", "left", "c")
        assert app.is_running


async def test_a_run_that_has_no_failure_says_so_and_nothing_can_be_done(console: Console, shop: Seed) -> None:
    async with console() as (app, pilot):
        await until(pilot, lambda: app.feed is not None, "the feed")
        app.visits.failure(999)
        await until(pilot, lambda: "Run 999 has no failure, or it is no longer kept." in text(app), "the reason")
        await pilot.press("c", "a", "r", "left_square_bracket", "slash", "e")
        assert toasts(app)
        await pilot.press("escape")
        assert app.screen is app.main


async def test_it_draws_at_any_size(console: Console, shop: Seed) -> None:
    async with console(size=(220, 60)) as (app, pilot):
        await show(app, pilot, PRICES)
        for size in ((140, 42), (80, 24), (40, 10), (10, 3), (1, 1), (100, 30)):
            await resize(pilot, *size)
            await pilot.press("tab", "j")
        await pilot.press("G", "enter", "shift+tab", "v", "slash", "escape", "question_mark", "escape")
        assert app.is_running
        assert len(on_screen(app.screen)) == 30


async def test_where_it_is_small_source_and_variables_take_turns(console: Console, shop: Seed) -> None:
    async with console(size=(80, 24)) as (app, pilot):
        view = (await show(app, pilot, LATER)).view
        assert "raise ValueError" in text(app)
        await pilot.press("tab")
        await until(pilot, lambda: view.source.has_focus, "the source")
        await pilot.press("tab")
        await until(pilot, lambda: view.variables.has_focus, "the variables")
        await until(pilot, lambda: "was 411" in text(app), "the variables on the screen")
        assert "raise ValueError" not in text(app)
        await pilot.press("shift+tab")
        await until(pilot, lambda: "raise ValueError" in text(app), "the source on the screen")


async def test_values_open_and_close_and_references_lead_on(console: Console, shop: Seed) -> None:
    async with console() as (app, pilot):
        tree = (await show(app, pilot, LATER)).view.variables
        tree.focus()
        tree.reveal((1, 0))
        await pilot.press("left", "left")
        assert tree.selected is not None
        assert tree.selected.path == "order"
        closed = tree.line_count
        await pilot.press("right")
        assert tree.line_count > closed
        await pilot.press("right", "right", "j", "enter")
        assert tree.selected.path == "order.items[0]"
        assert any(line.split() == ["'sku'", "'A-1'"] for line in lines_of(tree))
        tree.reveal((1, 2))
        assert tree.selected.path == "order.itself"
        await pilot.press("enter")
        assert tree.selected.path == "order", "a reference leads to what it means"


async def test_text_of_several_lines_opens(console: Console, shop: Seed) -> None:
    async with console() as (app, pilot):
        view = (await show(app, pilot, LATER)).view
        view.variables.focus()
        view.variables.reveal((3,))
        await pilot.press("space")
        lines = [line.strip(" ▌") for line in lines_of(view.variables)]
        assert lines[-2:] == ["first line", r"second line\x1b[31m"]


async def test_slash_finds_text_and_n_goes_on(console: Console, shop: Seed) -> None:
    async with console() as (app, pilot):
        screen = await show(app, pilot, PRICES)
        await pilot.press("slash")
        type_in(app, "gateway")
        await pilot.press("enter")
        await until(pilot, lambda: " of " in text(app).splitlines()[-2], "the count")
        seen = set()
        for _ in range(4):
            seen.add((screen.view.chain.chosen, screen.view.frames.place))
            await pilot.press("n")
        assert len(seen) > 1
        await pilot.press("N", "escape")
        assert not screen.query_one(SearchBar).display
        await pilot.press("n")
        assert toasts(app)[-1] == "Nothing is searched for; / searches."
        await pilot.press("slash")
        type_in(app, "qqq")
        await pilot.press("enter")
        await until(pilot, lambda: "nothing found" in text(app), "the answer")
        await pilot.press("escape")
        assert isinstance(app.screen, TracebackScreen)


async def test_slash_goes_to_the_value_of_a_path(console: Console, shop: Seed) -> None:
    async with console(size=(80, 24)) as (app, pilot):
        view = (await show(app, pilot, LATER)).view
        await pilot.press("slash")
        type_in(app, "order.items[1].sku")
        await pilot.press("enter")
        await until(pilot, lambda: view.variables.has_focus, "the value")
        assert view.variables.selected is not None
        assert view.variables.selected.path == "order.items[1]['sku']"
        await pilot.press("slash")
        type_in(app, "order.items[3]")
        await pilot.press("enter")
        await until(pilot, lambda: "order.items has no [3]; it has 2 items" in text(app), "the reason")
        await pilot.press("escape", "slash")
        type_in(app, "=nobody")
        await pilot.press("enter")
        await until(pilot, lambda: "has no variable nobody" in text(app), "the reason")


async def test_brackets_walk_through_the_group(console: Console, shop: Seed) -> None:
    async with console() as (app, pilot):
        screen = await show(app, pilot, LATER)
        await pilot.press("right_square_bracket")
        assert toasts(app)[-1] == "This is the latest failure of its group."
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: "run 1 ·" in text(app), "the older one")
        assert "page 411 of 2" in text(app)
        assert not screen.has_class("-compared"), "there is nothing to compare it with"
        await pilot.press("left_square_bracket")
        assert toasts(app)[-1] == "This is the oldest failure of its group that is kept."
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: "only page differs" in text(app), "the later one again")


async def test_r_runs_the_worker_again_with_the_same_parameters(console: Console, shop: Seed) -> None:
    async with console() as (app, pilot):
        await show(app, pilot, OLDER)
        await pilot.press("r")
        with shop.database.reader() as reader:
            await until(pilot, reader.commands, "the command")
            [command] = reader.commands()
        assert (command.verb, command.worker, command.params) == ("run", "pages", {"page": 411})


async def test_a_acknowledges_the_group_with_a_note(console: Console, shop: Seed) -> None:
    async with console() as (app, pilot):
        screen = await show(app, pilot, LATER)
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, AskNote), "the dialog")
        type_in(app, "on it")
        await pilot.press("enter")
        with shop.database.reader() as reader:
            await until(pilot, reader.commands, "the command")
            [command] = reader.commands()
        assert screen.case is not None
        assert screen.case.group is not None
        mark = screen.case.group.fingerprint
        assert (command.verb, command.params, command.reason) == ("acknowledge", {"group": mark}, "on it")
        shop.group_state(screen.case.group, GroupState.ACKNOWLEDGED, "on it")
        app._clock.move(SECOND)
        await until(pilot, lambda: "○ acknowledged" in text(app), "the new state")


async def test_c_copies_the_traceback_as_python_prints_it(
    console: Console, shop: Seed, monkeypatch: pytest.MonkeyPatch
) -> None:
    local: list[str] = []
    monkeypatch.setattr("workerconsole.clipboard.copy", local.append)
    async with console() as (app, pilot):
        await show(app, pilot, PRICES)
        await pilot.press("c")
        assert app.clipboard.splitlines()[0] == "Traceback (most recent call last):"
        assert "RuntimeError: no prices in attempt 2" in app.clipboard
        assert local == [app.clipboard]
        assert toasts(app)[-1] == "Copied the traceback of run 3."


async def test_e_opens_the_frame_in_the_editor(console: Console, shop: Seed, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[tuple[str, int]] = []

    def command(path: str, line: int, _: object) -> list[str]:
        opened.append((path, line))
        raise editor.EditorError("No editor is set.")

    monkeypatch.setattr("workerconsole.editor.command", command)
    async with console() as (app, pilot):
        screen = await show(app, pilot, LATER)
        await pilot.press("e")
        await until(pilot, lambda: opened, "the editor")
        assert screen.view.frame is not None
        assert opened == [(screen.view.frame.file, screen.view.frame.line)]


async def test_a_file_that_changed_since_is_marked(console: Console, seed: Seed, tmp_path: Path) -> None:
    file = tmp_path / "jobs.py"
    file.write_text("\n".join(f"line {number}" for number in range(1, 20)))
    seed.workers([spec("web")])
    seed.fail("web", {"version": 1, "exceptions": [exception(frames=[frame(7, file=str(file))])]})
    async with console() as (app, pilot):
        screen = await show(app, pilot, 1)
        await until(pilot, lambda: "changed since: now line 7" in text(app), "the mark")
        [denied] = [library_frame(source=[], source_note="denied")]
        seed.fail("web", {"version": 1, "exceptions": [exception(frames=[denied])]})
        screen.go_to_run(2)
        words = "No source: the source lies outside the project and is not read."
        await until(pilot, lambda: words in text(app), "the reason")
        assert "Its variables were not kept." in text(app)


async def test_what_a_worker_raised_never_reaches_the_terminal(console: Console, seed: Seed) -> None:
    evil = "\x1b]52;c;ZXZpbA==\x07[@click=app.quit]\u202e[/"
    locals_ = [[evil, {"kind": "map", "type": evil, "items": [[{"kind": "string", "text": evil}] * 2], "cut": evil}]]
    entry = frame(1, evil, file=evil, source=[[1, evil]], locals=locals_)
    seed.workers([spec("evil")])
    seed.fail("evil", {"version": 1, "exceptions": [exception(evil, evil, notes=[evil], frames=[entry], cut=evil)]})
    async with console() as (app, pilot):
        screen = await show(app, pilot, 1)
        screen.view.variables.focus()
        await pilot.press("right", "slash")
        type_in(app, "click")
        for key in ("enter", "n", "right", "c", "colon"):
            await pilot.press(key)
            assert not any(character in text(app) for character in "\x1b\x07\u202e")


async def test_a_read_only_screen_says_why_it_can_not_act(console: Console, shop: Seed) -> None:
    async with console(read_only=True) as (app, pilot):
        await show(app, pilot, LATER)
        await pilot.press("r", "a")
        assert [toast.startswith("This screen is read-only") for toast in toasts(app)] == [True, True]


async def test_the_age_goes_on(console: Console, shop: Seed) -> None:
    async with console() as (app, pilot):
        screen = await show(app, pilot, LATER)
        assert "1m ago" in text(app)
        app._clock.move(DAY)
        screen._draw_facts()
        await pilot.pause()
        assert "1d ago" in text(app)


async def test_the_palette_has_the_actions_of_the_screen(console: Console, shop: Seed) -> None:
    async with console() as (app, pilot):
        await show(app, pilot, LATER)
        await pilot.press("colon")
        await until(pilot, lambda: "Copy the traceback as plain text" in text(app), "the palette")
        assert "Pause it" not in text(app)
        type_in(app, "copy")
        await until(pilot, lambda: "Copy the traceback as plain text" in text(app), "the action")
        await pilot.press("enter", "enter")
        await until(pilot, lambda: "Copied the traceback of run 2." in toasts(app), "the effect")
