"""Whatever hosts workers, by name. Each is imported only where it is wanted: an import costs memory, too."""

from pathlib import Path

from benchmarks.hosts.load import Hosting

NAMES = ("plain", "async", "threads")


def made(name: str, database: Path) -> Hosting:
    """The hosting of that name; those that record anything do it in the given file."""
    match name:
        case "plain" | "async":
            from benchmarks.hosts.ours import Async, Ours, Plain

            return Ours(database, Plain if name == "plain" else Async)
        case _:
            from benchmarks.hosts.apscheduler import Threads

            return Threads()
