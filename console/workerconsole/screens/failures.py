"""All failures over the whole screen, those that are one fault as one row."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from workerconsole.action import bindings_of
from workerconsole.cases import MAX_GROUPS, AllGroups
from workerconsole.format import plural
from workerconsole.group_actions import BY_ID, GROUP_ACTIONS, Action, GroupContext, GroupVerb
from workerconsole.groups import GroupFilter, GroupSort, arrange, parse, state_of
from workerconsole.orders import Order
from workerconsole.screens.help import Help
from workerconsole.screens.note import AskNote, Note
from workerconsole.widgets.cursor_view import CursorView
from workerconsole.widgets.empty_state import EmptyState, Lines
from workerconsole.widgets.footer import KeyFooter
from workerconsole.widgets.group_table import GroupTable, group_details, why_one
from workerconsole.widgets.panel import Panel
from workerconsole.widgets.search_bar import SearchBar
from workerkit.clock import Clock
from workerkit.store.records import FailureGroupRecord

if TYPE_CHECKING:
    from workerconsole.app import ConsoleApp

_TITLES = {
    "acknowledge": "Acknowledge this failure",
    "snooze": "Snooze this failure",
    "resolve": "Mark this failure as resolved",
}
_PLACEHOLDER = "timeout   !timeout   state:open   worker:mail   kind:panic"


class FailuresScreen(Screen[None]):
    """Groups of failures, the most urgent first, and below the table what is known of the one under the cursor."""

    DEFAULT_CSS = """
    FailuresScreen {
        layout: vertical;
        background: $background;
        & > .line { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
        & > #title { background: $panel; }
        & > #titles { background: $panel; padding: 0; }
        & > GroupTable { height: 1fr; }
        & > #details { height: 7; padding: 0 1; border-top: solid $border-blurred; }
        & > EmptyState { display: none; }
        &.-empty > EmptyState { display: block; }
        &.-empty > GroupTable { display: none; }
        &.-empty > #titles { display: none; }
        &.-empty > #details { display: none; }
        &.-low > #details { display: none; }
        &:ansi { background: ansi_default; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = list(bindings_of(GROUP_ACTIONS, "screen"))

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.question = AllGroups()
        self.groups: Sequence[FailureGroupRecord] | None = None
        self.filter = GroupFilter()
        self.sort = GroupSort.URGENCY
        self.backwards = False
        self._clock = clock

    def compose(self) -> ComposeResult:
        yield Static(id="title", classes="line")
        yield SearchBar(_PLACEHOLDER)
        yield Static(id="titles", classes="line")
        yield GroupTable()
        yield EmptyState()
        yield Static(id="details")
        yield KeyFooter(GROUP_ACTIONS)

    def on_mount(self) -> None:
        self.table.focus()
        self.set_interval(1.0, self._tick)
        self.console.ask(self.question)
        self._arrange()

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.height < 14, "-low")
        self.call_after_refresh(self._draw)

    def on_screen_resume(self) -> None:
        """Back from an occurrence, which asked the feed something of its own."""
        self.console.ask(self.question)

    # -- parts -----------------------------------------------------------------------------------------------------

    @property
    def console(self) -> "ConsoleApp":
        return cast("ConsoleApp", self.app)

    @property
    def table(self) -> GroupTable:
        return self.query_one(GroupTable)

    @property
    def search(self) -> SearchBar:
        return self.query_one(SearchBar)

    # -- what comes from the feed ----------------------------------------------------------------------------------

    def take_answer(self, question: object, answer: object) -> None:
        """Show what the feed found."""
        if question is self.question and isinstance(answer, tuple):
            self.groups = answer
            self._arrange()

    def _tick(self) -> None:
        self.table.tick(self._clock.now())
        self._draw()

    def _arrange(self) -> None:
        shown = arrange(self.groups or (), self.filter, self.sort, backwards=self.backwards)
        self.set_class(not shown, "-empty")
        self.table.show(shown, self._clock.now())
        if not shown:
            self.query_one(EmptyState).show_message(empty_lines(self.groups, self.filter))
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        groups = self.groups or ()
        states = [state_of(group) for group in groups]
        urgent = sum(state in ("open", "regressed") for state in states)
        more = " (the latest; older ones are not shown)" if len(groups) == MAX_GROUPS else ""
        about = f"{plural(len(groups), 'fault')}{more}, {urgent:,} open" if groups else ""
        title = Content.assemble(
            ("Failures", "bold"), f"  {about}", (f"   by {self.sort.value}" if groups else "", "$text-muted")
        )
        self.query_one("#title", Static).update(title)
        self.query_one("#titles", Static).update(self.table.header(self.sort, backwards=self.backwards))
        self._draw_details()
        if self.search.display:
            hint = self.filter.mistake or f"{self.table.line_count:,} of {len(groups):,}   esc clears"
            self.search.say(hint, wrong=self.filter.mistake is not None)
        self.query_one(KeyFooter).show(self.context())

    def _draw_details(self) -> None:
        group = self.table.selected
        lines = group_details(group, self._clock.now(), max(20, self.size.width - 2)) if group is not None else []
        self.query_one("#details", Static).update(Content("\n").join(lines))

    # -- the registry's actions ------------------------------------------------------------------------------------

    def context(self) -> GroupContext:
        """What the actions need to know of now."""
        return GroupContext(
            desk=self,
            group=self.table.selected,
            ready=self.console.session.ready,
            read_only=self.console.read_only,
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
            self._draw()

    def open_occurrences(self) -> None:
        if (group := self.table.selected) is not None:
            self.console.visits.failure(group.last_run_id)

    def give_state(self, verb: GroupVerb) -> None:
        group = self.table.selected
        if group is None:
            return
        if verb == "reopen":
            self.table.done_with(group)
            self.console.give(Order(verb, params={"group": group.fingerprint}))
            return

        def answered(note: Note | None) -> None:
            if note is not None:
                self.table.done_with(group)
                until = {"until": self._clock.now() + note.span} if note.span is not None else {}
                self.console.give(Order(verb, params={"group": group.fingerprint, **until}, reason=note.text))

        dialog = AskNote(_TITLES[verb], group.title, verb, ask_span=verb == "snooze")
        self.app.push_screen(dialog, answered)

    def open_filter(self) -> None:
        self.search.open()
        self._draw()

    def sort_next(self) -> None:
        self.sort = self.sort.next()
        self._arrange()

    def sort_reverse(self) -> None:
        self.backwards = not self.backwards
        self._arrange()

    def copy(self) -> None:
        if (group := self.table.selected) is not None:
            text = f"{group.title}\n{why_one(group)}\n{group.count} times, group {group.fingerprint}"
            self.post_message(Panel.CopyWanted(text, "the failure"))

    def go_back(self) -> None:
        if self.search.display:
            self.search.close()
            self.filter = GroupFilter()
            self._arrange()
            self.table.focus()
        else:
            self.leave_screen()

    def leave_screen(self) -> None:
        self.console.ask(None)
        self.dismiss()

    def open_help(self) -> None:
        self.app.push_screen(Help(GROUP_ACTIONS))

    def palette_actions(self) -> Iterable[Action]:
        return GROUP_ACTIONS

    def open_palette(self) -> None:
        self.app.action_command_palette()

    # -- what widgets say ------------------------------------------------------------------------------------------

    @on(SearchBar.Changed)
    def _filter_typed(self, message: SearchBar.Changed) -> None:
        self.filter = parse(message.text)
        self._arrange()

    @on(SearchBar.Submitted)
    @on(SearchBar.Left)
    def _filter_left(self) -> None:
        self.table.focus()

    @on(CursorView.Moved)
    def _moved(self, message: CursorView.Moved) -> None:
        message.stop()
        self._draw()

    @on(CursorView.Opened)
    def _opened(self, message: CursorView.Opened) -> None:
        message.stop()
        self.perform("group.open")

    @on(KeyFooter.Pressed)
    def _footer_pressed(self, message: KeyFooter.Pressed) -> None:
        self.perform(message.action_id)


def empty_lines(groups: Sequence[FailureGroupRecord] | None, wanted: GroupFilter) -> Lines:
    """Why there is no row."""
    if groups is None:
        return ("Reading the failures …",)
    if groups and wanted.mistake is not None:
        return (
            "No failure matches",
            wanted.mistake[0].upper() + wanted.mistake[1:] + ".",
            "",
            "esc clears the filter.",
        )
    if groups:
        return ("No failure matches", f"None of {len(groups):,} passes the filter.", "", "esc clears it.")
    return (
        "No failures. Good.",
        "When runs fail, each fault has one row here:",
        "how often, since when, and in which workers,",
        "and whether it came back after it was resolved.",
    )
