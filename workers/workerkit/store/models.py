"""The tables. Moments are UTC integer microseconds, spans are integer microseconds, lists and maps are JSON text.

Core tables rather than mapped classes: the reading commands must not pay for the import of the ORM, and every
write is one of a few statements in `writes.py`.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)

Id = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite makes a row id only of a column that is spelled INTEGER."""

_ENDED_BADLY = text("outcome = 'failed' OR outcome = 'cancelled' OR outcome = 'interrupted'")
"""Spelled with OR because SQLite proves a partial index usable only from a term that stands in it as written."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    }
)

hosts = Table(
    "hosts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("hostname", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("username", Text, nullable=False),
    Column("mode", Text, nullable=False, comment="console, headless or library"),
    Column("version", Text, nullable=False),
    Column("targets", Text, nullable=False, server_default="[]", comment="what it was told to load, as JSON"),
    Column("started_at", BigInteger, nullable=False),
    Column("heartbeat_at", BigInteger, nullable=False),
    Column("stopped_at", BigInteger),
    Column("ending", Text, comment="stopped, or crashed where the next host found it dead"),
    Column(
        "recovered_runs",
        Integer,
        nullable=False,
        server_default="0",
        comment="in flight when the host before died",
    ),
    Column("notice", Text, comment="what the operator must know now, e.g. that the scheduler was rebuilt"),
    sqlite_autoincrement=True,
)

workers = Table(
    "workers",
    metadata,
    Column("name", Text, primary_key=True),
    Column("status", Text, nullable=False),
    Column("schedule", Text, nullable=False),
    Column("interval_us", BigInteger),
    Column("timeout_us", BigInteger),
    Column("isolation", Text, nullable=False),
    Column("policy", Text, nullable=False, server_default="{}", comment="what was chosen beside the defaults"),
    Column("tags", Text, nullable=False, server_default="[]"),
    Column("description", Text, nullable=False, server_default=""),
    Column("source", Text, nullable=False, server_default="", comment="path:line of its definition"),
    Column("load_error", Text, comment="the traceback of a broken worker"),
    Column("registered", Boolean, nullable=False),
    Column("paused", Boolean, nullable=False, server_default="0"),
    Column("paused_at", BigInteger),
    Column("paused_by", Text),
    Column("pause_reason", Text),
    Column("paused_until", BigInteger, comment="it resumes by itself then"),
    Column("suspended_at", BigInteger),
    Column("suspended_because", Text, comment="why the host starts it no more; NULL while it does"),
    Column("host_crashes", BigInteger, nullable=False, server_default="0", comment="in a row, with it in flight"),
    Column("success_count", BigInteger, nullable=False, server_default="0"),
    Column("failure_count", BigInteger, nullable=False, server_default="0"),
    Column("consecutive_failures", BigInteger, nullable=False, server_default="0"),
    Column(
        "counted_from_run",
        BigInteger,
        nullable=False,
        server_default="0",
        comment="counters were last reset before this run",
    ),
    Column(
        "stored_runs", BigInteger, nullable=False, server_default="0", comment="its rows in runs that have an outcome"
    ),
    Column("pruned_successes", BigInteger, nullable=False, server_default="0", comment="counted, their rows pruned"),
    Column("pruned_failures", BigInteger, nullable=False, server_default="0", comment="counted, their rows pruned"),
    Column("last_run_at", BigInteger),
    Column("next_run_at", BigInteger),
    Column("last_outcome", Text),
    Column("last_duration_us", BigInteger),
    Column("last_error", Text),
    Column("running_run_id", BigInteger),
    Column(
        "recent",
        Text,
        nullable=False,
        server_default="[]",
        comment="the latest runs as JSON [[outcome, microseconds], ...]",
    ),
    Column("covered_until", BigInteger, comment="every slot up to here has a run or a gap"),
    Column("created_at", BigInteger, nullable=False),
    Column(
        "change",
        BigInteger,
        nullable=False,
        index=True,
        comment="number of the transaction that last touched it or its runs",
    ),
)

runs = Table(
    "runs",
    metadata,
    Column("id", Id, primary_key=True),
    Column("worker", Text, nullable=False),
    Column("attempt", Integer, nullable=False, server_default="1"),
    Column("trigger", Text, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    Column("outcome", Text, comment="NULL while in flight"),
    Column("kind", Text),
    Column("duration_us", BigInteger),
    Column("error", Text),
    Column("summary", Text),
    Column("params", Text),
    Column("host_id", Id, ForeignKey("hosts.id"), nullable=False, index=True),
    Column("progress_done", BigInteger),
    Column("progress_total", BigInteger),
    Column("progress_note", Text),
    Column("dropped_lines", BigInteger),
    Column("retry_at", BigInteger, comment="when another attempt follows this failed one"),
    Index("ix_runs_worker_id", "worker", "id"),
    Index(
        "ix_runs_in_flight",
        "id",
        sqlite_where=text("outcome IS NULL"),
    ),
    Index("ix_runs_ended_badly", "outcome", "id", sqlite_where=_ENDED_BADLY),
    sqlite_autoincrement=True,
)

failures = Table(
    "failures",
    metadata,
    Column("run_id", BigInteger, primary_key=True, autoincrement=False),
    Column("worker", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("error", Text, nullable=False),
    Column(
        "capture",
        LargeBinary,
        nullable=False,
        comment="zlib-compressed JSON, see workerkit.failures; empty: only counted",
    ),
    Column("fingerprint", Text, nullable=False, comment="of the group it belongs to"),
    Index("ix_failures_worker_run_id", "worker", "run_id"),
    Index("ix_failures_fingerprint_run_id", "fingerprint", "run_id"),
    Index("ix_failures_full", "fingerprint", "run_id", sqlite_where=text("length(capture) > 0")),
)

failure_groups = Table(
    "failure_groups",
    metadata,
    Column("fingerprint", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False, comment="the latest occurrence on one line"),
    Column("parts", Text, nullable=False, comment="what the fingerprint was made of, as JSON"),
    Column("first_seen_at", BigInteger, nullable=False),
    Column("last_seen_at", BigInteger, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("first_run_id", BigInteger, nullable=False),
    Column("last_run_id", BigInteger, nullable=False),
    Column("last_worker", Text, nullable=False),
    Column("state", Text, nullable=False, server_default="open", comment="open, acknowledged, snoozed or resolved"),
    Column("state_at", BigInteger),
    Column("state_by", Text),
    Column("note", Text),
    Column("snoozed_until", BigInteger),
    Column("regressed_at", BigInteger, comment="when it came back after it was resolved"),
    Index("ix_failure_groups_last_seen_at", "last_seen_at"),
)

failure_group_workers = Table(
    "failure_group_workers",
    metadata,
    Column("fingerprint", Text, primary_key=True),
    Column("worker", Text, primary_key=True),
    Column("count", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

failure_group_hours = Table(
    "failure_group_hours",
    metadata,
    Column("fingerprint", Text, primary_key=True),
    Column("hour", BigInteger, primary_key=True, autoincrement=False, comment="its first microsecond"),
    Column("count", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

log_lines = Table(
    "log_lines",
    metadata,
    Column("run_id", BigInteger, primary_key=True, autoincrement=False),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("stream", Text, nullable=False, comment="stdout, stderr or log"),
    Column("level", Text, comment="of a logging record"),
    Column("logger", Text, comment="of a logging record"),
    Column("text", Text, nullable=False),
    sqlite_with_rowid=False,
)

gaps = Table(
    "gaps",
    metadata,
    Column("id", Id, primary_key=True),
    Column("worker", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("first_due_at", BigInteger, nullable=False),
    Column("last_due_at", BigInteger, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("detail", Text, nullable=False),
    Column("run_id", BigInteger, comment="the run that was in the way"),
    Column("host_id", Id, ForeignKey("hosts.id"), nullable=False, index=True),
    Index("ix_gaps_worker_id", "worker", "id"),
    sqlite_autoincrement=True,
)

commands = Table(
    "commands",
    metadata,
    Column("id", Id, primary_key=True),
    Column("verb", Text, nullable=False),
    Column("worker", Text),
    Column("params", Text, nullable=False, server_default="{}"),
    Column("reason", Text, nullable=False, server_default=""),
    Column("requested_at", BigInteger, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("state", Text, nullable=False, comment="pending, done, refused or failed"),
    Column("result", Text, comment="one sentence for the operator"),
    Column("data", Text, comment="JSON that the verb answers with, e.g. a stack"),
    Column("run_id", BigInteger),
    Column("finished_at", BigInteger),
    Index(
        "ix_commands_pending",
        "id",
        sqlite_where=text("state = 'pending'"),
    ),
    Index("ix_commands_worker_id", "worker", "id"),
    sqlite_autoincrement=True,
)

worker_state = Table(
    "worker_state",
    metadata,
    Column("worker", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

activity = Table(
    "activity",
    metadata,
    Column("minute", Id, primary_key=True, autoincrement=False, comment="its first microsecond"),
    Column("started", BigInteger, nullable=False, server_default="0"),
    Column("succeeded", BigInteger, nullable=False, server_default="0"),
    Column("failed", BigInteger, nullable=False, server_default="0"),
    Column("other", BigInteger, nullable=False, server_default="0"),
)
