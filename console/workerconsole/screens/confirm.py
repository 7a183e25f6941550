"""Questions: before what is hard to reverse, and at the farewell of a console that hosts."""

from typing import ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from workerconsole import format as fmt
from workerconsole.screens.dialog import Dialog, keys_line
from workerconsole.text import clean

Farewell = Literal["stop", "headless", "stay"]


class Confirm(Dialog[bool]):
    """Asks one question; True for yes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,enter", "answer(True)", "yes", id="confirm-yes"),
        Binding("n,escape,q", "answer(False)", "no", id="confirm-no"),
    ]

    def __init__(self, question: str, yes: str) -> None:
        super().__init__()
        self._question = question
        self._yes = yes

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(Content(clean(self._question, 400)), classes="dialog-text")
            yield Static(keys_line(("enter", self._yes), ("esc", "no")), classes="dialog-keys")

    def action_answer(self, yes: bool) -> None:
        self.dismiss(yes)


class Leave(Dialog[Farewell]):
    """Asks what becomes of the workers when the console that hosts them is left."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,s", "answer('stop')", "stop the workers", id="leave-stop"),
        Binding("l", "answer('headless')", "leave them running", id="leave-headless"),
        Binding("escape,n,q", "answer('stay')", "stay", id="leave-stay"),
    ]

    def __init__(self, running: int, grace: float, *, may_leave_headless: bool) -> None:
        super().__init__()
        self._in_flight = running
        self._grace = grace
        self._may_leave_headless = may_leave_headless

    def compose(self) -> ComposeResult:
        if self._in_flight:
            what = "1 run is" if self._in_flight == 1 else f"{fmt.count(self._in_flight)} runs are"
            text = f"{what} in flight and will be asked to end. What is left after {self._grace:g} s is interrupted."
        else:
            text = "No run is in flight."
        keys = [("enter", "stop the workers and quit")]
        if self._may_leave_headless:
            keys.append(("l", "leave them running without a screen"))
        keys.append(("esc", "stay here"))
        with Vertical():
            yield Static(Content("This console runs the workers."), classes="dialog-title")
            yield Static(Content(text), classes="dialog-text")
            yield Static(Content("\n").join([keys_line(pair) for pair in keys]), classes="dialog-keys")

    def action_answer(self, answer: Farewell) -> None:
        if answer != "headless" or self._may_leave_headless:
            self.dismiss(answer)
