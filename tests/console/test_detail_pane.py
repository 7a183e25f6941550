"""The pane around the panels: tabs, keys, and what it asks of the app."""

import pytest
from textual.pilot import Pilot

from tests.console.factory import NOW, failing, worker
from tests.console.pane import PaneApp, command, detail, exception, failure, frame, gap, lines_of, log, on_screen, run
from workerconsole.widgets.detail_pane import PANELS, DetailPane, tab_line
from workerconsole.widgets.panel import Panel
from workerkit.clock import SECOND

FULL = detail(
    worker=failing("web", source="/srv/app/workers.py:12"),
    runs=(run(3, outcome="failed", kind="error", error="E: x"), run(2), run(1, outcome="failed", error="E: old")),
    failures=(failure(3), failure(2, exception("ValueError", "older"))),
    logs=(log(2, 0, "from two"), log(3, 0, "from three")),
    gaps=(gap(),),
    commands=(command(),),
    stack=command("stack", data={"taken_at": NOW, "run_id": 3, "label": "thread 1", "frames": [frame()], "note": None}),
)


async def test_without_a_worker_it_says_what_to_do() -> None:
    app = PaneApp()
    async with app.run_test(size=(80, 12)) as pilot:
        app.pane.show(None, NOW)
        await pilot.pause()
        assert "Select a worker to see its details." in "\n".join(on_screen(app.screen))


async def test_every_panel_draws_itself_at_every_size() -> None:
    app = PaneApp()
    async with app.run_test(size=(80, 12)) as pilot:
        app.pane.show(FULL, NOW)
        for size in ((250, 70), (30, 5), (1, 1), (80, 12)):
            await pilot.resize_terminal(*size)
            for panel in PANELS:
                app.pane.show_panel(panel)
                app.pane.show(FULL, NOW + SECOND)
                await pilot.pause()
        for panel in PANELS:
            app.pane.show_panel(panel)
            await pilot.pause()
            assert len(on_screen(app.screen)[2]) > 10, panel


async def test_an_unknown_panel_is_refused() -> None:
    app = PaneApp()
    async with app.run_test():
        with pytest.raises(ValueError, match="choose one of overview, runs"):
            app.pane.show_panel("locals")


async def test_tabs_turn_by_click_and_by_step() -> None:
    app = PaneApp()
    async with app.run_test(size=(80, 12)) as pilot:
        app.pane.show(FULL, NOW)
        await pilot.pause()
        await pilot.click("PanelTabs", offset=(on_screen(app.screen)[0].index("Logs"), 0))
        assert app.pane.panel == "logs"
        app.pane.turn_panel(1)
        assert app.pane.panel == "stack"
        app.pane.turn_panel(1)
        assert app.pane.panel == "overview"


def test_the_tab_line_counts_failures_and_shortens_where_it_is_narrow() -> None:
    _, wide = tab_line("runs", 3, "a hint", "web", focused=False, width=80)
    assert wide.plain.startswith(" Overview  Runs  Failures 3  Logs  Stack ")
    assert wide.plain.endswith(" a hint · web")
    tabs, narrow = tab_line("runs", 3, "a hint", "web", focused=True, width=30)
    assert narrow.plain.startswith(" O ▸Runs  F  L  S ")
    assert [tab.panel for tab in tabs] == list(PANELS)


@pytest.mark.parametrize("width", [40, 50, 60, 80, 120])
def test_the_workers_name_stands_at_the_end_and_is_cut_in_the_middle(width: int) -> None:
    name = "replicate-orders-to-eu-west-1-and-then-some-more-places"
    _, line = tab_line("runs", 3, "v all frames", name, focused=False, width=width)
    assert line.cell_length <= width
    assert line.plain.endswith("s") or width < 60


def test_the_active_tab_is_marked_without_colour() -> None:
    _, line = tab_line("runs", 0, "", "", focused=False, width=80)
    [span] = [span for span in line.spans if "underline" in str(span.style)]
    assert line.plain[span.start : span.end] == "Runs"


async def test_escape_in_the_pane_leaves_it() -> None:
    app = PaneApp()
    async with app.run_test() as pilot:
        app.pane.show(FULL, NOW)
        app.pane.focus_panel()
        await pilot.press("escape")
        assert [type(message) for message in app.heard] == [DetailPane.Left]


async def test_the_focus_goes_along_when_a_panel_is_turned() -> None:
    app = PaneApp()
    async with app.run_test() as pilot:
        app.pane.show(FULL, NOW)
        app.pane.focus_panel()
        await pilot.pause()
        app.pane.show_panel("failures")
        await pilot.pause()
        assert app.focused is app.pane.failures_panel.view


