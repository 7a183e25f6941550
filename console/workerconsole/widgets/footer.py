"""The bottom line: the most useful keys, those that can't be used now in grey, help and quit always in sight."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from workerconsole.action import Action, key_name
from workerconsole.actions import ACTIONS

SEPARATOR = "  "
ALWAYS = ("help", "quit", "back")
"""The last words of ids: what is shown however narrow it is, on whatever screen."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A key and its word at a place of the line."""

    action: Action[Any]
    text: str
    left: int


def entries(width: int, actions: Sequence[Action[Any]] = ACTIONS) -> list[Entry]:
    """The keys that fit into `width` cells, by their rank; what is always shown has its room first."""
    ranked = sorted((action for action in actions if action.footer), key=lambda action: action.footer)
    room = width - sum(len(_text(action)) + len(SEPARATOR) for action in ranked if _always(action))
    chosen: list[Action[Any]] = []
    for action in ranked:
        if _always(action):
            chosen.append(action)
            continue
        room -= len(_text(action)) + len(SEPARATOR)
        if room >= 0:
            chosen.append(action)
    placed: list[Entry] = []
    left = 1
    for action in chosen:
        text = _text(action)
        placed.append(Entry(action, text, left))
        left += len(text) + len(SEPARATOR)
    return placed


def _always(action: Action[Any]) -> bool:
    return action.id.rpartition(".")[2] in ALWAYS


def _text(action: Action[Any]) -> str:
    return f"{key_name(action.keys[0])} {action.label}"


class KeyFooter(Widget):
    """Draws the keys of some actions, the main screen's by default; a click on one does what the key does."""

    DEFAULT_CSS = """
    KeyFooter {
        height: 1;
        dock: bottom;
        background: $footer-background;
        color: $footer-description-foreground;
        &:ansi { background: ansi_default; }
    }
    """

    class Pressed(Message):
        """A key of the footer was clicked."""

        def __init__(self, action_id: str) -> None:
            super().__init__()
            self.action_id = action_id

    def __init__(self, actions: Sequence[Action[Any]] = ACTIONS, *, id: str | None = None) -> None:  # noqa: A002 -- Textual's own name
        super().__init__(id=id)
        self._actions = actions
        self._disabled: frozenset[str] = frozenset()

    def show(self, context: object) -> None:
        """Grey out what can't be done now; the context is that of the actions."""
        shown = (action for action in self._actions if action.footer)
        disabled = frozenset(action.id for action in shown if action.disabled(context) is not None)
        if disabled != self._disabled:
            self._disabled = disabled
            self.refresh()

    def render(self) -> Content:
        parts: list[Content | str] = [" "]
        for index, entry in enumerate(entries(self.size.width, self._actions)):
            if index:
                parts.append(SEPARATOR)
            key, _, label = entry.text.partition(" ")
            if entry.action.id in self._disabled:
                parts.append(Content.styled(entry.text, "$foreground-disabled"))
            else:
                parts += [Content.styled(key, "bold $footer-key-foreground"), " ", Content(label)]
        return Content.assemble(*parts)

    def on_click(self, event: events.Click) -> None:
        for entry in entries(self.size.width, self._actions):
            if entry.left <= event.x < entry.left + len(entry.text):
                self.post_message(self.Pressed(entry.action.id))
