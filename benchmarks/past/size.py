"""`python -m benchmarks.past.size DATABASE RUNS`: by how much the file grows for each further run, with its indexes.

Plain runs that succeed, the starts and the ends of a hundred in one transaction each, of all its workers in turn.
Prints bytes as JSON, and how much that is for each of its runs from the beginning, with all that the file holds.
"""

import json
import sys
from pathlib import Path

from benchmarks.past.recording import Recording
from workerkit.store.database import Database

TOGETHER = 100


def main() -> None:
    path, runs = Path(sys.argv[1]), int(sys.argv[2])
    with Database.open(path, create=False).reader() as reader:
        workers = [worker.name for worker in reader.workers()]
        known = reader.runs(limit=1)[0].id
    recording = Recording(path, workers)
    try:
        before = _bytes(recording.database)
        for _ in range(runs // TOGETHER):
            _record(recording)
        after = _bytes(recording.database)
    finally:
        recording.close()
    print(json.dumps({"a further run": (after - before) / runs, "all": before / known}))


def _record(recording: Recording) -> None:
    together = [recording.started() for _ in range(TOGETHER)]
    for started in together:
        recording.writer.submit(started)
    assert recording.writer.flush(60)
    for started in together:
        recording.writer.submit(recording.ended(started))
    assert recording.writer.flush(60)


def _bytes(database: Database) -> int:
    with database.transaction() as connection:
        pages, size = (
            int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()) for name in ("page_count", "page_size")
        )
    return pages * size


if __name__ == "__main__":
    main()
