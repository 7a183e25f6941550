"""Why it failed: the traceback of one failure, and the way to those before and after it."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from workerconsole import format as fmt
from workerconsole.captures import Capture, plain_text, read_capture
from workerconsole.snapshot import WorkerDetail
from workerconsole.text import clean
from workerconsole.widgets.frames import capture_rows
from workerconsole.widgets.frames_view import FramesView
from workerconsole.widgets.panel import Panel
from workerkit.clock import Micros
from workerkit.outcome import FailureKind, Outcome
from workerkit.store.records import FailureRecord, WorkerRecord

_KINDS = {
    FailureKind.ERROR: "error",
    FailureKind.PANIC: "panic",
    FailureKind.TIMEOUT: "timeout",
    FailureKind.CRASH: "crash",
}
_MEANINGS = {
    FailureKind.PANIC: "it did what a worker must never do",
    FailureKind.TIMEOUT: "its time was over",
    FailureKind.CRASH: "what ran it died under it",
}


class FailuresPanel(Panel):
    """The traceback of the selected failure; the latest, until the operator chooses another."""

    DEFAULT_CSS = """
    FailuresPanel > #failure-header { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    FailuresPanel > FramesView { padding: 0 0 0 1; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left_square_bracket", "older", "Older failure", id="failures.older"),
        Binding("right_square_bracket", "newer", "Newer failure", id="failures.newer"),
        Binding("v", "everything", "All frames", id="failures.everything"),
        Binding("e", "edit", "Edit", id="failures.edit"),
        Binding("c", "copy", "Copy", id="failures.copy"),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._failures: Sequence[FailureRecord] = ()
        self._worker: WorkerRecord | None = None
        self._now: Micros = 0
        self._chosen: int | None = None
        self._shown: FailureRecord | None = None
        self._capture = Capture()
        self._everything = False
        self._drawn: object = None
        self._header = ""

    def compose(self) -> ComposeResult:
        yield Static(id="failure-header")
        yield FramesView()

    @property
    def frames(self) -> FramesView:
        return self.query_one(FramesView)

    @property
    def failure(self) -> FailureRecord | None:
        """The failure whose traceback stands on the screen."""
        return self._shown

    @property
    def hint(self) -> str:
        if self._shown is None:
            return ""
        around = f"{self._place + 1} of {len(self._failures)} [ ] · " if len(self._failures) > 1 else ""
        return around + ("v own frames" if self._everything else "v all frames")

    @property
    def _place(self) -> int:
        """Where the failure to show stands; 0 is the latest."""
        chosen = self._chosen
        if chosen is None and self._shown is not None and self._is_being_read():
            chosen = self._shown.run_id
        return next((place for place, failure in enumerate(self._failures) if failure.run_id == chosen), 0)

    def show(self, detail: WorkerDetail, now: Micros) -> None:
        """The failures as the database has them now; the chosen one stays chosen."""
        if self._worker is None or self._worker.name != detail.worker.name:
            self._chosen = None
        self._worker = detail.worker
        self.show_failures(detail.failures, now)

    def show_failures(self, failures: Sequence[FailureRecord], now: Micros) -> None:
        """The same without a worker, e.g. for one failure out of the history."""
        self._failures, self._now = failures, now
        self._update()

    def action_older(self) -> None:
        self._step(1)

    def action_newer(self) -> None:
        self._step(-1)

    def action_everything(self) -> None:
        self._everything = not self._everything
        self._update()
        self.post_message(self.HintChanged(self))

    def editor_target(self) -> tuple[str, int] | None:
        frame = self.frames.frame
        return (frame.file, frame.line) if frame is not None and frame.line else None

    def copy_text(self) -> tuple[str, str] | None:
        if self._shown is None:
            return super().copy_text()
        # Of a damaged record its one line is what there is.
        return clean(plain_text(self._shown.capture) or self._shown.error, 256 * 1024, newlines=True), "the traceback"

    def _is_being_read(self) -> bool:
        """A new failure must not push away the text under somebody's eyes."""
        return self.frames.has_focus or self.frames.scroll_offset.y > 0

    def _step(self, step: int) -> None:
        place = self._place + step
        if 0 <= place < len(self._failures):
            self._chosen = self._failures[place].run_id
            self._update()
            self.post_message(self.HintChanged(self))

    def _update(self) -> None:
        if not self.is_mounted:
            return
        failure = self._failures[self._place] if self._failures else None
        if failure is not self._shown:
            same = failure is not None and self._shown is not None and failure == self._shown
            self._shown = failure
            if not same:
                self._capture = read_capture(failure.capture) if failure is not None else Capture()
                self._drawn = None
        self._draw_header()
        width = self.frames.width
        broken = self._worker.load_error if self._worker is not None else None
        wanted = (failure.run_id if failure else broken, width, self._everything)
        if width and wanted != self._drawn:
            keep = self._drawn is not None
            self._drawn = wanted
            self._draw_frames(failure, broken, width, keep)

    def _draw_frames(self, failure: FailureRecord | None, broken: str | None, width: int, keep: bool) -> None:
        if failure is not None:
            title = clean(failure.error, newlines=True)
            rows = capture_rows(self._capture, title, width, everything=self._everything)
        elif broken:
            rows = capture_rows(Capture(), clean(broken, 64 * 1024, newlines=True), width)
        else:
            rows = []
        self.frames.set_rows(rows, keep=keep)

    def _draw_header(self) -> None:
        header = self._header_content()
        # Content compares its text only, which is right here: equal text has equal style.
        if header.plain != self._header:
            self._header = header.plain
            self.query_one("#failure-header", Static).update(header)

    def _header_content(self) -> Content:
        failure = self._shown
        if failure is None:
            if self._worker is not None and self._worker.load_error:
                return Content.styled("⊠ its module failed to load", fmt.status_style("broken"))
            return Content.styled(self._empty(), "$text-muted")
        kind = clean(failure.kind, 20)
        meaning = f", {_MEANINGS[FailureKind(kind)]}" if kind in _MEANINGS else ""
        when = f"{fmt.clock_time(failure.at, self._now)}, {fmt.ago(failure.at, self._now)}"
        return Content.assemble(
            (f"{fmt.outcome_symbol(Outcome.FAILED)} {kind}", fmt.outcome_style(Outcome.FAILED)),
            (f"{meaning} · run {failure.run_id} · {when}", "$text-muted"),
        )

    def _empty(self) -> str:
        worker = self._worker
        if worker is not None and worker.failure_count:
            return "Its failures are no longer kept; the counters still know them."
        return "It has not failed yet."

    def on_resize(self) -> None:
        self.call_after_refresh(self._update)
