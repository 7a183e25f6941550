"""The help screen, made from the action registry."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalGroup, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from workerconsole import format as fmt
from workerconsole.action import Action, Group
from workerconsole.actions import ACTIONS
from workerconsole.screens.dialog import keys_line
from workerkit.outcome import Status

KEY_WIDTH = 13
_STATUS_HELP = {
    Status.IDLE: "waits for its next slot",
    Status.RUNNING: "its run is in flight",
    Status.FAILED: "its last run failed",
    Status.RETRYING: "it failed; another attempt follows",
    Status.PAUSED: "starts nothing until resumed, or until its time",
    Status.SUSPENDED: "failed too often; starts nothing until resumed",
    Status.STUCK: "passed its timeout and still occupies a thread",
    Status.BROKEN: "its module failed to load",
    Status.UNREGISTERED: "known to the database, not in the code",
}
_IN_PANELS = (("j k", "scroll"), ("f w", "logs: follow, wrap"), ("enter", "full screen"), ("e", "open in $EDITOR"))
_IN_LISTS = (("j k ↑ ↓", "move"), ("PgUp PgDn g G", "far"), ("← →", "sideways; a value: close, open"))


def help_groups(actions: Sequence[Action[Any]] = ACTIONS) -> list[tuple[str, Content]]:
    """Headings and their lines."""
    ordered = sorted(actions, key=lambda action: list(Group).index(action.group))
    groups = [(group.value, _lines(list(found))) for group, found in groupby(ordered, key=lambda a: a.group)]
    if actions is not ACTIONS:
        return groups
    statuses: list[Content | str] = []
    for status, text in _STATUS_HELP.items():
        statuses += [
            "\n" if statuses else "",
            Content.styled(
                f"{fmt.status_symbol(status)} {status.value}".ljust(KEY_WIDTH + 2), fmt.status_style(status)
            ),
            text,
        ]
    return [*groups, ("What the signs mean", Content.assemble(*statuses))]


def _lines(actions: list[Action[Any]]) -> Content:
    parts: list[Content | str] = []
    for action in actions:
        # The panels are one line; nobody reads seven.
        if action.id.startswith("panel-") and action.id != "panel-next":
            continue
        keys, text = action.key_text or "(palette)", action.help
        if action.id == "panel-next":
            text = "Panels: overview, runs, failures, logs, stack"
        style = "bold $text-warning" if action.dangerous else "bold $footer-key-foreground"
        parts += ["\n" if parts else "", Content.styled(keys.ljust(KEY_WIDTH), style), "  ", text]
    return Content.assemble(*parts)


class Help(ModalScreen[None]):
    """All keys of a screen on one page; of the main screen by default."""

    DEFAULT_CSS = """
    Help {
        align: center middle;
        background: $background 60%;
        & > VerticalScroll {
            width: 76;
            max-width: 100%;
            height: auto;
            max-height: 100%;
            padding: 1 2;
            background: $panel;
            border: round $border;
            scrollbar-size-vertical: 1;
        }
        & #help-columns { layout: vertical; height: auto; overflow: hidden; }
        & .help-group { height: auto; margin-bottom: 1; }
        &.-wide > VerticalScroll { width: 138; }
        &.-wide #help-columns { layout: horizontal; }
        &.-wide #help-columns > VerticalGroup { width: 1fr; }
        &:ansi { background: transparent; }
        &:ansi > VerticalScroll { background: ansi_default; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1,enter", "close", "close", id="help-close"),
        Binding("j,down", "scroll(1)", show=False),
        Binding("k,up", "scroll(-1)", show=False),
    ]

    def __init__(self, actions: Sequence[Action[Any]] = ACTIONS) -> None:
        super().__init__()
        self._actions = actions

    def compose(self) -> ComposeResult:
        with VerticalScroll():
            groups = help_groups(self._actions)
            with Horizontal(id="help-columns"):
                for column in (groups[:2], groups[2:]):
                    with VerticalGroup():
                        for heading, lines in column:
                            text = Content.assemble(Content.styled(heading, "bold underline"), "\n", lines)
                            yield Static(text, classes="help-group")
            more = _IN_PANELS if self._actions is ACTIONS else _IN_LISTS
            yield Static(keys_line(("esc", "close"), *more))

    def on_resize(self) -> None:
        self.set_class(self.size.width >= 140, "-wide")

    def action_close(self) -> None:
        self.dismiss(None)

    def action_scroll(self, lines: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)
