"""Where in the history a moment lies, without an index of moments: ids grow with time."""

from sqlalchemy import Select, bindparam, case, func, select

from workerkit.store.models import runs
from workerkit.store.prepared import Question


def _halving() -> Select[int]:
    first = select(func.min(runs.c.id)).scalar_subquery()
    beyond = select(func.max(runs.c.id) + 1).scalar_subquery()
    search = select(first.label("low"), beyond.label("high")).cte("search", recursive=True)
    low, high = search.c.low, search.c.high
    middle = (low + high) // 2
    began = select(runs.c.started_at).where(runs.c.id >= middle).order_by(runs.c.id).limit(1).scalar_subquery()
    earlier = began < bindparam("moment")
    halved = select(case((earlier, middle + 1), else_=low), case((earlier, high), else_=middle)).where(low < high)
    found = search.union_all(halved)
    return select(found.c.low).where(found.c.low == found.c.high)


FIRST_RUN_FROM = Question(_halving())
"""The id of the first run that began at a `moment` or later; where none did, one beyond the last; none without runs.

Found by halving, in some twenty steps. Where the clock was set back in between, it may miss runs.
"""
