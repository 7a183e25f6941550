"""What all dialogs look like: a box in the middle, a title, and the keys at its foot."""

from typing import ClassVar, TypeVar

from textual.content import Content
from textual.screen import ModalScreen

Answer = TypeVar("Answer")


def keys_line(*pairs: tuple[str, str]) -> Content:
    """Keys and what they do, in one line."""
    parts: list[Content | str] = []
    for index, (key, word) in enumerate(pairs):
        parts += ["   " if index else "", Content.styled(key, "bold $footer-key-foreground"), " ", Content(word)]
    return Content.assemble(*parts)


class Dialog(ModalScreen[Answer]):
    """The base of every dialog; its content goes into one Vertical."""

    DEFAULT_CSS: ClassVar[str] = """
    Dialog {
        align: center middle;
        background: $background 60%;
        & > Vertical {
            width: 66;
            max-width: 100%;
            height: auto;
            max-height: 100%;
            padding: 1 2;
            background: $panel;
            border: round $border;
        }
        & .dialog-title { text-style: bold; margin-bottom: 1; height: auto; }
        & .dialog-text { height: auto; }
        & .dialog-keys { margin-top: 1; color: $foreground-muted; height: auto; }
        &:ansi { background: transparent; }
        &:ansi > Vertical { background: ansi_default; }
    }
    """
