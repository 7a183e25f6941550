from pathlib import Path
from typing import Any

import pytest

from tests.console.factory import NOW, activity, failing, host, snapshot, worker
from workerconsole.filters import Filter, parse
from workerconsole.snapshot import Snapshot
from workerconsole.widgets.banner import banner_items
from workerconsole.widgets.empty_state import empty_message
from workerconsole.widgets.header import HeaderState, failure_trend, failures_in_hour, header_lines, runs_per_minute
from workerkit.clock import MINUTE, SECOND

WORKERS = [worker("a"), worker("b", status="running"), failing("c"), worker("d", status="stuck")]


def header(taken: Snapshot | None, width: int = 138, **changes: Any) -> str:
    state = HeaderState(taken, NOW, Path("/srv/data/console.db"), "workerconsole", **changes)
    lines = header_lines(state, width)
    assert all(line.cell_length <= width for line in lines)
    assert len(lines) <= 3
    return "\n".join(line.plain for line in lines)


def test_a_live_host_is_named_with_its_mode_and_uptime() -> None:
    assert "● headless host box:4211  up 1h 00m" in header(snapshot(WORKERS))


@pytest.mark.parametrize(
    ("span", "says"),
    [
        (0, "up <1 min"),
        (59_900_000, "up <1 min"),
        (MINUTE, "up 1 min"),
        (59 * MINUTE, "up 59 min"),
        (90 * MINUTE, "up 1h 30m"),
    ],
)
def test_the_uptime_moves_once_a_minute(span: int, says: str) -> None:
    assert says in header(snapshot(WORKERS, host=host(started_at=NOW - span)))


def test_a_dead_host_says_when_it_was_last_seen() -> None:
    text = header(snapshot(WORKERS, host_alive=False, host=host(heartbeat_at=NOW - 720 * SECOND)))
    assert "✗ host box:4211 died, last seen 12m ago" in text


def test_a_host_that_ended_in_good_order_is_not_called_dead() -> None:
    ended = host(stopped_at=NOW - 5 * SECOND, ending="stopped")
    assert "○ host box:4211 stopped 5s ago" in header(snapshot(WORKERS, host_alive=False, host=ended))


def test_before_the_first_host_and_before_the_database_is_open_it_says_so() -> None:
    assert "no host yet" in header(snapshot([], host=None, host_alive=False))
    assert "Opening the database" in header(None, opening="Opening the database …")


def test_workers_are_counted_by_status_the_worst_first_in_symbols_and_words() -> None:
    assert "4 workers   ✗ 1 failed   ! 1 stuck   ► 1 running   ○ 1 idle" in header(snapshot(WORKERS))
    assert "1 worker   ○ 1 idle" in header(snapshot([worker()]))


@pytest.mark.parametrize("width", [1, 10, 30, 50, 78, 100, 138, 248])
def test_it_fits_any_width(width: int) -> None:
    header(snapshot(WORKERS, activity=activity(0, 3, 12345)), width, frozen=True, read_only=True)


def test_frozen_and_read_only_are_written_out() -> None:
    text = header(snapshot(WORKERS), frozen=True, read_only=True, marked=1234)
    assert "1,234 MARKED" in text
    assert "FROZEN" in text
    assert "READ-ONLY" in text


def test_runs_per_minute_are_the_mean_of_full_minutes() -> None:
    records = activity(0, 0, 0, 0, 0, 0, started=12)
    assert runs_per_minute(records, NOW, NOW - 3600 * SECOND) == 12
    assert runs_per_minute(records[:-1][-2:], NOW, NOW - 3600 * SECOND) == 24 / 5


def test_a_host_that_is_up_for_less_than_a_full_minute_has_no_rate_yet() -> None:
    this_minute = NOW - NOW % MINUTE
    assert runs_per_minute(activity(0), NOW, this_minute + 1) is None
    assert runs_per_minute(activity(0, 0, started=9), NOW, this_minute - MINUTE) == 9


def test_before_there_is_a_rate_the_runs_so_far_are_counted() -> None:
    young = host(started_at=NOW - 5 * SECOND)
    assert "9 runs so far" in header(snapshot(WORKERS, host=young, activity=activity(0, started=9)))


def test_failures_of_the_last_hour_are_counted_and_older_ones_are_not() -> None:
    records = activity(7, *([0] * 60), 2)
    assert failures_in_hour(records, NOW) == 2
    assert failure_trend(records, NOW, 6) == [0, 0, 0, 0, 0, 2]


def test_the_banner_says_what_a_recovery_found() -> None:
    items = banner_items(snapshot(WORKERS, host=host(recovered_runs=2)), NOW)
    assert [item.text for item in items] == ["The host before this one died; 2 runs in flight were marked failed."]
    assert items[0].dismissible


def test_a_dead_host_and_troubles_stay_on_the_banner() -> None:
    items = banner_items(snapshot(WORKERS, host_alive=False, trouble="The database can't be read"), NOW)
    assert [item.id for item in items] == ["trouble", "no-host"]
    assert not any(item.dismissible for item in items)


def test_a_notice_of_the_host_is_on_the_banner_without_control_characters() -> None:
    items = banner_items(snapshot(WORKERS, host=host(notice="disk full\x1b[2J")), NOW)
    assert [item.text for item in items] == ["disk full"]


def test_what_our_own_host_says_of_the_database_comes_first_without_control_characters() -> None:
    items = banner_items(snapshot(WORKERS, trouble="can't be read"), NOW, (), "the disk\x1b[2J is full")
    assert [item.text for item in items] == ["the disk is full", "can't be read"]
    assert not items[0].dismissible


def test_a_living_host_that_writes_nothing_is_told_with_what_is_known() -> None:
    state = snapshot(WORKERS, host=host(heartbeat_at=NOW - 40 * SECOND))
    [item] = banner_items(state, NOW)
    assert item.text.startswith("The host is alive, but has written nothing since ")
    assert "(40" in item.text
    assert not item.dismissible
    assert banner_items(snapshot(WORKERS, host=host(heartbeat_at=NOW - 5 * SECOND)), NOW) == []
    assert banner_items(snapshot(WORKERS, host=host(heartbeat_at=NOW + 60 * SECOND)), NOW) == []
    [dead] = banner_items(snapshot(WORKERS, host=host(heartbeat_at=NOW - 40 * SECOND), host_alive=False), NOW)
    assert dead.id == "no-host"
    [read_only] = banner_items(state, NOW, (), "the disk is full")
    assert read_only.id == "own-trouble"


def test_an_empty_screen_says_why_and_what_to_do() -> None:
    first = empty_message(snapshot([], host=None, host_alive=False), Filter())
    assert first[0] == "No workers yet"
    assert any("workerconsole init" in line for line in first)
    assert empty_message(snapshot(WORKERS), parse("nobody"))[0] == "No worker matches"
    assert "no status begins with 'x'" in empty_message(snapshot(WORKERS), parse("status:x"))[1].lower()
    assert empty_message(None, Filter(), opening_trouble="no permission")[:2] == (
        "The database can't be opened",
        "no permission",
    )
    assert empty_message(None, Filter(), "Loading workers.py …") == ("Loading workers.py …",)
    assert empty_message(snapshot([], trouble="disk"), Filter())[1] == "disk"
