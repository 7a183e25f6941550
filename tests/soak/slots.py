"""Many workers for a while: is any due slot without a verdict, and how late do runs begin?"""

import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from tests.soak.verdicts import Auditor
from tests.waiting import wait_for

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
class SlotReport:
    """What became of the due slots of many workers. `faults` is empty when each has one verdict."""

    workers: int
    seconds: float
    slots: int = 0
    runs: int = 0
    gaps: int = 0
    late_p50_ms: float = 0.0
    late_p99_ms: float = 0.0
    late_max_ms: float = 0.0
    faults: list[str] = field(default_factory=list)

    def markdown(self) -> str:
        """The figures as a table."""
        rows = [(name, f"{value:,.1f}") for name, value in vars(self).items() if name != "faults"]
        lines = [
            "| figure | value |",
            "|---|---|",
            *(f"| {name.replace('_', ' ')} | {value} |" for name, value in rows),
        ]
        return "\n".join([*lines, "", *(f"- FAULT: {fault}" for fault in self.faults)])


def serve_many(workers: int, seconds: float, folder: Path, seed: int = 7) -> SlotReport:
    """`workerconsole serve` on many workers of 1 to 10 s, then looks for slots without a run or a gap."""
    chance = random.Random(seed)
    intervals = {f"w{number:05d}": chance.randint(1, 10) for number in range(workers)}
    script, path, errors = folder / "many.py", folder / "many.db", folder / "many.err"
    script.write_text(MANY.format(workers=intervals))
    with errors.open("w") as file:
        server = subprocess.Popen(
            [sys.executable, "-m", "workerconsole", "serve", str(script), "--db", str(path)],
            stderr=file,
            start_new_session=True,
        )
    try:
        wait_for(lambda: "started with" in errors.read_text() or server.poll() is not None, "the host's start", 60)
        since = time.time_ns() // 1000
        time.sleep(seconds)  # the host works, and that is the trial
        asked = time.time_ns() // 1000
        server.send_signal(signal.SIGTERM)
        code = server.wait(30)
    finally:
        server.kill()
        server.wait()
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
