"""Two trials that take minutes: hosts killed at random moments, and a thousand workers for a minute.

`make soak` runs both and prints what it found; the test suite runs short forms of the same functions. What the
workers themselves saw goes to a file of their own, line by line, past the host: that is what the database is held to.
"""

import argparse
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from workerkit.host import Host
from workerkit.registry import Registry
from workerkit.store.database import Database
from workerkit.store.operations import rebuild_counters

KILLS = 100
SLOT_WORKERS = 1000
SLOT_SECONDS = 60.0

VICTIM = """
import asyncio, os, sys
from workerkit import BaseWorker, WorkerManager

witness = os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

def saw(what, ctx):
    os.write(witness, f"{what} {ctx.run_id}\\n".encode())

class Plain(BaseWorker):
    def run(self, ctx):
        saw("start", ctx)
        ctx.state["count"] = ctx.state.get("count", 0) + 1
        print("line of", ctx.run_id)
        if ctx.run_id % 7 == 0:
            saw("raise", ctx)
            raise ValueError(ctx.run_id)
        saw("end", ctx)

class Async(BaseWorker):
    async def run(self, ctx):
        saw("start", ctx)
        await asyncio.sleep(0.02)
        saw("end", ctx)

manager = WorkerManager(sys.argv[1])
for number in range(40):
    manager.register(Plain(name=f"plain-{number}", interval=0.1))
    manager.register(Async(name=f"async-{number}", interval=0.1))
manager.start()
os.write(witness, b"up 0\\n")
asyncio.run(asyncio.sleep(3600))
"""


@dataclass(frozen=True, slots=True)
class KillReport:
    """What was seen after so many kills."""

    kills: int
    runs: int
    starts_witnessed: int
    recovered: int
    faults: tuple[str, ...]


def kill_hosts(kills: int, folder: Path, seed: int = 1) -> KillReport:
    """Starts a host under load and kills it with SIGKILL, again and again; checks the database after each kill."""
    chance = random.Random(seed)
    script = folder / "victim.py"
    script.write_text(VICTIM)
    path, witness = folder / "victim.db", folder / "witness.txt"
    faults: list[str] = []
    recovered = 0
    for number in range(kills):
        victim = subprocess.Popen([sys.executable, str(script), str(path), str(witness)])
        _wait_until_up(witness, number + 1)
        time.sleep(chance.uniform(0, 0.6))
        victim.send_signal(signal.SIGKILL)
        victim.wait()
        count, found = _check_after_kill(path, witness)
        recovered += count
        faults.extend(f"kill {number + 1}: {fault}" for fault in found)
    starts = sum(1 for what, _ in _witnessed(witness) if what == "start")
    with sqlite3.connect(path) as connection:
        (runs,) = connection.execute("SELECT count(*) FROM runs").fetchone()
    connection.close()
    return KillReport(kills, runs, starts, recovered, tuple(faults))


def _wait_until_up(witness: Path, times: int) -> None:
    end = time.monotonic() + 60
    while sum(1 for what, _ in _witnessed(witness) if what == "up") < times:
        assert time.monotonic() < end, "the victim did not come up"
        time.sleep(0.01)


def _witnessed(witness: Path) -> Iterator[tuple[str, int]]:
    """What workers saw: start, end or raise, and the run's id."""
    if witness.exists():
        for line in witness.read_text().splitlines():
            what, number = line.split()
            yield what, int(number)


