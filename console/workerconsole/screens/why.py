"""Why a worker runs, or does not, over the whole screen."""

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from workerconsole import format as fmt
from workerconsole.screens.dialog import keys_line
from workerconsole.snapshot import Snapshot, WorkerDetail
from workerconsole.text import clean
from workerconsole.verdicts import Evidence, Verdict, verdicts, when
from workerconsole.why import Tone, Topic, statements
from workerconsole.widgets.line_view import LineView
from workerconsole.widgets.panel import Panel
from workerkit.clock import Clock, Micros

MUTED = "$text-muted"
LABEL = 10
NO_RUN = "–"
"""Stands where a run's outcome would be."""
_STYLES: dict[Tone, str] = {
    "calm": "",
    "good": "",
    "busy": "$text-primary",
    "warning": "$text-warning",
    "bad": "$text-error",
}


def page(evidence: Evidence, now: Micros, width: int) -> list[Content]:
    """All that there is to say, as lines of at most `width` cells."""
    lines: list[Content] = []
    topic: Topic | None = None
    for statement in statements(evidence, now):
        label = "" if statement.topic is topic else statement.topic.value
        if label and lines:
            lines.append(Content())
        topic = statement.topic
        lines += _hanging(label, Content.styled(statement.text, _STYLES[statement.tone]), width, LABEL)
    found = verdicts(evidence, now)
    if found:
        title = "── The last slots "
        lines += [Content(), Content.styled(title + "─" * max(0, min(width, 72) - len(title)), MUTED)]
        room = max(len(when(verdict, now)) for verdict in found)
        for verdict in found:
            lines += _slot(verdict, now, width, room)
    return lines


def _hanging(label: str, text: Content, width: int, indent: int) -> list[Content]:
    first, *rest = text.wrap(max(20, width - indent - 1)) or [Content()]
    lines = [Content.assemble((f"{label:<{indent}} ", MUTED), first)]
    return lines + [Content.assemble(" " * (indent + 1), line) for line in rest]


def _slot(verdict: Verdict, now: Micros, width: int, room: int) -> list[Content]:
    symbol = fmt.outcome_symbol(verdict.outcome) if verdict.ran else NO_RUN
    style = fmt.outcome_style(verdict.outcome) if verdict.ran else "$text-warning"
    word = verdict.verdict if verdict.count == 1 else f"{verdict.verdict} ×{verdict.count:,}"
    head = Content.assemble(
        (symbol, style),
        " ",
        (f"{when(verdict, now):<{room}}", ""),
        "  ",
        (f"{word:<14}", "" if verdict.ran else style),
        " ",
    )
    text = Content(verdict.text)
    if head.cell_length + min(text.cell_length, 24) > width:
        return [
            head.truncate(width, ellipsis=True),
            *(Content.assemble("    ", line) for line in text.wrap(width - 4)[:2]),
        ]
    first, *rest = text.wrap(max(20, width - head.cell_length)) or [Content()]
    return [Content.assemble(head, first), *(Content.assemble(" " * head.cell_length, line) for line in rest[:2])]


class WhyScreen(Screen[None]):
    """The statements, and the latest slots one by one; goes on while it is open."""

    DEFAULT_CSS = """
    WhyScreen { layout: vertical; background: $background; }
    WhyScreen > Static { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    WhyScreen > #title { background: $panel; }
    WhyScreen > LineView { height: 1fr; padding: 1 0 0 1; }
    WhyScreen:ansi { background: ansi_default; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,y", "back", "Back", id="why.back"),
        Binding("c", "copy", "Copy", id="why.copy"),
    ]

    def __init__(
        self, worker: str, detail: WorkerDetail | None, snapshot: Callable[[], Snapshot | None], clock: Clock
    ) -> None:
        super().__init__()
        self._worker = worker
        self._detail = detail if detail is not None and detail.worker.name == worker else None
        self._snapshot = snapshot
        self._clock = clock

    def compose(self) -> ComposeResult:
        yield Static(id="title")
        yield LineView()
        yield Static(keys_line(("j k", "scroll"), ("c", "copy"), ("esc", "back")), id="keys")

    def on_mount(self) -> None:
        self.view.focus()
        self.set_interval(1.0, self._draw)
        self.call_after_refresh(self._draw)

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw)

    @property
    def view(self) -> LineView:
        return self.query_one(LineView)

    def take_detail(self, detail: WorkerDetail, now: Micros) -> None:  # noqa: ARG002 -- it tells the time itself
        """What the feed knows now; another worker's detail is ignored."""
        if detail.worker.name == self._worker:
            self._detail = detail
            if self.is_mounted:
                self._draw()

    def _draw(self) -> None:
        title = Content.assemble((clean(self._worker, 64), "bold"), ("  why", MUTED))
        lines = [Content.styled("reading …", MUTED)]
        if (detail := self._detail) is not None:
            status = detail.worker.status
            sign = (f"  {fmt.status_symbol(status)} {clean(status, 20)}", fmt.status_style(status))
            title = Content.assemble(title, sign, (f"  {clean(detail.worker.schedule, 60)}", MUTED))
            snapshot = self._snapshot()
            evidence = Evidence(
                detail.worker,
                detail.runs,
                detail.gaps,
                snapshot.host if snapshot is not None else None,
                snapshot is not None and snapshot.host_alive,
            )
            lines = page(evidence, self._clock.now(), max(20, self.view.width))
        self.query_one("#title", Static).update(title)
        if self.view.width:
            self.view.set_lines(lines)

    def action_copy(self) -> None:
        text = "\n".join(self.view.line(y).plain.rstrip() for y in range(self.view.line_count))
        self.post_message(Panel.CopyWanted(text, "this page"))

    def action_back(self) -> None:
        self.dismiss()
