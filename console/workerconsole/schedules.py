"""Schedules as the database tells them, which is in words: when slots lie, as far as that can be told from here."""

from collections.abc import Iterable
from functools import lru_cache

from workerconsole import format as fmt
from workerkit.clock import Micros
from workerkit.cron import Cron
from workerkit.forecast import missed
from workerkit.intervals import Every, Manual
from workerkit.schedule import ScheduleError
from workerkit.store.records import WorkerRecord

_FIELDS = 5


def schedule_of(worker: WorkerRecord) -> Every | Cron | Manual | None:
    """The worker's schedule; None for one within a window or with days off, which only the host's code knows."""
    if worker.interval is not None:
        try:
            return Every(worker.interval)
        except ScheduleError:
            return None
    return Manual() if worker.schedule == "manual" else _cron(worker.schedule)


@lru_cache(maxsize=1024)
def _cron(text: str) -> Cron | None:
    if not text.startswith("cron ") or ", " in text:
        return None
    words = text.split()[1:]
    fields = 1 if words[:1] and words[0].startswith("@") else _FIELDS
    try:
        return Cron(" ".join(words[:fields]), *words[fields : fields + 1])
    except ScheduleError:
        return None


def first_slot_from(worker: WorkerRecord, moment: Micros) -> Micros | None:
    """The first slot at a moment or later; None where there is none, or it can't be told."""
    schedule = schedule_of(worker)
    return None if schedule is None else schedule.next_slot(worker.name, moment - 1)


def what_a_pause_costs(workers: Iterable[WorkerRecord], now: Micros, until: Micros | None) -> str:
    """How many slots a pause of these workers turns into gaps, in one sentence."""
    if until is None:
        return "No slot starts until somebody resumes."
    known, unknown = [], 0
    for worker in workers:
        if (schedule := schedule_of(worker)) is not None:
            known.append((worker.name, schedule))
        else:
            unknown += 1
    found = missed(known, now, until)
    words = fmt.localised(found.words(), now)
    whose = f" ({found.worker})" if len(known) > 1 and found.next_at is not None else ""
    rest = f"; {fmt.plural(unknown, 'worker')} with a window not counted" if unknown else ""
    return f"{words[0].upper()}{words[1:]}{whose}{rest}."
