"""failures: groups of failures that are one fault, the most urgent first; and how commands find one of them."""

from argparse import Namespace
from collections.abc import Sequence

from workerconsole.cli import documents
from workerconsole.cli.access import known_worker, reading
from workerconsole.cli.errors import Exit, NotFoundError
from workerconsole.cli.output import Column, emit, emit_json, safe, table, takes_blocks, terminal_width
from workerconsole.format import ago, count
from workerconsole.groups import STATES, state_of
from workerkit.clock import Micros, SystemClock
from workerkit.store.reader import Reader
from workerkit.store.records import FailureGroupRecord

SEARCHED = 5_000
"""Groups that are looked at, the latest seen first; more are no list that anybody reads."""
SHORT = 8
"""Characters of a fingerprint that lists show; commands take as many as tell it."""
NAMED_WORKERS = 3

_LEVELS = "·▁▂▃▄▅▆▇█"


def failures(arguments: Namespace) -> int:
    """Every group that still counts, or those in one state, or those of one worker."""
    with reading(arguments.db) as (_, reader):
        if arguments.worker is not None:
            known_worker(reader, arguments.worker)
        now = SystemClock().now()
        found = [group for group in reader.failure_groups(now, SEARCHED) if _wanted(group, arguments)]
    found.sort(key=lambda group: (_urgency(state_of(group)), -group.last_seen_at))
    shown = found[: arguments.limit]
    if arguments.json:
        emit_json({"failures": [documents.group(group) for group in shown]})
        return Exit.DONE
    columns = [column for column in _COLUMNS if column.title != _TREND or takes_blocks()]
    for line in table(columns, [_row(group, columns, now) for group in shown], terminal_width()):
        emit(line)
    return Exit.DONE


def find_group(reader: Reader, beginning: str, now: Micros) -> FailureGroupRecord:
    """The group whose fingerprint begins so.

    Raises:
        NotFoundError: there is none, or more than one.
    """
    beginning = beginning.lower()
    found = reader.failure_group(beginning, now)
    if found is not None:
        return found
    marks = [group.fingerprint for group in reader.failure_groups(now, SEARCHED)]
    several = [mark for mark in marks if mark.startswith(beginning)][:NAMED_WORKERS]
    if several:
        raise NotFoundError(f"several failures begin with {beginning}; give more of it: {', '.join(several)}")
    raise NotFoundError(f"there is no failure {beginning}; `workerconsole failures` lists them")


def _urgency(state: str) -> int:
    return STATES.index(state) if state in STATES else len(STATES)


def trend(hours: Sequence[int]) -> str:
    """One character an hour, oldest first; a dot where nothing happened."""
    most = max(hours, default=0)
    return "".join(_LEVELS[-(-number * (len(_LEVELS) - 1) // most) if most else 0] for number in hours)


def _wanted(group: FailureGroupRecord, arguments: Namespace) -> bool:
    return arguments.state in ("all", group.state) and (
        arguments.worker is None or any(name == arguments.worker for name, _ in group.workers)
    )


_TREND = "24 HOURS"
_COLUMNS = (
    Column("FAILURE"),
    Column("STATE"),
    Column("LAST SEEN", optional=1),
    Column("COUNT", right=True, optional=2),
    Column(_TREND, optional=4),
    Column("TITLE", flexible=True),
    Column("WORKERS", flexible=True, optional=3),
)


def _row(group: FailureGroupRecord, columns: Sequence[Column], now: Micros) -> list[str]:
    named = ", ".join(safe(name) for name, _ in group.workers[:NAMED_WORKERS])
    more = f" and {len(group.workers) - NAMED_WORKERS} more" if len(group.workers) > NAMED_WORKERS else ""
    cells = {
        "FAILURE": safe(group.fingerprint[:SHORT]),
        "STATE": state_of(group),
        "LAST SEEN": ago(group.last_seen_at, now),
        "COUNT": count(group.count),
        _TREND: trend(group.trend),
        "TITLE": safe(group.title),
        "WORKERS": named + more,
    }
    return [cells[column.title] for column in columns]
