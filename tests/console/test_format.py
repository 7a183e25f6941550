"""Numbers, moments and states as short text."""

from datetime import datetime

import pytest
from rich.cells import cell_len
from textual.content import Content
from textual.style import Style

from workerconsole import format as fmt
from workerkit.clock import DAY, HOUR, MINUTE, SECOND
from workerkit.outcome import Outcome, Status

NOON = round(datetime(2024, 3, 5, 12, 0).astimezone().timestamp()) * SECOND


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (None, "–"),
        (0, "0 ms"),
        (400, "<1 ms"),
        (250_000, "250 ms"),
        (999_999, "999 ms"),
        (1_200_000, "1.2 s"),
        (59_999_999, "59.9 s"),
        (3 * MINUTE + 4 * SECOND, "3m 04s"),
        (2 * HOUR + 5 * MINUTE, "2h 05m"),
        (3 * DAY + 4 * HOUR, "3d 04h"),
        (-250_000, "-250 ms"),
    ],
)
def test_durations_have_fixed_short_forms(span: int | None, text: str) -> None:
    assert fmt.duration(span) == text


@pytest.mark.parametrize(
    ("before", "text"),
    [
        (0, "now"),
        (999_999, "now"),
        (-5 * SECOND, "now"),
        (12 * SECOND, "12s ago"),
        (200 * SECOND, "3m ago"),
        (5 * HOUR, "5h ago"),
        (40 * DAY, "40d ago"),
    ],
)
def test_the_past_is_told_coarsely(before: int, text: str) -> None:
    assert fmt.ago(NOON - before, NOON) == text


def test_what_never_was_is_never() -> None:
    assert fmt.ago(None, NOON) == "never"


@pytest.mark.parametrize(
    ("ahead", "text"),
    [
        (0, "due now"),
        (-SECOND, "due now"),
        (1, "in 1s"),
        (8 * SECOND, "in 8s"),
        (59_400_000, "in 1m 00s"),
        (184 * SECOND, "in 3m 04s"),
        (10 * MINUTE, "in 10m 00s"),
        (10 * MINUTE + SECOND, "in 11m"),
        (59 * MINUTE + SECOND, "in 1h 00m"),
        (2 * HOUR + 5 * MINUTE, "in 2h 05m"),
        (3 * DAY, "in 3d 00h"),
    ],
)
def test_the_future_is_counted_down(ahead: int, text: str) -> None:
    assert fmt.until(NOON + ahead, NOON) == text


@pytest.mark.parametrize(
    ("span", "past", "future"),
    [
        (8 * SECOND, "8s ago", "in 8s"),
        (9_999_999, "9s ago", "in 10s"),
        (10 * SECOND, "10s ago", "in 10s"),
        (12 * SECOND, "10s ago", "in 15s"),
        (44 * SECOND, "40s ago", "in 45s"),
        (56 * SECOND, "55s ago", "in 1m 00s"),
        (184 * SECOND, "3m ago", "in 3m 05s"),
        (11 * MINUTE, "11m ago", "in 11m"),
    ],
)
def test_a_table_of_many_times_is_at_rest_for_the_most_part(span: int, past: str, future: str) -> None:
    assert fmt.ago(NOON - span, NOON, calm=True) == past
    assert fmt.until(NOON + span, NOON, calm=True) == future


def test_no_next_moment_is_a_dash() -> None:
    assert fmt.until(None, NOON) == "–"


def test_clock_time_names_the_day_only_when_it_is_another_one() -> None:
    assert fmt.clock_time(NOON, NOON) == "12:00:00"
    assert fmt.clock_time(NOON, NOON + DAY) == "2024-03-05 12:00:00"
    assert fmt.clock_time(NOON) == "2024-03-05 12:00:00"
    assert fmt.clock_time(None, NOON) == "–"
    assert fmt.clock_time(10**30, NOON) == "–"


def test_numbers_are_grouped() -> None:
    assert fmt.count(12345) == "12,345"
    assert fmt.count(None) == "–"
    assert fmt.plural(1, "run") == "1 run"
    assert fmt.plural(1204, "line") == "1,204 lines"


def test_every_status_and_outcome_has_its_own_shape_of_one_cell() -> None:
    statuses = [fmt.status_symbol(status) for status in Status]
    outcomes = [fmt.outcome_symbol(outcome) for outcome in Outcome]
    assert len(set(statuses)) == len(statuses)
    assert len(set(outcomes)) == len(outcomes)
    assert all(cell_len(symbol) == 1 for symbol in [*statuses, *outcomes, fmt.status_symbol("from the future")])
    assert fmt.outcome_symbol(None) == fmt.status_symbol("running")


def test_every_style_can_be_parsed_with_the_theme() -> None:
    variables = {"text-success": "#0f0", "text-primary": "#00f", "text-error": "#f00", "text-warning": "#ff0"}
    for style in {fmt.status_style(s) for s in Status} | {fmt.outcome_style(o) for o in [*Outcome, None]}:
        assert Style.parse(style, {**variables, "text-muted": "#888"}).foreground is not None
        assert Content.styled("x", style).spans
