"""The clipboard of this machine, beside the terminal's own: many terminals ignore OSC 52."""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping

TIMEOUT = 2.0
"""Seconds for the tool to take the text; it is left alone then."""


def command(
    environ: Mapping[str, str], which: Callable[[str], str | None] = shutil.which, platform: str = sys.platform
) -> list[str] | None:
    """The command that takes the text on its standard input; None where there is none, or no desktop."""
    candidates: list[tuple[bool, list[str]]] = [
        (platform == "darwin", ["pbcopy"]),
        (bool(environ.get("WAYLAND_DISPLAY")), ["wl-copy"]),
        (bool(environ.get("DISPLAY")), ["xclip", "-selection", "clipboard"]),
        (bool(environ.get("DISPLAY")), ["xsel", "--clipboard", "--input"]),
        (platform == "win32" or bool(environ.get("WSL_DISTRO_NAME")), ["clip.exe"]),
    ]
    for usable, words in candidates:
        if usable and (found := which(words[0])):
            return [found, *words[1:]]
    return None


def copy(text: str) -> None:
    """Give the text to the tool, on a thread of its own. Silent where there is none: OSC 52 went out as well."""
    words = command(os.environ)
    if words is not None:
        threading.Thread(target=_give, args=(words, text), name="workerconsole-clipboard", daemon=True).start()


def _give(words: list[str], text: str) -> None:
    try:
        subprocess.run(  # noqa: S603 -- a tool of this machine by its full path, no shell
            words,
            input=text.encode("utf-16-le" if words[0].endswith("clip.exe") else "utf-8", "replace"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return
