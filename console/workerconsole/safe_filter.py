"""The last guard between what was drawn and the terminal."""

from collections.abc import Sequence
from functools import lru_cache

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.color import Color
from textual.filter import LineFilter

from workerconsole.text import HARMS_TERMINAL, INVISIBLE, LONE_SURROGATE


class SafeFilter(LineFilter):
    """The last guard: no control character and no link of a style reaches the terminal, whoever drew the line.

    The width of a line stays what it was. Actions on click in styles (`@click`) go as well: ours are messages of
    widgets, so one in a style can only come from markup that somebody else wrote.

    Textual makes and remembers a line for each filter; so the others go before it as one with it.
    """

    def __init__(self, others: Sequence[LineFilter] = ()) -> None:
        super().__init__()
        self.others = tuple(others)

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        for other in self.others:
            segments = other.apply(segments, background)
        return [
            Segment(safe_text(text), None if style is None else safe_style(style), None) for text, style, _ in segments
        ]


def safe_text(text: str) -> str:
    """The text without what harms a terminal, as wide as before."""
    if (text.isascii() and text.isprintable()) or not HARMS_TERMINAL.search(text):
        return text
    safe = HARMS_TERMINAL.sub("", LONE_SURROGATE.sub("\ufffd", text))
    width = cell_len(text)
    if cell_len(safe) == width:
        return safe
    # What joins characters may now join others than before, and then no padding makes up for it.
    return set_cell_size(INVISIBLE.sub("", safe), width)


@lru_cache(4096)
def safe_style(style: RichStyle) -> RichStyle:
    """The style without link and without actions; Textual's own metadata stays, selection lives on it."""
    if style.link:
        style = style.update_link(None)
    meta = style.meta
    if not any(str(key).startswith("@") for key in meta):
        return style
    kept = {key: value for key, value in meta.items() if not str(key).startswith("@")}
    return style.clear_meta_and_links() + RichStyle(meta=kept)
