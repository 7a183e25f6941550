"""Run a worker with parameters."""

from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from workerconsole.params import ParamsError, parse
from workerconsole.screens.dialog import Dialog, keys_line
from workerconsole.text import clean

LONGEST = 16_384
"""Characters of parameters that can be typed or pasted."""


class AskParams(Dialog[dict[str, Any] | None]):
    """Asks for parameters until they can be read; None when the operator changed their mind."""

    DEFAULT_CSS = """
    AskParams {
        & Input { margin-top: 1; background: $surface; }
        & #params-mistake { color: $text-error; height: 1; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "cancel", id="params-cancel")]

    def __init__(self, worker: str) -> None:
        super().__init__()
        self._worker = clean(worker, 64)

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(Content(f"Run {self._worker} now, with parameters"), classes="dialog-title")
            yield Static(
                Content('key=value pairs, or a JSON object: day=2024-05-01 full=true, {"ids": [1, 2]}'),
                classes="dialog-text",
            )
            yield Input(placeholder="day=2024-05-01 full=true", max_length=LONGEST, compact=True)
            yield Static(id="params-mistake")
            yield Static(keys_line(("enter", "run"), ("esc", "cancel")), classes="dialog-keys")

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    @on(Input.Changed)
    def _typed(self) -> None:
        self.query_one("#params-mistake", Static).update("")

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        try:
            params = parse(event.value)
        except ParamsError as error:
            self.query_one("#params-mistake", Static).update(Content(clean(error, 200)))
        else:
            self.dismiss(params)

    def action_cancel(self) -> None:
        self.dismiss(None)
