"""What its runs printed and logged, the newest at the end, followed until the operator scrolls away."""

from bisect import bisect_right
from collections.abc import Hashable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import ClassVar, NamedTuple

from rich.cells import cell_len, chop_cells
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message

from workerconsole import format as fmt
from workerconsole.snapshot import WorkerDetail
from workerconsole.text import TEXT_LIMIT, clean
from workerconsole.widgets.line_view import LineView
from workerconsole.widgets.panel import Panel
from workerkit.clock import Micros
from workerkit.store.records import LogRecord, RunRecord

MUTED = "$text-muted"
_LEVELS = {
    "DEBUG": ("D", MUTED),
    "INFO": ("I", "$text-primary"),
    "WARNING": ("W", "bold $text-warning"),
    "ERROR": ("E", "bold $text-error"),
    "CRITICAL": ("C", "bold $text-error"),
}
_STREAMS = {"stdout": ("out", MUTED), "stderr": ("err", "$text-warning")}
_PREFIX = len("14:03:22 out ")
_LEAST_TEXT = 10


class Entry(NamedTuple):
    """One thing in the log: a captured line, or a note of ours between lines."""

    key: tuple[str, int, int]
    record: LogRecord | None
    text: str
    """Clean."""


def entries(logs: Sequence[LogRecord], runs: Mapping[int, RunRecord], now: Micros) -> Iterator[Entry]:
    """The lines, a separator before each run, and a note where lines are missing."""
    run_id, expected = None, 0
    for record in logs:
        if record.run_id != run_id:
            run_id = record.run_id
            yield Entry(("run", run_id, 0), None, _separator(record, runs.get(run_id), now))
            expected = 0
        if record.seq > expected:
            missing = fmt.plural(record.seq - expected, "line")
            first = logs[0] is record
            text = f"… {missing} before this" if first else f"… {missing} dropped"
            yield Entry(("gap", run_id, record.seq), None, text)
        expected = record.seq + 1
        yield Entry(("line", run_id, record.seq), record, clean(record.text, TEXT_LIMIT))


def _separator(record: LogRecord, run: RunRecord | None, now: Micros) -> str:
    if run is None:
        return f"run {record.run_id} · {fmt.clock_time(record.at, now)}"
    outcome = clean(run.outcome, 20) or "running"
    trigger = "" if run.trigger == "schedule" else f" · {clean(run.trigger, 20)}"
    return (
        f"run {run.id} · {fmt.clock_time(run.started_at, now)}{trigger} · {fmt.outcome_symbol(run.outcome)} {outcome}"
    )


