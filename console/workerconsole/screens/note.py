"""A note for a group of failures, and for a snooze, how long."""

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from workerconsole.screens.dialog import Dialog, keys_line
from workerconsole.text import clean
from workerkit.clock import DAY, MINUTE, Micros
from workerkit.schedule import ScheduleError, parse_duration

LONGEST = 500
"""Characters of a note."""
SHORTEST_SNOOZE: Micros = MINUTE
LONGEST_SNOOZE: Micros = 365 * DAY


@dataclass(frozen=True, slots=True)
class Note:
    """What the operator said."""

    text: str
    span: Micros | None = None
    """How long a snooze lasts."""


class AskNote(Dialog[Note | None]):
    """Asks for a note, which may be empty; None when the operator changed their mind."""

    DEFAULT_CSS = """
    AskNote {
        & Input { margin-top: 1; background: $surface; }
        & #note-mistake { color: $text-error; height: 1; }
        & .dialog-text { text-wrap: nowrap; text-overflow: ellipsis; height: 1; color: $text-muted; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "cancel", id="note-cancel")]

    def __init__(self, title: str, about: str, word: str, *, ask_span: bool = False) -> None:
        super().__init__()
        self._heading = title
        self._about = about
        self._word = word
        self._ask_span = ask_span

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(Content(self._heading), classes="dialog-title")
            yield Static(Content(clean(self._about, 300)), classes="dialog-text")
            if self._ask_span:
                yield Input("1h", placeholder="how long: 30m, 1h, 1d", max_length=20, compact=True, id="note-span")
            yield Input(
                placeholder="a note for the others; may be empty", max_length=LONGEST, compact=True, id="note-text"
            )
            yield Static(id="note-mistake")
            keys = [("enter", self._word), ("esc", "cancel")]
            if self._ask_span:
                keys.insert(1, ("tab", "next field"))
            yield Static(keys_line(*keys), classes="dialog-keys")

    def on_mount(self) -> None:
        self.query(Input).first().focus()

    @on(Input.Changed)
    def _typed(self) -> None:
        self.query_one("#note-mistake", Static).update("")

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        span: Micros | None = None
        if self._ask_span:
            try:
                span = parse_span(self.query_one("#note-span", Input).value)
            except ScheduleError as error:
                self.query_one("#note-mistake", Static).update(Content(clean(error, 200)))
                return
        self.dismiss(Note(self.query_one("#note-text", Input).value.strip(), span))

    def action_cancel(self) -> None:
        self.dismiss(None)


def parse_span(text: str) -> Micros:
    """How long a snooze lasts.

    Raises:
        ScheduleError: when it can't be read, or is shorter than a minute or longer than a year.
    """
    span = parse_duration(text)
    if not SHORTEST_SNOOZE <= span <= LONGEST_SNOOZE:
        raise ScheduleError("a snooze lasts at least a minute and at most a year, such as 1h or 2d")
    return span
