"""The log: following, holding, wrapping, and what is missing."""

import pytest
from textual.content import Content

from tests.console.factory import NOW, worker
from tests.console.pane import PaneApp, detail, lines_of, log, on_screen, run
from workerconsole.screens.logs import LogsScreen
from workerconsole.snapshot import WorkerDetail
from workerconsole.widgets.log_panel import LogView
from workerkit.store.records import LogRecord


class LogApp(PaneApp):
    def show(self, what: WorkerDetail) -> None:
        self.pane.show_panel("logs")
        self.pane.show(what, NOW)

    @property
    def view(self) -> LogView:
        return self.pane.logs_panel.log_view

    def following(self) -> bool:
        return self.view.following

    @property
    def top_line(self) -> str:
        return self.view.line(self.view.scroll_offset.y).plain


def many(first: int, count: int) -> tuple[LogRecord, ...]:
    return tuple(log(1, seq, f"line {seq}") for seq in range(first, first + count))


async def shown(what: WorkerDetail, width: int = 80) -> list[str]:
    app = LogApp()
    async with app.run_test(size=(width, 20)) as pilot:
        app.show(what)
        await pilot.pause()
        await pilot.pause()
        return lines_of(app.view)


async def test_runs_are_set_apart_and_lines_carry_time_and_source() -> None:
    logs = (
        log(1, 0, "printed"),
        log(1, 1, "complained", stream="stderr"),
        log(2, 0, "told", stream="log", level="INFO"),
        log(2, 1, "warned", stream="log", level="WARNING"),
        log(2, 2, "failed", stream="log", level="ERROR"),
        log(2, 3, "odd", stream="log", level="NOTICE"),
    )
    lines = await shown(detail(logs=logs, runs=(run(2, outcome="failed", trigger="manual"), run(1))))
    assert lines[0].startswith("── run 1 · ")
    assert "✓ succeeded" in lines[0]
    assert "manual · ✗ failed" in lines[3]
    labels = [line[9:13].strip() for line in lines if not line.startswith("──")]
    assert labels == ["out", "err", "I", "W", "E", "NOT"]
    assert lines[1].endswith("out printed")


async def test_lines_that_are_missing_are_counted() -> None:
    lines = await shown(detail(logs=(log(1, 7), log(1, 8), log(1, 1213), log(2, 3)), runs=(run(2), run(1))))
    notes = [line.strip() for line in lines if "…" in line]
    assert notes == ["… 7 lines before this", "… 1,204 lines dropped", "… 3 lines dropped"]


async def test_nothing_said_is_said() -> None:
    assert await shown(detail()) == ["It has said nothing: it never ran yet."]
    assert await shown(detail(runs=(run(1),))) == ["Its latest runs printed and logged nothing."]


async def test_it_follows_until_the_operator_scrolls_up_and_again_from_the_end() -> None:
    app = LogApp()
    async with app.run_test(size=(80, 12)) as pilot:
        app.show(detail(logs=many(0, 50)))
        await pilot.pause()
        await pilot.pause()
        app.pane.focus_panel()
        assert "line 49" in on_screen(app.screen)[-1]
        app.show(detail(logs=many(0, 60)))
        await pilot.pause()
        assert "line 59" in on_screen(app.screen)[-1]
        await pilot.press("k")
        assert not app.following()
        held = app.top_line
        app.show(detail(logs=many(0, 70)))
        await pilot.pause()
        assert app.top_line == held
        await pilot.press("end")
        assert app.following()
        app.show(detail(logs=many(0, 80)))
        await pilot.pause()
        assert "line 79" in on_screen(app.screen)[-1]


async def test_the_held_place_stays_when_old_lines_leave() -> None:
    app = LogApp()
    async with app.run_test(size=(80, 12)) as pilot:
        app.show(detail(logs=many(0, 100)))
        await pilot.pause()
        app.pane.focus_panel()
        await pilot.press("pageup", "pageup")
        held = app.top_line
        app.show(detail(logs=many(30, 100)))
        await pilot.pause()
        assert app.top_line == held


