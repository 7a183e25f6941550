"""The columns that readers ask for, for SQLAlchemy; `rows` makes records of them."""

from sqlalchemy import literal_column, select

from workerkit.store import rows
from workerkit.store.models import activity, commands, failures, gaps, hosts, log_lines, runs, workers

HOST = tuple(hosts.c[name] for name in rows.HOST)
FAILURE = tuple(failures.c)
ACTIVITY = tuple(activity.c[name] for name in rows.ACTIVITY)
LINE = tuple(log_lines.c[name] for name in ("run_id", "seq", "at", "stream", "level", "logger", "text"))
GAP = tuple(
    gaps.c[name]
    for name in ("id", "worker", "reason", "first_due_at", "last_due_at", "count", "detail", "run_id", "host_id")
)
COMMAND = tuple(commands.c)
PENDING = commands.c.state == literal_column("'pending'")
"""Spelled out, not bound, so that SQLite can use its partial index."""
WORKER = tuple(workers.c[name] for name in rows.WORKER)
SELECT_RUNS = select(
    *(
        runs.c[name]
        for name in (
            *("id", "worker", "attempt", "trigger", "due_at", "started_at", "finished_at", "outcome", "kind"),
            *("duration_us", "error", "summary", "params", "host_id"),
        )
    ),
    hosts.c.hostname,
    hosts.c.pid,
    *(runs.c[name] for name in ("progress_done", "progress_total", "progress_note", "dropped_lines", "retry_at")),
).join_from(runs, hosts)
