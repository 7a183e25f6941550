"""What the operator must know before anything else: troubles, a dead host, what a recovery found."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from textual.content import Content
from textual.widgets import Static

from workerconsole import format as fmt
from workerconsole.snapshot import Snapshot
from workerconsole.text import clean
from workerkit.clock import SECOND, Micros
from workerkit.store.records import RunRecord

NAMED = 3
"""More workers than this are counted instead of named."""

SILENCE: Micros = 10 * SECOND
"""A living host writes every second; after so long without, it can't."""

Level = Literal["warning", "error"]


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the banner."""

    id: str
    """Two banners with one id are the same news; dismissed, it does not come back."""
    text: str
    level: Level
    dismissible: bool = True


def banner_items(
    snapshot: Snapshot, now: Micros, recovered: Sequence[RunRecord] = (), own_trouble: str | None = None
) -> list[Item]:
    """What there is to say, the gravest first.

    `recovered` are the runs that our own host found in flight, `own_trouble` is what it says of the database.
    """
    items: list[Item] = []
    host = snapshot.host
    if own_trouble is not None:
        items.append(Item("own-trouble", clean(own_trouble, 500), "error", dismissible=False))
    if snapshot.trouble is not None:
        items.append(Item("trouble", snapshot.trouble, "error", dismissible=False))
    if host is None:
        return items
    if not snapshot.host_alive and snapshot.workers:
        items.append(
            Item(
                "no-host",
                "No host is alive: nothing is scheduled. Start one with `workerconsole serve`.",
                "error",
                False,
            )
        )
    silent = now - host.heartbeat_at
    if snapshot.host_alive and silent > SILENCE and own_trouble is None and snapshot.trouble is None:
        items.append(Item("silent", _silence(host.heartbeat_at, silent, now), "error", dismissible=False))
    if host.notice:
        items.append(Item(f"notice:{host.notice}", clean(host.notice, 300), "warning"))
    if host.recovered_runs:
        items.append(Item(f"recovered:{host.id}", _recovery(host.recovered_runs, recovered, now), "warning"))
    return items


def _silence(heartbeat_at: Micros, silent: Micros, now: Micros) -> str:
    return (
        f"The host is alive, but has written nothing since {fmt.clock_time(heartbeat_at, now)} "
        f"({fmt.duration(silent)}): the disk may be full, or the database locked, replaced or damaged. "
        "Workers go on; what you see is of then. Its log says why."
    )


def _recovery(count: int, recovered: Sequence[RunRecord], now: Micros) -> str:
    died_at = max((run.finished_at for run in recovered if run.finished_at is not None), default=None)
    when = f" at {fmt.clock_time(died_at, now)}" if died_at is not None else ""
    names = sorted({clean(run.worker, 64) for run in recovered})
    whom = f" ({', '.join(names)})" if 0 < len(names) <= NAMED else ""
    were = "was" if count == 1 else "were"
    return f"The host before this one died{when}; {fmt.plural(count, 'run')} in flight{whom} {were} marked failed."


class Banner(Static):
    """Shows the lines that have not been dismissed; takes no room when there are none."""

    DEFAULT_CSS = """
    Banner {
        height: auto;
        max-height: 4;
        display: none;
        padding: 0 1;
        background: $panel;
        &.-open { display: block; }
        &:ansi { background: ansi_default; }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 -- Textual's own name
        super().__init__(id=id)
        self._items: tuple[Item, ...] = ()
        self._dismissed: set[str] = set()

    def show_items(self, items: Sequence[Item]) -> None:
        """Show these, without the dismissed ones."""
        shown = tuple(item for item in items if item.id not in self._dismissed)
        if shown == self._items:
            return
        self._items = shown
        self.set_class(bool(shown), "-open")
        lines: list[Content | str] = []
        for index, item in enumerate(shown):
            style = "$text-error" if item.level == "error" else "$text-warning"
            hint = "  esc dismisses" if item.dismissible else ""
            lines += ["\n" if index else "", Content.styled(f"! {item.text}", style)]
            lines.append(Content.styled(hint, "$foreground-muted"))
        self.update(Content.assemble(*lines))

    def dismiss(self) -> bool:
        """Put away what may be put away; False where there was nothing."""
        gone = {item.id for item in self._items if item.dismissible}
        self._dismissed |= gone
        if gone:
            self.show_items(self._items)
        return bool(gone)
