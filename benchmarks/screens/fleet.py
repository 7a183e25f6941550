"""Workers for the console to show: a file that any of its commands takes as a target, and a host without a screen."""

import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

PATIENCE = 60.0
"""Seconds that a host gets to start."""


def target(
    folder: Path, workers: int, *, every: str | None = None, changing: int | None = None, work: str = ""
) -> Path:
    """A file with so many workers: the first `changing` of them, or all, come due so often; the others never do.

    `work` is what one does, as Python; without, nothing.
    """
    path = folder / "workers.py"
    path.write_text(
        "from workerkit import worker\n\n\n"
        f"def run(ctx):\n    {work or 'pass'}\n\n\n"
        f"for number in range({workers}):\n"
        f"    every = {every!r} if number < {workers if changing is None else changing} else None\n"
        '    globals()[f"worker_{number}"] = worker(name=f"worker-{number:04}", every=every)(run)\n'
    )
    return path


@contextmanager
def serving(workers: Path, database: Path) -> Iterator[None]:
    """Hosts them without a screen, in a process of its own."""
    command = [sys.executable, "-m", "workerconsole", "serve", str(workers), "--db", str(database)]
    with workers.with_suffix(".log").open("w") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        end = time.monotonic() + PATIENCE
        while "started with" not in (said := workers.with_suffix(".log").read_text()):
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{' '.join(command)} did not start: {said}")
            time.sleep(0.05)
        yield
    finally:
        process.kill()
        process.wait()


def runs_done(database: Path) -> int:
    """How many runs of its workers have succeeded."""
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
        return int(connection.execute("SELECT coalesce(sum(success_count), 0) FROM workers").fetchone()[0])
