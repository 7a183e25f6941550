"""Stack frames as plain data: where, in which function, whose code, and the source around the line.

A frame is `{"file", "line", "function", "own", "columns", "source", "source_note"?}`; `own` tells the user's code from
the standard library's, installed packages' and the kit's.
"""

import os
import stat
import sys
import sysconfig
import tokenize
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

MAX_FRAMES = 60
"""Kept of one stack: the outermost half and the innermost half; between them a recursion repeats itself."""
SOURCE_CONTEXT = 5
"""Lines of source kept before and after the failing one."""
MAX_SOURCE_LINE = 200
"""Characters kept of a source line."""
MAX_SOURCE_FILE = 4 * 1024 * 1024
"""Bytes; a larger file is no source that a person reads."""

_KIT = str(Path(__file__).resolve().parent.parent) + os.sep
_LIBRARY = tuple(
    sorted(
        {path + os.sep for key in ("stdlib", "platstdlib", "purelib", "platlib") if (path := sysconfig.get_path(key))}
    )
)

Position = tuple[CodeType, int, tuple[int, int] | None]
"""A frame's code, its line, and the columns of the expression that was executing."""


def frame_data(code: CodeType, line: int, columns: tuple[int, int] | None = None) -> dict[str, Any]:
    """One frame as data. Reads source, runs no code of the worker's."""
    file = os.path.abspath(code.co_filename) if not code.co_filename.startswith("<") else code.co_filename  # noqa: PTH100 -- resolves no symlink
    source, note = _source_around(file, line)
    data: dict[str, Any] = {
        "file": file,
        "line": line,
        "function": code.co_qualname,
        "own": is_own(file),
        "columns": list(columns) if columns else None,
        "source": source,
    }
    if note:
        data["source_note"] = note
    return data


def is_own(file: str) -> bool:
    """Whether a file is the user's: neither installed, nor the standard library's, nor the kit's."""
    return not file.startswith(("<", _KIT)) and not file.startswith(_LIBRARY) and "site-packages" not in file


def is_kit(file: str) -> bool:
    """Whether a file belongs to the kit itself; its frames around run() say nothing about the worker."""
    return file.startswith(_KIT)


def bounded(positions: Sequence[Position]) -> tuple[list[dict[str, Any]], str | None]:
    """Frames as data, outermost first, and what was cut out of the middle."""
    if len(positions) <= MAX_FRAMES:
        return [frame_data(*position) for position in positions], None
    half = MAX_FRAMES // 2
    kept = [frame_data(*position) for position in (*positions[:half], *positions[-half:])]
    return kept, f"{len(positions) - MAX_FRAMES} frames in the middle were left out"


def without_kit(positions: Iterable[Position]) -> list[Position]:
    """Positions from the first that is not the kit's own machinery on."""
    kept = list(positions)
    while kept and is_kit(kept[0][0].co_filename):
        kept.pop(0)
    return kept


def stack_positions(frame: FrameType | None) -> list[Position]:
    """A live stack, outermost first, from its innermost frame."""
    positions: list[Position] = []
    while frame is not None and len(positions) < sys.getrecursionlimit():
        positions.append((frame.f_code, frame.f_lineno, None))
        frame = frame.f_back
    positions.reverse()
    return positions


def _source_around(file: str, line: int) -> tuple[list[list[Any]], str | None]:
    lines, note = _source_lines(file)
    first = max(1, line - SOURCE_CONTEXT)
    return [[n, text[:MAX_SOURCE_LINE]] for n, text in enumerate(lines[first - 1 : line + SOURCE_CONTEXT], first)], note


def _source_lines(file: str) -> tuple[tuple[str, ...], str | None]:
    """The lines of a source file, only where it is a regular file under a root that code is imported from.

    A code object may claim any file name; /etc/passwd and a FIFO must not be opened for it.
    """
    if file.startswith("<"):
        return (), "no file"
    try:
        real = os.path.realpath(file)
        status = os.stat(real)  # noqa: PTH116 -- one stat for mode, size and time
    except (OSError, ValueError):
        return (), "gone"
    if not real.endswith((".py", ".pyw")) or not stat.S_ISREG(status.st_mode) or status.st_size > MAX_SOURCE_FILE:
        return (), "denied"
    return _read_lines(real, status.st_mtime_ns)


@lru_cache(maxsize=256)
def _read_lines(file: str, modified: int) -> tuple[tuple[str, ...], str | None]:  # noqa: ARG001 -- a changed file is another key
    try:
        with tokenize.open(file) as source:
            return tuple(line.rstrip("\r\n") for line in source), None
    except (OSError, SyntaxError, UnicodeDecodeError, ValueError):
        return (), "unreadable"
