"""Makes any text and number storable: a worker may print, raise or count whatever it likes."""

import re

NAME_LIMIT = 200
"""Characters of a name, a label or a note."""
LINE_LIMIT = 4096
"""Characters of one captured line, an error, or a sentence for the operator."""
DOCUMENT_LIMIT = 65_536
"""Characters of a traceback, or of a JSON text such as a worker's state."""

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_CUT = "…"

_INT64_MAX = 2**63 - 1


def storable(text: str, limit: int) -> str:
    """The text without NUL and lone surrogates, which a database refuses, and at most `limit` characters long.

    A text that was cut ends in an ellipsis.
    """
    text = str.__str__(text)  # a subclass of str could bring methods of its own
    if len(text) > limit:
        text = text[: limit - 1] + _CUT
    return text if text.isascii() and "\0" not in text else _UNSTORABLE.sub(_REPLACEMENT, text)


def storable_or_none(text: str | None, limit: int) -> str | None:
    """The same for a text that may be missing."""
    return None if text is None else storable(text, limit)


def storable_int(number: int) -> int:
    """The number, or the nearest one that fits into 64 bits."""
    return max(-_INT64_MAX - 1, min(_INT64_MAX, number))
