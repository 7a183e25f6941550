"""The columns of the workers table: what a cell says, how wide it is, and which ones fit.

Pure text: pieces of (text, style), where a style is a Textual style with theme variables, ours and never a worker's.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size

from workerconsole import format as fmt
from workerconsole.roster import Order, Sort, needs_attention, starts_by_itself
from workerconsole.text import clean
from workerconsole.usual import is_slow
from workerconsole.widgets.sparkline import FAILED, run_line
from workerkit.clock import SECOND, Micros
from workerkit.outcome import Status
from workerkit.store.records import WorkerRecord

GAP = 2
"""Cells between two columns."""
MUTED = "$foreground-muted"
BAD = "$text-error"
BARS_STYLE = "$foreground-disabled"
MARK = "▌"
WORD = 9
"""The least room of a status word: all fit but `unregistered`."""

SLOW = "slow"
"""Stands in the place of `running` once a run has passed what is usual for its worker by far."""
ROOM_FOR_COUNT = 20
"""An error narrower than this has no room for how often it came in a row."""

_FAILED_OR_NOT = re.compile(f"{FAILED}+|[^{FAILED}]+")

Piece = tuple[str, str]
Cell = tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Moment:
    """What a cell depends on besides its record."""

    now: Micros
    host_alive: bool = True


@dataclass(frozen=True, slots=True)
class Column:
    """One column. The smaller `rank`, the longer it stays when the screen narrows."""

    id: str
    title: str
    rank: int
    least: int
    most: int
    cell: Callable[[WorkerRecord, Moment, int], Cell]
    right: bool = False
    sort: Sort | None = None


@dataclass(frozen=True, slots=True)
class Placed:
    """A column with its room on this screen."""

    column: Column
    left: int
    width: int


def shorten(name: str, width: int) -> str:
    """The name in at most `width` cells, cut in the middle: both ends of a name tell workers apart."""
    if cell_len(name) <= width:
        return name
    if width <= 1:
        return "…"[:width]
    head = (width - 1) // 2
    return name[:head] + "…" + name[len(name) - (width - 1 - head) :]


def compact(number: int) -> str:
    """A count in at most six cells: `99,999`, `123k`, `4.5M`."""
    if number < 100_000:
        return f"{number:,}"
    if number < 1_000_000:
        return f"{number // 1000}k"
    return f"{number / 1_000_000:.1f}M"


def _status(worker: WorkerRecord, at: Moment, width: int) -> Cell:
    if at.host_alive and is_slow(worker, at.now):
        return ((f"{fmt.status_symbol(worker.status)} {SLOW}", "bold $text-warning"),)
    text = f"{fmt.status_symbol(worker.status)} {clean(worker.status, width - 2)}"
    # Without a host nothing runs, whatever the last one wrote before it died.
    stale = worker.status == Status.RUNNING and not at.host_alive
    return ((text, MUTED if stale else fmt.status_style(worker.status)),)


def _name(worker: WorkerRecord, at: Moment, width: int) -> Cell:  # noqa: ARG001 -- one signature for all cells
    return ((shorten(clean(worker.name), width), "" if worker.registered else MUTED),)


def _schedule(worker: WorkerRecord, at: Moment, width: int) -> Cell:  # noqa: ARG001
    return ((clean(worker.schedule, width), MUTED),)


def _last(worker: WorkerRecord, at: Moment, width: int) -> Cell:  # noqa: ARG001
    return ((fmt.ago(worker.last_run_at, at.now, calm=True).removesuffix(" ago"), MUTED),)


def _next(worker: WorkerRecord, at: Moment, width: int) -> Cell:  # noqa: ARG001
    if not starts_by_itself(worker) or not at.host_alive:
        return ((fmt.UNKNOWN, MUTED),)
    text = fmt.until(worker.next_run_at, at.now, calm=True).removeprefix("in ")
    return ((text.removesuffix(" now"), MUTED if worker.next_run_at is None else ""),)


def _duration(worker: WorkerRecord, at: Moment, width: int) -> Cell:  # noqa: ARG001
    if worker.status == Status.RUNNING and at.host_alive and worker.last_run_at is not None:
        elapsed = at.now - worker.last_run_at
        if elapsed >= SECOND:
            # Whole seconds: it is drawn once a second, and tenths would pretend to more.
            whole = elapsed // SECOND * SECOND
            text = f"{whole // SECOND} s" if whole < 60 * SECOND else fmt.duration(whole)
            return ((text, "$text-primary"),)
    return ((fmt.duration(worker.last_duration), MUTED),)


def _recent(worker: WorkerRecord, at: Moment, width: int) -> Cell:  # noqa: ARG001
    line = run_line(worker.recent, width)
    if FAILED not in line:
        return ((line, BARS_STYLE),)
    return tuple((marks, BAD if marks[0] == FAILED else BARS_STYLE) for marks in _FAILED_OR_NOT.findall(line))


def _successes(worker: WorkerRecord, at: Moment, width: int) -> Cell:  # noqa: ARG001
    return ((compact(worker.success_count), "" if worker.success_count else MUTED),)


def _failures(worker: WorkerRecord, at: Moment, width: int) -> Cell:  # noqa: ARG001
    style = BAD if worker.consecutive_failures else "" if worker.failure_count else MUTED
    return ((compact(worker.failure_count), style),)


def _error(worker: WorkerRecord, at: Moment, width: int) -> Cell:  # noqa: ARG001
    if worker.load_error:
        last_line = worker.load_error.strip().rpartition("\n")[2]
        return ((clean(last_line, width), BAD),)
    if not worker.last_error:
        return ()
    if not needs_attention(worker):
        return ((clean(worker.last_error, width), MUTED),)
    several = worker.consecutive_failures > 1 and width >= ROOM_FOR_COUNT
    again = f"{worker.consecutive_failures:,}× " if several else ""
    return ((again, MUTED), (clean(worker.last_error, width), BAD))


COLUMNS: tuple[Column, ...] = (
    Column("status", "  STATUS", 0, 1 + WORD + 2, 1 + 12 + 2, _status, sort=Sort.STATUS),
    Column("name", "NAME", 1, 14, 64, _name, sort=Sort.NAME),
    Column("schedule", "SCHEDULE", 8, 10, 24, _schedule),
    Column("last", "LAST", 4, 5, 8, _last, right=True, sort=Sort.LAST_RUN),
    Column("next", "NEXT", 2, 7, 8, _next, right=True, sort=Sort.NEXT_RUN),
    Column("duration", "TOOK", 7, 7, 8, _duration, right=True, sort=Sort.DURATION),
    Column("recent", "RECENT RUNS", 9, 11, 20, _recent, right=True),
    Column("ok", "OK", 5, 6, 7, _successes, right=True),
    Column("failed", "FAILED", 3, 6, 7, _failures, right=True, sort=Sort.FAILURES),
    Column("error", "LAST ERROR", 6, 12, 1000, _error),
)


def fit(width: int, longest_name: int, longest_schedule: int) -> tuple[Placed, ...]:
    """The columns that fit into `width` cells, in their order; what is left over goes where it helps most."""
    room = width - len(MARK)
    chosen: list[Column] = []
    for column in sorted(COLUMNS, key=lambda column: column.rank):
        needed = column.least + (GAP if chosen else 0)
        if needed > room:
            break
        chosen.append(column)
        room -= needed
    widths = {column.id: column.least for column in chosen}

    def grow(column_id: str, wanted: int) -> None:
        nonlocal room
        if column_id in widths:
            more = max(0, min(wanted - widths[column_id], room))
            widths[column_id] += more
            room -= more

    grow("name", min(longest_name, 28))
    grow("error", 28)
    grow("schedule", min(longest_schedule, 24))
    grow("status", 15)
    grow("recent", 20)
    grow("name", min(longest_name, 40))
    grow("error", 70)
    grow("name", min(longest_name, 64))
    for column in chosen:
        if column.right:
            grow(column.id, column.most)
    grow("error" if "error" in widths else "name", width)
    return _place([column for column in COLUMNS if column.id in widths], widths)


def _place(columns: Sequence[Column], widths: dict[str, int]) -> tuple[Placed, ...]:
    placed: list[Placed] = []
    left = len(MARK)
    for column in columns:
        placed.append(Placed(column, left, widths[column.id]))
        left += widths[column.id] + GAP
    return tuple(placed)


def row_width(placed: Sequence[Placed]) -> int:
    """Cells of a line of them, with the mark before it."""
    return placed[-1].left + placed[-1].width if placed else len(MARK)


def header_cells(placed: Sequence[Placed], order: Order) -> tuple[Cell, ...]:
    """The titles, with an arrow at the column that the rows are ordered by."""
    cells: list[Cell] = []
    for place in placed:
        column = place.column
        sorted_by = column.sort is order.sort
        arrow = ("▲" if order.reverse else "▼") if sorted_by else ""
        title = column.title[: max(0, place.width - len(arrow))] + arrow
        cells.append(((_align(title, place.width, column.right), "bold $text-primary" if sorted_by else MUTED),))
    return tuple(cells)


def row_cells(placed: Sequence[Placed], worker: WorkerRecord, at: Moment) -> tuple[Cell, ...]:
    """The cells of one row, each exactly as wide as its place."""
    return tuple(_fill(place.column.cell(worker, at, place.width), place.width, place.column.right) for place in placed)


def joined(cells: Sequence[Cell]) -> list[Piece]:
    """A whole line: the cells with the gaps between them, in as few pieces as can be.

    What is blank looks alike in all our styles, so it takes that of the piece before it.
    """
    pieces: list[Piece] = []
    held, style = "", ""
    for cell in cells:
        for text, own in cell:
            if own == style or text.isspace() or not text:
                held += text
            else:
                pieces.append((held, style))
                held, style = text, own
        held += " " * GAP
    pieces.append((held[:-GAP], style))
    return [piece for piece in pieces if piece[0]]


def _fill(cell: Cell, width: int, right: bool) -> Cell:
    used = sum(cell_len(text) for text, _ in cell)
    if used > width:
        return _cut(cell, width)
    blank = " " * (width - used)
    return ((blank, ""), *cell) if right else (*cell, (blank, ""))


def _cut(cell: Cell, width: int) -> Cell:
    pieces: list[Piece] = []
    for text, style in cell:
        taken = text if cell_len(text) <= width else set_cell_size(text, max(0, width - 1)) + "…"[:width]
        pieces.append((taken, style))
        width -= cell_len(taken)
        if width <= 0:
            break
    return tuple(pieces)


def _align(text: str, width: int, right: bool) -> str:
    return text.rjust(width) if right else text.ljust(width)
