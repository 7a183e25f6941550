"""Whatever hosts workers, by name. Each is imported only where it is wanted: an import costs memory, too."""

from pathlib import Path

from benchmarks.hosts.load import Hosting

NAMES = ("plain", "async", "threads", "asyncio", "heap")


def made(name: str, database: Path) -> Hosting:
    """The hosting of that name; those that record anything do it in the given file."""
    match name:
        case "plain" | "async":
            from benchmarks.hosts.ours import Async, Ours, Plain

            return Ours(database, Plain if name == "plain" else Async)
        case "threads":
            from benchmarks.hosts.apscheduler import Threads

            return Threads()
        case "asyncio":
            from benchmarks.hosts.apscheduler import Asyncio

            return Asyncio()
        case _:
            from benchmarks.hosts.heap import Heap

            return Heap()