class LogView(LineView):
    """The lines. At the end it follows; away from the end it holds its place while lines come and go."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "follow", "Follow", id="logs.follow"),
        Binding("w", "wrap", "Wrap", id="logs.wrap"),
    ]

    class Turned(Message):
        """Following or wrapping was switched."""

    def __init__(self) -> None:
        super().__init__()
        self._entries: Sequence[Entry] = ()
        self._starts: list[int] = [0]
        """Row at which each entry begins, and one more: the number of rows."""
        self._widest = 0
        self.following = True
        self.wrapping = True

    @property
    def line_count(self) -> int:
        return self._starts[-1]

    @property
    def line_width(self) -> int:
        return self.width if self.wrapping else max(self.width, self._widest)

    def set_entries(self, entries: Sequence[Entry]) -> None:
        """Show these lines; the place is kept by what stands there, not by its number."""
        anchor = self._anchor()
        self._entries = entries
        self._measure()
        self._settle(anchor)

    def _measure(self) -> None:
        if self.wrapping and self.width:
            heights = [len(self._parts(entry)) if len(entry.text) > self._room() // 2 else 1 for entry in self._entries]
        else:
            heights = [1] * len(self._entries)
            self._widest = _PREFIX + max((cell_len(entry.text) for entry in self._entries), default=0)
        self._starts = [0, *accumulate(heights)]
        self.fit()

    def _settle(self, anchor: tuple[Hashable, int] | None) -> None:
        if self.following:
            self.scroll_to(y=self.line_count, animate=False, force=True)
        elif anchor is not None:
            place = next((i for i, entry in enumerate(self._entries) if entry.key == anchor[0]), None)
            if place is not None:
                self.scroll_to(y=self._starts[place] + anchor[1], animate=False)
        self.refresh()

    def _anchor(self) -> tuple[Hashable, int] | None:
        if not self._entries:
            return None
        place, part = self._at(min(self.scroll_offset.y, self.line_count - 1))
        return self._entries[place].key, part

    def _at(self, y: int) -> tuple[int, int]:
        place = bisect_right(self._starts, y) - 1
        return place, y - self._starts[place]

    def _room(self) -> int:
        return max(_LEAST_TEXT, self.width - _PREFIX)

    def _parts(self, entry: Entry) -> Sequence[str]:
        if entry.record is None or not self.wrapping:
            return (entry.text,)
        room = self._room()
        if entry.text.isascii():
            return [entry.text[at : at + room] for at in range(0, len(entry.text), room)] or ("",)
        return chop_cells(entry.text, room) or ("",)

    def line_key(self, y: int) -> Hashable:
        place, part = self._at(y)
        entry = self._entries[place]
        return entry.key, part, self.width, self.wrapping, entry.text if entry.record is None else None

    def line(self, y: int) -> Content:
        place, part = self._at(y)
        entry = self._entries[place]
        if entry.record is None:
            return self._note(entry)
        text = self._parts(entry)[part]
        label, style = _label(entry.record)
        body = style if label in ("E", "C") else MUTED if label == "D" else ""
        if part:
            return Content.assemble(" " * _PREFIX, (text, body))
        clock = fmt.clock_time(entry.record.at, entry.record.at)
        return Content.assemble((f"{clock:8} ", MUTED), (f"{label:<3} ", style), (text, body))

    def _note(self, entry: Entry) -> Content:
        if entry.key[0] == "empty":
            return Content.styled(entry.text, MUTED)
        if entry.key[0] == "gap":
            return Content.assemble(" " * _PREFIX, (entry.text, "italic $text-warning"))
        line = f"── {entry.text} "
        return Content.styled(line + "─" * max(0, min(self.width, 72) - cell_len(line)), MUTED)

    def show_run(self, run_id: int) -> bool:
        """Go to the first line of a run; False when none of its lines is here."""
        place = next((i for i, entry in enumerate(self._entries) if entry.key[:2] == ("run", run_id)), None)
        if place is None:
            return False
        self._turn(following=False)
        self.scroll_to(y=self._starts[place], animate=False)
        return True

    def action_follow(self) -> None:
        self._turn(following=not self.following)
        if self.following:
            self.scroll_to(y=self.line_count, animate=False)

    def action_wrap(self) -> None:
        anchor = self._anchor()
        self.wrapping = not self.wrapping
        self._measure()
        if self.wrapping:
            self.scroll_to(x=0, animate=False)
        self._settle(anchor)
        self.post_message(self.Turned())

    def move_by(self, lines: int) -> None:
        super().move_by(lines)
        self._turn(following=lines > 0 and self.is_vertical_scroll_end)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if new_value < old_value and not self.is_vertical_scroll_end and self.is_mounted:
            self._turn(following=False)

    def _turn(self, *, following: bool) -> None:
        if following != self.following:
            self.following = following
            self.post_message(self.Turned())

    def resized(self) -> None:
        anchor = self._anchor()
        self._measure()
        self._settle(anchor)
        super().resized()


class LogPanel(Panel):
    """The captured output of the latest runs."""

    DEFAULT_CSS = """
    LogPanel > LogView { padding: 0 0 0 1; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("c", "copy", "Copy", id="logs.copy")]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._detail: WorkerDetail | None = None
        self._drawn: object = None

    def compose(self) -> ComposeResult:
        yield LogView()

    @property
    def log_view(self) -> LogView:
        return self.query_one(LogView)

    @property
    def hint(self) -> str:
        view = self.log_view
        if self._detail is None or not self._detail.logs:
            return ""
        follow = "f following" if view.following else "f follow (held)"
        return f"{follow} · {'w wrapped' if view.wrapping else 'w wrap'}"

    def show(self, detail: WorkerDetail, now: Micros) -> None:
        """The lines as the database has them now."""
        before, self._detail = self._detail, detail
        if before is None or before.worker.name != detail.worker.name:
            self.log_view.following = True
            self._drawn = None
        outcomes = tuple((run.id, run.outcome) for run in detail.runs)
        if before is not None and self._drawn == outcomes and before.logs == detail.logs:
            return
        self._drawn = outcomes
        found = list(entries(detail.logs, {run.id: run for run in detail.runs}, now))
        self.log_view.set_entries(found or [Entry(("empty", 0, 0), None, _empty(detail))])

    def show_run(self, run_id: int) -> bool:
        """Go to the lines of a run; False when they are not among the latest."""
        return self.log_view.show_run(run_id)

    def copy_text(self) -> tuple[str, str] | None:
        if self._detail is None or not self._detail.logs:
            return None
        lines = (f"{record.stream}: {clean(record.text)}" for record in self._detail.logs)
        return "\n".join(lines), "the log"

    def on_log_view_turned(self, event: LogView.Turned) -> None:
        event.stop()
        self.post_message(self.HintChanged(self))


def _empty(detail: WorkerDetail) -> str:
    return "Its latest runs printed and logged nothing." if detail.runs else "It has said nothing: it never ran yet."


def _label(record: LogRecord) -> tuple[str, str]:
    if record.level is not None:
        level = clean(record.level, 20).upper()
        return _LEVELS.get(level, (level[:3] or "?", MUTED))
    return _STREAMS.get(record.stream, (clean(record.stream, 3), MUTED))
