"""The latest runs of a worker as a table."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.style import Style
from textual.widgets import Static

from workerconsole import format as fmt
from workerconsole.snapshot import WorkerDetail
from workerconsole.text import clean
from workerconsole.widgets.line_view import LineView
from workerconsole.widgets.panel import Panel
from workerkit.clock import SECOND, Micros
from workerkit.store.records import RunRecord

CURSOR = "▸"


@dataclass(frozen=True, slots=True)
class _Column:
    title: str
    width: int
    rank: int
    """Columns of a high rank go first when it gets narrow."""
    text: Callable[[RunRecord, Micros], str]
    style: str = ""
    right: bool = False


def _lateness(run: RunRecord, _: Micros) -> str:
    late = run.started_at - run.due_at
    return f"+{fmt.duration(late)}" if late >= SECOND // 10 and run.attempt == 1 else ""


def _took(run: RunRecord, now: Micros) -> str:
    return fmt.duration(max(0, now - run.started_at) if run.finished_at is None else run.duration)


def _due(run: RunRecord, now: Micros) -> str:
    return fmt.clock_time(run.due_at, now)[-8:]


def _trigger(run: RunRecord, _: Micros) -> str:
    return clean(run.trigger, 20)


def _attempt(run: RunRecord, _: Micros) -> str:
    return str(run.attempt) if run.attempt > 1 or run.retry_at is not None else ""


def _waits(run: RunRecord, now: Micros) -> bool:
    """Whether another attempt of it is still to come."""
    return run.retry_at is not None and run.retry_at > now


_COLUMNS = (
    _Column("run", 8, 0, lambda run, _: str(run.id), right=True),
    _Column("started", 19, 1, lambda run, now: fmt.clock_time(run.started_at, now)),
    _Column("try", 3, 3, _attempt, "$text-warning", right=True),
    _Column("took", 8, 2, _took, right=True),
    _Column("late", 8, 5, _lateness, "$text-warning", right=True),
    _Column("trigger", 9, 4, _trigger, "$text-muted"),
    _Column("due", 8, 6, _due, "$text-muted"),
)
_OUTCOME_WIDTH = 13
_LEAST_ERROR = 24


class RunTable(LineView):
    """The rows. The cursor follows its run; before the operator moves it, it stays with the newest."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"runs--cursor"}
    DEFAULT_CSS = """
    RunTable > .runs--cursor {
        background: $block-cursor-blurred-background;
        color: $block-cursor-blurred-foreground;
    }
    RunTable:focus > .runs--cursor {
        background: $block-cursor-background;
        color: $block-cursor-foreground;
        text-style: $block-cursor-text-style;
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "open", "Open", id="runs.open")]

    @dataclass
    class Chosen(Message):
        """The operator wants to see into this run."""

        run: RunRecord

    def __init__(self) -> None:
        super().__init__()
        self._runs: Sequence[RunRecord] = ()
        self._columns: tuple[_Column, ...] = ()
        self._now: Micros = 0
        self._cursor = 0
        self._moved = False

    @property
    def line_count(self) -> int:
        return len(self._runs)

    @property
    def line_width(self) -> int:
        return self.width

    @property
    def cursor_run(self) -> RunRecord | None:
        return self._runs[self._cursor] if self._runs else None

    def set_runs(self, runs: Sequence[RunRecord], now: Micros, *, fresh: bool) -> None:
        """Show these runs; `fresh` when they are another worker's, so that the cursor goes to the newest."""
        before, self._runs, self._now = self._runs, runs, now
        followed = before[self._cursor].id if self._moved and not fresh and before else None
        self._moved = self._moved and not fresh
        self._cursor = next((place for place, run in enumerate(runs) if run.id == followed), 0)
        if followed is not None and self._cursor == 0 and runs and runs[0].id != followed:
            self._cursor = len(runs) - 1  # It fell off the end of the list.
        columns = self._fitting()
        moving = any(run.finished_at is None or run.retry_at is not None for run in runs)
        if columns != self._columns or runs is not before or moving:
            self._columns = columns
            self.fit()
            self.refresh()
        if fresh:
            self.scroll_to(y=0, animate=False)

    def header(self) -> Content:
        """The titles, as wide as the columns."""
        cells = [_cell(column.title, column) for column in self._columns]
        return Content.styled("  " + "  ".join([*cells, "outcome".ljust(_OUTCOME_WIDTH), "error"]), "$text-muted")

    def line_key(self, y: int) -> Hashable:
        run, today = self._runs[y], fmt.clock_time(self._runs[y].started_at, self._now)
        live = self._now // (SECOND // 10) if run.finished_at is None else _waits(run, self._now)
        return run.id, run.outcome, run.error, live, today, len(self._columns), self.width, *self._cursor_state(y)

    def line_style(self, y: int) -> Style:
        return self.get_visual_style("runs--cursor") if y == self._cursor else self.visual_style

    def line(self, y: int) -> Content:
        run = self._runs[y]
        parts: list[str | tuple[str, str]] = [f"{CURSOR if y == self._cursor else ' '} "]
        for column in self._columns:
            parts += [(_cell(column.text(run, self._now), column), column.style), "  "]
        outcome = clean(run.outcome, 20) or "running"
        # An error goes by its type already; the kind is worth a word where it is more than that.
        word = run.kind if run.kind in ("panic", "timeout", "crash") else outcome
        label = f"{fmt.outcome_symbol(run.outcome)} {clean(word, 20)}"
        parts += [(set_cell_size(label, _OUTCOME_WIDTH), fmt.outcome_style(run.outcome)), "  "]
        room = max(0, self.width - sum(cell_len(part if isinstance(part, str) else part[0]) for part in parts))
        parts.append(Content.styled(_said(run, self._now)).truncate(room, ellipsis=True).plain)
        return Content.assemble(*parts)

    def move_by(self, lines: int) -> None:
        if not self._runs:
            return
        self._cursor = max(0, min(len(self._runs) - 1, self._cursor + lines))
        self._moved = self._cursor > 0
        top, height = self.scroll_offset.y, max(1, self.size.height)
        if self._cursor < top:
            self.scroll_to(y=self._cursor, animate=False)
        elif self._cursor >= top + height:
            self.scroll_to(y=self._cursor - height + 1, animate=False)
        self.refresh()

    def action_open(self) -> None:
        if (run := self.cursor_run) is not None:
            self.post_message(self.Chosen(run))

    def on_click(self, event: Click) -> None:
        row = event.y + self.scroll_offset.y
        if 0 <= row < len(self._runs):
            self.move_by(row - self._cursor)
            if event.chain == 2:
                self.action_open()

    def _cursor_state(self, y: int) -> tuple[bool, bool]:
        return y == self._cursor, y == self._cursor and self.has_focus

    def _fitting(self) -> tuple[_Column, ...]:
        """The columns that leave room for the error, widths fitted to what stands in them."""
        shown = []
        for column in _COLUMNS:
            longest = max((cell_len(column.text(run, self._now)) for run in self._runs), default=0)
            if longest or column.rank < 3:
                width = max(len(column.title), min(longest, column.width))
                shown.append(_Column(column.title, width, column.rank, column.text, column.style, column.right))
        while len(shown) > 1:
            used = 2 + sum(column.width + 2 for column in shown) + _OUTCOME_WIDTH + 2
            if self.width - used >= _LEAST_ERROR:
                break
            shown.remove(max(shown, key=lambda column: column.rank))
        return tuple(shown)


