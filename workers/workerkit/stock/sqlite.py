"""Whether a SQLite file is whole."""

import sqlite3
import time
from pathlib import Path
from typing import Any

from workerkit.base import BaseWorker
from workerkit.context import RunContext
from workerkit.stock.check import CheckFailed, format_size

_STEP = 10_000
"""SQLite instructions between two looks at whether the run was cancelled: well below a millisecond."""
_SHOWN = 10
"""How many problems are logged."""


class SqliteIntegrity(BaseWorker):
    """Runs SQLite's quick check over a database file, read-only, while others use it."""

    interval = "1h"
    description = "integrity of a SQLite database"

    def __init__(self, path: str | Path, **options: Any) -> None:
        super().__init__(**options)
        self.path = Path(path)

    def run(self, ctx: RunContext) -> str:
        size = self.path.stat().st_size
        started = time.monotonic()
        connection = sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)
        try:
            connection.set_progress_handler(lambda: ctx.cancelled, _STEP)
            problems = [str(row[0]) for row in connection.execute("PRAGMA quick_check(100)")]
        except sqlite3.OperationalError:
            ctx.check()
            raise
        finally:
            connection.close()
        if problems != ["ok"]:
            for problem in problems[:_SHOWN]:
                ctx.log.error("%s", problem)
            raise CheckFailed(f"{self.path} is damaged ({len(problems)} problems: {problems[0]}); restore a backup")
        return f"{format_size(size)} whole, checked in {time.monotonic() - started:.2f} s"
