"""What the screens of failures ask, and how the feed answers it."""

from pathlib import Path
from typing import Any

from textual.message import Message

from tests.console import mishaps
from tests.console.factory import NOW, HandClock, Seed, spec
from tests.console.test_feed import FakeDatabase
from workerconsole.cases import AboutFailure, AllGroups, Case
from workerconsole.feed import Feed
from workerconsole.picture import DETAIL_EVERY, Answered
from workerkit.clock import MINUTE
from workerkit.store.groups import GroupState


def ask(seed: Seed, question: AboutFailure) -> Case:
    with seed.database.reader() as reader:
        case = question(reader, NOW)
    assert case is not None
    return case


def test_a_case_knows_its_place_in_the_group_and_what_differs(seed: Seed) -> None:
    seed.workers([spec("web"), spec("other")])
    first, second, third = (seed.fail("web", mishaps.page(page), params={"page": page}) for page in (1, 2, 2))
    seed.fail("other", mishaps.chain())
    case = ask(seed, AboutFailure(second))
    assert (case.older, case.newer, case.place, case.kept) == (first, third, 2, 3)
    assert case.comparison is not None
    assert case.comparison.sentence() == f"only page differs from run {first}: 1, now 2"
    assert case.run is not None
    assert case.run.params == {"page": 2}
    assert case.group is not None
    assert case.group.count == 3
    latest, oldest = ask(seed, AboutFailure(third)), ask(seed, AboutFailure(first))
    assert latest.newer is None
    assert latest.comparison is not None
    assert latest.comparison.same
    assert (oldest.older, oldest.comparison) == (None, None)


def test_nothing_is_compared_of_a_failure_that_was_only_counted(seed: Seed) -> None:
    seed.workers([spec("web")])
    early, first, counted, full = (seed.fail("web", mishaps.page(page)) for page in (1, 1, 1, 2))
    seed.only_counted(early, counted)
    cases = {run_id: ask(seed, AboutFailure(run_id)) for run_id in (early, first, counted, full)}
    assert cases[counted].failure.capture_of == first
    assert cases[counted].comparison is None
    assert cases[first].comparison is None, "the one before it shows this one's"
    compared = cases[full].comparison
    assert compared is not None
    assert compared.sentence() == f"only page differs from run {first}: 1, now 2"


def test_what_can_change_is_read_again(seed: Seed) -> None:
    seed.workers([spec("web")])
    run_id = seed.fail("web", mishaps.page(1))
    question = AboutFailure(run_id)
    before = ask(seed, question)
    assert ask(seed, question) == before
    seed.group_state(seed.groups()[0], GroupState.ACKNOWLEDGED, "on it")
    after = ask(seed, question)
    assert after != before
    assert after.failure is before.failure, "what can't change is kept"
    assert after.group is not None
    assert after.group.note == "on it"
    seed.fail("web", mishaps.page(2))
    assert ask(seed, question).newer is not None


def test_a_run_without_a_failure_has_no_case(seed: Seed, path: Path) -> None:
    with seed.database.reader() as reader:
        assert AboutFailure(999)(reader, NOW) is None
        assert AllGroups()(reader, NOW) == ()


class Asking:
    """A feed on a database in memory, and what it posted."""

    def __init__(self) -> None:
        self.database = FakeDatabase()
        self.clock = HandClock()
        self.posted: list[Message] = []
        self.feed = Feed(self.database.open, self.posted.append, clock=self.clock)
        self.answer: Any = 1
        self.asked = 0

    def question(self, reader: Any, now: int) -> Any:
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def answers(self) -> list[Any]:
        self.feed.drawn()
        self.feed.step()
        found = [message.answer for message in self.posted if isinstance(message, Answered)]
        self.posted.clear()
        return found


def test_a_question_is_answered_at_once_and_when_the_database_moved() -> None:
    asking = Asking()
    assert asking.answers() == []
    asking.feed.ask(asking.question)
    assert asking.answers() == [1]
    assert asking.answers() == []
    assert asking.asked == 1, "an idle database costs nothing"
    asking.answer = 2
    asking.database.moved = True
    assert asking.answers() == [], "not that often"
    asking.clock.move(DETAIL_EVERY)
    assert asking.answers() == [2]
    asking.feed.ask(None)
    asking.database.moved = True
    asking.clock.move(DETAIL_EVERY)
    assert asking.answers() == []


def test_an_answer_that_is_the_same_is_not_posted_again_but_looked_at_every_minute() -> None:
    asking = Asking()
    asking.feed.ask(asking.question)
    assert asking.answers() == [1]
    asking.database.moved = True
    asking.clock.move(DETAIL_EVERY)
    assert asking.answers() == []
    asking.answer = 2
    asking.clock.move(MINUTE)
    assert asking.answers() == [2], "trends move without a commit"


def test_another_question_is_answered_at_once() -> None:
    asking = Asking()
    asking.feed.ask(asking.question)
    assert asking.answers() == [1]
    asking.feed.ask(lambda reader, now: "other")
    assert asking.answers() == ["other"]


def test_a_question_that_can_not_be_answered_is_asked_again_later() -> None:
    asking = Asking()
    asking.answer = OSError("disk")
    asking.feed.ask(asking.question)
    assert asking.answers() == []
    asking.answer = 3
    asking.clock.move(2 * MINUTE)
    assert asking.answers() == [3]
