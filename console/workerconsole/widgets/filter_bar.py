"""The filter line: appears with `/`, filters while one types, and stays in sight as long as it filters."""

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from workerconsole.filters import Filter, parse


class FilterInput(Input):
    """An input that is left at once with enter: over a slow line the keys behind it come in the same piece."""

    home: Widget | None = None
    """Where the focus goes."""

    async def _on_key(self, event: events.Key) -> None:
        left = self.screen.focused is not self
        if not left and event.key != "enter":
            return
        event.stop()
        event.prevent_default()
        if left:
            # The t of "/pay⏎t" is no longer meant for the filter: back to where keys come from.
            self.app.post_message(events.Key(event.key, event.character))
            return
        # Here, not as a binding: that is looked up only after the key has been passed on from widget to widget.
        await self.action_submit()
        if self.home is not None:
            # A list without rows is not there to take it; then keys go to the screen's actions.
            self.screen.set_focus(self.home if self.home.focusable else None)


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

    _hint = ("", "")

    def compose(self) -> ComposeResult:
        yield Static("/", id="filter-prompt")
        yield FilterInput(placeholder="web   !web   status:failed   tag:nightly", compact=True, max_length=200)
        yield Static(id="filter-hint")

    @property
    def _input(self) -> Input:
        return self.query_one(Input)

    @property
    def filtering(self) -> bool:
        """Whether there is text in it."""
        return bool(self._input.value.strip())

    def leave_to(self, home: Widget) -> None:
        """The widget that has the focus once the operator is done typing."""
        self.query_one(FilterInput).home = home

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
        hint = (mistake, "$text-warning") if mistake is not None else (f"{shown:,} of {known:,}  esc clears", "")
        if hint != self._hint:
            self._hint = hint
            self.query_one("#filter-hint", Static).update(Content.styled(*hint))

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
