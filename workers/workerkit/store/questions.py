"""What a reader asks: each question compiled once, its answers in the order of the columns of `rows`."""

from typing import Any

from sqlalchemy import Integer, Select, bindparam, func, literal_column, select

from workerkit.outcome import Outcome
from workerkit.store import columns, groups
from workerkit.store.models import (
    activity,
    commands,
    failure_groups,
    failures,
    gaps,
    hosts,
    log_lines,
    runs,
    worker_state,
    workers,
)
from workerkit.store.prepared import Question
from workerkit.store.thinning import IS_FULL

RUNS_SEARCHED_FOR_LINES = 200
"""How many of a worker's latest runs are searched for its latest lines."""
SPELLED_OUT = {
    "running": runs.c.outcome.is_(None),
    **{ending: runs.c.outcome == literal_column(f"'{ending}'") for ending in ("failed", "cancelled", "interrupted")},
}
"""Outcomes that are conditions of their own: only of one that is not bound SQLite proves that a partial index covers
the question."""

_limit = bindparam("limit", type_=Integer)

WORKERS = Question(
    select(*columns.WORKER),
    name=workers.c.name == bindparam("name"),
    since=workers.c.change > bindparam("since"),
)
STATUSES = Question(select(workers.c.status, func.count()).group_by(workers.c.status))
STATE = Question(select(worker_state.c.state), worker=worker_state.c.worker == bindparam("worker"))
HOSTS = Question(select(*columns.HOST).order_by(hosts.c.id.desc()).limit(_limit))

RUNS = Question(
    columns.SELECT_RUNS.order_by(runs.c.id.desc()).limit(_limit),
    id=runs.c.id == bindparam("id"),
    worker=runs.c.worker == bindparam("worker"),
    before=runs.c.id < bindparam("before"),
    first=runs.c.id >= bindparam("first"),
    beyond=runs.c.id < bindparam("beyond"),
    outcome=runs.c.outcome == bindparam("outcome"),
    **SPELLED_OUT,
)


def _durations() -> Select[Any]:
    succeeded = (runs.c.worker == bindparam("worker")) & (runs.c.outcome == Outcome.SUCCEEDED.value)
    latest = select(runs.c.duration_us).where(succeeded).order_by(runs.c.id.desc()).limit(_limit).subquery()
    # As one row: a thousand would take longer to pass on than to find.
    return select(func.json_group_array(latest.c.duration_us))


DURATIONS = Question(_durations())

FAILURES = Question(
    select(*columns.FAILURE).order_by(failures.c.run_id.desc()).limit(_limit),
    run=failures.c.run_id == bindparam("run"),
    worker=failures.c.worker == bindparam("worker"),
    fingerprint=failures.c.fingerprint == bindparam("fingerprint"),
    before=failures.c.run_id < bindparam("before"),
)
_like = select(failures.c.run_id, failures.c.capture).where(failures.c.fingerprint == bindparam("fingerprint"), IS_FULL)
CAPTURE_BEFORE = Question(_like.where(failures.c.run_id < bindparam("run")).order_by(failures.c.run_id.desc()).limit(1))
CAPTURE_AFTER = Question(_like.where(failures.c.run_id > bindparam("run")).order_by(failures.c.run_id).limit(1))
RUNS_OF_GROUP = Question(
    select(failures.c.run_id)
    .where(failures.c.fingerprint == bindparam("fingerprint"))
    .order_by(failures.c.run_id.desc())
    .limit(_limit)
)

LINES = Question(
    select(*columns.LINE)
    .where(log_lines.c.run_id == bindparam("run"), log_lines.c.seq > bindparam("after"))
    .order_by(log_lines.c.seq)
    .limit(_limit)
)


def _latest_lines() -> Select[Any]:
    latest = (
        select(runs.c.id)
        .where(runs.c.worker == bindparam("worker"))
        .order_by(runs.c.id.desc())
        .limit(RUNS_SEARCHED_FOR_LINES)
        .subquery()
    )
    return (
        select(*columns.LINE)
        .where(log_lines.c.run_id.in_(select(latest.c.id)))
        .order_by(log_lines.c.run_id.desc(), log_lines.c.seq.desc())
        .limit(_limit)
    )


LATEST_LINES = Question(_latest_lines())

GAPS = Question(
    select(*columns.GAP).order_by(gaps.c.id.desc()).limit(_limit),
    worker=gaps.c.worker == bindparam("worker"),
    since=gaps.c.last_due_at >= bindparam("since"),
    reason=gaps.c.reason == bindparam("reason"),
)
COMMANDS = Question(
    select(*columns.COMMAND).order_by(commands.c.id.desc()).limit(_limit),
    id=commands.c.id == bindparam("id"),
    worker=commands.c.worker == bindparam("worker"),
    verbs=commands.c.verb.in_(select(func.json_each(bindparam("verbs")).table_valued("value").c.value)),
)
PENDING_COMMANDS = Question(select(*columns.COMMAND).where(columns.PENDING).order_by(commands.c.id))

MARKS = Question(
    select(
        select(func.max(log_lines.c.seq)).where(log_lines.c.run_id == bindparam("run")).scalar_subquery(),
        select(func.max(commands.c.id)).where(commands.c.worker == bindparam("worker")).scalar_subquery(),
        select(func.count(commands.c.id)).where(columns.PENDING).scalar_subquery(),
    )
)
ACTIVITY = Question(
    select(*columns.ACTIVITY).where(activity.c.minute >= bindparam("since")).order_by(activity.c.minute)
)
TOTALS = Question(
    select(
        *(func.coalesce(func.sum(activity.c[name]), 0) for name in ("started", "succeeded", "failed", "other"))
    ).where(activity.c.minute >= bindparam("since"))
)


class Groups:
    """Of some groups of failures their rows, who has them, and when: what groups.records() puts together."""

    def __init__(self, query: Select[Any]) -> None:
        marks = query.with_only_columns(failure_groups.c.fingerprint)
        self.rows = Question(query)
        self.workers = Question(groups.select_workers(marks))
        self.hours = Question(groups.select_hours(marks))


LATEST_GROUPS = Groups(select(failure_groups).order_by(failure_groups.c.last_seen_at.desc()).limit(_limit))
GROUPS_BETWEEN = Groups(
    select(failure_groups)
    .where(failure_groups.c.fingerprint.between(bindparam("low"), bindparam("high")))
    .limit(_limit)
)
