"""The smallest Textual app that answers a key: one line that says how many were pressed."""

from textual.app import App, ComposeResult
from textual.widgets import Static


class Minimal(App[None]):
    """Any key counts."""

    pressed = 0

    def compose(self) -> ComposeResult:
        yield Static("pressed 0 keys")

    def on_key(self) -> None:
        self.pressed += 1
        self.query_one(Static).update(f"pressed {self.pressed} keys")


if __name__ == "__main__":
    Minimal().run()
