"""The line in which an operator searches: appears with `/`, and stays as long as there are hits to go to."""

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static


class SearchBar(Horizontal):
    """An input, and beside it what came of it."""

    DEFAULT_CSS = """
    SearchBar {
        height: 1;
        display: none;
        background: $surface;
        & > #search-prompt { width: 2; padding: 0 0 0 1; color: $text-primary; }
        & > Input { width: 1fr; height: 1; border: none; padding: 0 1; background: $surface; }
        & > Input:focus { border: none; background: $surface; }
        & > #search-hint { width: auto; max-width: 70%; padding: 0 1; color: $foreground-muted; }
    }
    """

    class Submitted(Message):
        """The operator wants this found."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Left(Message):
        """The operator is done with it."""

    class Changed(Message):
        """The text is another one."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, placeholder: str, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._placeholder = placeholder

    def compose(self) -> ComposeResult:
        yield Static("/", id="search-prompt")
        yield Input(placeholder=self._placeholder, compact=True, max_length=400)
        yield Static(id="search-hint")

    @property
    def _input(self) -> Input:
        return self.query_one(Input)

    @property
    def text(self) -> str:
        """What stands in it."""
        return self._input.value.strip()

    def open(self) -> None:
        """Show it and let the operator type."""
        # At once, not with the next refresh: what the operator types right behind the slash is meant for it.
        self.display = True
        self._input.select_all()
        self.screen.set_focus(self._input)

    def close(self) -> None:
        """Forget the text, and hide."""
        self._input.value = ""
        self.say("")
        self.display = False

    def say(self, text: str, *, wrong: bool = False) -> None:
        """What came of it; any text is safe in it."""
        self.query_one("#search-hint", Static).update(Content.styled(text, "$text-warning" if wrong else ""))

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(event.value))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if self.text:
            self.post_message(self.Submitted(self.text))
        else:
            self.close()
            self.post_message(self.Left())

    def on_key(self, event: events.Key) -> None:
        if event.key in ("escape", "down") and self.has_focus_within:
            event.stop()
            event.prevent_default()
            if event.key == "escape":
                self.close()
            self.post_message(self.Left())
