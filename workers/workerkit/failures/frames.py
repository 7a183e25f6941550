"""Stack frames as plain data: where, in which function, whose code, and the source around the line.

A frame is `{"file", "line", "function", "module", "own", "columns", "source", "source_note"?, "locals"?}`; `own` tells
the user's code from the standard library's, installed packages' and the kit's.
"""

import os
import stat
import sys
import sysconfig
import tokenize
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from workerkit.failures.redact import Redactor
from workerkit.failures.values import Walk

MAX_FRAMES = 60
"""Kept of one stack: the outermost half and the innermost half; between them a recursion repeats itself."""
SOURCE_CONTEXT = 5
"""Lines of source kept before and after the failing one."""
MAX_SOURCE_LINE = 200
"""Characters kept of a source line."""
MAX_LINE_READ = 4096
"""Characters of a source line that are searched for secrets."""
MAX_SOURCE_FILE = 4 * 1024 * 1024
"""Bytes; a larger file is no source that a person reads."""

_START = os.getcwd()  # noqa: PTH109 -- compared as text
_KIT = str(Path(__file__).resolve().parent.parent) + os.sep
_STOCK = _KIT + "stock" + os.sep
_LIBRARY = tuple(
    sorted(
        {path + os.sep for key in ("stdlib", "platstdlib", "purelib", "platlib") if (path := sysconfig.get_path(key))}
    )
)


@dataclass(frozen=True, slots=True)
class Position:
    """Where a stack stands: the code, its line, the columns of what was executing, and the live frame if at hand."""

    code: CodeType
    line: int
    columns: tuple[int, int] | None = None
    frame: FrameType | None = None


def frame_data(position: Position, redactor: Redactor) -> dict[str, Any]:
    """One frame as data, without its variables. Runs no code of the worker's."""
    code = position.code
    data = place_data(code.co_filename, position.line, code.co_qualname, redactor)
    data["module"] = _module_of(position.frame)
    data["columns"] = list(position.columns) if position.columns else None
    return data


def place_data(file: str, line: int, function: str, redactor: Redactor) -> dict[str, Any]:
    """A frame as data of which only the place is known, as of a process that has died."""
    file = os.path.abspath(file) if not file.startswith("<") else file  # noqa: PTH100 -- resolves no symlink
    source, note = _source_around(file, line)
    data: dict[str, Any] = {
        "file": file,
        "line": line,
        "function": function,
        "module": None,
        "own": is_own(file),
        "columns": None,
        "source": [[number, redactor.source(text)[:MAX_SOURCE_LINE]] for number, text in source],
    }
    if note:
        data["source_note"] = note
    return data


def _module_of(frame: FrameType | None) -> str | None:
    names = frame.f_globals if frame is not None else None
    name = names.get("__name__") if type(names) is dict else None
    return name if type(name) is str else None


def is_own(file: str) -> bool:
    """Whether a file is the user's: neither installed, nor the standard library's, nor the kit's."""
    return not file.startswith(("<", _KIT)) and not file.startswith(_LIBRARY) and "site-packages" not in file


def is_kit(file: str) -> bool:
    """Whether a file is the kit's machinery, whose frames around run() say nothing about the worker."""
    return file.startswith(_KIT) and not file.startswith(_STOCK)


def within_bounds(positions: Sequence[Position]) -> tuple[list[Position], str | None]:
    """The positions that are kept of a stack, and what was cut out of its middle."""
    if len(positions) <= MAX_FRAMES:
        return list(positions), None
    half = MAX_FRAMES // 2
    return [*positions[:half], *positions[-half:]], f"{len(positions) - MAX_FRAMES} frames in the middle were left out"


def frames_data(positions: Sequence[Position], redactor: Redactor) -> list[dict[str, Any]]:
    """Frames as data, in their order."""
    return [frame_data(position, redactor) for position in positions]


def read_variables(frames: Iterable[tuple[dict[str, Any], Position]], walk: Walk) -> None:
    """Adds the local variables to frames, in the order in which they come: the walk's budget may end before them."""
    for data, position in frames:
        if position.frame is not None:
            data["locals"] = walk.locals(position.frame.f_locals)


def without_kit(positions: Iterable[Position]) -> list[Position]:
    """Positions from the first that is not the kit's own machinery on."""
    kept = list(positions)
    while kept and is_kit(kept[0].code.co_filename):
        kept.pop(0)
    return kept


def stack_positions(frame: FrameType | None) -> list[Position]:
    """A live stack, outermost first, from its innermost frame."""
    positions: list[Position] = []
    while frame is not None and len(positions) < sys.getrecursionlimit():
        positions.append(Position(frame.f_code, frame.f_lineno, frame=frame))
        frame = frame.f_back
    positions.reverse()
    return positions


def _source_around(file: str, line: int) -> tuple[list[tuple[int, str]], str | None]:
    lines, note = _source_lines(file)
    first = max(1, line - SOURCE_CONTEXT)
    return list(enumerate(lines[first - 1 : line + SOURCE_CONTEXT], first)), note


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
    if not real.startswith(_roots(tuple(sys.path))):
        return (), "denied"
    return _read_lines(real, status.st_mtime_ns)


@lru_cache(maxsize=8)
def _roots(path: tuple[str, ...]) -> tuple[str, ...]:
    """Where code is imported from: the project's folders, the installation's, and where the host was started."""
    folders = [entry for entry in path if entry and os.path.isdir(entry)]  # noqa: PTH112 -- entries are plain strings
    return tuple(
        {os.path.realpath(folder).rstrip(os.sep) + os.sep for folder in (*folders, sys.prefix, sys.base_prefix, _START)}
    )


@lru_cache(maxsize=256)
def _read_lines(file: str, modified: int) -> tuple[tuple[str, ...], str | None]:  # noqa: ARG001 -- a changed file is another key
    try:
        with tokenize.open(file) as source:
            return tuple(line.rstrip("\r\n")[:MAX_LINE_READ] for line in source), None
    except (OSError, SyntaxError, UnicodeDecodeError, ValueError):
        return (), "unreadable"
