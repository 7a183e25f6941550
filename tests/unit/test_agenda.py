"""The next slot of each of many schedules, reckoned beside a plain list of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workerkit.agenda import RETRY, Agenda
from workerkit.clock import DAY, HOUR, MINUTE, SECOND, Micros
from workerkit.schedule import Cron, Every, Manual, Schedule

NOW: Micros = 1_767_225_600 * SECOND + 123_457


def taken(agenda: Agenda, now: Micros) -> list[str]:
    """All that are due by now."""
    return list(iter(lambda: agenda.pop(now), None))


class Broken(Every):
    def next_slot(self, name: str, after: Micros) -> Micros | None:
        raise BaseException("poison")


@pytest.mark.parametrize("schedule", [Every(SECOND // 10), Every(7 * SECOND + 1), Cron("*/5 * * * *"), Every(HOUR)])
def test_the_next_slot_is_later_than_now_and_than_the_last(schedule: Schedule) -> None:
    agenda, now = Agenda({"w": schedule}, NOW), NOW
    for _ in range(50):
        slot = agenda.earliest()
        assert slot == schedule.next_slot("w", now)
        assert slot is not None
        assert taken(agenda, slot - 1) == []
        assert taken(agenda, slot) == ["w"]
        assert taken(agenda, slot) == []
        now = slot


def test_a_year_of_missed_slots_is_one_look() -> None:
    agenda = Agenda({"w": Every(SECOND // 5)}, NOW)
    later = NOW + 365 * DAY
    assert taken(agenda, later) == ["w"]
    slot = agenda.earliest()
    assert slot is not None
    assert 0 < slot - later <= SECOND // 5


@given(
    st.lists(st.integers(SECOND // 10, MINUTE), min_size=1, max_size=8), st.lists(st.integers(0, MINUTE), max_size=8)
)
def test_all_that_are_due_are_taken_in_the_order_of_their_slots(periods: list[Micros], steps: list[Micros]) -> None:
    schedules = {f"w{number}": Every(period) for number, period in enumerate(periods)}
    agenda, now = Agenda(schedules, NOW), NOW
    for step in steps:
        upcoming = {name: each.next_slot(name, now) or 0 for name, each in schedules.items()}
        assert agenda.earliest() == min(upcoming.values())
        before, now = now, now + step
        due = sorted((slot, name) for name, slot in upcoming.items() if before < slot <= now)
        assert taken(agenda, now) == [name for _, name in due]


def test_one_without_a_slot_is_never_due() -> None:
    agenda = Agenda({"never": Manual()}, NOW)
    assert agenda.earliest() is None
    assert taken(agenda, NOW + 365 * DAY) == []


def test_another_schedule_takes_the_place_of_the_one_before() -> None:
    agenda = Agenda({"w": Every(SECOND)}, NOW)
    agenda.put("w", Every(HOUR), NOW)
    assert agenda.earliest() == Every(HOUR).next_slot("w", NOW)
    assert taken(agenda, NOW + MINUTE) == []
    agenda.put("w", Manual(), NOW)
    assert agenda.earliest() is None
    agenda.put("w", Every(SECOND), NOW)
    assert taken(agenda, NOW + MINUTE) == ["w"]


def test_one_that_was_dropped_is_not_due() -> None:
    agenda = Agenda({"a": Every(SECOND), "b": Every(SECOND)}, NOW)
    agenda.drop("a")
    agenda.drop("nobody")
    assert agenda.earliest() == Every(SECOND).next_slot("b", NOW)
    assert taken(agenda, NOW + MINUTE) == ["b"]


def test_a_schedule_that_fails_is_asked_again_in_a_minute_and_keeps_no_other_waiting(
    caplog: pytest.LogCaptureFixture,
) -> None:
    agenda = Agenda({"broken": Broken(SECOND), "w": Every(SECOND)}, NOW)
    assert taken(agenda, NOW + SECOND) == ["w"]
    assert sorted(taken(agenda, NOW + RETRY)) == ["broken", "w"]
    assert "the schedule of broken failed" in caplog.text
