"""Whether every due slot has exactly one verdict, reckoned beside the product and not by it."""

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

Micros = int


def grid(name: str, period: Micros, after: Micros, until: Micros) -> Iterator[Micros]:
    """The slots in (after, until] of an interval: its phase is the hash of the name, its slots are whole periods on."""
    phase = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest()) % period
    slot = after + 1 + (phase - after - 1) % period
    while slot <= until:
        yield slot
        slot += period


@dataclass
class Tally:
    """What became of the slots that were looked at so far."""

    slots: int = 0
    ran: int = 0
    gaps: int = 0
    missing: list[str] = field(default_factory=list)
    """Slots without a verdict, as `worker at microseconds`."""
    twice: list[str] = field(default_factory=list)
    """Slots with two verdicts, or with two first attempts."""
    reasons: dict[str, int] = field(default_factory=dict)


@dataclass
class _Track:
    """One worker's slots that are not judged yet."""

    period: Micros
    judged_until: Micros
    ran: set[Micros] = field(default_factory=set)


class Auditor:
    """Judges slots as the database says that they are accounted for. Ask often: old runs are pruned.

    Args:
        path: the database; it is only read.
        periods: each worker's interval.
        since: the host was up from here on.
    """

    def __init__(self, path: Path, periods: Mapping[str, Micros], since: Micros) -> None:
        self.tally = Tally()
        self.runs_seen = 0
        self._path = path
        self._tracks = {name: _Track(period, since) for name, period in periods.items()}
        self._last_run = 0

    def look(self) -> None:
        """Judges what was accounted for since the last look."""
        with closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, timeout=30)) as connection:
            connection.execute("BEGIN")
            covered = dict(connection.execute("SELECT name, covered_until FROM workers"))
            self._take_runs(connection)
            gaps = self._gaps(connection)
        for name, track in self._tracks.items():
            self._judge(name, track, covered.get(name) or 0, gaps.get(name, []))

    def behind(self, until: Micros) -> list[str]:
        """Slots up to a moment that the database does not account for at all, as of the last look."""
        return [
            f"{name} at {slot}"
            for name, track in self._tracks.items()
            for slot in grid(name, track.period, track.judged_until, until)
            if slot not in track.ran
        ]

    def _take_runs(self, connection: sqlite3.Connection) -> None:
        rows = connection.execute(
            "SELECT id, worker, trigger, due_at, attempt FROM runs WHERE id > ? ORDER BY id", (self._last_run,)
        )
        for run_id, worker, trigger, due_at, attempt in rows:
            self._last_run = run_id
            self.runs_seen += 1
            track = self._tracks.get(worker)
            if track is None or trigger == "manual" or attempt > 1:
                continue
            if due_at in track.ran:
                self.tally.twice.append(f"{worker} at {due_at}: two runs")
            if due_at > track.judged_until:
                track.ran.add(due_at)

    def _gaps(self, connection: sqlite3.Connection) -> dict[str, list[tuple[Micros, Micros, str]]]:
        first = min((track.judged_until for track in self._tracks.values()), default=0)
        found: dict[str, list[tuple[Micros, Micros, str]]] = {}
        for worker, start, end, reason in connection.execute(
            "SELECT worker, first_due_at, last_due_at, reason FROM gaps WHERE last_due_at > ?", (first,)
        ):
            found.setdefault(worker, []).append((start, end, reason))
        return found

    def _judge(self, name: str, track: _Track, covered: Micros, gaps: list[tuple[Micros, Micros, str]]) -> None:
        tally = self.tally
        for slot in grid(name, track.period, track.judged_until, covered):
            tally.slots += 1
            ran = slot in track.ran
            reason = next((why for start, end, why in gaps if start <= slot <= end), None)
            tally.ran += ran
            if reason is not None:
                tally.gaps += 1
                tally.reasons[reason] = tally.reasons.get(reason, 0) + 1
            if ran and reason is not None:
                tally.twice.append(f"{name} at {slot}: run and gap ({reason})")
            elif not ran and reason is None:
                tally.missing.append(f"{name} at {slot}")
        if covered > track.judged_until:
            track.judged_until = covered
            track.ran = {slot for slot in track.ran if slot > covered}
