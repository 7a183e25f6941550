"""What stands in place of the table when it has no rows: why, and what to do next."""

from textual.content import Content
from textual.widgets import Static

from workerconsole.filters import Filter
from workerconsole.snapshot import Snapshot
from workerconsole.text import clean

Lines = tuple[str, ...]
"""The first line is the headline."""


def empty_message(
    snapshot: Snapshot | None, wanted: Filter, opening: str = "", opening_trouble: str | None = None
) -> Lines:
    """Why there is nothing to see, for an operator who sees it for the first time."""
    if opening_trouble is not None:
        return ("The database can't be opened", opening_trouble, "", "Trying again every two seconds; q leaves.")
    if snapshot is None:
        return (clean(opening, 200),)
    if snapshot.workers and wanted.mistake is not None:
        return ("No worker matches", wanted.mistake[0].upper() + wanted.mistake[1:] + ".", "", "esc clears the filter.")
    if snapshot.workers:
        return ("No worker matches", f"None of {len(snapshot.workers):,} passes the filter.", "", "esc clears it.")
    if snapshot.trouble is not None:
        return ("The database can't be read", snapshot.trouble)
    if snapshot.host is None:
        return (
            "No workers yet",
            "No host has run on this database.",
            "",
            "workerconsole demo        looks at this very machine",
            "workerconsole init        writes a commented example",
            "workerconsole workers.py  runs the workers of a file",
        )
    return (
        "No workers yet",
        "The host runs, but what it was told to load holds no worker.",
        "",
        "workerconsole init            writes a commented example",
        "workerconsole check workers.py  says what a file offers",
    )


class EmptyState(Static):
    """Draws `empty_message` in the middle."""

    DEFAULT_CSS = """
    EmptyState {
        width: 1fr;
        height: 1fr;
        content-align: center middle;
        color: $foreground-muted;
        padding: 0 2;
    }
    """

    def show_message(self, lines: Lines) -> None:
        """Draw these lines, the first one as headline; the block stays aligned within itself."""
        width = max(map(len, lines))
        headline, *rest = lines
        body = "\n".join(line.ljust(min(width, 60)) for line in rest)
        self.update(Content.assemble(Content.styled(headline, "bold $foreground"), "\n\n" if rest else "", body))
