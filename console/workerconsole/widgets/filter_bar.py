"""The filter line: appears with `/`, filters while one types, and stays in sight as long as it filters."""

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from workerconsole.filters import Filter, parse


class FilterBar(Horizontal):
    """An input, and beside it how many workers pass or what is wrong with a word."""

    DEFAULT_CSS = """
    FilterBar {
        height: 1;
        display: none;
        background: $surface;
        & > #filter-prompt { width: 2; padding: 0 0 0 1; color: $text-primary; }
        & > Input { width: 1fr; height: 1; border: none; padding: 0 1; background: $surface; }
        & > Input:focus { border: none; background: $surface; background-tint: transparent; }
        & > #filter-hint { width: auto; max-width: 60%; padding: 0 1; color: $foreground-muted; }
    }
    """

    class Changed(Message):
        """The operator wants to see others."""

        def __init__(self, wanted: Filter) -> None:
            super().__init__()
            self.filter = wanted

    class Closed(Message):
        """The operator is done typing."""

    def compose(self) -> ComposeResult:
        yield Static("/", id="filter-prompt")
        yield Input(placeholder="web   !web   status:failed   tag:nightly", compact=True, max_length=200)
        yield Static(id="filter-hint")

    @property
    def _input(self) -> Input:
        return self.query_one(Input)

    @property
    def filtering(self) -> bool:
        """Whether there is text in it."""
        return bool(self._input.value.strip())

    def open(self) -> None:
        """Show it and let the operator type."""
        # At once, not with the next refresh: what the operator types right behind the slash is meant for it.
        self.display = True
        self.screen.set_focus(self._input)

    def clear(self) -> None:
        """Filter nothing, and hide."""
        self._input.value = ""
        self.display = False

    def show_count(self, shown: int, known: int, mistake: str | None) -> None:
        """Say how many pass, or why none can."""
        hint = self.query_one("#filter-hint", Static)
        if mistake is not None:
            hint.update(Content.styled(mistake, "$text-warning"))
        else:
            hint.update(Content(f"{shown:,} of {known:,}  esc clears"))

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(parse(event.value)))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if not self.filtering:
            self.clear()
        self.post_message(self.Closed())

    def on_key(self, event: events.Key) -> None:
        if event.key == "down":
            event.stop()
            self.post_message(self.Closed())
