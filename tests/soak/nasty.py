"""The nasty hour: a host of workers that misbehave in every known way, watched from outside until its end."""

import sqlite3
import subprocess
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field
from pathlib import Path

from tests.soak import nasty_workers
from tests.soak.sampling import Sample, Sampler, slope
from tests.soak.serving import Server, serving
from tests.soak.verdicts import Auditor
from tests.waiting import wait_for
from workerkit.store.database import Database
from workerkit.store.operations import rebuild_counters

EVERY = 5.0
"""Seconds between two looks at the host."""
GRACE = 5
"""Seconds that running workers get at the end."""
WARM_UP = 1 / 3
"""Of the samples; memory is measured behind it."""
FLAT = 16.0
"""MiB by which memory may grow behind the warm-up, as the fitted line has it."""


@dataclass
class NastyReport:
    """What was found. `faults` is empty when every promise held."""

    seconds: float = 0.0
    workers: int = 0
    figures: list[tuple[str, str]] = field(default_factory=list)
    outcomes: list[tuple[str, int]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def markdown(self) -> str:
        """The figures as a table."""
        lines = ["| figure | value |", "|---|---|", *(f"| {name} | {value} |" for name, value in self.figures)]
        lines += [f"| runs: {what} | {count:,} |" for what, count in self.outcomes]
        lines += ["", *(f"- FAULT: {fault}" for fault in self.faults)] if self.faults else ["", "No fault was found."]
        return "\n".join(lines)


def serve_nasty(
    seconds: float, workers: int, folder: Path, *, seed: int = 1, table: Path | None = None, every: float = EVERY
) -> NastyReport:
    """Serves so many nasty workers for so long. The database, the samples and what the host said stay in the folder."""
    report = NastyReport(seconds, workers)
    database = folder / "nasty.db"
    planned = nasty_workers.plan(workers, seed)
    with _serving(database, planned, seed) as server:
        auditor = Auditor(database, {each.name: each.period for each in planned}, _now())
        with closing(Sampler(server.process.pid, database, table or folder / "nasty.csv")) as sampler:
            _watch(server, sampler, auditor, seconds, every, report)
        asked = _now()
        _end(server, report)
    with _serving(database, planned, seed) as server:
        _judge_what_was_left(auditor, asked, report)
        _end(server, report)
    _judge_samples(sampler.samples, report)
    _judge_slots(auditor, report)
    _judge_database(database, report)
    report.figures.append(
        ("lines that the host said", f"{len(server.errors.read_text(errors='replace').splitlines()):,}")
    )
    return report


def _serving(database: Path, planned: Sequence[nasty_workers.Planned], seed: int) -> AbstractContextManager[Server]:
    chosen = {"NASTY_WORKERS": str(len(planned)), "NASTY_SEED": str(seed)}
    return serving(Path(nasty_workers.__file__), database, "--grace", GRACE, environment=chosen)


def _now() -> int:
    return time.time_ns() // 1000


def _watch(
    server: Server,
    sampler: Sampler,
    auditor: Auditor,
    seconds: float,
    every: float,
    report: NastyReport,
) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            server.process.wait(min(every, max(0.1, end - time.monotonic())))
        except subprocess.TimeoutExpired:
            auditor.look()
            sampler.take(_heartbeat_age(sampler.database))
        else:
            return


def _heartbeat_age(database: Path) -> float:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)) as connection:
        (beat,) = connection.execute("SELECT max(heartbeat_at) FROM hosts").fetchone()
    return float(_now() - beat) / 1e6


def _end(server: Server, report: NastyReport) -> None:
    """Stops the host, as systemd would."""
    if not server.lives:
        report.faults.append(f"the host ended by itself with {server.process.returncode}")
        return
    began = time.monotonic()
    try:
        code = server.stop(GRACE + 30)
    except subprocess.TimeoutExpired:
        report.faults.append(f"it did not end within {GRACE + 30} s of SIGTERM")
        return
    took = time.monotonic() - began
    report.figures.append((f"seconds from SIGTERM to the end (grace {GRACE})", f"{took:.2f}"))
    if code != 0:
        report.faults.append(f"it ended with {code} on SIGTERM")
    if took > GRACE + 2:
        report.faults.append(f"it took {took:.1f} s to end, with {GRACE} s of grace")


