"""One failure over the whole screen: its exceptions, frames, source and variables, and what can be done about it."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from workerconsole.action import bindings_of
from workerconsole.cases import AboutFailure, Case
from workerconsole.orders import Order
from workerconsole.screens.confirm import Confirm
from workerconsole.screens.evaluate import Evaluate, HeldFrame
from workerconsole.screens.help import Help
from workerconsole.screens.note import AskNote, Note
from workerconsole.searching import Hit, find, find_value, first_from, knows
from workerconsole.sources import Where, changes
from workerconsole.text import clean
from workerconsole.trace_actions import BY_ID, TRACE_ACTIONS, Action, TraceContext
from workerconsole.traces import Trace
from workerconsole.value_paths import PathError, looks_like_path, parse
from workerconsole.widgets.facts import facts_line
from workerconsole.widgets.footer import KeyFooter
from workerconsole.widgets.panel import Panel
from workerconsole.widgets.search_bar import SearchBar
from workerconsole.widgets.trace_view import TraceView
from workerkit.clock import SECOND, Clock

if TYPE_CHECKING:
    from workerconsole.app import ConsoleApp

MUTED, NOTE = "$text-muted", "$text-warning"


class TracebackScreen(Screen[None]):
    """The failure of one run. It asks the feed, so that what others do to its group is seen while one looks."""

    DEFAULT_CSS = """
    TracebackScreen {
        layout: vertical;
        background: $background;
        & > .line { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
        & > #facts { background: $panel; }
        & > #differences { display: none; }
        &.-compared > #differences { display: block; }
        &:ansi { background: ansi_default; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = list(bindings_of(TRACE_ACTIONS, "screen"))

    def __init__(self, run_id: int, clock: Clock) -> None:
        super().__init__()
        self.run_id = run_id
        self.question = AboutFailure(run_id)
        self.case: Case | None = None
        self._clock = clock
        self._answered = False
        self._hits: list[Hit] = []
        self._hit = 0
        self._facts = ""

    def compose(self) -> ComposeResult:
        yield Static(id="facts", classes="line")
        yield Static(id="differences", classes="line")
        yield TraceView()
        yield SearchBar("text in frames, source, values   or a path: order.items[3].qty")
        yield KeyFooter(TRACE_ACTIONS)

    def on_mount(self) -> None:
        self.view.frames.focus()
        self.view.show(())
        self.set_interval(1.0, self._draw_facts)
        self.console.ask(self.question)

    def on_resize(self) -> None:
        self._facts = ""
        self.call_after_refresh(self._draw)

    # -- parts -----------------------------------------------------------------------------------------------------

    @property
    def console(self) -> "ConsoleApp":
        return cast("ConsoleApp", self.app)

    @property
    def view(self) -> TraceView:
        return self.query_one(TraceView)

    @property
    def search(self) -> SearchBar:
        return self.query_one(SearchBar)

    # -- what comes from the feed ----------------------------------------------------------------------------------

    def take_answer(self, question: object, answer: object) -> None:
        """Show what the feed found; an answer to a question that is no longer asked is left alone."""
        if question is not self.question:
            return
        self._answered = True
        fresh = self.case is None
        self.case = case = answer if isinstance(answer, Case) else None
        if case is None:
            self.view.show(())
        elif fresh:
            self.view.show(case.traces)
            self._look_at_files(case)
        comparison = case.comparison if case is not None else None
        self.view.set_before({item.path: item.before for item in comparison.differences} if comparison else {})
        self._draw()

    def _look_at_files(self, case: Case) -> None:
        frames = [frame for trace in case.traces for frame in trace.frames]

        def found(notes: dict[Where, str]) -> None:
            if self.is_mounted and self.run_id == case.failure.run_id:
                self.view.set_changes(notes)

        # Where files can't be looked at, the screen says nothing about them.
        self.console.in_background(lambda: dict(changes(frames)), found, lambda _: None)

    # -- drawing ---------------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        self._draw_facts()
        self.query_one(KeyFooter).show(self.context())

    def _draw_facts(self) -> None:
        facts = self._no_case()
        if self.case is not None:
            facts = facts_line(self.case, self._clock.now(), max(20, self.size.width - 2))
        if facts.plain != self._facts:
            self._facts = facts.plain
            self.query_one("#facts", Static).update(facts)
        comparison = self.case.comparison if self.case is not None else None
        self.set_class(comparison is not None, "-compared")
        if comparison is not None:
            sign, style = ("=", MUTED) if comparison.same else ("≠", NOTE)
            self.query_one("#differences", Static).update(Content.styled(f"{sign} {comparison.sentence()}", style))

    def _no_case(self) -> Content:
        if not self._answered:
            return Content.styled(f"Reading the failure of run {self.run_id} …", MUTED)
        return Content.styled(f"Run {self.run_id} has no failure, or it is no longer kept.", MUTED)

    # -- the registry's actions ------------------------------------------------------------------------------------

    def context(self) -> TraceContext:
        """What the actions need to know of now."""
        snapshot = self.console.main.snapshot
        case, trace = self.case, self.view.trace
        worker = snapshot.workers.get(case.failure.worker) if snapshot is not None and case is not None else None
        return TraceContext(
            desk=self,
            case=case,
            frame=self.view.frame if case is not None else None,
            worker=worker,
            library_frames=sum(not frame.own for frame in trace.frames) if trace is not None else 0,
            hits=len(self._hits),
            host_alive=snapshot is not None and snapshot.host_alive,
            ready=self.console.session.ready,
            read_only=self.console.read_only,
            held_for=self._held_for(),
        )

    def action_do(self, action_id: str) -> None:
        """Textual's way in; see `perform`."""
        self.perform(action_id)

    def perform(self, action_id: str) -> None:
        """Carry out an action, or say why it can't be done now."""
        action, context = BY_ID[action_id], self.context()
        reason = action.disabled(context)
        if reason is not None:
            self.console.tell(reason, severity="warning")
        else:
            action.perform(context)

    def edit(self) -> None:
        if (frame := self.view.frame) is not None:
            self.post_message(Panel.EditorWanted(frame.file, frame.line))

    def copy(self) -> None:
        if self.case is not None:
            failure = self.case.failure
            self.console.copy_failure(failure.capture, failure.error, f"the traceback of run {failure.run_id}")

    def go_to_run(self, run_id: int) -> None:
        """Show another failure in place of this one."""
        self.run_id, self.question = run_id, AboutFailure(run_id)
        # The old one stays in sight until the new one is read: an empty screen in between would flicker.
        self.case, self._answered = None, True
        self._forget_search()
        self.console.ask(self.question)

    def toggle_libraries(self) -> None:
        self.view.frames.toggle_everything()

    def run_again(self) -> None:
        if self.case is not None:
            params = self.case.run.params if self.case.run is not None else None
            self.console.give(Order("run", (self.case.failure.worker,), params))

    def acknowledge(self) -> None:
        if self.case is None or self.case.group is None:
            return
        group = self.case.group

        def answered(note: Note | None) -> None:
            if note is not None:
                self.console.give(Order("acknowledge", params={"group": group.fingerprint}, reason=note.text))

        self.app.push_screen(AskNote("Acknowledge this failure", group.title, "acknowledge"), answered)

    def _held_for(self) -> int:
        """Seconds for which the host that ran it still holds its frames."""
        snapshot = self.console.main.snapshot
        if self.case is None or self.case.run is None or snapshot is None or snapshot.host is None:
            return 0
        until = self.case.failure.capture.get("held_until")
        same_host = snapshot.host_alive and snapshot.host.id == self.case.run.host_id
        return max(0, (until - self._clock.now()) // SECOND) if type(until) is int and same_host else 0

    def evaluate(self) -> None:
        """Ask once, then as often as one likes: it is code that runs in the host."""
        if self.console.may_evaluate:
            self._open_evaluate(True)
            return
        question = (
            "Evaluate expressions in the live frames of this failure? They run inside the host with all its rights, "
            "and each is kept in the record of commands."
        )
        self.app.push_screen(Confirm(question, "yes, evaluate"), self._open_evaluate)

    def _open_evaluate(self, agreed: bool | None) -> None:
        case, trace, place = self.case, self.view.trace, self.view.frames.place
        if not agreed or case is None or trace is None or trace.number is None or place is None:
            return
        self.console.may_evaluate = True
        until = case.failure.capture["held_until"]
        held = HeldFrame(self.run_id, trace.number, place, trace.frames[place].function, until)
        self.app.push_screen(Evaluate(held, self.console.give_and_tell, self._clock))

    def turn_pane(self, step: int) -> None:
        self.view.turn_pane(step)

    def open_here(self) -> None:
        try:
            self.view.open_here()
        except PathError as error:
            self.console.tell(f"It can't be followed: {error}", severity="warning")

    def open_help(self) -> None:
        self.app.push_screen(Help(TRACE_ACTIONS))

    def palette_actions(self) -> Iterable[Action]:
        return TRACE_ACTIONS

    def open_palette(self) -> None:
        self.app.action_command_palette()

    def go_back(self) -> None:
        if self.search.display:
            self._forget_search()
            self.view.frames.focus()
        else:
            self.console.ask(None)
            self.dismiss()

    # -- searching -------------------------------------------------------------------------------------------------

    def open_search(self) -> None:
        self.search.open()

    def next_hit(self, step: int) -> None:
        self._hit = (self._hit + step) % len(self._hits)
        self._go_to_hit()

    def _forget_search(self) -> None:
        self._hits = []
        self.search.close()
        self.view.mark("")

    @on(SearchBar.Left)
    def _search_left(self) -> None:
        if not self.search.display:
            self._forget_search()
        self.view.frames.focus()
        self._draw()

    @on(SearchBar.Submitted)
    def _searched(self, message: SearchBar.Submitted) -> None:
        if self.case is None:
            return
        self._hits = []
        if looks_like_path(message.text) and self._go_to_path(self.case.traces, message.text):
            return
        text = message.text.removeprefix("=")
        self._hits = find(self.case.traces, text)
        if not self._hits:
            self.search.say("nothing found", wrong=True)
            return
        self._hit = first_from(self._hits, self.view.chain.chosen, self.view.frames.place)
        self.view.mark(text)
        self._go_to_hit()

    def _go_to_path(self, traces: Sequence[Trace], text: str) -> bool:
        """Go to the value of a path; False where the text is better searched for as text."""
        try:
            path = parse(text)
            if not text.startswith("=") and not knows(traces, path.root):
                return False
            found = find_value(traces, path, self.view.chain.chosen, self.view.frames.place)
        except PathError as error:
            self.search.say(clean(str(error), 200), wrong=True)
        else:
            self.view.go_to_hit(found)
            self.search.say(f"{clean(str(path), 80)}   esc clears")
        return True

    def _go_to_hit(self) -> None:
        self.view.go_to_hit(self._hits[self._hit])
        self.search.say(f"{self._hit + 1} of {len(self._hits)}   n N   esc clears")

    # -- what widgets say ------------------------------------------------------------------------------------------

    @on(TraceView.Changed)
    def _changed(self) -> None:
        self.query_one(KeyFooter).show(self.context())

    @on(TraceView.Opened)
    def _opened(self) -> None:
        self.perform("trace.open")

    @on(KeyFooter.Pressed)
    def _footer_pressed(self, message: KeyFooter.Pressed) -> None:
        self.perform(message.action_id)
