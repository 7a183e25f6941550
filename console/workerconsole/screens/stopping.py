"""What is shown while the host waits for its last runs."""

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from workerconsole import format as fmt
from workerconsole.screens.dialog import Dialog, keys_line
from workerkit.clock import SECOND, Clock

REFRESH = 0.2
"""Seconds between two looks at how many runs are left."""


class Stopping(Dialog[None]):
    """Counts down. `x` ends the waiting; the screen goes when the app does."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x,ctrl+c", "now", "stop now", id="stop-now"),
        Binding("q,escape", "nothing", show=False),
    ]

    def __init__(
        self, running: Callable[[], int], grace: float, stop_now: Callable[[], None], clock: Clock, headless: bool
    ) -> None:
        super().__init__()
        self._count_running = running
        self._grace = grace
        self._stop_now = stop_now
        self._clock = clock
        self._began_at = clock.now()
        self._headless = headless
        self._hurried = False

    def compose(self) -> ComposeResult:
        title = "Handing the workers over to a host without a screen" if self._headless else "Stopping"
        with Vertical():
            yield Static(Content(title), classes="dialog-title")
            yield Static(self._text(), classes="dialog-text")
            yield Static(keys_line(("x", "stop now")), classes="dialog-keys")

    def on_mount(self) -> None:
        self.set_interval(REFRESH, self._refresh_text)

    def _refresh_text(self) -> None:
        self.query_one(".dialog-text", Static).update(self._text())

    def _text(self) -> Content:
        running = self._count_running()
        left = self._grace - (self._clock.now() - self._began_at) / SECOND
        if not running:
            return Content("Writing down the last outcomes.")
        if self._hurried or left <= 0:
            return Content(f"Interrupting {fmt.plural(running, 'run')}.")
        return Content(f"Waiting for {fmt.plural(running, 'run')}, {left:.0f} s left.")

    def action_now(self) -> None:
        if not self._hurried:
            self._hurried = True
            self._stop_now()
            self._refresh_text()

    def action_nothing(self) -> None:
        """Keys that would leave the screen do nothing here: it is being left."""
