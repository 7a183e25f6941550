"""The standard streams while the user's code is loaded and hosted."""

import os
import sys
from io import TextIOBase
from pathlib import Path

_MOST = 64 * 1024
"""Characters that are kept."""


def take_stdin_away() -> None:
    """From here on sys.stdin is empty: a worker that asks for input must not wait for the operator's keys, and one
    that calls exit(), which closes sys.stdin, must not close them. The screen reads the terminal itself."""
    sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115 -- for as long as the process lives


class Kept(TextIOBase):
    """Keeps what is written to it, the first 64 KiB, for when there is a place to show it."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.text += text[: _MOST - len(self.text)]
        return len(text)
