"""Failures over the whole screen, for tracebacks that want room."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from workerconsole.snapshot import WorkerDetail
from workerconsole.text import clean
from workerconsole.widgets.failures_panel import FailuresPanel
from workerconsole.widgets.panel import Panel
from workerkit.clock import Micros
from workerkit.store.records import FailureRecord


class TracebackScreen(Screen[None]):
    """The traceback of one failure of a worker, and the way to its others."""

    DEFAULT_CSS = """
    TracebackScreen { layout: vertical; background: $background; }
    TracebackScreen > Static { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    TracebackScreen > #title { background: $panel; }
    TracebackScreen > #keys { color: $text-muted; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "back", "Back", id="traceback.back")]

    def __init__(self, failures: Sequence[FailureRecord], worker: str, now: Micros, run_id: int | None = None) -> None:
        super().__init__()
        self._failures = failures
        self._worker = worker
        self._now = now
        self._run_id = run_id

    def compose(self) -> ComposeResult:
        yield Static(Content.assemble((clean(self._worker, 200), "bold"), ("  failures", "$text-muted")), id="title")
        yield FailuresPanel()
        yield Static(id="keys")

    def on_mount(self) -> None:
        panel = self.query_one(FailuresPanel)
        panel.show_failures(self._failures, self._now)
        if self._run_id is not None:
            panel.choose(self._run_id)
        panel.view.focus()
        self._draw_keys()

    def show(self, detail: WorkerDetail, now: Micros) -> None:
        """What the feed knows now; another worker's detail is ignored."""
        if detail.worker.name == self._worker and self.is_mounted:
            known = {failure.run_id for failure in detail.failures}
            # One that was opened out of the history stays reachable.
            older = tuple(failure for failure in self._failures if failure.run_id not in known)
            self.query_one(FailuresPanel).show_failures((*detail.failures, *older), now)
            self._draw_keys()

    def on_panel_hint_changed(self, event: Panel.HintChanged) -> None:
        event.stop()
        self._draw_keys()

    def _draw_keys(self) -> None:
        hint = self.query_one(FailuresPanel).hint
        parts = [hint, "n next frame", "e editor", "c copy", "esc back"]
        line = Content(" · ".join(part for part in parts if part))
        keys = self.query_one("#keys", Static)
        if str(keys.content) != line.plain:
            keys.update(line)

    def action_back(self) -> None:
        self.dismiss()
