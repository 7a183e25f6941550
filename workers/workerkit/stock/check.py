"""What the stock workers share: how a check fails, and how sizes are read and written."""

import re

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?", re.IGNORECASE)
_FACTORS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}


class CheckFailed(Exception):  # noqa: N818 -- it says what happened; nothing is wrong with the check
    """A check looked and found something wrong; the text says what was found and what was wanted."""


def parse_size(value: float | str) -> int:
    """Bytes from a number or a text such as `500 MB`, `5GiB`, `20k`; units are powers of 1024.

    Raises:
        ValueError: for anything else.
    """
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
        return int(value)
    match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"{value!r} is not a size; write bytes, or a text such as '500 MB' or '5 GiB'")
    return int(float(match[1]) * _FACTORS[match[2].lower()])


def format_size(size: float) -> str:
    """Bytes for people: `512 B`, `3.4 MiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(size) < 1024:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"
