"""The detail pane: one worker, five views of it, one line of tabs."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NamedTuple, cast

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.widget import Widget
from textual.widgets import ContentSwitcher, Static

from workerconsole.snapshot import WorkerDetail
from workerconsole.text import clean
from workerconsole.widgets.columns import shorten
from workerconsole.widgets.panel import Panel
from workerkit.clock import Micros
from workerkit.outcome import Outcome

if TYPE_CHECKING:
    from workerconsole.widgets.failures_panel import FailuresPanel
    from workerconsole.widgets.log_panel import LogPanel
    from workerconsole.widgets.runs_panel import RunTable

LEAST_NAME = 6
"""Cells that a worker's name needs at the end of the line to be of use."""
PANELS = ("overview", "runs", "failures", "logs", "stack")


class Tab(NamedTuple):
    """A tab where it is drawn: columns `start` up to `stop`."""

    panel: str
    start: int
    stop: int


class PanelTabs(Static):
    """` Overview  Runs  Failures 2  Logs  Stack`, and at the right what the panel says, and whose it is."""

    DEFAULT_CSS = """
    PanelTabs { height: 1; width: 1fr; background: $panel; }
    """

    @dataclass
    class Clicked(Message):
        panel: str

    def __init__(self) -> None:
        super().__init__()
        self._tabs: tuple[Tab, ...] = ()
        self._wanted: object = None

    def set_tabs(self, active: str, failures: int, hint: str, worker: str, focused: bool) -> None:
        """Draw the tabs; does nothing when nothing changed."""
        wanted = (active, failures, hint, worker, focused, self.size.width)
        if wanted == self._wanted or not self.size.width:
            return
        self._wanted = wanted
        self._tabs, line = tab_line(active, failures, hint, worker, focused, self.size.width)
        self.update(line, layout=False)

    def on_click(self, event: Click) -> None:
        for tab in self._tabs:
            if tab.start <= event.x < tab.stop:
                self.post_message(self.Clicked(tab.panel))


def tab_line(
    active: str, failures: int, hint: str, worker: str, focused: bool, width: int
) -> tuple[tuple[Tab, ...], Content]:
    """The tabs, and the line that shows them in `width` cells, with the worker's name at its end.

    Where it is narrow the tabs' names shorten, the hint goes, and the worker's name is cut in the middle.
    """
    names = {panel: panel.capitalize() for panel in PANELS}
    if failures:
        names["failures"] += f" {failures}"
    if sum(len(name) + 2 for name in names.values()) > width:
        names = {panel: panel.capitalize() if panel == active else panel[0].upper() for panel in PANELS}
    chosen = "bold $block-cursor-foreground on $block-cursor-background" if focused else "bold underline"
    tabs, parts, column = [], [], 0
    for panel in PANELS:
        # The focus has a shape as well as a colour.
        text = f"{'▸' if focused and panel == active else ' '}{names[panel]} "
        style = chosen if panel == active else "$text-muted"
        if panel == active and not focused:
            parts += [(" ", ""), (text[1:-1], style), (" ", "")]
        else:
            parts.append((text, style))
        tabs.append(Tab(panel, column, column + len(text)))
        column += len(text)
    room = width - column - 1
    name = shorten(worker, min(room - 1, cell_len(worker))) if room > LEAST_NAME else ""
    between = f"{hint} · " if hint and name else hint
    if cell_len(between) + cell_len(name) + 1 > room:
        between = ""
    if between or name:
        parts.append((" " * (room - cell_len(between) - cell_len(name)) + between, "$text-muted"))
        parts.append((name, "bold $text"))
    return tuple(tabs), Content.assemble(*parts)