def _judge_what_was_left(auditor: Auditor, asked: int, report: NastyReport) -> None:
    """What was due before the stop and still waited for its turn is the next host's to account for."""
    auditor.look()
    report.figures.append(("slots that waited at the stop", f"{len(auditor.behind(asked)):,}"))

    def accounted_for() -> bool:
        auditor.look()
        return not auditor.behind(asked)

    try:
        wait_for(accounted_for, "a verdict of every slot before the stop", 60)
    except AssertionError:
        left = auditor.behind(asked)
        report.faults.append(f"{len(left)} slots before SIGTERM are not accounted for: {left[:3]}")


def _judge_samples(samples: Sequence[Sample], report: NastyReport) -> None:
    if len(samples) < 3:
        report.faults.append("there are too few samples to judge by")
        return
    late = samples[int(len(samples) * WARM_UP) :]
    span = late[-1].seconds - late[0].seconds
    for name, values in (
        ("memory, MiB", [each.rss_mib for each in late]),
        ("threads", [float(each.threads) for each in late]),
        ("open files", [float(each.files) for each in late]),
        ("children", [float(each.children) for each in late]),
        ("database with WAL, MiB", [each.database_mib for each in late]),
    ):
        rise = slope([(each.seconds, value) for each, value in zip(late, values, strict=True)]) * span
        report.figures.append((name, f"{min(values):g} to {max(values):g}, trend {rise:+.1f} in {span:.0f} s"))
        if name.startswith("memory") and rise > FLAT and span > 600:
            report.faults.append(f"memory grew by {rise:.0f} MiB in {span:.0f} s")
        if name in ("threads", "open files", "children") and rise > 20 and span > 600:
            report.faults.append(f"{name} grew by {rise:.0f} in {span:.0f} s")
    busy = (samples[-1].cpu_seconds - samples[0].cpu_seconds) / (samples[-1].seconds - samples[0].seconds)
    report.figures.append(("processor, of one core", f"{busy:.0%}"))
    oldest = max(each.heartbeat_age for each in samples)
    report.figures.append(("oldest heartbeat seen, s", f"{oldest:.1f}"))
    if oldest > 10:
        report.faults.append(f"a heartbeat was {oldest:.1f} s old")


def _judge_slots(auditor: Auditor, report: NastyReport) -> None:
    tally = auditor.tally
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(tally.reasons.items()))
    report.figures += [
        ("due slots", f"{tally.slots:,}"),
        ("of them run", f"{tally.ran:,}"),
        ("of them gaps", f"{tally.gaps:,} ({reasons})" if reasons else "0"),
        ("without a verdict", f"{len(tally.missing):,}"),
        ("with two verdicts", f"{len(tally.twice):,}"),
    ]
    if tally.missing:
        report.faults.append(f"{len(tally.missing)} slots have no verdict: {tally.missing[:3]}")
    if tally.twice:
        report.faults.append(f"{len(tally.twice)} slots have two: {tally.twice[:3]}")
    if not tally.ran:
        report.faults.append("nothing ran")


def _judge_database(path: Path, report: NastyReport) -> None:
    with closing(sqlite3.connect(path)) as connection:
        (integrity,) = connection.execute("PRAGMA integrity_check").fetchone()
        (in_flight,) = connection.execute("SELECT count(*) FROM runs WHERE outcome IS NULL").fetchone()
        report.outcomes = connection.execute(
            "SELECT outcome || coalesce(' (' || kind || ')', ''), count(*) FROM runs GROUP BY 1 ORDER BY 2 DESC"
        ).fetchall()
    if integrity != "ok":
        report.faults.append(f"integrity: {integrity}")
    if in_flight:
        report.faults.append(f"{in_flight} runs are still in flight after the end")
    database = Database.open(path)
    try:
        with database.transaction() as connection:
            drift = rebuild_counters(connection, 0)
    finally:
        database.close()
    report.figures.append(("counters that differ from the history", str(len(drift))))
    if drift:
        report.faults.append(f"counters differ from the history: {drift[:3]}")
