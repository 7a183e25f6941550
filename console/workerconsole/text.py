"""The one place where text that others wrote becomes text that may be shown.

Whatever a worker prints, raises or is called may hold escape sequences, controls that reorder a line, or characters
that cannot be seen. `clean` makes plain text of it, and `content` wraps that for a widget without ever reading markup.
`safe_filter` guards the terminal once more, after everything has been drawn. The command line uses this module too, so
Textual is imported only by what needs it.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.content import Content
    from textual.style import Style

TEXT_LIMIT = 4096
"""Characters of one value that reach the screen, unless a caller says otherwise."""

TAB_SIZE = 4

_SEQUENCES = re.compile(
    r"""
      (?: \x1b\[ | \x9b ) [0-?]*+ [\x20-/]*+ [@-~]?                             # control sequences: colour, cursor
    | (?: \x1b[\]PX^_] | [\x90\x98\x9d-\x9f] )                                  # strings: title, clipboard, link
      (?: [^\n\x07\x1b\x80-\x9f]*+ (?: \x07 | \x1b\\ | \x9c ) )?
    | \x1b [\x20-/]*+ [0-~]?                                                    # the other escapes
    """,
    re.VERBOSE,
)
# A string that never ends loses only its introducer: swallowing the rest would hide what the worker said.

_CONTROLS = "\x00-\x1f\x7f-\x9f"
_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_INVISIBLE = (
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u2065\u206a-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_SURROGATES = "\ud800-\udfff"
_LINE_BREAKS = re.compile(r"\r\n|[\r\n\x0b\x0c\u2028\u2029]")
_ODD = re.compile(f"[{_CONTROLS}{_BIDI}{_INVISIBLE}{_SURROGATES}\u2028\u2029]")
_REMOVED = re.compile(f"[\x00-\x09\x0b-\x1f\x7f-\x9f{_BIDI}{_INVISIBLE}]")
LONE_SURROGATE = re.compile(f"[{_SURROGATES}]")
INVISIBLE = re.compile(f"[{_INVISIBLE}]")
HARMS_TERMINAL = re.compile(f"[{_CONTROLS}{_BIDI}{_SURROGATES}]")


def clean(value: object, limit: int = TEXT_LIMIT, *, newlines: bool = False) -> str:
    """The value as text that is safe to draw, at most `limit` characters, the last one `…` where it was cut.

    Escape sequences go as a whole; controls, bidirectional controls and invisible characters go; tabs become spaces;
    line breaks become spaces, or stay as `\\n` with `newlines`. None is the empty text. Never raises.
    """
    text = value if type(value) is str else _as_text(value)
    if limit <= 0:
        return ""
    # What is cut here could never be seen, and a line of a megabyte must not be searched ten times a second.
    was_longer = len(text) > limit * 4
    if was_longer:
        text = text[: limit * 4]
    if not (text.isascii() and text.isprintable()) and _ODD.search(text):
        text = _strip(text, newlines)
    if len(text) > limit or was_longer:
        text = text[: limit - 1] + "…"
    return text


def content(value: object, style: str | Style = "", limit: int = TEXT_LIMIT, *, newlines: bool = False) -> Content:
    """The value as Content: `[` and `]` mean themselves. `style` is ours, never the worker's."""
    from textual.content import Content

    return Content.styled(clean(value, limit, newlines=newlines), style, strip_control_codes=False)


def _as_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return str.__str__(value)
    try:
        if isinstance(value, (dict, list, tuple)):
            return json.dumps(value, ensure_ascii=False, default=str)
        return str.__str__(str(value))
    except Exception:  # noqa: BLE001 - whoever wrote the value also wrote its __str__
        return f"<{type(value).__name__}>"


def _strip(text: str, newlines: bool) -> str:
    if "\x1b" in text or not text.isascii():
        text = _SEQUENCES.sub("", text)
    text = _LINE_BREAKS.sub("\n" if newlines else " ", text)
    if "\t" in text:
        text = text.expandtabs(TAB_SIZE)
    text = _REMOVED.sub("", text)
    return LONE_SURROGATE.sub("\ufffd", text)
