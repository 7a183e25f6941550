"""The log of a worker over the whole screen."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from workerconsole.snapshot import WorkerDetail
from workerconsole.text import clean
from workerconsole.widgets.log_panel import LogPanel
from workerconsole.widgets.panel import Panel
from workerkit.clock import Micros


class LogsScreen(Screen[None]):
    """What the latest runs of a worker printed and logged; goes on while it is open.

    With a `run_id` it shows the lines of that run out of the history, and what comes later is left out.
    """

    DEFAULT_CSS = """
    LogsScreen { layout: vertical; background: $background; }
    LogsScreen > Static { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    LogsScreen > #title { background: $panel; }
    LogsScreen > #keys { color: $text-muted; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "back", "Back", id="logs-screen.back")]

    def __init__(self, detail: WorkerDetail, now: Micros, run_id: int | None = None) -> None:
        super().__init__()
        self._detail = detail
        self._now = now
        self._run_id = run_id

    def compose(self) -> ComposeResult:
        name = clean(self._detail.worker.name, 200)
        yield Static(Content.assemble((name, "bold"), ("  log", "$text-muted")), id="title")
        yield LogPanel()
        yield Static(id="keys")

    def on_mount(self) -> None:
        panel = self.query_one(LogPanel)
        panel.show(self._detail, self._now)
        panel.view.focus()
        if self._run_id is not None:
            self.call_after_refresh(panel.show_run, self._run_id)
        self._draw_keys()

    def take_detail(self, detail: WorkerDetail, now: Micros) -> None:
        """What the feed knows now; another worker's detail is ignored."""
        if self._run_id is None and detail.worker.name == self._detail.worker.name and self.is_mounted:
            self.query_one(LogPanel).show(detail, now)
            self._draw_keys()

    def on_panel_hint_changed(self, event: Panel.HintChanged) -> None:
        event.stop()
        self._draw_keys()

    def _draw_keys(self) -> None:
        parts = [self.query_one(LogPanel).hint, "c copy", "esc back"]
        line = Content(" · ".join(part for part in parts if part))
        keys = self.query_one("#keys", Static)
        if str(keys.content) != line.plain:
            keys.update(line)

    def action_back(self) -> None:
        self.dismiss()
