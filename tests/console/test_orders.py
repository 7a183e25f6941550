from typing import Any

from tests.console.factory import NOW
from workerconsole.orders import Order, Report, carry_out
from workerkit.store.records import CommandRecord


def answer(worker: str | None, state: str = "done", result: str | None = "done", verb: str = "pause") -> CommandRecord:
    return CommandRecord(1, verb, worker, {}, "", NOW, "ops@box", state, result, None, None, NOW)


class FakeOperator:
    """Answers as it was told to."""

    def __init__(self, **states: str) -> None:
        self.states = states
        self.submitted: list[tuple[str, str | None, Any]] = []
        self.patience: list[float] = []

    def submit(self, verb: str, worker: str | None = None, *, params: Any = None, reason: str = "") -> int:
        self.submitted.append((verb, worker, params))
        return len(self.submitted) - 1

    def wait(self, command_id: int, timeout: float = 5.0) -> CommandRecord:
        verb, worker, _ = self.submitted[command_id]
        self.patience.append(timeout)
        state = self.states.get(worker or "", "done")
        return answer(worker, state, None if state == "pending" else f"{worker} is {state}", verb)


def test_each_worker_gets_its_command_and_all_are_given_before_the_first_answer_is_awaited() -> None:
    operator = FakeOperator()
    report = carry_out(operator, Order("run", ("a", "b"), {"n": 1}))
    assert operator.submitted == [("run", "a", {"n": 1}), ("run", "b", {"n": 1})]
    assert len(report.answers) == 2


def test_a_verb_that_names_no_worker_is_one_command() -> None:
    operator = FakeOperator()
    carry_out(operator, Order("pause-all"))
    assert operator.submitted == [("pause-all", None, None)]


def test_a_host_that_does_not_answer_is_waited_for_once() -> None:
    operator = FakeOperator(a="pending", b="pending", c="pending")
    carry_out(operator, Order("pause", ("a", "b", "c")), timeout=5.0)
    assert operator.patience == [5.0, 0.0, 0.0]


def test_one_answer_is_told_in_the_words_of_the_host() -> None:
    report = Report(Order("pause", ("mail",)), (answer("mail", result="mail is paused"),))
    assert report.sentence(host_alive=True) == "mail is paused"
    assert report.severity == "information"


def test_a_result_that_does_not_name_its_worker_gets_the_name() -> None:
    report = Report(Order("run", ("mail",)), (answer("mail", "refused", "it runs already"),))
    assert report.sentence(host_alive=True) == "mail: it runs already"
    assert report.severity == "warning"


def test_many_answers_are_counted_and_a_refusal_is_quoted() -> None:
    answers = (answer("a"), answer("b"), answer("c", "refused", "c is broken"))
    report = Report(Order("pause", ("a", "b", "c")), answers)
    assert report.sentence(host_alive=True) == "2 of 3 workers paused. For instance: c is broken"
    assert report.severity == "warning"


def test_without_a_host_a_command_is_stored_for_the_next_one() -> None:
    report = Report(Order("pause", ("mail",)), (answer("mail", "pending", None),))
    assert report.sentence(host_alive=False) == "mail: pause: Stored; the next host applies it at its start."
    assert "not answered" in report.sentence(host_alive=True)


def test_a_failed_command_is_an_error() -> None:
    assert Report(Order("run", ("a",)), (answer("a", "failed", "boom"),)).severity == "error"