async def test_enter_on_a_failed_run_asks_for_its_traceback() -> None:
    app = PaneApp()
    async with app.run_test(size=(100, 20)) as pilot:
        app.pane.show(FULL, NOW)
        app.pane.show_panel("runs")
        await pilot.pause()
        app.pane.focus_panel()
        await pilot.press("enter")
        await pilot.pause()
        assert app.heard == [DetailPane.RunOpened(FULL.runs[0].id, failed=True)]


async def test_enter_on_a_run_that_succeeded_opens_its_log() -> None:
    app = PaneApp()
    async with app.run_test(size=(100, 20)) as pilot:
        app.pane.show(FULL, NOW)
        app.pane.show_panel("runs")
        await pilot.pause()
        app.pane.focus_panel()
        await pilot.press("j", "enter")
        await pilot.pause()
        assert app.pane.panel == "logs"
        assert not app.pane.logs_panel.log_view.following


async def test_a_run_whose_traceback_is_not_here_is_asked_of_the_app() -> None:
    app = PaneApp()
    async with app.run_test(size=(100, 20)) as pilot:
        app.pane.show(FULL, NOW)
        app.pane.show_panel("runs")
        await pilot.pause()
        app.pane.focus_panel()
        await pilot.press("end", "enter")
        [opened] = app.heard
        assert isinstance(opened, DetailPane.RunOpened)
        assert (opened.run_id, opened.failed) == (1, True)


async def test_e_and_c_ask_for_editor_and_clipboard() -> None:
    app = PaneApp()
    async with app.run_test(size=(100, 20)) as pilot:
        app.pane.show(FULL, NOW)
        await pilot.pause()
        app.pane.focus_panel()
        await pilot.press("e", "c")
        edit, copy = app.heard
        assert isinstance(edit, Panel.EditorWanted)
        assert (edit.path, edit.line) == ("/srv/app/workers.py", 12)
        assert isinstance(copy, Panel.CopyWanted)
        assert "failed 3 times in a row" in copy.text


async def test_only_the_panel_in_sight_works_on_a_tick() -> None:
    app = PaneApp()
    async with app.run_test() as pilot:
        app.pane.show(FULL, NOW)
        await pilot.pause()
        assert lines_of(app.pane.current.view)
        assert lines_of(app.pane.logs_panel.view) == []


async def test_a_tick_that_changes_nothing_draws_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    app = PaneApp()
    async with app.run_test(size=(100, 20)) as pilot:
        for panel in PANELS:
            app.pane.show_panel(panel)
            app.pane.show(FULL, NOW)
            await settle(pilot)
            drawn: list[object] = []
            for widget in app.pane.query("*"):
                monkeypatch.setattr(widget, "refresh", lambda *args, drawn=drawn, **_: drawn.append(args))
            app.pane.show(FULL, NOW)
            monkeypatch.undo()
            assert drawn == [], panel


async def test_another_worker_begins_at_the_top() -> None:
    app = PaneApp()
    async with app.run_test(size=(80, 6)) as pilot:
        app.pane.show(FULL, NOW)
        await settle(pilot)
        app.pane.focus_panel()
        await pilot.press("end")
        assert app.pane.current.view.scroll_offset.y > 0
        app.pane.show(detail(worker=worker("other", description="x\n" * 20), gaps=FULL.gaps * 5), NOW)
        await settle(pilot)
        assert app.pane.current.view.scroll_offset.y == 0


async def test_what_a_worker_wrote_reaches_the_terminal_as_plain_text() -> None:
    evil = "a\x1b]52;c;aGk=\x07\x9b31m\u202e[@click=app.quit]x[/] [/"
    calls = [frame(function=evil, file=evil, source=[[7, evil]])]
    hostile = detail(
        worker=failing(evil, last_error=evil, description=evil, tags=(evil,), source=evil, schedule=evil),
        runs=(run(1, outcome="failed", error=evil, trigger=evil, kind=evil), run(2, summary=evil)),
        failures=(failure(1, exception(evil, evil, frames=calls), error=evil),),
        logs=(log(1, 0, evil, stream=evil), log(1, 1, evil, level=evil, logger=evil)),
        gaps=(gap(detail=evil),),
        commands=(command(evil, requested_by=evil, reason=evil, state=evil, result=evil),),
        stack=command("stack", data={"label": evil, "frames": [frame(function=evil)], "note": evil}),
    )
    app = PaneApp()
    async with app.run_test(size=(120, 40)) as pilot:
        for panel in PANELS:
            app.pane.show_panel(panel)
            app.pane.show(hostile, NOW)
            await settle(pilot)
            text = "\n".join(on_screen(app.screen))
            assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(text)
            assert "52;c" not in text
            assert "[@click=app.quit]x[/] [/" in text, panel


async def settle(pilot: Pilot[None]) -> None:
    """Until layout and drawing have come to rest."""
    for _ in range(3):
        await pilot.pause()
