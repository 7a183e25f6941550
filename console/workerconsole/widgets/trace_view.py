"""The panes of a failure: the chain of its exceptions, the frames of one, the source and the variables of one frame."""

from collections.abc import Mapping, Sequence

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from workerconsole.captures import Frame
from workerconsole.searching import Hit
from workerconsole.sources import Where
from workerconsole.traces import Trace
from workerconsole.value_paths import Place, parse, resolve
from workerconsole.values import about
from workerconsole.widgets.chain import ChainView
from workerconsole.widgets.cursor_view import CursorView
from workerconsole.widgets.frame_list import LIBRARY, YOURS, FrameList
from workerconsole.widgets.frames import shorten_path, split_path
from workerconsole.widgets.line_view import LineView
from workerconsole.widgets.locals_tree import LocalsTree
from workerconsole.widgets.pane_title import PaneTitle
from workerconsole.widgets.source_view import SourceView

NARROW = 100
"""With fewer columns the panes stand under each other."""
SHORT = 27
"""With fewer lines source and variables take turns."""


NOTHING = Trace("", "")


class TraceView(Widget):
    """What is selected in one pane rules the next: an exception its frames, a frame its source and its variables."""

    DEFAULT_CSS = """
    TraceView {
        layout: vertical;
        height: 1fr;
        & > #body { height: 1fr; layout: horizontal; }
        & #left { width: 1fr; max-width: 64; }
        & #right { width: 2fr; border-left: solid $border-blurred; }
        & #source-pane { height: auto; max-height: 60%; }
        & #source-pane SourceView { height: auto; }
        & #variables-pane { height: 1fr; }
        & LineView { scrollbar-gutter: auto; }
        &.-narrow > #body { layout: vertical; }
        &.-narrow #left { width: 1fr; max-width: 100%; height: auto; max-height: 40%; }
        &.-narrow #left FrameList { height: auto; }
        &.-narrow #right { width: 1fr; height: 1fr; border-left: none; }
        &.-short #source-pane { height: 1fr; max-height: 100%; }
        &.-short #source-pane SourceView { height: 1fr; }
        &.-short #variables-pane { display: none; }
        &.-short.-on-variables #variables-pane { display: block; }
        &.-short.-on-variables #source-pane { display: none; }
    }
    """

    class Changed(Message):
        """Something else is selected."""

    class Opened(Message):
        """A line was clicked twice."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._traces: Sequence[Trace] = ()
        self._before: Mapping[str, str] = {}
        self._changes: Mapping[Where, str] = {}
        self._wanted = ""

    def compose(self) -> ComposeResult:
        yield ChainView()
        with Container(id="body"):
            with Vertical(id="left"):
                yield PaneTitle("Frames", id="frames-title")
                yield FrameList()
            with Vertical(id="right"):
                with Vertical(id="source-pane"):
                    yield PaneTitle("Source", id="source-title")
                    yield SourceView()
                with Vertical(id="variables-pane"):
                    yield PaneTitle("Variables", id="variables-title")
                    yield LocalsTree()

    def on_resize(self, event: events.Resize) -> None:
        screen = self.screen.size
        self.set_class(event.size.width < NARROW, "-narrow")
        self.set_class(screen.height < SHORT, "-short")
        self.chain.set_most(max(3, screen.height // 4))
        self.call_after_refresh(self.draw_titles)

    # -- parts -----------------------------------------------------------------------------------------------------

    @property
    def chain(self) -> ChainView:
        return self.query_one(ChainView)

    @property
    def frames(self) -> FrameList:
        return self.query_one(FrameList)

    @property
    def source(self) -> SourceView:
        return self.query_one(SourceView)

    @property
    def variables(self) -> LocalsTree:
        return self.query_one(LocalsTree)

    @property
    def trace(self) -> Trace | None:
        """The exception whose frames are shown."""
        return self._traces[self.chain.chosen] if self._traces else None

    @property
    def frame(self) -> Frame | None:
        """The frame whose source and variables are shown."""
        return self.frames.frame

    # -- what is shown ---------------------------------------------------------------------------------------------

    def show(self, traces: Sequence[Trace]) -> None:
        """Show a failure, from its first exception's most telling frame on; with none the panes are blank."""
        self._traces, self._changes, self._wanted = traces, {}, ""
        self.chain.set_traces(traces)
        self._show_trace()

    def set_before(self, before: Mapping[str, str]) -> None:
        """What the variables were in the failure before, by path, where they were others."""
        if before != self._before:
            self._before = before
            self._show_frame()

    def set_changes(self, changes: Mapping[Where, str]) -> None:
        """What is otherwise in the files now."""
        self._changes = changes
        self._show_frame()

    def mark(self, wanted: str) -> None:
        """Mark this text in the source; nothing where it is empty."""
        self._wanted = wanted
        self._show_frame()

    def _show_trace(self) -> None:
        self.frames.set_trace(self.trace or NOTHING)
        self._show_frame()

    def _show_frame(self) -> None:
        frame, trace = self.frame, self.trace
        change = self._changes.get((frame.file, frame.line), "") if frame is not None else ""
        self.source.set_frame(frame, change, self._wanted)
        if trace is None:
            self.source.set_lines(())
        # Two failures are compared in the frame where they began; elsewhere the same names mean other values.
        compared = trace is not None and frame is trace.start and self.chain.chosen == 0
        self.variables.set_variables(
            frame.variables if frame is not None else (), _why_none(frame), self._before if compared else {}
        )
        self.draw_titles()
        self.post_message(self.Changed())

    def draw_titles(self) -> None:
        """Say above each pane what is in it."""
        if not self.is_mounted:
            return
        trace, frame = self.trace, self.frame
        self.query_one("#frames-title", PaneTitle).set_about(_frames_title(trace.frames if trace is not None else ()))
        source = self.query_one("#source-title", PaneTitle)
        source.set_about(_source_title(frame, source.size.width))
        self.query_one("#variables-title", PaneTitle).set_about(self._variables_title(frame))
        focused = self.screen.focused
        for pane, widget in (("frames", self.frames), ("source", self.source), ("variables", self.variables)):
            self.query_one(f"#{pane}-title", PaneTitle).set_focused(focused is widget)

    def _variables_title(self, frame: Frame | None) -> Content:
        row = self.variables.selected
        if frame is None or row is None:
            return Content()
        if self.variables.has_focus and row.path:
            kind = about(row.part.value) or row.part.value.type.rpartition(".")[2]
            return Content.assemble((row.path, "$text"), f"  {kind}" if kind else "")
        return Content(f"{len(frame.variables)} of {frame.function}")

    # -- moving about ----------------------------------------------------------------------------------------------

    def turn_pane(self, step: int) -> None:
        """Put the focus on the next pane."""
        panes: list[LineView] = [self.frames, self.source, self.variables]
        if self.chain.walkable:
            panes.insert(0, self.chain)
        focused = self.screen.focused
        place = panes.index(focused) if focused in panes else (0 if step < 0 else len(panes) - 1)
        self.focus_pane(panes[(place + step) % len(panes)])

    def focus_pane(self, pane: LineView) -> None:
        """Put the focus on a pane, and bring it into sight where panes take turns."""
        if pane in (self.source, self.variables):
            self.set_class(pane is self.variables, "-on-variables")
        # A pane that was hidden can take the focus only when it is displayed, which is so with the next refresh.
        self.call_after_refresh(self.screen.set_focus, pane)

    def open_here(self) -> None:
        """A folded line unfolds, a value opens, a reference leads on; an exception leads to its frames, and a frame to
        its variables.

        Raises:
            PathError: when a reference leads to what was not kept.
        """
        focused = self.screen.focused
        if focused is self.chain:
            self.focus_pane(self.frames)
        elif focused is self.frames and self.frames.folded is not None:
            self.frames.unfold_here()
        elif focused is self.frames:
            self.focus_pane(self.variables)
        elif focused is self.variables:
            self._open_value()

    def _open_value(self) -> None:
        row, frame = self.variables.selected, self.frame
        if row is None or frame is None or row.part.value.kind != "reference":
            self.variables.toggle()
        else:
            self.variables.reveal(resolve(parse(row.part.value.text), frame.variables, frame.function))

    def _go_to_value(self, place: int, value: Place) -> None:
        self.frames.select(place)
        self._show_frame()
        self.variables.reveal(value)
        self.focus_pane(self.variables)

    def go_to_hit(self, hit: Hit) -> None:
        """Select what a search found."""
        if hit.trace != self.chain.chosen:
            self.chain.set_traces(self._traces, hit.trace)
            self._show_trace()
        if hit.frame is None:
            self.focus_pane(self.chain)
        elif hit.place is not None:
            self._go_to_value(hit.frame, hit.place)
        else:
            self.frames.select(hit.frame)
            self._show_frame()
            self.focus_pane(self.frames if hit.line is None else self.source)

    # -- what its parts say ----------------------------------------------------------------------------------------

    @on(CursorView.Moved)
    def _moved(self, message: CursorView.Moved) -> None:
        message.stop()
        if message.view is self.chain:
            self._show_trace()
        elif message.view is self.frames:
            self._show_frame()
        else:
            self.draw_titles()

    @on(CursorView.Opened)
    def _opened(self, message: CursorView.Opened) -> None:
        message.stop()
        self.post_message(self.Opened())

    @on(PaneTitle.Clicked)
    def _title_clicked(self, message: PaneTitle.Clicked) -> None:
        message.stop()
        panes: dict[str | None, LineView] = {
            "frames-title": self.frames,
            "source-title": self.source,
            "variables-title": self.variables,
        }
        self.focus_pane(panes[message.title.id])

    def on_descendant_focus(self) -> None:
        self.draw_titles()

    def on_descendant_blur(self) -> None:
        self.draw_titles()


def _frames_title(frames: Sequence[Frame]) -> Content:
    own = sum(frame.own for frame in frames)
    counts = ((YOURS, own, "yours"), (LIBRARY, len(frames) - own, "library"))
    return Content("   ".join(f"{sign} {count} {what}" for sign, count, what in counts if count))


def _source_title(frame: Frame | None, width: int) -> Content:
    if frame is None:
        return Content()
    folder, name = split_path(frame.file)
    at = f"{name}:{frame.line}"
    where = shorten_path(folder, max(0, width - len(at) - len(frame.function) - 18))
    return Content.assemble(where, (at, "$text"), " in ", (frame.function, "$text"))


def _why_none(frame: Frame | None) -> str:
    if frame is None or frame.variables:
        return ""
    if frame.variables_note == "not kept":
        return "Its variables were not kept."
    if frame.variables_note:
        return f"Its variables were not kept: {frame.variables_note}."
    return "It has no local variables."
