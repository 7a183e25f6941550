"""JSON in and out of the database: captures as compressed bytes, everything else as text.

Reading is as defensive as writing: a poisoned row yields a value that says so, never an exception.
"""

import json
import zlib
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

MAX_PACKED_JSON = 256 * 1024
"""Characters of a capture's JSON; a larger one is replaced by a note."""
MAX_UNPACKED = 4 * 1024 * 1024
"""Bytes that a stored capture may unfold to; beyond it somebody else wrote it."""
MAX_DEPTH = 200
"""Nesting of a stored capture."""


def to_json(value: Any) -> str:
    """The value as JSON in pure ASCII, which every database stores and every terminal survives.

    Raises:
        TypeError, ValueError, RecursionError: when it isn't plain JSON data.
    """
    return json.dumps(value, separators=(",", ":"))


def from_json(text: str | None, default: Any) -> Any:
    """What the text holds; the default where it is missing, broken, or of another type than the default."""
    if text is None:
        return default
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return default
    return value if default is None or isinstance(value, type(default)) else default


@lru_cache(maxsize=512)
def recent_runs(text: str) -> tuple[tuple[str, int], ...]:
    """The `recent` of a worker's row as outcomes and durations; empty where somebody broke it."""
    try:
        return tuple((str(outcome), int(duration)) for outcome, duration in from_json(text, []))
    except (TypeError, ValueError, OverflowError):
        return ()


def pack(capture: dict[str, Any]) -> bytes:
    """A capture as compressed JSON. Never raises: what can't be packed becomes a capture that says why in `cut`."""
    try:
        text = to_json(capture)
    except (TypeError, ValueError, RecursionError) as error:
        text = _cut(f"the capture could not be stored: {type(error).__name__}")
    if len(text) > MAX_PACKED_JSON:
        text = _cut(f"the capture was {len(text) // 1024} KiB as JSON; at most {MAX_PACKED_JSON // 1024} KiB are kept")
    return zlib.compress(text.encode("ascii"))


def unpack(data: Any) -> dict[str, Any]:
    """The capture that pack() made; of a failure that was only counted, one that says so.

    `{"corrupt": why}` where the column holds anything else.
    """
    if data == b"":
        return {"version": 1, "exceptions": [], "note": "it was only counted, and no other like it is kept"}
    if not isinstance(data, bytes):
        return {"corrupt": f"no bytes, but {type(data).__name__}"}
    inflater = zlib.decompressobj()
    try:
        text = inflater.decompress(data, MAX_UNPACKED)
        if not inflater.eof:
            return {"corrupt": "larger than any capture, or cut off" if inflater.unconsumed_tail else "cut off"}
        value = json.loads(text)
    except (zlib.error, ValueError, RecursionError) as error:
        return {"corrupt": f"unreadable: {type(error).__name__}"}
    if not isinstance(value, dict):
        return {"corrupt": "not a JSON object"}
    if _deeper_than(value, MAX_DEPTH):
        return {"corrupt": f"nested deeper than {MAX_DEPTH} levels"}
    return value


@lru_cache(maxsize=8)
def unpack_shared(data: Any) -> dict[str, Any]:
    """The same for those who only look: what has been unpacked lately is not unpacked again."""
    return unpack(data)


def _cut(why: str) -> str:
    return to_json({"version": 1, "exceptions": [], "note": why, "cut": why})


def _deeper_than(value: Any, limit: int) -> bool:
    """Level by level, because recursion is what a hostile depth would exhaust."""
    level: list[Any] = [value]
    for _ in range(limit):
        level = [child for item in level for child in _children(item)]
        if not level:
            return False
    return True


def _children(item: Any) -> Iterable[Any]:
    if isinstance(item, dict):
        return item.values()
    return item if isinstance(item, list) else ()
