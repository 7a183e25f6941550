import pytest
from rich.cells import cell_len

from tests.console.factory import NOW, failing, worker
from workerconsole.roster import Order, Sort
from workerconsole.widgets.columns import GAP, MARK, Cell, Moment, compact, fit, header_cells, row_cells, shorten
from workerconsole.widgets.sparkline import BARS, FAILED, FLAT_LEVEL, UNFINISHED, run_line, sparkline
from workerkit.clock import SECOND
from workerkit.store.records import WorkerRecord

AT = Moment(NOW)


def text(cells: tuple[Cell, ...]) -> list[str]:
    return ["".join(piece for piece, _ in cell) for cell in cells]


def row(record: WorkerRecord, width: int = 250, at: Moment = AT) -> dict[str, str]:
    placed = fit(width, 40, 24)
    return {
        place.column.id: cell.strip() for place, cell in zip(placed, text(row_cells(placed, record, at)), strict=True)
    }


def ids(width: int) -> list[str]:
    return [place.column.id for place in fit(width, 40, 24)]


def test_at_eighty_columns_status_name_next_last_counts_and_a_little_error_are_shown() -> None:
    assert ids(79) == ["status", "name", "last", "next", "ok", "failed", "error"]


def test_a_wide_screen_shows_every_column_and_gives_the_rest_to_the_error() -> None:
    placed = fit(249, 40, 24)
    assert [place.column.id for place in placed][-1] == "error"
    assert len(placed) == 10
    assert placed[-1].width > 60


@pytest.mark.parametrize("width", [1, 12, 20, 30, 40, 60, 79, 80, 100, 120, 139, 170, 249, 400])
def test_a_row_is_never_wider_than_the_screen_and_its_cells_are_as_wide_as_their_places(width: int) -> None:
    placed = fit(width, 64, 24)
    record = failing("x" * 64, last_error="漢字" * 300, schedule="cron */5 * * * * America/Argentina/Buenos_Aires")
    cells = text(row_cells(placed, record, AT))
    assert [cell_len(cell) for cell in cells] == [place.width for place in placed]
    assert len(MARK) + sum(map(cell_len, cells)) + GAP * max(0, len(cells) - 1) <= max(width, len(MARK))


def test_a_long_name_is_cut_in_the_middle() -> None:
    assert shorten("replicate-orders-to-eu-west-1", 15) == "replica…-west-1"
    assert shorten("short", 5) == "short"
    assert shorten("long", 1) == "…"


def test_what_will_not_run_has_no_countdown() -> None:
    assert row(worker(next_run_at=NOW + 6 * SECOND))["next"] == "6s"
    assert row(worker(next_run_at=NOW - 1))["next"] == "due"
    assert row(worker(paused=True))["next"] == "–"
    assert row(worker(next_run_at=None))["next"] == "–"
    assert row(worker(), at=Moment(NOW, host_alive=False))["next"] == "–"


def test_a_run_in_flight_shows_how_long_it_takes_so_far() -> None:
    running = worker(status="running", last_run_at=NOW - 75 * SECOND)
    assert row(running)["duration"] == "1m 15s"
    assert row(running, at=Moment(NOW, host_alive=False))["duration"] == "120 ms"


def test_a_run_that_takes_much_longer_than_usual_is_called_slow() -> None:
    usual = tuple(("succeeded", SECOND) for _ in range(10))
    young = worker("young", status="running", last_run_at=NOW - SECOND, recent=usual)
    old = worker("old", status="running", last_run_at=NOW - 30 * SECOND, recent=usual)
    assert row(young)["status"] == "► running"
    assert row(old)["status"] == "► slow"


def test_a_failing_worker_says_how_often_in_a_row_and_an_old_error_is_muted() -> None:
    assert row(failing())["error"] == "3× ConnectionRefusedError: [Errno 111] Connection refused"
    placed = fit(249, 40, 24)
    healthy_again = worker(last_error="ValueError: long ago", failure_count=1)
    (_, style), *_ = row_cells(placed, healthy_again, AT)[-1]
    assert style == "$foreground-muted"


def test_a_broken_worker_shows_the_last_line_of_why_it_failed_to_load() -> None:
    broken = worker(status="broken", load_error="Traceback:\n  File x\nImportError: no nothere\n")
    assert row(broken)["error"] == "ImportError: no nothere"


def test_escape_sequences_of_a_worker_do_not_reach_a_cell() -> None:
    assert row(failing(last_error="\x1b[31mred\x1b[0m [bold]\u202eevil"))["error"] == "3× red [bold]evil"
    assert row(worker("a\x1b]0;title\x07b"))["name"] == "ab"


def test_the_title_of_the_sorted_column_has_an_arrow() -> None:
    placed = fit(139, 40, 24)
    titles = dict(zip((place.column.id for place in placed), text(header_cells(placed, Order(Sort.NAME))), strict=True))
    assert titles["name"].rstrip() == "NAME▼"
    assert "▼" not in titles["status"]
    assert "▲" in "".join(text(header_cells(placed, Order(Sort.FAILURES, reverse=True))))


@pytest.mark.parametrize(
    ("number", "expected"),
    [(0, "0"), (99_999, "99,999"), (123_456, "123k"), (1_500_000, "1.5M"), (999_999, "999k")],
)
def test_large_counts_stay_short(number: int, expected: str) -> None:
    assert compact(number) == expected


def test_failed_and_unfinished_runs_are_seen_in_the_line_of_runs_without_colour() -> None:
    line = run_line([("succeeded", 100), ("failed", 5), ("cancelled", 5), ("succeeded", 900)], 6)
    assert line == f"  {BARS[0]}{FAILED}{UNFINISHED}{BARS[-1]}"


def test_runs_of_about_the_same_length_are_a_flat_line() -> None:
    assert run_line([("succeeded", 100), ("succeeded", 110)], 2) == BARS[FLAT_LEVEL] * 2


def test_lines_of_nothing_are_blank() -> None:
    assert run_line([], 4) == "    "
    assert run_line([("succeeded", 1)], 0) == ""
    assert sparkline([], 3) == "   "
    assert sparkline([0, 0], 2) == BARS[0] * 2
    assert sparkline([1, 2, 4], 2) == f"{BARS[4]}{BARS[7]}"