class RunsPanel(Panel):
    """The table under its titles."""

    DEFAULT_CSS = """
    RunsPanel > #runs-header { height: 1; padding: 0 1; text-wrap: nowrap; }
    RunsPanel > RunTable { padding: 0 0 0 1; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._detail: WorkerDetail | None = None
        self._now: Micros = 0

    def compose(self) -> ComposeResult:
        yield Static(id="runs-header")
        yield RunTable()

    @property
    def table(self) -> RunTable:
        return self.query_one(RunTable)

    @property
    def hint(self) -> str:
        return "enter opens traceback or log" if self._detail is not None and self._detail.runs else ""

    def show(self, detail: WorkerDetail, now: Micros) -> None:
        """The runs as the database has them now."""
        fresh = self._detail is None or self._detail.worker.name != detail.worker.name
        self._detail, self._now = detail, now
        if not self.is_mounted or not self.table.width:
            return
        self.table.set_runs(detail.runs, now, fresh=fresh)
        empty = Content.styled("No run yet; press r to run it now.", "$text-muted")
        header = self.table.header() if detail.runs else empty
        static = self.query_one("#runs-header", Static)
        if not isinstance(static.content, Content) or static.content.plain != header.plain:
            static.update(header)

    def on_resize(self) -> None:
        self.call_after_refresh(self._again)

    def _again(self) -> None:
        if self._detail is not None:
            self.show(self._detail, self._now)


def _cell(text: str, column: _Column) -> str:
    fitted = set_cell_size(text, column.width) if cell_len(text) > column.width else text
    pad = " " * (column.width - cell_len(fitted))
    return pad + fitted if column.right else fitted + pad


def _said(run: RunRecord, now: Micros) -> str:
    """The error, the progress of a run in flight, or what run() returned; why it was cancelled."""
    if run.error:
        again = f"again at {fmt.when(run.retry_at, now)} · " if _waits(run, now) else ""
        return again + clean(run.error, 300)
    if run.finished_at is None and run.progress_done is not None:
        total = f" of {run.progress_total:,}" if run.progress_total else ""
        note = clean(run.progress_note, 200)
        return f"{run.progress_done:,}{total}" + (f", {note}" if note else "")
    return fmt.localised(clean(run.summary, 300), now)
