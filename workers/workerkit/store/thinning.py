"""Which captures of a group of failures are kept: its first, its latest, and the first of each day."""

import time
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, bindparam, func, select, text, update

from workerkit.clock import DAY, Micros
from workerkit.store import codec
from workerkit.store.models import failures
from workerkit.store.prepared import Prepared

LATEST = 10
"""Captures of a group that are kept beside its first and those of the days."""
PATIENCE = 0.005
"""Seconds after which a call begins nothing more: what it holds up is the start of runs."""
SLICE = 25
"""Captures that are emptied between two looks at the time."""
GROUPS = 100
"""Groups that one call looks through at most."""
SEEN = 500
"""Captures of a group that are looked through at a time: many more than are kept of it, days and latest together."""

IS_FULL = text("length(failures.capture) > 0")
"""As in the index of those that are full."""


class Thinning:
    """Empties captures, group by group. The rows of their failures stay: they count."""

    def __init__(self) -> None:
        self._behind = ""

    def go_on(self, connection: Connection, patience: float = PATIENCE) -> bool:
        """Works for about so many seconds from where it stopped; whether there is more to look through."""
        ends_at = time.monotonic() + patience
        marks = _CROWDED.column(connection, self._behind, LATEST + 1, GROUPS)
        for mark in marks:
            while surplus := _surplus(_FULL.rows(connection, mark, SEEN)):
                _EMPTY.execute(connection, [(codec.to_json(surplus[:SLICE]),)])
                if time.monotonic() > ends_at:
                    return True
            self._behind = mark
            if time.monotonic() > ends_at:
                return True
        return len(marks) == GROUPS


def _surplus(kept: Sequence[Iterable[Micros]]) -> list[int]:
    """Of a group's captures, as run and moment in the order of the runs, those that go."""
    days: set[Micros] = set()
    surplus = []
    for run_id, at in kept[:-LATEST]:
        # The first of all is the first of its day.
        if at // DAY in days:
            surplus.append(run_id)
        days.add(at // DAY)
    return surplus


_CROWDED = Prepared(
    select(failures.c.fingerprint)
    .where(IS_FULL, failures.c.fingerprint > bindparam("behind"))
    .group_by(failures.c.fingerprint)
    .having(func.count() > bindparam("few"))
    .limit(bindparam("groups")),
    *("behind", "few", "groups"),
)
_FULL = Prepared(
    select(failures.c.run_id, failures.c.at)
    .where(failures.c.fingerprint == bindparam("mark"), IS_FULL)
    .order_by(failures.c.run_id)
    .limit(bindparam("seen")),
    *("mark", "seen"),
)
_EMPTY = Prepared(
    update(failures)
    .where(failures.c.run_id.in_(select(func.json_each(bindparam("ids")).table_valued("value").c.value)))
    .values(capture=b""),
    "ids",
)
