"""Opens a file at a line in the operator's editor. Path and line come from a worker's record and are not trusted."""

import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

_AT_LINE = ("{file}:{line}",)
_STYLES: dict[str, tuple[str, ...]] = {
    "code": ("--wait", "--goto", "{file}:{line}"),
    "codium": ("--wait", "--goto", "{file}:{line}"),
    "subl": ("--wait", "{file}:{line}"),
    "hx": _AT_LINE,
    "zed": ("--wait", "{file}:{line}"),
}
_PLUS_LINE = ("+{line}", "{file}")
"""vi, vim, nvim, nano, emacs, micro, kak, joe and most others."""


class EditorError(Exception):
    """No editor can be opened; the text says what to do."""


def command(path: str, line: int, environ: Mapping[str, str]) -> list[str]:
    """The command line that opens the file; never a shell's.

    Raises:
        EditorError: when no editor is set, or the path is not an absolute one of a regular file.
    """
    wish = environ.get("VISUAL") or environ.get("EDITOR")
    if not wish:
        raise EditorError("No editor is set; set EDITOR, for example to vim.")
    try:
        words = shlex.split(wish)
    except ValueError:
        raise EditorError("EDITOR can't be read: a quotation mark is not closed.") from None
    file = Path(path)
    if "\0" in path or not file.is_absolute() or not file.is_file():
        raise EditorError(f"There is no file {path!r} on this machine.")
    style = _STYLES.get(Path(words[0]).stem, _PLUS_LINE)
    return [*words, *(part.format(file=file, line=max(1, int(line))) for part in style)]


def run(words: list[str]) -> str | None:
    """Run the editor in the foreground; what went wrong, or None."""
    try:
        subprocess.run(words, check=False)  # noqa: S603 -- the operator's own editor, no shell
    except OSError as error:
        return f"The editor could not be started: {error}"
    return None
