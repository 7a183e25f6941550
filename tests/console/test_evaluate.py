"""Expressions in held frames: offered while they are held, asked for once, answered on the screen."""

from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.widgets import Static

from tests.clocks import HandClock
from tests.console.pane import command, failure
from tests.console.test_failure_actions import case, traced
from workerconsole.orders import Order, Report
from workerconsole.screens.evaluate import Evaluate, HeldFrame, answer_text
from workerconsole.trace_actions import BY_ID
from workerkit.clock import SECOND

EVALUATE = BY_ID["trace.evaluate"]


def held_case() -> Any:
    return case(failure=failure(9, capture={"version": 1, "exceptions": [], "held_until": 1}))


def answered(**changes: Any) -> Report:
    return Report(Order("evaluate"), (command("evaluate", **changes),))


def test_it_is_offered_only_while_the_frames_are_held() -> None:
    frame = object()
    assert "hold_on_failure" in (EVALUATE.disabled(traced(frame=frame, held_for=60)) or "")
    assert EVALUATE.disabled(traced(case=held_case(), frame=frame, held_for=60)) is None
    assert EVALUATE.disabled(traced(case=held_case(), frame=frame, held_for=0)) == "Its frames are no longer held."
    assert EVALUATE.disabled(traced(case=held_case(), frame=None, held_for=60)) == "No frame is selected."
    assert EVALUATE.disabled(traced(case=held_case(), frame=frame, held_for=60, read_only=True)) is not None
    assert EVALUATE.dangerous


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        (answered(data={"node": {"kind": "number", "text": "6"}}), "6"),
        (answered(data={"node": {"kind": "string", "text": "a\x1b[31mb"}}), "'a\\x1b[31mb'"),
        (answered(data={"error": "ZeroDivisionError: division by zero"}), "ZeroDivisionError: division by zero"),
        (answered(state="refused", result="not held any more"), "not held any more"),
        (answered(state="pending", result=None), "the host has not answered"),
    ],
)
def test_an_answer_is_a_value_or_what_was_raised_or_why_not(report: Report, expected: str) -> None:
    assert answer_text(report).plain == expected


class EvaluateApp(App[None]):
    def __init__(self, clock: HandClock) -> None:
        super().__init__()
        self.clock = clock
        self.orders: list[Order] = []

    def compose(self) -> ComposeResult:
        yield Static("below")

    def on_mount(self) -> None:
        held = HeldFrame(9, 1, 3, "ship", self.clock.now() + 90 * SECOND)
        self.push_screen(Evaluate(held, self.give, self.clock))

    def give(self, order: Order, tell: Any) -> None:
        self.orders.append(order)
        tell(answered(data={"node": {"kind": "number", "text": "42"}}))


async def test_expressions_are_given_to_the_host_and_answers_stay_in_sight() -> None:
    app = EvaluateApp(HandClock())
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press(*"6*7", "enter")
        await pilot.pause()
        assert [order.params for order in app.orders] == [
            {"run_id": 9, "exception": 1, "frame": 3, "expression": "6*7"}
        ]
        shown = str(app.screen.query_one("#evaluate-answers", Static).content)
        assert ">>> 6*7" in shown
        assert "42" in shown
        title = app.screen.query_one("#evaluate-title", Static)
        assert "held for another 1m 30s" in str(title.content)
        await pilot.press("enter")
        assert len(app.orders) == 1, "an empty line asks nothing"
        await pilot.press("escape")
        assert not isinstance(app.screen, Evaluate)
