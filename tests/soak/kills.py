"""The kill -9 oracle: a host is killed at random moments, and the database held to what another process saw."""

import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.soak.oracle import Oracle, Sight
from workerkit.host import Host
from workerkit.operator import Operator, Verb
from workerkit.registry import Registry
from workerkit.store.database import Database
from workerkit.store.operations import rebuild_counters

THOROUGH_EVERY = 50
"""Kills between two looks at everything that was ever recorded."""
ORPHANS_GONE = 10.0
"""Seconds within which no child of a killed host lives any more; one that was just starting sees to it first."""


@dataclass
class KillReport:
    """What was seen after so many kills. `faults` is empty when every promise held."""

    kills: int = 0
    runs: int = 0
    starts_witnessed: int = 0
    ends_witnessed: int = 0
    recovered: int = 0
    """Runs that were found in flight."""
    resumed: int = 0
    """Times that a worker was suspended, being in flight at three kills in a row, and had to be resumed."""
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)

    def markdown(self) -> str:
        """The figures as a table."""
        rows = [(name, f"{value:,.0f}") for name, value in vars(self).items() if name != "faults"]
        lines = [
            "| figure | value |",
            "|---|---|",
            *(f"| {name.replace('_', ' ')} | {value} |" for name, value in rows),
        ]
        return "\n".join([*lines, "", *(f"- FAULT: {fault}" for fault in self.faults or ())])


def kill_hosts(kills: int, folder: Path, seed: int = 1) -> KillReport:
    """Starts a host under load and kills it with SIGKILL, again and again; checks the database after each kill."""
    trial = _Trial(folder, random.Random(seed))
    began = time.monotonic()
    with Oracle(folder) as oracle:
        for number in range(1, kills + 1):
            trial.kill(oracle)
            trial.check(oracle.news())
            if number % THOROUGH_EVERY == 0 or number == kills:
                trial.check_everything()
    trial.report.seconds = time.monotonic() - began
    return trial.report


class _Trial:
    """The state between kills: what was seen, and how far the records are judged."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self.report = KillReport()
        self._path = folder / "victim.db"
        self._chance = chance
        self._judged = 0
        self._seen: dict[str, set[int]] = {"start": set(), "end": set(), "raise": set()}

    def kill(self, oracle: Oracle) -> None:
        """Lets a host work for a moment, then kills it."""
        victim = subprocess.Popen([sys.executable, "-m", "tests.soak.victim", str(self._path), oracle.address])
        try:
            oracle.wait_for("up")
            time.sleep(self._chance.uniform(0, 0.6))  # the moment of the kill is what is tried here
            children = psutil.Process(victim.pid).children(recursive=True)
        finally:
            victim.send_signal(signal.SIGKILL)
            victim.wait()
        self.report.kills += 1
        _, alive = psutil.wait_procs(children, ORPHANS_GONE)
        for orphan in alive:
            with suppress(psutil.NoSuchProcess):
                self._fault(
                    f"its child {orphan.pid} outlived it ({orphan.status()}): {' '.join(orphan.cmdline())[-100:]}"
                )
            orphan.kill()

    def check(self, news: list[Sight]) -> None:
        """Lets the next host recover, then compares what is new in the database with what was seen."""
        self._take(news)
        in_flight = self._recover()
        report, seen = self.report, self._seen
        with closing(sqlite3.connect(self._path)) as connection:
            rows = connection.execute("SELECT id, outcome, kind FROM runs WHERE id > ?", (self._judged,)).fetchall()
            self._resume_suspended(connection)
        known = {row[0] for row in rows}
        if lost := {run_id for run_id in seen["start"] if run_id > self._judged} - known:
            self._fault(f"runs that started are not recorded: {sorted(lost)[:5]}")
        for run_id, outcome, kind in rows:
            if outcome is None:
                self._fault(f"run {run_id} is still in flight after recovery")
            elif outcome == "succeeded" and run_id not in seen["end"]:
                self._fault(f"run {run_id} is called a success and was not seen to end")
            elif kind == "error" and run_id not in seen["raise"]:
                self._fault(f"run {run_id} is called an error and was not seen to raise")
            elif (kind == "crash") != (run_id in in_flight):
                self._fault(
                    f"run {run_id} is {outcome} ({kind}), and was{'' if run_id in in_flight else ' not'} in flight"
                )
        report.runs += len(rows)
        report.recovered += len(in_flight)
        self._judged = max(known, default=self._judged)
        for kind_seen in seen.values():
            kind_seen.clear()

    def check_everything(self) -> None:
        """Counters and states against the whole history, and the file against its own rules."""
        database = Database.open(self._path)
        try:
            with database.transaction() as connection:
                if drift := rebuild_counters(connection, 0):
                    self._fault(f"counters differ from the history: {drift[:3]}")
        finally:
            database.close()
        with closing(sqlite3.connect(self._path)) as connection:
            (integrity,) = connection.execute("PRAGMA integrity_check").fetchone()
            wrong = connection.execute(
                "SELECT runs.worker, count(*), json_extract(state, '$.count') AS kept FROM runs"
                " JOIN worker_state USING (worker) WHERE kind IS NULL OR kind = 'error'"
                " GROUP BY runs.worker HAVING count(*) != kept"
            ).fetchall()
        if integrity != "ok":
            self._fault(f"integrity: {integrity}")
        if wrong:
            self._fault(f"states (worker, outcomes, kept) differ from the outcomes: {wrong[:3]}")

    def _take(self, news: list[Sight]) -> None:
        """Notes what was told; a worker that runs twice at a time, or a run that begins twice, is a fault."""
        running: dict[str, int] = {}
        for sight in news:
            if sight.what == "start":
                self.report.starts_witnessed += 1
                if sight.worker in running:
                    self._fault(f"{sight.worker} began run {sight.run_id} during run {running[sight.worker]}")
                if sight.run_id in self._seen["start"] or sight.run_id <= self._judged:
                    self._fault(f"run {sight.run_id} began twice")
                running[sight.worker] = sight.run_id
            elif sight.what in ("end", "raise"):
                self.report.ends_witnessed += 1
                running.pop(sight.worker, None)
            if sight.what in self._seen:
                self._seen[sight.what].add(sight.run_id)

    def _recover(self) -> set[int]:
        """The runs that the next host finds in flight; it marks them, and goes."""
        database = Database.open(self._path)
        try:
            with database.reader() as reader:
                in_flight = {run.id for run in reader.in_flight()}
            host = Host(database, Registry())
            host.start()
            host.stop(grace=0)
        finally:
            database.close()
        if {run.id for run in host.recovered} != in_flight:
            self._fault("recovery did not mark exactly what was in flight")
        return in_flight

    def _resume_suspended(self, connection: sqlite3.Connection) -> None:
        """A worker that was in flight at three crashes in a row is suspended; an operator has it go on."""
        columns = {row[1] for row in connection.execute("PRAGMA table_info(workers)")}
        if "suspended_at" not in columns:
            return
        names = [name for (name,) in connection.execute("SELECT name FROM workers WHERE suspended_at IS NOT NULL")]
        if not names:
            return
        database = Database.open(self._path)
        try:
            operator = Operator(database, by="oracle")
            for name in names:
                operator.submit(Verb.RESUME, name, reason="it was killed on purpose")
                self.report.resumed += 1
        finally:
            database.close()

    def _fault(self, text: str) -> None:
        self.report.faults.append(f"kill {self.report.kills}: {text}")
