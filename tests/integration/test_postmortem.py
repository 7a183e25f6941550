"""A held failure answers questions in its own frames: to its own user, on a host that allows it, for a while."""

from typing import Any

from tests.clocks import HandClock
from tests.integration.conftest import Bench
from tests.integration.test_guarded_runs import Task
from workerkit import RunContext
from workerkit.failures import Capture, Redactor
from workerkit.operator import Operator, who
from workerkit.postmortem import HOLD_TIME, MAX_HELD, HeldFailures
from workerkit.store.records import CommandRecord


class Shop(Task):
    hold_on_failure = True


def fails(_ctx: RunContext) -> None:
    order = {"qty": [1, 2, 3], "password": "hunter22"}
    raise ValueError(f"cannot ship {len(order)}")


def evaluate(bench: Bench, run_id: int, expression: str, by: str | None = None) -> CommandRecord:
    capture = bench.reader.failure(run_id)
    assert capture is not None
    frames = capture.capture["exceptions"][0]["frames"]
    operator = Operator(bench.database, by=by, nudge=bench.hosts[-1].nudge)
    params: dict[str, Any] = {"run_id": run_id, "exception": 0, "frame": len(frames) - 1, "expression": expression}
    return operator.wait(operator.submit("evaluate", params=params), timeout=20)


def test_an_expression_is_evaluated_in_the_chosen_frame_and_recorded(bench: Bench) -> None:
    bench.host(Shop(fails), allow_eval=True)
    run = bench.run("task")
    failure = bench.reader.failure(run.id)
    assert failure is not None
    assert failure.capture["held_until"] > failure.at
    answer = evaluate(bench, run.id, "sum(order['qty'])")
    assert (answer.state, answer.data) == ("done", {"node": {"kind": "number", "text": "6"}})
    recorded = bench.reader.command(answer.id)
    assert recorded is not None
    assert (recorded.requested_by, recorded.params["expression"]) == (who(), "sum(order['qty'])")


def test_what_an_expression_raises_is_its_answer_and_secrets_stay_hidden(bench: Bench) -> None:
    bench.host(Shop(fails), allow_eval=True)
    run = bench.run("task")
    assert evaluate(bench, run.id, "1 / 0").data == {"error": "ZeroDivisionError: division by zero"}
    assert "SyntaxError" in evaluate(bench, run.id, "import os").data["error"]
    assert evaluate(bench, run.id, "exit()").data["error"].startswith("SystemExit")
    for expression in ("order", "order['password']", "order.get('password')", "[order['password']]"):
        assert "hunter22" not in str(evaluate(bench, run.id, expression).data)
    assert bench.run("task").outcome == "failed", "the host lives on"


def test_nothing_is_held_or_evaluated_unless_host_and_worker_say_so(bench: Bench) -> None:
    host = bench.host(Shop(fails))
    run = bench.run("task")
    failure = bench.reader.failure(run.id)
    assert failure is not None
    assert "held_until" not in failure.capture
    refusal = evaluate(bench, run.id, "1")
    assert (refusal.state, refusal.result) == ("refused", "this host evaluates nothing; start it with --allow-eval")
    host.stop()
    bench.host(Task(fails), allow_eval=True)
    answer = evaluate(bench, bench.run("task").id, "1")
    assert answer.state == "refused"
    assert "not held any more" in (answer.result or "")


def test_another_user_is_refused(bench: Bench) -> None:
    bench.host(Shop(fails), allow_eval=True)
    assert evaluate(bench, bench.run("task").id, "1", by="mallory@elsewhere").state == "refused"


def caught() -> Capture:
    try:
        raise ValueError
    except ValueError as error:
        return Capture(error, Redactor(environment={}))


def test_few_are_held_and_not_for_long() -> None:
    clock = HandClock()
    held = HeldFailures(clock)
    for run_id in range(MAX_HELD + 2):
        held.keep(run_id, caught(), Redactor(environment={}))
    answers = []
    for run_id in range(MAX_HELD + 2):
        try:
            answers.append(held.evaluate(run_id, 0, 0, "1 + 1")["node"]["text"])
        except LookupError:
            answers.append("gone")
    assert answers == ["gone", "gone", "2", "2", "2"]
    clock.advance(HOLD_TIME)
    held.forget_expired()
    assert held._held == {}