class DetailPane(Widget):
    """Shows one worker in one of five panels. The feed calls `show` as often as it likes."""

    DEFAULT_CSS = """
    DetailPane { layout: vertical; height: 1fr; }
    DetailPane ContentSwitcher { height: 1fr; }
    DetailPane #nothing { padding: 0 1; color: $text-muted; height: 1fr; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back to the table", show=False, id="pane.leave")
    ]

    @dataclass
    class Left(Message):
        """The operator goes back to the table."""

    @dataclass
    class RunOpened(Message):
        """The operator wants a run whose failure or lines are not among the latest that the pane has."""

        run_id: int
        failed: bool

    @dataclass
    class PanelChanged(Message):
        """Another panel is shown."""

        panel: str

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes=classes)
        self._detail: WorkerDetail | None = None
        self._now: Micros = 0
        self._panel = "overview"
        self._furnishing = self._furnished = False

    async def furnish(self) -> None:
        """Bring in tabs and panels. Not before the pane can be seen: the first picture would wait for their imports."""
        if self._furnishing:
            return
        self._furnishing = True
        from workerconsole.widgets.failures_panel import FailuresPanel
        from workerconsole.widgets.log_panel import LogPanel
        from workerconsole.widgets.overview import OverviewPanel
        from workerconsole.widgets.runs_panel import RunsPanel
        from workerconsole.widgets.stack_panel import StackPanel

        await self.mount(
            PanelTabs(),
            ContentSwitcher(
                Vertical(Static(Content("Select a worker to see its details.")), id="nothing"),
                OverviewPanel(id="overview"),
                RunsPanel(id="runs"),
                FailuresPanel(id="failures"),
                LogPanel(id="logs"),
                StackPanel(id="stack"),
                initial="nothing",
            ),
        )
        self._furnished = True
        self._update()

    @property
    def _ready(self) -> bool:
        """Whether its parts are there: brought in, and not lost again, one by one, while the app ends."""
        return self._furnished and self.app.is_running

    # What is shown

    @property
    def panel(self) -> str:
        """The name of the panel that is shown."""
        return self._panel

    @property
    def current(self) -> Panel:
        """The panel that is shown."""
        return self.query_one(f"#{self._panel}", Panel)

    @property
    def failures_panel(self) -> "FailuresPanel":
        return cast("FailuresPanel", self.query_one("#failures"))

    @property
    def logs_panel(self) -> "LogPanel":
        return cast("LogPanel", self.query_one("#logs"))

    @property
    def detail(self) -> WorkerDetail | None:
        """What it is to show."""
        return self._detail

    @property
    def _shown(self) -> WorkerDetail | None:
        """What the panels show; nothing before there are any."""
        return self._detail if self._ready else None

    def show(self, detail: WorkerDetail | None, now: Micros) -> None:
        """Show this worker as of `now`. Only the panel in sight does any work, and only where something changed."""
        self._detail, self._now = detail, now
        if self.is_mounted:
            self._update()

    def show_panel(self, name: str) -> None:
        """Turn to a panel; the focus goes with it when it was in the pane.

        Raises:
            ValueError: when there is no such panel.
        """
        if name not in PANELS:
            raise ValueError(f"there is no panel {name!r}; choose one of {', '.join(PANELS)}")
        if name == self._panel:
            return
        had_focus = self.has_focus_within
        self._panel = name
        self._update()
        if had_focus:
            self.focus_panel()
        self.post_message(self.PanelChanged(name))

    def turn_panel(self, step: int) -> None:
        """Turn to the next panel, or the one before."""
        self.show_panel(PANELS[(PANELS.index(self._panel) + step) % len(PANELS)])

    def focus_panel(self) -> None:
        """Put the focus into the panel that is shown."""
        if self._shown is not None:
            self.current.view.focus()

    def show_log(self, run_id: int) -> bool:
        """Turn to the lines of a run; False when they are not among the latest."""
        if self._shown is None or all(record.run_id != run_id for record in self._shown.logs):
            return False
        self.show_panel("logs")
        # The panel has a width, and so its rows, only after it has been laid out.
        self.call_after_refresh(self.logs_panel.show_run, run_id)
        return True

    def editor_target(self) -> tuple[str, int] | None:
        """The file and line that the editor key means here; from a worker's record, so check them."""
        return self.current.editor_target() if self._shown is not None else None

    def copy_text(self) -> tuple[str, str] | None:
        """What the copy key means here, and its name."""
        return self.current.copy_text() if self._shown is not None else None

    # Keeping it so

    def _update(self) -> None:
        if not self._ready:
            return
        switcher = self.query_one(ContentSwitcher)
        wanted = self._panel if self._shown is not None else "nothing"
        if switcher.current != wanted:
            switcher.current = wanted
            # A panel that was hidden has no size yet, and so can't lay out its lines.
            self.call_after_refresh(self._fill)
        self._fill()

    def _fill(self) -> None:
        if self._shown is not None:
            self.current.show(self._shown, self._now)
        self._draw_tabs()

    def _draw_tabs(self) -> None:
        if not self._ready:
            return
        detail = self._shown
        hint = self.current.hint if detail is not None else ""
        failures = len(detail.failures) if detail is not None else 0
        worker = clean(detail.worker.name) if detail is not None else ""
        self.query_one(PanelTabs).set_tabs(self._panel, failures, hint, worker, self.has_focus_within)

    def on_resize(self) -> None:
        if self._ready:
            self.call_after_refresh(self._draw_tabs)
        else:
            self.call_after_refresh(self.furnish)

    def on_descendant_focus(self) -> None:
        self._draw_tabs()

    def on_descendant_blur(self) -> None:
        self.call_after_refresh(self._draw_tabs)

    def on_panel_tabs_clicked(self, event: PanelTabs.Clicked) -> None:
        event.stop()
        self.show_panel(event.panel)

    def on_panel_hint_changed(self, event: Panel.HintChanged) -> None:
        event.stop()
        self._draw_tabs()

    def on_run_table_chosen(self, event: "RunTable.Chosen") -> None:
        """A failed run opens its traceback, any other its lines; the app fetches what the pane does not have."""
        event.stop()
        failed = event.run.outcome == Outcome.FAILED
        if failed or not self.show_log(event.run.id):
            self.post_message(self.RunOpened(event.run.id, failed))

    def action_leave(self) -> None:
        self.post_message(self.Left())
