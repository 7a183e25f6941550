"""Groups of failures: their order, their filter, their rows and what is told of one."""

from typing import Any

import pytest
from rich.cells import cell_len

from tests.console.factory import NOW
from workerconsole.groups import GroupSort, arrange, parse, state_label, state_of
from workerconsole.widgets.group_table import fitting, group_details, trend_line
from workerkit.clock import DAY, HOUR, MINUTE
from workerkit.store.records import FailureGroupRecord


def group(mark: str = "3f2a", **changes: Any) -> FailureGroupRecord:
    """An open group of three, last seen a minute ago."""
    fields: dict[str, Any] = {
        "fingerprint": mark,
        "kind": "error",
        "title": "ValueError: no page 411",
        "parts": ("error", "ValueError", "jobs:read_page", "raise ValueError ( '' )"),
        "first_seen_at": NOW - DAY,
        "last_seen_at": NOW - MINUTE,
        "count": 3,
        "first_run_id": 1,
        "last_run_id": 9,
        "last_worker": "mail",
        "state": "open",
        "state_at": None,
        "state_by": None,
        "note": None,
        "snoozed_until": None,
        "regressed_at": None,
        "workers": (("mail", 2), ("web", 1)),
        "trend": (0,) * 22 + (1, 2),
    }
    return FailureGroupRecord(**(fields | changes))


REGRESSED = group("r", regressed_at=NOW - HOUR, last_seen_at=NOW - HOUR)
OLD = group("o", last_seen_at=NOW - 5 * HOUR, count=900)
KNOWN = group("k", state="acknowledged", kind="panic")
SNOOZED = group("s", state="snoozed", snoozed_until=NOW + HOUR)
DONE = group("d", state="resolved", title="KeyError: 'b'", parts=("error", "KeyError"), workers=(("other", 1),))
ALL = (DONE, SNOOZED, KNOWN, OLD, group(), REGRESSED)


def marks(words: str = "", sort: GroupSort = GroupSort.URGENCY, *, backwards: bool = False) -> list[str]:
    return [found.fingerprint for found in arrange(ALL, parse(words), sort, backwards=backwards)]


def test_what_needs_somebody_comes_first() -> None:
    assert marks() == ["r", "3f2a", "o", "k", "s", "d"]
    assert marks(backwards=True)[0] == "d"


def test_other_orders() -> None:
    assert marks(sort=GroupSort.COUNT)[0] == "o"
    assert marks(sort=GroupSort.TITLE)[0] == "d"
    assert marks(sort=GroupSort.LAST_SEEN)[-1] == "o"
    every = [GroupSort.URGENCY]
    while every[-1].next() is not GroupSort.URGENCY:
        every.append(every[-1].next())
    assert every == list(GroupSort)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("keyerror", ["d"]),
        ("!page", ["d"]),
        ("state:open", ["r", "3f2a", "o"]),
        ("state:regressed", ["r"]),
        ("state:ack,snoo", ["k", "s"]),
        ("worker:other", ["d"]),
        ("kind:panic", ["k"]),
        ("!kind:panic !state:open page", ["s"]),
        ("/page read_page", ["r", "3f2a", "o", "k", "s"]),
        ("state:", ["r", "3f2a", "o", "k", "s", "d"]),
    ],
)
def test_the_filter(words: str, found: list[str]) -> None:
    assert marks(words) == found


def test_a_state_that_there_is_not_is_said() -> None:
    assert parse("state:closed").mistake == (
        "no state begins with 'closed'; there are regressed, open, acknowledged, snoozed, resolved"
    )
    assert parse("state:res").mistake is None


def test_states_have_signs_that_differ_without_colour() -> None:
    labels = {state_label(state_of(found)) for found in ALL}
    assert len({label[0] for label in labels}) == 5
    assert "▲ regressed" in labels


def test_a_trend_has_one_cell_an_hour_or_shares_them() -> None:
    assert trend_line((0,) * 22 + (1, 8), 24) == "·" * 22 + "▂█"
    assert trend_line((0,) * 22 + (1, 7), 12) == "·" * 11 + "█"
    assert trend_line((0,) * 23 + (1,), 24) == "·" * 23 + "▃"
    assert trend_line((0,) * 24, 24) == "·" * 24
    assert trend_line((), 24) == trend_line((1,), 0) == ""


@pytest.mark.parametrize("width", [10, 40, 60, 80, 100, 140, 220])
def test_columns_fit_and_the_failure_is_always_told(width: int) -> None:
    columns = fitting(width)
    names = [column.name for column in columns]
    assert {"state", "failure"} <= set(names)
    if width >= 40:
        assert 1 + sum(column.width for column in columns) + 2 * (len(columns) - 1) <= width
    assert ("workers" in names) == (width >= 100)
    assert any("24 hours" in name for name in names) == (width >= 80)


def told(record: FailureGroupRecord, width: int = 200) -> list[str]:
    lines = [line.plain for line in group_details(record, NOW, width)]
    assert all(cell_len(line) <= width for line in lines)
    return lines


def test_the_details_tell_what_makes_them_one_and_who_did_what() -> None:
    lines = told(group())
    assert lines[0] == "ValueError: no page 411"
    assert lines[1].startswith("✗ open · 3 times · first ")
    assert lines[1].endswith("mail 2, web 1")
    assert lines[2] == "one fault, because: error › ValueError › jobs:read_page › raise ValueError ( '' )"
    assert len(lines) == 3
    said: dict[str, Any] = {"state_at": NOW - HOUR, "state_by": "anna@box", "note": "on it"}
    assert told(group(state="acknowledged", **said))[-1] == "acknowledged by anna@box, 1h ago: on it"
    assert "snoozed until " in told(group(state="snoozed", snoozed_until=NOW + HOUR, **said))[-1]
    assert told(group(state="open", **said))[-1] == "reopened by anna@box, 1h ago: on it"
    regressed = group(regressed_at=NOW - MINUTE, state_at=NOW - HOUR, state_by="anna@box", note="fixed in 1.2")
    assert told(regressed)[-1] == "came back 1m ago, after anna@box had resolved it: fixed in 1.2"


def test_what_a_worker_wrote_is_made_safe() -> None:
    evil = "\x1b[31m[@click=app.quit]\u202e"
    record = group(title=evil, parts=(evil,), note=evil, state_at=NOW, workers=((evil, 1),))
    for line in told(record, 60):
        assert not set(line) & set("\x1b\u202e")
