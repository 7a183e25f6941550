"""What the operator is told about workers that are out of sight: one began to fail, one recovered."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from workerconsole.snapshot import Snapshot
from workerconsole.text import clean
from workerkit.clock import MINUTE, SECOND, Micros
from workerkit.store.records import WorkerRecord

EVERY: Micros = 3 * SECOND
"""Notices of this span are told together."""
QUIET: Micros = MINUTE
"""A worker is named again only after so long: one that flaps would talk all day."""
NAMED = 3
"""More workers than this are counted instead of named."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One message for the operator."""

    text: str
    failing: bool


class Watch:
    """Compares snapshots and collects who began to fail and who recovered."""

    def __init__(self) -> None:
        self._before: Mapping[str, WorkerRecord] | None = None
        self._failing: dict[str, str] = {}
        self._recovered: set[str] = set()
        self._named_at: dict[str, Micros] = {}
        self._told_at: Micros | None = None

    def see(self, snapshot: Snapshot, in_sight: Callable[[str], bool]) -> None:
        """Take note of what the snapshot brings. The first one brings nothing: it is how things are."""
        before, self._before = self._before, snapshot.workers
        if before is None:
            return
        for name in snapshot.changed:
            worker, old = snapshot.workers.get(name), before.get(name)
            if worker is None or old is None:
                continue
            turned_bad = bool(worker.consecutive_failures) and not old.consecutive_failures
            # A reset of the counters ends the failures as well, but nobody recovered.
            turned_good = not worker.consecutive_failures and worker.success_count > old.success_count
            if turned_bad:
                self._note(name, in_sight, snapshot.taken_at, worker.last_error or "")
            elif turned_good and old.consecutive_failures:
                self._note(name, in_sight, snapshot.taken_at, None)

    def due(self, now: Micros) -> list[Notice]:
        """The notices to show now, at most two; none until EVERY has passed since the last."""
        if not (self._failing or self._recovered) or (self._told_at is not None and 0 <= now - self._told_at < EVERY):
            return []
        self._told_at = now
        notices: list[Notice] = []
        if self._failing:
            notices.append(Notice(_failing_text(self._failing), failing=True))
        if self._recovered:
            notices.append(Notice(_recovered_text(sorted(self._recovered)), failing=False))
        self._failing, self._recovered = {}, set()
        return notices

    def _note(self, name: str, in_sight: Callable[[str], bool], now: Micros, error: str | None) -> None:
        if error is None and name in self._failing:
            del self._failing[name]
            return
        if in_sight(name) or 0 <= now - self._named_at.get(name, -QUIET) < QUIET:
            return
        self._named_at[name] = now
        if error is None:
            self._recovered.add(name)
        else:
            self._failing[name] = error


def _failing_text(failing: Mapping[str, str]) -> str:
    if len(failing) == 1:
        ((name, error),) = failing.items()
        return f"{clean(name, 64)} began to fail: {clean(error, 200)}"
    return f"{_who(sorted(failing))} began to fail."


def _recovered_text(names: list[str]) -> str:
    return f"{_who(names)} recovered."


def _who(names: list[str]) -> str:
    if len(names) > NAMED:
        return f"{len(names):,} workers"
    return ", ".join(clean(name, 64) for name in names)
