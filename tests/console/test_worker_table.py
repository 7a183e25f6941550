from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.pilot import Pilot

from tests.console.factory import NOW, HandClock, failing, snapshot, worker
from workerconsole.filters import parse
from workerconsole.roster import Order, Sort
from workerconsole.widgets.columns import row_cells
from workerconsole.widgets.worker_table import HEADER_LINES, WorkerTable
from workerkit.clock import SECOND
from workerkit.store.records import WorkerRecord


class TableApp(App[None]):
    def __init__(self, clock: HandClock) -> None:
        super().__init__()
        self.clock = clock
        self.cursor_moves: list[str | None] = []
        self.opened = 0

    def compose(self) -> ComposeResult:
        yield WorkerTable(self.clock)

    def on_worker_table_cursor_moved(self, message: WorkerTable.CursorMoved) -> None:
        self.cursor_moves.append(message.worker)

    def on_worker_table_opened(self) -> None:
        self.opened += 1


@asynccontextmanager
async def table_of(
    *workers: WorkerRecord, clock: HandClock | None = None, size: tuple[int, int] = (120, 12)
) -> AsyncIterator[tuple[WorkerTable, Pilot[Any], TableApp]]:
    app = TableApp(clock or HandClock())
    async with app.run_test(size=size) as pilot:
        table = app.query_one(WorkerTable)
        table.focus()
        table.show(snapshot(workers))
        await pilot.pause()
        yield table, pilot, app


def numbered(count: int) -> list[WorkerRecord]:
    return [worker(f"w{number:04}") for number in range(count)]


def cursor(table: WorkerTable) -> str | None:
    """The name under the cursor."""
    return table.selected.name if table.selected is not None else None


def line(table: WorkerTable, y: int) -> str:
    return table.render_line(y).text


async def test_the_header_and_one_line_a_worker_are_drawn() -> None:
    async with table_of(worker("web"), failing("mail")) as (table, _, _):
        assert "STATUS" in line(table, 0)
        assert "✗ failed" in line(table, 1)
        assert "mail" in line(table, 1)
        assert "web" in line(table, 2)
        assert line(table, 3).strip() == ""


async def test_the_cursor_begins_at_the_first_row_and_stops_at_the_ends() -> None:
    async with table_of(*numbered(3)) as (table, pilot, app):
        assert cursor(table) == "w0000"
        table.move(-1)
        table.move(5)
        await pilot.pause()
        assert cursor(table) == "w0002"
        assert app.cursor_moves == ["w0000", "w0002"]


async def test_the_cursor_stays_with_its_worker_through_sort_filter_and_updates(clock: HandClock) -> None:
    async with table_of(*numbered(20), clock=clock) as (table, _, _):
        table.go_to("w0007")
        table.set_order(Order(Sort.NAME, reverse=True))
        assert cursor(table) == "w0007"
        table.set_filter(parse("w000"))
        assert cursor(table) == "w0007"
        clock.move(2 * SECOND)
        table.show(snapshot([*numbered(20), failing("w0007")]))
        assert cursor(table) == "w0007"
        assert table.selected == failing("w0007")


async def test_when_the_filter_hides_the_cursors_worker_its_neighbour_takes_the_cursor() -> None:
    async with table_of(*numbered(10)) as (table, pilot, app):
        table.go_to("w0004")
        table.set_filter(parse("!w0004"))
        await pilot.pause()
        assert cursor(table) == "w0005"
        table.set_filter(parse("nobody"))
        await pilot.pause()
        assert cursor(table) is None
        assert app.cursor_moves[-1] is None


async def test_rows_that_move_above_leave_the_cursors_worker_on_its_line(clock: HandClock) -> None:
    async with table_of(*numbered(100), clock=clock) as (table, _, _):
        table.go_to("w0050")
        before = table.scroll_offset.y
        clock.move(2 * SECOND)
        changed = [failing(f"w{number:04}") for number in range(90, 95)]
        kept = [record for record in numbered(100) if record.name not in {other.name for other in changed}]
        table.show(snapshot([*kept, *changed]))
        assert table.names[:5] == tuple(record.name for record in changed)
        assert table.scroll_offset.y == before + 5


async def test_at_the_top_the_list_stays_at_the_top_and_shows_who_begins_to_fail(clock: HandClock) -> None:
    async with table_of(*numbered(100), clock=clock) as (table, _, _):
        table.go_to("w0003")
        clock.move(2 * SECOND)
        table.show(snapshot([*numbered(99), failing("w0099")]))
        assert table.scroll_offset.y == 0
        assert "w0099" in line(table, HEADER_LINES)
        assert cursor(table) == "w0003"


