"""The end of a pause as people write it, and what it costs."""

from collections.abc import Iterator
from datetime import datetime

import pytest

from tests.console.factory import NOW, worker
from tests.zones import local_zone
from workerconsole.format import at as at_
from workerconsole.format import localised, when
from workerconsole.schedules import first_slot_from, schedule_of, what_a_pause_costs
from workerconsole.until import UntilError, parse_end, parse_for, parse_until
from workerkit.clock import DAY, HOUR, MINUTE, SECOND, Micros, from_datetime
from workerkit.cron import Cron
from workerkit.intervals import Every, Manual
from workerkit.schedule import restrict


@pytest.fixture(autouse=True)
def berlin() -> Iterator[None]:
    with local_zone("Europe/Berlin"):
        yield


def at(text: str) -> Micros:
    """A local moment."""
    return from_datetime(datetime.fromisoformat(text).astimezone())


MORNING = "2026-03-28 10:00:00"


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("14:30", "2026-03-28 14:30"),
        ("10:00", "2026-03-29 10:00"),
        ("9:15", "2026-03-29 09:15"),
        ("tomorrow 06:00", "2026-03-29 06:00"),
        ("today 23:59:30", "2026-03-28 23:59:30"),
        ("2026-03-30", "2026-03-30 00:00"),
        ("2026-03-30 06:00", "2026-03-30 06:00"),
        ("2026-03-30T06:00", "2026-03-30 06:00"),
        ("2026-03-30T06:00:00Z", "2026-03-30 08:00"),
        ("2026-03-28t12:00:00+01:00", "2026-03-28 12:00"),
    ],
)
def test_a_time_is_local_and_tomorrows_when_it_is_past(text: str, means: str) -> None:
    assert parse_until(text, at(MORNING)) == at(means)


def test_tomorrow_is_the_same_time_of_day_also_over_the_change_of_the_clocks() -> None:
    assert parse_until("09:00", at(MORNING)) - at(MORNING) == 22 * HOUR


@pytest.mark.parametrize("text", ["", "25:00", "14:3", "14", "soon", "2026-13-01", "2026-03-05T99", "1h", "١٤:٣٠"])
def test_what_is_no_time_is_refused_with_examples(text: str) -> None:
    with pytest.raises(UntilError, match="write it like 14:30, tomorrow 06:00"):
        parse_until(text, at(MORNING))


@pytest.mark.parametrize("text", ["2026-03-28 09:00", "today 09:00", "2020-01-01"])
def test_what_is_past_is_refused(text: str) -> None:
    with pytest.raises(UntilError, match="is past"):
        parse_until(text, at(MORNING))


def test_a_span_counts_from_now_and_has_bounds() -> None:
    assert parse_for("1h30m", NOW) == NOW + 90 * MINUTE
    mistakes = {"0s": "no time at all", "2000d": "more than a year", "-5m": "not a duration", "x": "like"}
    for text, says in mistakes.items():
        with pytest.raises(UntilError, match=says):
            parse_for(text, NOW)


def test_a_dialog_takes_either_or_nothing() -> None:
    now = at(MORNING)
    assert parse_end("  ", now) is None
    assert parse_end("2h", now) == parse_end("for 2h", now) == now + 2 * HOUR
    assert parse_end("14:30", now) == parse_end("until 14:30", now) == at("2026-03-28 14:30")
    for text in ("later", "5", "2h later"):
        with pytest.raises(UntilError):
            parse_end(text, now)


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        ("2026-03-28 14:30", "14:30"),
        ("2026-03-28 14:30:05", "14:30:05"),
        ("2026-03-29 06:00", "tomorrow 06:00"),
        ("2026-03-27 23:10", "yesterday 23:10"),
        ("2026-04-02 06:00", "2026-04-02 06:00"),
    ],
)
def test_moments_are_said_as_people_say_them(moment: str, said: str) -> None:
    assert when(at(moment), at(MORNING)) == said


def test_moments_within_a_sentence_have_their_preposition() -> None:
    now = at(MORNING)
    texts = [at_(at(moment), now) for moment in ("2026-03-28 14:30", "2026-03-29 06:00", "2026-04-02 06:00")]
    assert texts == ["at 14:30", "tomorrow at 06:00", "on 2026-04-02 at 06:00"]
    assert localised("the next at 2026-03-29T04:00:00.000Z", now) == "the next tomorrow at 06:00"


def test_the_hosts_moments_are_told_in_local_time_and_all_else_stays() -> None:
    text = "w is paused until 2026-03-28T13:30:00.000Z; 9999-99-99T00:00:00Z is none"
    assert localised(text, at(MORNING)) == "w is paused until 14:30; 9999-99-99T00:00:00Z is none"


# What a pause costs


@pytest.mark.parametrize("schedule", [Cron("15 3 * * *"), Cron("@daily", "Europe/Berlin"), Cron("1,2 * * * 1-5")])
def test_a_cron_line_is_read_back_from_its_words(schedule: Cron) -> None:
    assert schedule_of(worker(schedule=schedule.describe(), interval=None)) == schedule


def test_intervals_and_manual_workers_are_known_and_windows_are_not() -> None:
    assert schedule_of(worker()) == Every(10 * SECOND)
    assert schedule_of(worker(schedule="manual", interval=None)) == Manual()
    for base in (Every(10 * SECOND), Cron("0 4 * * *")):
        within = restrict(base, not_before="03:00", not_after="18:00")
        assert schedule_of(worker(schedule=within.describe(), interval=None)) is None
    for text in ("cron", "cron x", "cron 61 * * * *", "whenever", ""):
        assert schedule_of(worker(schedule=text, interval=None)) is None


def test_what_a_pause_costs_is_said_for_one_and_for_many() -> None:
    one, now = worker("web", interval=HOUR), at(MORNING)
    first = Every(HOUR).next_slot("web", now)
    assert what_a_pause_costs([one], now, now + 3 * HOUR) == f"3 slots will be missed, the next at {when(first, now)}."
    assert what_a_pause_costs([one], now, now + SECOND) == "No slot is due before then."
    assert what_a_pause_costs([one], now, None) == "No slot starts until somebody resumes."
    several = [one, worker("day", interval=DAY), worker("hours", interval=None, schedule="every 1m, 08:00-18:00 UTC")]
    said = what_a_pause_costs(several, now, now + DAY)
    assert said.startswith("25 slots will be missed, the next at ")
    assert said.endswith(" (web); 1 worker with a window not counted.")


def test_the_first_slot_after_a_pause() -> None:
    slot = first_slot_from(worker(interval=HOUR), NOW)
    assert slot is not None
    assert first_slot_from(worker(interval=HOUR), slot) == slot
    assert first_slot_from(worker(interval=None, schedule="manual"), NOW) is None
