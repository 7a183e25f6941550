"""`python -m benchmarks.past.opening DATABASE`: from the start of the console's feed to its first picture of them all.

Its modules are imported before. Prints milliseconds as JSON, the median of several feeds.
"""

import json
import statistics
import sys
import threading
import time
from pathlib import Path

from textual.message import Message

from workerconsole.feed import Feed, SnapshotTaken
from workerkit.clock import SystemClock
from workerkit.store.database import Database

FEEDS = 7
PATIENCE = 30.0


def main() -> None:
    path = Path(sys.argv[1])
    print(json.dumps({"first picture": statistics.median(first_picture(path) for _ in range(FEEDS))}))


def first_picture(path: Path) -> float:
    """Milliseconds."""
    taken = threading.Event()
    workers = 0

    def post(message: Message) -> None:
        nonlocal workers
        if isinstance(message, SnapshotTaken):
            workers = len(message.snapshot.workers)
            taken.set()

    feed = Feed(lambda: Database.open(path, create=False), post, clock=SystemClock())
    began = time.perf_counter()
    feed.start()
    assert taken.wait(PATIENCE)
    ended = time.perf_counter()
    feed.stop()
    assert workers
    return (ended - began) * 1e3


if __name__ == "__main__":
    main()
