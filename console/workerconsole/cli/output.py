"""Where output goes: data to stdout, narration to stderr; tables that fit, colour only where it is wanted."""

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TextIO

from rich.cells import cell_len, set_cell_size

_COLOURS = {
    "failed": "31",
    "broken": "31",
    "stuck": "31",
    "refused": "31",
    "suspended": "31",
    "running": "36",
    "retrying": "33",
    "paused": "33",
    "cancelled": "33",
    "succeeded": "32",
    "ok": "32",
    "open": "31",
    "regressed": "1;31",
    "acknowledged": "33",
    "snoozed": "2",
    "resolved": "32",
    "title": "2",
}
"""SGR codes by the word that is drawn; the word itself always says it too."""
_MIN_FLEXIBLE = 12
"""Cells below which a column is not narrowed."""
_GAP = "  "


@dataclass(frozen=True, slots=True)
class Column:
    """A table's column. Where the terminal is too small, flexible ones are narrowed, then the optional ones go."""

    title: str
    right: bool = False
    flexible: bool = False
    optional: int = 0
    """The greater, the sooner it is left out; 0: never."""


def say(text: str) -> None:
    """Narration: a line on stderr. A terminal that has gone is no reason to fail."""
    with contextlib.suppress(OSError, ValueError):
        print(f"workerconsole: {text}", file=sys.stderr, flush=True)  # noqa: T201 -- this is the place for it


def warn_of_eval(allowed: bool) -> None:
    """Says what `--allow-eval` means, where it was given."""
    if allowed:
        from workerkit.operator import who

        say(f"--allow-eval: {who()} may run any code in this host, through the failures that it holds")


def emit(text: str = "") -> None:
    """Data: a line on stdout."""
    print(text)  # noqa: T201 -- this is the place for it


def emit_json(document: Any, *, line: bool = False) -> None:
    """Data as one JSON document. ASCII only, so no worker's text can act on a terminal, and no surrogate breaks it."""
    emit(json.dumps(document, indent=None if line else 2))


def safe(value: object, limit: int = 4096, *, newlines: bool = False) -> str:
    """Text of a worker's as it may be printed."""
    from workerconsole.text import clean

    return clean(value, limit, newlines=newlines)


def coloured(stream: TextIO | None = None) -> bool:
    """Whether colour is wanted: on a terminal, and nobody said no (NO_COLOR, TERM=dumb)."""
    stream = stream or sys.stdout
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def paint(text: str, meaning: str) -> str:
    """The text in the colour of a word such as `failed`, where colour is wanted."""
    code = _COLOURS.get(meaning)
    return f"\x1b[{code}m{text}\x1b[0m" if code and coloured() else text


def takes_blocks(stream: TextIO | None = None) -> bool:
    """Whether block characters can be written: to a terminal or file in UTF-8."""
    encoding = getattr(stream or sys.stdout, "encoding", None) or ""
    return encoding.lower().replace("-", "").replace("_", "") in ("utf8", "utf8sig")


def fit(text: str, width: int) -> str:
    """The text in at most `width` cells, the last one `…` where it was cut."""
    return text if cell_len(text) <= width else set_cell_size(text, max(width - 1, 0)) + "…"


def terminal_width() -> int | None:
    """Cells of the terminal on stdout; None where stdout is a file or a pipe, which need no fitting."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def table(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int | None = None) -> list[str]:
    """Aligned lines, the titles first. Cells must be clean already; one that is a state's word gets its colour."""
    widths = [
        max(cell_len(column.title), *(cell_len(row[i]) for row in rows)) if rows else cell_len(column.title)
        for i, column in enumerate(columns)
    ]
    shown = list(range(len(columns)))
    if width is not None:
        shown = _fitting(columns, widths, width)
        _narrow(columns, widths, shown, width)
    titles = _line(columns, widths, shown, [column.title for column in columns], "title")
    return [titles, *(_line(columns, widths, shown, row) for row in rows)]


def _fitting(columns: Sequence[Column], widths: Sequence[int], width: int) -> list[int]:
    """The columns that have room, once the flexible ones are as narrow as can be."""
    least = [min(widths[i], _MIN_FLEXIBLE) if column.flexible else widths[i] for i, column in enumerate(columns)]
    shown = list(range(len(columns)))
    while sum(least[i] for i in shown) + len(_GAP) * (len(shown) - 1) > width:
        last = max(shown, key=lambda i: columns[i].optional)
        if not columns[last].optional:
            break
        shown.remove(last)
    return shown


def _narrow(columns: Sequence[Column], widths: list[int], shown: Sequence[int], width: int) -> None:
    excess = sum(widths[i] for i in shown) + len(_GAP) * (len(shown) - 1) - width
    while excess > 0:
        flexible = [i for i in shown if columns[i].flexible and widths[i] > _MIN_FLEXIBLE]
        if not flexible:
            return
        widest = max(flexible, key=lambda i: widths[i])
        cut = min(excess, widths[widest] - _MIN_FLEXIBLE)
        widths[widest] -= cut
        excess -= cut


def _line(
    columns: Sequence[Column], widths: Sequence[int], shown: Sequence[int], cells: Sequence[str], meaning: str = ""
) -> str:
    parts = []
    for i in shown:
        width, text = widths[i], cells[i]
        fitting = fit(text, width)
        padding = " " * (width - cell_len(fitting))
        drawn = paint(fitting, meaning or text)
        parts.append(padding + drawn if columns[i].right else drawn + ("" if i == shown[-1] else padding))
    return _GAP.join(parts).rstrip()
