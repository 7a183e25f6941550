"""The table of runs."""

from tests.console.factory import NOW, worker
from tests.console.pane import PaneApp, detail, lines_of, on_screen, run
from workerconsole.format import when
from workerconsole.snapshot import WorkerDetail
from workerconsole.widgets.runs_panel import RunTable
from workerkit.clock import SECOND, to_iso


async def shown(what: WorkerDetail, width: int = 140) -> list[str]:
    app = PaneApp()
    async with app.run_test(size=(width, 12)) as pilot:
        app.pane.show_panel("runs")
        app.pane.show(what, NOW)
        await pilot.pause()
        await pilot.pause()
        return [line.rstrip("▁▂▃▄▅▆▇█ ") for line in on_screen(app.screen)]


async def test_a_run_tells_when_how_late_how_long_and_how_it_ended() -> None:
    late = run(31, due_at=NOW - 9 * SECOND, outcome="failed", kind="error", error="KeyError: 'x'", trigger="manual")
    lines = await shown(detail(runs=(late,)))
    assert lines[1].split() == ["run", "started", "took", "late", "trigger", "due", "outcome", "error"]
    row = lines[2]
    assert "▸" in row
    assert all(text in row for text in ("31", "+5.0 s", "1.2 s", "manual", "✗ failed", "KeyError: 'x'"))


async def test_each_outcome_has_its_symbol_and_its_word() -> None:
    runs = (
        run(5, outcome=None, finished_at=None, duration=None, progress_done=3, progress_total=9, progress_note="users"),
        run(4, outcome="failed", kind="panic", error="Worker panic: SystemExit: 1"),
        run(3, outcome="cancelled"),
        run(2, outcome="interrupted"),
        run(1, summary="42 rows"),
    )
    text = "\n".join(await shown(detail(runs=runs)))
    for said in ("► running", "3 of 9, users", "✗ panic", "⊘ cancelled", "◑ interrupted", "✓ succeeded", "42 rows"):
        assert said in text


async def test_attempts_are_numbered_and_the_one_to_come_has_its_time() -> None:
    runs = (
        run(6, outcome="failed", error="no route", attempt=2, due_at=NOW - 60 * SECOND, retry_at=NOW + 4 * SECOND),
        run(5, outcome="failed", error="no route", retry_at=NOW - 9 * SECOND),
        run(4, outcome="cancelled", summary=f"replaced by the slot of {to_iso(NOW)}"),
    )
    lines = await shown(detail(runs=runs))
    assert lines[1].split()[:3] == ["run", "started", "try"]
    assert "late" not in lines[1], "a later attempt is not late"
    assert f"again at {when(NOW + 4 * SECOND, NOW)} · no route" in lines[2]
    assert "again at" not in lines[3]
    assert f"replaced by the slot of {when(NOW, NOW)}" in lines[4]


async def test_columns_give_way_to_the_error_where_it_is_narrow() -> None:
    failed = run(1, due_at=NOW - 9 * SECOND, outcome="failed", error="ConnectionRefusedError: nobody listens there")
    narrow = await shown(detail(runs=(failed,)), width=64)
    assert "due" not in narrow[1]
    assert "ConnectionRefused" in narrow[2]


async def test_no_run_says_what_to_press() -> None:
    assert "No run yet; press r to run it now." in "\n".join(await shown(detail()))


async def test_the_cursor_follows_its_run_once_it_was_moved() -> None:
    app = PaneApp()
    async with app.run_test(size=(100, 8)) as pilot:
        app.pane.show_panel("runs")
        app.pane.show(detail(runs=tuple(run(n) for n in range(30, 0, -1))), NOW)
        await pilot.pause()
        app.pane.focus_panel()
        table = app.pane.query_one(RunTable)
        app.pane.show(detail(runs=tuple(run(n) for n in range(31, 1, -1))), NOW)
        assert cursor(table) == 31
        await pilot.press("down", "j")
        assert cursor(table) == 29
        app.pane.show(detail(runs=tuple(run(n) for n in range(33, 3, -1))), NOW)
        assert cursor(table) == 29
        await pilot.press("end")
        assert cursor(table) == 4
        assert table.scroll_offset.y > 0
        app.pane.show(detail(runs=tuple(run(n) for n in range(80, 50, -1))), NOW)
        assert cursor(table) == 51
        await pilot.press("home")
        assert cursor(table) == 80


async def test_another_worker_puts_the_cursor_on_its_newest_run() -> None:
    app = PaneApp()
    async with app.run_test(size=(100, 8)) as pilot:
        app.pane.show_panel("runs")
        app.pane.show(detail(runs=(run(2), run(1))), NOW)
        await pilot.pause()
        app.pane.focus_panel()
        await pilot.press("down")
        app.pane.show(detail(worker=worker("other"), runs=(run(9), run(2), run(1))), NOW)
        assert cursor(app.pane.query_one(RunTable)) == 9


async def test_a_click_moves_the_cursor_and_a_second_one_opens() -> None:
    app = PaneApp()
    async with app.run_test(size=(100, 8)) as pilot:
        app.pane.show_panel("runs")
        app.pane.show(detail(runs=(run(3), run(2, outcome="failed"), run(1))), NOW)
        await pilot.pause()
        table = app.pane.query_one(RunTable)
        await pilot.click(table, offset=(20, 1))
        assert cursor(table) == 2
        await pilot.click(table, offset=(20, 1), times=2)
        assert len(app.heard) == 1


async def test_the_time_of_a_run_in_flight_goes_on() -> None:
    app = PaneApp()
    async with app.run_test(size=(100, 8)) as pilot:
        app.pane.show_panel("runs")
        what = detail(runs=(run(3, outcome=None, finished_at=None, started_at=NOW - SECOND), run(2)))
        app.pane.show(what, NOW)
        await pilot.pause()
        app.pane.show(what, NOW + 2 * SECOND)
        await pilot.pause()
        assert "3.0 s" in on_screen(app.screen)[2]
        assert "3.0 s" in lines_of(app.pane.query_one(RunTable))[0]


def cursor(table: RunTable) -> int:
    assert table.cursor_run is not None
    return table.cursor_run.id
