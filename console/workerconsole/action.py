"""One thing that the operator can do on a screen: its keys, its help, what it does, and why it can't be done now."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, Literal, TypeVar

from textual.binding import Binding

Scope = Literal["screen", "table"]
Reason = str | None
C = TypeVar("C")
"""The context: the state of the screen that decides what can be done now."""


class Group(StrEnum):
    """The headings of the help screen, in its order."""

    FAILURE = "This failure"
    FAULT = "The fault, in all its occurrences"
    WORKER = "The worker, or all marked ones"
    LOOK = "Look closer"
    FIND = "Find and order"
    MOVE = "Move"
    CONSOLE = "The console"


# No slots: a generic class notes on its instance what it was made for.
@dataclass(frozen=True)
class Action(Generic[C]):
    """One thing that the operator can do."""

    id: str
    keys: tuple[str, ...]
    """Textual's names of keys; none where it is found in the palette only."""
    label: str
    """One or two words for the footer."""
    help: str
    """One sentence for help and palette."""
    group: Group
    perform: Callable[[C], None]
    disabled: Callable[[C], Reason] = lambda _: None
    """Why it can't be done now, in a sentence for the operator; None where it can."""
    dangerous: bool = False
    """Changes much, or is hard to reverse."""
    scope: Scope = "screen"
    footer: int = 0
    """Its rank in the footer, 1 first; 0 keeps it out."""

    @property
    def key_text(self) -> str:
        """Its keys as an operator reads them."""
        return " ".join(key_name(key) for key in self.keys)


_KEY_NAMES = {
    "question_mark": "?",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "slash": "/",
    "colon": ":",
    "space": "space",
    "escape": "esc",
    "enter": "enter",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "up": "↑",
    "down": "↓",
    "home": "home",
    "end": "end",
}


def key_name(key: str) -> str:
    """A key as it is written on the keyboard: `?`, `ctrl+p`, `PgUp`."""
    return _KEY_NAMES.get(key, key.upper() if key.startswith("f") and key[1:].isdigit() else key)


def bindings_of(actions: Iterable[Action[C]], scope: Scope) -> list[Binding]:
    """Textual's bindings of some actions; each has its action's id, so that an operator can remap it."""
    return [
        Binding(",".join(action.keys), f"screen.do('{action.id}')", action.label, show=False, id=action.id)
        for action in actions
        if action.keys and action.scope == scope
    ]
