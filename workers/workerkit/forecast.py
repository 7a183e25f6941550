"""Which slots a pause will turn into gaps, told before it begins."""

from collections.abc import Iterable
from dataclasses import dataclass

from workerkit.clock import Micros, to_iso
from workerkit.cron import Cron
from workerkit.schedule import Schedule


@dataclass(frozen=True, slots=True)
class Missed:
    """Slots of one worker, or of several."""

    count: int = 0
    next_at: Micros | None = None
    """The first of them."""
    worker: str = ""
    """Whose that is."""

    def words(self) -> str:
        """`12 slots will be missed, the next at 2026-03-05T13:05:00.000Z`."""
        if self.next_at is None:
            return "no slot is due before then"
        if self.count == 1:
            return f"1 slot will be missed, at {to_iso(self.next_at)}"
        return f"{self.count:,} slots will be missed, the next at {to_iso(self.next_at)}"


def missed(schedules: Iterable[tuple[str, Schedule]], after: Micros, until: Micros) -> Missed:
    """The slots due later than `after` and before `until`, of workers by name. One due at `until` is not missed."""
    count, first, whose = 0, None, ""
    of_lines: dict[Cron, tuple[Micros | None, int]] = {}
    for name, schedule in schedules:
        if isinstance(schedule, Cron):
            # Many workers share a line, which has no phase of theirs, and to count a year of it takes a while.
            if schedule not in of_lines:
                of_lines[schedule] = _slots(schedule, name, after, until)
            slot, number = of_lines[schedule]
        else:
            slot, number = _slots(schedule, name, after, until)
        count += number
        if slot is not None and (first is None or slot < first):
            first, whose = slot, name
    return Missed(count, first, whose)


def _slots(schedule: Schedule, name: str, after: Micros, until: Micros) -> tuple[Micros | None, int]:
    """The first slot, and how many there are."""
    _, number = schedule.last_slot(name, after, until - 1)
    return (schedule.next_slot(name, after), number) if number else (None, 0)