def _check_after_kill(path: Path, witness: Path) -> tuple[int, list[str]]:
    """Lets the next host recover, then compares the database with what the workers saw, and with itself."""
    faults: list[str] = []
    database = Database.open(path)
    with database.reader() as reader:
        in_flight = {run.id for run in reader.in_flight()}
    host = Host(database, Registry())
    host.start()
    host.stop(grace=0)
    if {run.id for run in host.recovered} != in_flight:
        faults.append("recovery did not mark exactly what was in flight")
    with database.transaction() as connection:
        if drift := rebuild_counters(connection, 0):
            faults.append(f"counters differ from the history: {drift[:3]}")
        (integrity,) = connection.exec_driver_sql("PRAGMA integrity_check").fetchone() or ("no answer",)
        if integrity != "ok":
            faults.append(f"integrity: {integrity}")
        rows = connection.exec_driver_sql("SELECT id, outcome, kind FROM runs")
        outcomes = {row[0]: (row[1], row[2]) for row in rows}
    seen: dict[str, set[int]] = {"start": set(), "end": set(), "raise": set(), "up": set()}
    for what, run_id in _witnessed(witness):
        seen[what].add(run_id)
    if lost := seen["start"] - outcomes.keys():
        faults.append(f"runs that started and are not recorded: {sorted(lost)[:5]}")
    for run_id, (outcome, kind) in outcomes.items():
        if outcome is None:
            faults.append(f"run {run_id} is still in flight after recovery")
        elif outcome == "succeeded" and run_id not in seen["end"]:
            faults.append(f"run {run_id} is called a success and never ended")
        elif kind == "error" and run_id not in seen["raise"]:
            faults.append(f"run {run_id} is called an error and never raised")
    return len(in_flight), faults


@dataclass(frozen=True, slots=True)
class SlotReport:
    """What became of the due slots of many workers."""

    workers: int
    seconds: float
    slots: int
    runs: int
    gaps: int
    without_verdict: int
    late_p50_ms: float
    late_p99_ms: float
    late_max_ms: float


MANY = """
import os, random
from workerkit import BaseWorker, WorkerManager

class Nothing(BaseWorker):
    def run(self, ctx):
        return None

chance = random.Random(7)
manager = WorkerManager()
for number in range({workers}):
    manager.register(Nothing(name=f"w{{number:05d}}", interval=chance.randint(1, 10)))
"""


def serve_many(workers: int, seconds: float, folder: Path) -> SlotReport:
    """`workerconsole serve` on many workers of 1 to 10 s, then looks for a slot without a run or a gap."""
    from workerkit.loading import load

    script = folder / "many.py"
    script.write_text(MANY.format(workers=workers))
    path = folder / "many.db"
    command = [sys.executable, "-m", "workerconsole", "serve", str(script), "--db", str(path)]
    server = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
    time.sleep(seconds)
    server.terminate()
    assert server.wait(30) == 0, "serve did not end in good order"
    registry = load([str(script)]).registry
    connection = sqlite3.connect(path)
    try:
        return _count_slots(connection, registry, workers, seconds)
    finally:
        connection.close()


def _count_slots(connection: sqlite3.Connection, registry: Registry, workers: int, seconds: float) -> SlotReport:
    slots = missing = gaps = 0
    for name, covered, first in connection.execute(
        "SELECT name, covered_until, (SELECT min(due_at) FROM runs WHERE worker = name) FROM workers"
    ).fetchall():
        registration = registry.get(name)
        assert registration is not None
        ran = {row[0] for row in connection.execute("SELECT due_at FROM runs WHERE worker = ?", (name,))}
        ranges = connection.execute("SELECT first_due_at, last_due_at FROM gaps WHERE worker = ?", (name,)).fetchall()
        slot: int | None = first
        while slot is not None and slot <= covered:
            slots += 1
            in_gap = any(start <= slot <= end for start, end in ranges)
            gaps += in_gap
            missing += slot not in ran and not in_gap
            slot = registration.schedule.next_slot(name, slot)
    late = sorted(row[0] / 1000 for row in connection.execute("SELECT started_at - due_at FROM runs"))
    assert late, "nothing ran"
    return SlotReport(
        workers=workers,
        seconds=seconds,
        slots=slots,
        runs=len(late),
        gaps=gaps,
        without_verdict=missing,
        late_p50_ms=late[len(late) // 2],
        late_p99_ms=late[int(len(late) * 0.99)],
        late_max_ms=late[-1],
    )


def main() -> int:
    """Runs both trials and prints their reports; 1 when either found a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--workers", type=int, default=SLOT_WORKERS)
    parser.add_argument("--seconds", type=float, default=SLOT_SECONDS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        kills = kill_hosts(options.kills, Path(name))
        print(kills)
        slots = serve_many(options.workers, options.seconds, Path(name))
        print(slots)
    return 1 if kills.faults or slots.without_verdict else 0


if __name__ == "__main__":
    sys.exit(main())