async def test_rows_change_places_at_most_once_a_second(clock: HandClock) -> None:
    async with table_of(worker("a"), worker("b"), clock=clock) as (table, _, _):
        clock.move(SECOND // 2)
        table.show(snapshot([worker("a"), failing("b")]))
        assert table.names == ("a", "b")
        assert "✗ failed" in line(table, 2)
        clock.move(SECOND)
        table.tick()
        assert table.names == ("b", "a")


async def test_a_new_worker_appears_at_once(clock: HandClock) -> None:
    async with table_of(worker("a"), clock=clock) as (table, _, _):
        table.show(snapshot([worker("a"), worker("b")]))
        assert table.names == ("a", "b")


async def test_only_changed_lines_in_sight_are_drawn_again(monkeypatch: pytest.MonkeyPatch, clock: HandClock) -> None:
    async with table_of(*numbered(500), clock=clock) as (table, _, _):
        for y in range(12):
            table.render_line(y)
        refreshed: list[Region] = []
        monkeypatch.setattr(table, "refresh", lambda *regions, **_: refreshed.extend(regions))
        records = numbered(500)
        records[3] = worker("w0003", success_count=99)
        records[400] = worker("w0400", success_count=99)
        table.show(snapshot(records))
        assert [region.y for region in refreshed] == [4]
        table.render_line(4)
        refreshed.clear()
        table.tick()
        assert refreshed == []
        clock.move(SECOND)
        table.tick()
        assert len(refreshed) == 11


async def test_a_table_of_five_thousand_formats_only_the_lines_that_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    async with table_of(*numbered(5000)) as (table, pilot, _):
        formatted: list[str] = []

        def counting(placed: Any, record: WorkerRecord, at: Any) -> Any:
            formatted.append(record.name)
            return row_cells(placed, record, at)

        monkeypatch.setattr("workerconsole.widgets.worker_table.row_cells", counting)
        table.move_to_end(bottom=True)
        await pilot.pause()
        assert "w4999" in line(table, 11)
        assert len(set(formatted)) <= 2 * 11


async def test_marks_follow_their_workers_and_the_cursor_goes_on() -> None:
    async with table_of(*numbered(5)) as (table, _, _):
        table.toggle_mark()
        table.toggle_mark()
        assert [record.name for record in table.marked] == ["w0000", "w0001"]
        assert cursor(table) == "w0002"
        assert line(table, 1).startswith("▌")
        table.mark_all()
        assert len(table.marked) == 5
        table.mark_all()
        assert not table.marked


async def test_marking_all_marks_those_that_the_filter_shows() -> None:
    async with table_of(*numbered(5), failing("mail")) as (table, _, _):
        table.set_filter(parse("status:failed"))
        table.mark_all()
        assert [record.name for record in table.marked] == ["mail"]


async def test_a_click_selects_a_double_click_opens_and_a_title_sorts() -> None:
    async with table_of(*numbered(5)) as (table, pilot, app):
        await pilot.click(WorkerTable, offset=(5, 3))
        assert cursor(table) == "w0002"
        await pilot.click(WorkerTable, offset=(5, 3), times=2)
        assert app.opened == 1
        name_column = line(table, 0).index("NAME")
        await pilot.click(WorkerTable, offset=(name_column, 0))
        assert table.order == Order(Sort.NAME)
        await pilot.click(WorkerTable, offset=(name_column, 0))
        assert table.order == Order(Sort.NAME, reverse=True)


async def test_the_wheel_scrolls_and_leaves_the_cursor() -> None:
    async with table_of(*numbered(100)) as (table, pilot, _):
        table.scroll_down(animate=False)
        await pilot.pause()
        assert table.scroll_offset.y > 0
        assert cursor(table) == "w0000"
        assert not table.in_sight("w0000")


async def test_a_resize_keeps_the_cursor_in_sight_down_to_one_cell() -> None:
    async with table_of(*numbered(100), size=(120, 30)) as (table, pilot, _):
        table.go_to("w0028")
        for size in ((80, 10), (20, 3), (1, 1), (200, 50)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
        assert table.in_sight("w0028")


async def test_countdowns_stop_when_the_host_dies() -> None:
    async with table_of(worker("a", next_run_at=NOW + 33 * SECOND)) as (table, _, _):
        assert "35s" in line(table, 1)
        table.show(snapshot([worker("a", next_run_at=NOW + 33 * SECOND)], host_alive=False))
        assert "35s" not in line(table, 1)


async def test_the_marks_of_a_vanished_worker_vanish() -> None:
    async with table_of(*numbered(2)) as (table, _, _):
        table.mark_all()
        table.show(snapshot([worker("w0001")]))
        assert [record.name for record in table.marked] == ["w0001"]
        assert table.names == ("w0001",)
