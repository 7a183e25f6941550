"""Where its run stood when somebody last looked."""

from collections.abc import Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from workerconsole import format as fmt
from workerconsole.captures import Stack, read_stack
from workerconsole.samples import Samples, read_samples
from workerconsole.snapshot import WorkerDetail
from workerconsole.text import clean
from workerconsole.usual import usual
from workerconsole.widgets.frames_view import FramesView
from workerconsole.widgets.panel import Panel
from workerconsole.widgets.stack_rows import age_text, live_rows
from workerkit.clock import Micros
from workerkit.outcome import Status
from workerkit.store.records import CommandRecord, LogRecord


class StackPanel(Panel):
    """The latest answer to a `stack` command, the deepest call first."""

    DEFAULT_CSS = """
    StackPanel > #stack-header { height: auto; max-height: 2; padding: 0 1; }
    StackPanel > FramesView { padding: 0 0 0 1; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "look", "Look again", id="stack.look"),
        Binding("v", "everything", "All frames", id="stack.everything"),
        Binding("e", "edit", "Edit", id="stack.edit"),
        Binding("c", "copy", "Copy", id="stack.copy"),
    ]

    class Wanted(Message):
        """Ask the host where the run of this worker stands now."""

        def __init__(self, worker: str) -> None:
            super().__init__()
            self.worker = worker

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._detail: WorkerDetail | None = None
        self._stack = Stack("", (), "")
        self._samples = Samples(0, (), ())
        self._read: CommandRecord | None = None
        self._everything = False
        self._drawn: object = None
        self._header = ""

    def compose(self) -> ComposeResult:
        yield Static(id="stack-header")
        yield FramesView()

    @property
    def frames(self) -> FramesView:
        return self.query_one(FramesView)

    @property
    def hint(self) -> str:
        if not self._stack.frames:
            return ""
        return "b look again · " + ("v own frames" if self._everything else "v all frames")

    def show(self, detail: WorkerDetail, now: Micros) -> None:
        """The answer as the database has it now."""
        self._detail = detail
        command = detail.stack
        if command is not self._read and command != self._read:
            data = command.data if command is not None and command.state == "done" else None
            self._stack, self._samples = read_stack(data), read_samples(data)
            self._drawn = None
        self._read = command
        self._update(now)

    def action_look(self) -> None:
        if self._detail is not None:
            self.post_message(self.Wanted(self._detail.worker.name))

    def action_everything(self) -> None:
        self._everything = not self._everything
        self._draw_frames()
        self.post_message(self.HintChanged(self))

    def editor_target(self) -> tuple[str, int] | None:
        frame = self.frames.frame
        return (frame.file, frame.line) if frame is not None and frame.line else None

    def _update(self, now: Micros) -> None:
        if not self.is_mounted or self._detail is None:
            return
        header = _header(self._detail, self._stack, self._samples, now)
        if header.plain != self._header:
            self._header = header.plain
            self.query_one("#stack-header", Static).update(header)
        self._draw_frames()

    def _draw_frames(self) -> None:
        width = self.frames.width
        wanted = (self._read.id if self._read else None, width, self._everything)
        if width and wanted != self._drawn:
            keep = self._drawn is not None
            self._drawn = wanted
            rows = live_rows(self._stack, self._samples, self._lines(), width, everything=self._everything)
            self.frames.set_rows(rows, keep=keep)

    def _lines(self) -> list[LogRecord]:
        """What the run that was looked at has said so far."""
        if self._detail is None or self._read is None or not self._stack.frames:
            return []
        return [line for line in self._detail.logs if line.run_id == self._read.run_id]

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw_frames)


def _header(detail: WorkerDetail, stack: Stack, samples: Samples, now: Micros) -> Content:
    command, worker = detail.stack, detail.worker
    running = worker.running_run_id is not None or worker.status in (Status.RUNNING, Status.STUCK)
    now_or_not = "press b to look at where it stands now" if running else "it is not running; b looks while it runs"
    if command is None:
        return Content.styled(now_or_not[0].upper() + now_or_not[1:] + ".", "$text-muted")
    if command.state == "pending":
        return Content.styled("Asked the host where it stands; waiting for the answer …", "$text-muted")
    if command.state != "done":
        said = clean(command.result, 500) or "the host gave no reason"
        return Content.assemble(("! ", "bold $text-warning"), (f"{said} ", ""), (f"({now_or_not})", "$text-muted"))
    fields = command.data if isinstance(command.data, Mapping) else {}
    taken = fields.get("taken_at")
    taken = taken if type(taken) is int else command.finished_at
    run = fields.get("run_id", command.run_id)
    parts = [f"at {fmt.clock_time(taken, now)}, {fmt.ago(taken, now)}"]
    parts += [stack.label] if stack.label else []
    if type(run) is int:
        over = "" if run == worker.running_run_id else " (over by now)"
        parts.insert(0, f"run {run}{over}")
    said = clean(command.result, 200) if samples.count else _depth(len(stack.frames))
    lead = Content.assemble(
        (f"{fmt.status_symbol(Status.RUNNING)} {said}", "bold $text-primary"),
        (" · " + " · ".join(parts), "$text-muted"),
    )
    if run != worker.running_run_id or worker.last_run_at is None:
        return lead
    return Content("\n").join([lead, age_text(max(0, now - worker.last_run_at), usual(worker.recent))])


def _depth(frames: int) -> str:
    """How deep the stack is, in words."""
    return fmt.plural(frames, "call") + " deep" if frames else "no frames"
