"""Questions to the live frames of a held failure: an expression, and what it gives, as long as the failure is held."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from workerconsole import format as fmt
from workerconsole.orders import Order, Report
from workerconsole.screens.dialog import Dialog, keys_line
from workerconsole.text import clean
from workerconsole.values import pieces, read_variables
from workerkit.clock import SECOND, Clock, Micros
from workerkit.postmortem import MAX_EXPRESSION

MAX_ANSWERS = 12
"""Answers that stay in sight."""
ANSWER_LENGTH = 2_000
"""Characters of one answer."""

Give = Callable[[Order, Callable[[Report], None]], None]
"""Gives an order, and calls back with what came of it."""


@dataclass(frozen=True, slots=True)
class HeldFrame:
    """The frame that is asked, by its place in the capture."""

    run_id: int
    exception: int
    frame: int
    function: str
    until: Micros
    """When the host lets go of it."""


class Evaluate(Dialog[None]):
    """Asks for expressions, one after the other; escape leaves."""

    DEFAULT_CSS = """
    Evaluate {
        & > Vertical { width: 100; }
        & #evaluate-answers { height: auto; max-height: 24; }
        & Input { margin-top: 1; background: $surface; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "leave", id="evaluate-leave")]

    def __init__(self, held: HeldFrame, give: Give, clock: Clock) -> None:
        super().__init__()
        self._held = held
        self._give = give
        self._clock = clock
        self._answers: list[Content] = []

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(id="evaluate-title", classes="dialog-title")
            yield Static(id="evaluate-answers")
            yield Input(
                placeholder="an expression: len(orders), order['qty'] * 2", compact=True, max_length=MAX_EXPRESSION
            )
            yield Static(keys_line(("enter", "evaluate"), ("esc", "leave")), classes="dialog-keys")

    def on_mount(self) -> None:
        self._count_down()
        self.set_interval(1.0, self._count_down)
        self.query_one(Input).focus()

    def action_leave(self) -> None:
        self.dismiss(None)

    @property
    def seconds_left(self) -> int:
        """How long the frame is still held."""
        return max(0, (self._held.until - self._clock.now()) // SECOND)

    def _count_down(self) -> None:
        left = self.seconds_left
        span = f"held for another {fmt.duration(left * SECOND)}" if left else "no longer held"
        title = Content.assemble(
            "Evaluate in ", (clean(self._held.function, 60), "$text-primary"), (f"   {span}", "$text-muted")
        )
        self.query_one("#evaluate-title", Static).update(title)

    @on(Input.Submitted)
    def _asked(self, event: Input.Submitted) -> None:
        event.stop()
        expression = event.value.strip()
        if not expression:
            return
        event.input.clear()
        held = self._held
        params = {"run_id": held.run_id, "exception": held.exception, "frame": held.frame, "expression": expression}
        self._give(Order("evaluate", params=params), lambda report: self._answered(expression, report))

    def _answered(self, expression: str, report: Report) -> None:
        if not self.is_mounted:
            return
        question = Content.assemble((">>> ", "$text-muted"), clean(expression, 300))
        self._answers = [*self._answers, Content("\n").join([question, answer_text(report)])][-MAX_ANSWERS:]
        self.query_one("#evaluate-answers", Static).update(Content("\n").join(self._answers))


def answer_text(report: Report) -> Content:
    """What the host answered: the value on one line, what the expression raised, or why it was not evaluated."""
    answer = report.answers[0]
    data = answer.data if isinstance(answer.data, dict) else {}
    if answer.state != "done":
        return Content.styled(clean(answer.result or "the host has not answered", ANSWER_LENGTH), "$text-warning")
    if "error" in data:
        return Content.styled(clean(data["error"], ANSWER_LENGTH), "$text-error")
    variables = read_variables([["value", data.get("node")]])
    return Content.assemble(*pieces(variables[0].value, ANSWER_LENGTH))
