"""The lines at the top: which host, on which database, and how its workers fare."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path

from textual.content import Content
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from workerconsole import format as fmt
from workerconsole.snapshot import Snapshot
from workerconsole.text import clean
from workerconsole.widgets.columns import shorten
from workerconsole.widgets.sparkline import sparkline
from workerkit.clock import HOUR, MINUTE, Micros
from workerkit.outcome import Status
from workerkit.store.records import ActivityRecord

_ORDER = (
    Status.FAILED,
    Status.STUCK,
    Status.SUSPENDED,
    Status.BROKEN,
    Status.RETRYING,
    Status.RUNNING,
    Status.PAUSED,
    Status.IDLE,
    Status.UNREGISTERED,
)
RATE_MINUTES = 5
"""Runs per minute are the mean of at most so many full minutes."""
NARROW = 130
"""Below so many columns, what happens stands on a line of its own."""
MUTED = "$foreground-muted"


@dataclass(frozen=True, slots=True)
class HeaderState:
    """All that the header says."""

    snapshot: Snapshot | None
    now: Micros
    database: Path | None = None
    title: str = ""
    opening: str = ""
    """What goes on before there is a snapshot."""
    frozen: bool = False
    read_only: bool = False
    marked: int = 0
    """Workers that the next action means, also those that the filter hides."""


def _read_alike(one: HeaderState, other: HeaderState) -> bool:
    """Whether they differ at most in the second, of which nothing is said while the host lives."""
    host = other.snapshot.host if other.snapshot is not None and other.snapshot.host_alive else None
    if host is None or replace(one, now=other.now) != other:
        return False
    return all((one.now - begin) // MINUTE == (other.now - begin) // MINUTE for begin in (0, host.started_at))


def header_lines(state: HeaderState, width: int) -> tuple[Content, ...]:
    """Two lines of at most `width` cells, or three where it is narrow."""
    first = _first(state, width)
    snapshot = state.snapshot
    if snapshot is None:
        return (first,)
    statuses = _statuses(snapshot)
    if width < NARROW:
        shown = statuses if statuses.cell_length <= width else _statuses(snapshot, words=False)
        return (first, shown.truncate(width, ellipsis=True), _rates(snapshot, state.now, 12).truncate(width))
    for left in (statuses, _statuses(snapshot, words=False)):
        for bins in (20, 12, 0):
            right = _rates(snapshot, state.now, bins)
            if left.cell_length + right.cell_length + 3 <= width:
                return (first, _spread(left, right, width))
    return (first, statuses.truncate(width, ellipsis=True))


def runs_per_minute(activity: Sequence[ActivityRecord], now: Micros, since: Micros | None) -> float | None:
    """The mean over the last full minutes that the host was up; None before there is one."""
    this_minute = now - now % MINUTE
    minutes = RATE_MINUTES
    if since is not None:
        minutes = min(minutes, (this_minute - since) // MINUTE)
    if minutes <= 0:
        return None
    begin = this_minute - minutes * MINUTE
    return sum(record.started for record in activity if begin <= record.minute < this_minute) / minutes


def runs_since(activity: Sequence[ActivityRecord], since: Micros) -> int:
    """Runs that began in the minute of `since` or later."""
    return sum(record.started for record in activity if record.minute >= since - since % MINUTE)


def failures_in_hour(activity: Sequence[ActivityRecord], now: Micros) -> int:
    return sum(record.failed for record in activity if record.minute > now - HOUR)


def failure_trend(activity: Sequence[ActivityRecord], now: Micros, bins: int) -> list[int]:
    """The failures of the last hour in so many equal parts, oldest first."""
    begin = now - now % MINUTE + MINUTE - HOUR
    counts = [0] * bins
    for record in activity:
        place = (record.minute - begin) * bins // HOUR
        if 0 <= place < bins:
            counts[place] += record.failed
    return counts


def _first(state: HeaderState, width: int) -> Content:
    host = _host(state)
    tags = Content(" ").join(_tags(state))
    if tags.cell_length:
        # That the picture is frozen matters more than where the host is.
        host = host.truncate(max(0, width - tags.cell_length - 1), ellipsis=True)
    room = width - host.cell_length - tags.cell_length - 3
    path = _path(state.database) if state.database is not None else ""
    shown = Content.styled(shorten(clean(path), room), MUTED) if room >= 8 else Content("")
    right = Content.assemble(shown, " ", tags) if tags.cell_length else shown
    return _spread(host, right, width)


def _tags(state: HeaderState) -> list[Content]:
    warnings = [word for word, wanted in (("READ-ONLY", state.read_only), ("FROZEN", state.frozen)) if wanted]
    marked = [Content.styled(f" {state.marked:,} MARKED ", "reverse bold $text-primary")] if state.marked else []
    return [*marked, *(Content.styled(f" {word} ", "reverse bold $text-warning") for word in warnings)]


def _host(state: HeaderState) -> Content:
    snapshot = state.snapshot
    title = Content.styled(state.title, "bold")
    if snapshot is None:
        return Content.assemble(title, "  ", Content.styled(clean(state.opening, 200), MUTED))
    host = snapshot.host
    if host is None:
        return Content.assemble(title, "  ", Content.styled("○ no host yet", MUTED))
    where = clean(f"{host.hostname}:{host.pid}", 60)
    if snapshot.host_alive:
        return Content.assemble(
            title,
            "  ",
            Content.styled("● ", "$text-success"),
            Content(f"{clean(host.mode, 20)} host {where}"),
            Content.styled(f"  up {_uptime(max(0, state.now - host.started_at))}", MUTED),
        )
    if host.stopped_at is not None and host.ending != "crashed":
        words = f"○ host {where} stopped {fmt.ago(host.stopped_at, state.now)}"
        return Content.assemble(title, "  ", Content.styled(words, "$text-warning"))
    words = f"✗ host {where} died, last seen {fmt.ago(host.heartbeat_at, state.now)}"
    return Content.assemble(title, "  ", Content.styled(words, "bold $text-error"))


def _uptime(span: Micros) -> str:
    """Whole minutes: a line that differs each second would be drawn each second."""
    if span < MINUTE:
        return "<1 min"
    return f"{span // MINUTE} min" if span < HOUR else fmt.duration(span)


def _path(path: Path) -> str:
    try:
        return f"~/{path.relative_to(Path.home())}"
    except (ValueError, RuntimeError):
        return str(path)


def _statuses(snapshot: Snapshot, words: bool = True) -> Content:
    known = [status.value for status in _ORDER]
    parts = [Content.styled(fmt.plural(len(snapshot.workers), "worker"), "bold")]
    for status in [*known, *sorted(snapshot.statuses.keys() - set(known))]:
        if number := snapshot.statuses.get(status):
            text = f"{fmt.status_symbol(status)} {number:,}" + (f" {clean(status, 20)}" if words else "")
            parts.append(Content.styled(text, fmt.status_style(status)))
    return Content("   " if words else "  ").join(parts)


def _rates(snapshot: Snapshot, now: Micros, bins: int) -> Content:
    since = snapshot.host.started_at if snapshot.host is not None else None
    rate = runs_per_minute(snapshot.activity, now, since)
    if rate is None:
        rate_text = f"{fmt.plural(runs_since(snapshot.activity, since or 0), 'run')} so far"
    else:
        rate_text = f"{rate:,.0f} runs/min" if rate >= 10 or rate == int(rate) else f"{rate:.1f} runs/min"
    failures = failures_in_hour(snapshot.activity, now)
    style = "$text-error" if failures else MUTED
    return Content.assemble(
        rate_text,
        "   ",
        Content.styled(f"{fmt.plural(failures, 'failure')} in the last hour", style),
        " ",
        Content.styled(sparkline(failure_trend(snapshot.activity, now, bins), bins), style),
    )


def _spread(left: Content, right: Content, width: int) -> Content:
    blank = width - left.cell_length - right.cell_length
    if blank < 0:
        return left.truncate(width, ellipsis=True)
    return Content.assemble(left, " " * blank, right)


class StatusHeader(Widget):
    """Draws `header_lines`."""

    DEFAULT_CSS = """
    StatusHeader {
        height: 3;
        padding: 0 1;
        background: $surface;
        &:ansi { background: ansi_default; }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 -- Textual's own name
        super().__init__(id=id)
        self._state: HeaderState | None = None
        self._lines: tuple[Content, ...] = ()
        self._composed_for = 0
        """The width that the lines are made for."""

    def show(self, state: HeaderState) -> None:
        """Say this from now on; only lines that read differently are drawn again."""
        if self._state is not None and _read_alike(self._state, state):
            return
        self._state = state
        before = self._lines
        self._compose_lines()
        # A line of the content is one of the widget: there is no padding above it.
        width = self.outer_size.width
        pairs = enumerate(zip_longest(before, self._lines))
        changed = [Region(0, y, width, 1) for y, (old, new) in pairs if not (old and new and old.is_same(new))]
        if changed:
            self.refresh(*changed)

    def _compose_lines(self) -> None:
        self._composed_for = self.size.width
        self._lines = header_lines(self._state, self._composed_for) if self._state is not None else ()

    def render_line(self, y: int) -> Strip:
        style, width = self.visual_style, self.size.width
        if width != self._composed_for:
            self._compose_lines()
        lines = self._lines
        if y >= len(lines):
            return Strip.blank(width, style.rich_style)
        strip = Strip(lines[y].render_segments(style), lines[y].cell_length)
        return strip.adjust_cell_length(width, style.rich_style)
