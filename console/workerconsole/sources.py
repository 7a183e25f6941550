"""Whether the file of a frame still says what it said when the run failed."""

import tokenize
from collections.abc import Iterable, Mapping
from pathlib import Path
from stat import S_ISREG

from workerconsole.captures import MAX_SOURCE_WIDTH, Frame
from workerconsole.text import clean

MAX_FILE = 4 * 1024 * 1024
"""Bytes; a larger file is no source that a person reads."""
MAX_FILES = 100
COMPARED = 190
"""Characters of a line that are compared; captures keep a few more."""

Where = tuple[str, int]
"""A file and a line."""


def changes(frames: Iterable[Frame]) -> Mapping[Where, str]:
    """What a person should know of lines that are no longer as they were kept. Reads files: not on the screen's thread.

    Only regular Python files are opened, for the paths come from a record that anybody may have written.
    """
    files: dict[str, tuple[str, ...] | str] = {}
    found: dict[Where, str] = {}
    for frame in frames:
        kept = next((text for number, text in frame.source if number == frame.line), None)
        if kept is None or (frame.file, frame.line) in found:
            continue
        if frame.file not in files:
            if len(files) == MAX_FILES:
                break
            files[frame.file] = _read(frame.file)
        note = _note(files[frame.file], frame.line, kept)
        if note:
            found[frame.file, frame.line] = note
    return found


def _note(lines: tuple[str, ...] | str, number: int, kept: str) -> str:
    if isinstance(lines, str):
        return lines
    if number > len(lines):
        return f"changed since: the file ends with line {len(lines):,} now"
    now = clean(lines[number - 1], MAX_SOURCE_WIDTH).rstrip()
    # A secret in the line was left out when it was kept; what stands there can't be compared.
    if now[:COMPARED] == kept[:COMPARED] or "‹redacted" in kept:
        return ""
    return "changed since: the line is empty now" if not now.strip() else f"changed since: now {now.strip()}"


def _read(file: str) -> tuple[str, ...] | str:
    try:
        path = Path(file).resolve()
        status = path.stat()
        if path.suffix not in (".py", ".pyw") or not S_ISREG(status.st_mode) or status.st_size > MAX_FILE:
            return ""
        with tokenize.open(path) as source:
            return tuple(line.rstrip("\r\n") for line in source)
    except (OSError, ValueError, SyntaxError):
        return "the file is gone"
