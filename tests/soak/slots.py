"""Many workers for a while: is any due slot without a verdict, and how late do runs begin?"""

import random
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tests.soak.serving import Report, serving
from tests.soak.verdicts import Auditor

MANY = """
from workerkit import BaseWorker, WorkerManager

class Nothing(BaseWorker):
    def run(self, ctx):
        return None

manager = WorkerManager()
for name, seconds in {workers!r}.items():
    manager.register(Nothing(name=name, interval=seconds))
"""


@dataclass
class SlotReport(Report):
    """What became of the due slots of many workers: each must have one verdict."""

    workers: int
    seconds: float
    slots: int = 0
    runs: int = 0
    gaps: int = 0
    late_p50_ms: float = 0.0
    late_p99_ms: float = 0.0
    late_max_ms: float = 0.0


def serve_many(workers: int, seconds: float, folder: Path, seed: int = 7) -> SlotReport:
    """`workerconsole serve` on many workers of 1 to 10 s, then looks for slots without a run or a gap."""
    chance = random.Random(seed)
    intervals = {f"w{number:05d}": chance.randint(1, 10) for number in range(workers)}
    script, path = folder / "many.py", folder / "many.db"
    script.write_text(MANY.format(workers=intervals))
    with serving(script, path) as server:
        since = time.time_ns() // 1000
        time.sleep(seconds)  # the host works, and that is the trial
        asked = time.time_ns() // 1000
        code = server.stop()
    auditor = Auditor(path, {name: interval * 1_000_000 for name, interval in intervals.items()}, since)
    auditor.look()
    return _report(path, auditor, asked, code, SlotReport(workers, seconds))


def _report(path: Path, auditor: Auditor, asked: int, code: int, report: SlotReport) -> SlotReport:
    tally = auditor.tally
    report.slots, report.runs, report.gaps = tally.slots, auditor.runs_seen, tally.gaps
    with closing(sqlite3.connect(path)) as connection:
        late = sorted(row[0] / 1000 for row in connection.execute("SELECT started_at - due_at FROM runs"))
    if late:
        report.late_p50_ms, report.late_max_ms = late[len(late) // 2], late[-1]
        report.late_p99_ms = late[int(len(late) * 0.99)]
    else:
        report.faults.append("nothing ran")
    for slots, what in (
        (tally.missing, "have no verdict"),
        (tally.twice, "have two verdicts"),
        (auditor.behind(asked), "are not accounted for"),
    ):
        if slots:
            report.faults.append(f"{len(slots)} slots {what}: {slots[:3]}")
    if code != 0:
        report.faults.append(f"it ended with {code} on SIGTERM")
    return report