async def test_f_switches_following_off_and_on() -> None:
    app = LogApp()
    async with app.run_test(size=(80, 12)) as pilot:
        app.show(detail(logs=many(0, 50)))
        await pilot.pause()
        app.pane.focus_panel()
        await pilot.press("f")
        assert app.pane.logs_panel.hint == "f follow (held) · w wrapped"
        app.show(detail(logs=many(0, 90)))
        await pilot.pause()
        assert "line 89" not in on_screen(app.screen)[-1]
        await pilot.press("f")
        await pilot.pause()
        assert "line 89" in on_screen(app.screen)[-1]
        assert app.pane.logs_panel.hint == "f following · w wrapped"


async def test_w_wraps_long_lines_and_loses_nothing() -> None:
    text = "".join(f"{n:04}" for n in range(100))
    app = LogApp()
    async with app.run_test(size=(60, 20)) as pilot:
        app.show(detail(logs=(log(1, 0, text), log(1, 1, "漢字" * 50))))
        await pilot.pause()
        await pilot.pause()
        app.pane.focus_panel()
        lines = lines_of(app.view)
        assert all(app.view.line(y).cell_length <= app.view.width for y in range(app.view.line_count))
        joined = "".join(line[13:] for line in lines[1:])
        assert joined.startswith(text)
        assert joined.count("漢字") == 50
        await pilot.press("w")
        assert app.view.line_count == 3
        await pilot.press("right")
        assert app.view.scroll_offset.x == 8
        await pilot.press("w")
        assert app.view.scroll_offset.x == 0
        assert lines_of(app.view) == lines


async def test_a_line_of_a_megabyte_is_clipped() -> None:
    lines = await shown(detail(logs=(log(1, 0, "x" * 1_000_000),)), width=200)
    assert sum(line.count("x") for line in lines) == 4095
    assert lines[-1].endswith("…")


async def test_ten_thousand_lines_are_drawn_one_screen_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []
    line = LogView.line

    def counted(view: LogView, y: int) -> Content:
        drawn.append(y)
        return line(view, y)

    monkeypatch.setattr(LogView, "line", counted)
    app = LogApp()
    async with app.run_test(size=(100, 30)) as pilot:
        app.show(detail(logs=many(0, 10_000)))
        await pilot.pause()
        await pilot.pause()
        app.pane.focus_panel()
        await pilot.press("pageup", "home")
        await pilot.pause()
        assert 0 < len(drawn) < 300


async def test_another_worker_is_followed_again() -> None:
    app = LogApp()
    async with app.run_test(size=(80, 12)) as pilot:
        app.show(detail(logs=many(0, 50)))
        await pilot.pause()
        app.pane.focus_panel()
        await pilot.press("home")
        assert not app.following()
        app.show(detail(worker=worker("other"), logs=many(0, 60)))
        await pilot.pause()
        assert app.following()
        assert "line 59" in on_screen(app.screen)[-1]


async def test_the_full_screen_goes_on_and_escape_goes_back() -> None:
    app = PaneApp()
    async with app.run_test(size=(80, 20)) as pilot:
        screen = LogsScreen(detail(logs=many(0, 40)), NOW)
        await app.push_screen(screen)
        await pilot.pause()
        screen.take_detail(detail(logs=many(0, 50)), NOW)
        await pilot.pause()
        assert any("line 49" in line for line in on_screen(screen))
        assert "f following" in on_screen(screen)[-1]
        screen.take_detail(detail(worker=worker("other"), logs=many(0, 90)), NOW)
        await pilot.press("escape")
        assert app.screen is not screen


async def test_the_full_screen_of_one_run_of_the_past_stays_with_it() -> None:
    app = PaneApp()
    async with app.run_test(size=(80, 20)) as pilot:
        screen = LogsScreen(detail(logs=many(0, 5)), NOW, run_id=1)
        await app.push_screen(screen)
        await pilot.pause()
        screen.take_detail(detail(logs=(log(9, 0, "another run"),)), NOW)
        await pilot.pause()
        assert any("line 4" in line for line in on_screen(screen))
