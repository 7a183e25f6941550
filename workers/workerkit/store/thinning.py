"""Which captures of a group of failures are kept: its first, its latest, and the first of each day."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, bindparam, func, select, text, update

from workerkit.clock import DAY, Micros
from workerkit.store import codec
from workerkit.store.models import failures

LATEST = 10
"""Captures of a group that are kept beside its first and those of the days."""

IS_FULL = text("length(failures.capture) > 0")
"""As in the index of those that are full."""


def thin_out(connection: Connection, batch: int) -> int:
    """Empties the captures of about `batch` failures at most; how many. Their rows stay: they count."""
    thinned = 0
    for mark in connection.scalars(_CROWDED, {"few": LATEST + 1}).all():
        surplus = _surplus(connection.execute(_FULL, {"mark": mark}).all())[: batch - thinned]
        if surplus:
            connection.execute(_EMPTY, {"ids": codec.to_json(surplus)})
            thinned += len(surplus)
        if thinned >= batch:
            break
    return thinned


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


_CROWDED = (
    select(failures.c.fingerprint)
    .where(IS_FULL)
    .group_by(failures.c.fingerprint)
    .having(func.count() > bindparam("few"))
)
_FULL = (
    select(failures.c.run_id, failures.c.at)
    .where(failures.c.fingerprint == bindparam("mark"), IS_FULL)
    .order_by(failures.c.run_id)
)
_EMPTY = (
    update(failures)
    .where(failures.c.run_id.in_(select(func.json_each(bindparam("ids")).table_valued("value").c.value)))
    .values(capture=b"")
)
