"""Thousands of workers due in the same second: is any of them lost, and how long do the last ones wait?"""

import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tests.soak.serving import Report, serving
from tests.waiting import wait_for

MANY = """
from workerkit import BaseWorker, Cron, WorkerManager

class Nothing(BaseWorker):
    schedule = Cron("* * * * *")

    def run(self, ctx):
        return None

manager = WorkerManager()
for number in range({workers}):
    manager.register(Nothing(name=f"w{{number:05d}}"))
"""
MINUTE = 60_000_000
PATIENCE = 300.0
"""Seconds for all of them to be over."""


@dataclass
class SameSecondReport(Report):
    """What became of one slot of each of many workers, all in one instant: none may be lost."""

    workers: int
    runs: int = 0
    gaps: int = 0
    begun_after_p50_ms: float = 0.0
    begun_after_max_ms: float = 0.0
    over_after_max_ms: float = 0.0


def serve_same_second(workers: int, folder: Path) -> SameSecondReport:
    """`workerconsole serve` on so many workers that are due at every full minute, over one of these."""
    script, path = folder / "same.py", folder / "same.db"
    script.write_text(MANY.format(workers=workers))
    with serving(script, path) as server:
        due_at = (time.time_ns() // 1000 // MINUTE + 1) * MINUTE
        wait_for(
            lambda: not server.lives or _accounted(path, due_at) >= workers, "a verdict of every slot", 60 + PATIENCE
        )
        code = server.stop()
    return _report(path, due_at, code, SameSecondReport(workers))


def _accounted(path: Path, due_at: int) -> int:
    """Workers whose slot has a gap, or a run that is over."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as connection:
        row = connection.execute(
            "SELECT (SELECT count(DISTINCT worker) FROM runs WHERE due_at = ? AND finished_at IS NOT NULL)"
            " + (SELECT count(DISTINCT worker) FROM gaps WHERE first_due_at <= ? AND last_due_at >= ?)",
            (due_at, due_at, due_at),
        ).fetchone()
    return int(row[0])


def _report(path: Path, due_at: int, code: int, report: SameSecondReport) -> SameSecondReport:
    with closing(sqlite3.connect(path)) as connection:
        runs = connection.execute(
            "SELECT worker, started_at, finished_at, outcome FROM runs WHERE due_at = ?", (due_at,)
        ).fetchall()
        gaps = connection.execute(
            "SELECT worker FROM gaps WHERE first_due_at <= ? AND last_due_at >= ?", (due_at, due_at)
        ).fetchall()
    report.runs, report.gaps = len(runs), len(gaps)
    names = [row[0] for row in runs] + [row[0] for row in gaps]
    if lost := report.workers - len(set(names)):
        report.faults.append(f"{lost} slots have no verdict")
    if twice := len(names) - len(set(names)):
        report.faults.append(f"{twice} slots have two verdicts")
    if failed := sum(outcome != "succeeded" for *_, outcome in runs):
        report.faults.append(f"{failed} runs did not succeed")
    if code != 0:
        report.faults.append(f"it ended with {code} on SIGTERM")
    begun = sorted((started - due_at) / 1000 for _, started, _, _ in runs)
    if begun:
        report.begun_after_p50_ms, report.begun_after_max_ms = begun[len(begun) // 2], begun[-1]
        report.over_after_max_ms = max((finished or due_at) - due_at for _, _, finished, _ in runs) / 1000
    return report
