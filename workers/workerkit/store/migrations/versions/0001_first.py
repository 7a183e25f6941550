"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "workerkit_0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ENDED_BADLY = sa.text("outcome = 'failed' OR outcome = 'cancelled' OR outcome = 'interrupted'")
IN_FLIGHT = sa.text("outcome IS NULL")
PENDING = sa.text("state = 'pending'")


def upgrade() -> None:
    _create_activity()
    _create_commands()
    _create_failures()
    _create_failure_groups()
    _create_hosts()
    _create_log_lines()
    _create_worker_state()
    _create_workers()
    _create_gaps()
    _create_runs()


def _create_activity() -> None:
    op.create_table(
        "activity",
        sa.Column("minute", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("started", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("succeeded", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("failed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("other", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("minute", name="pk_activity"),
    )


def _create_commands() -> None:
    op.create_table(
        "commands",
        sa.Column("id", ID, nullable=False),
        sa.Column("verb", sa.Text(), nullable=False),
        sa.Column("worker", sa.Text()),
        sa.Column("params", sa.Text(), server_default="{}", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("requested_at", sa.BigInteger(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("result", sa.Text()),
        sa.Column("data", sa.Text()),
        sa.Column("run_id", sa.BigInteger()),
        sa.Column("finished_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_commands"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_commands_pending", "commands", ["id"], sqlite_where=PENDING, postgresql_where=PENDING)


def _create_failures() -> None:
    op.create_table(
        "failures",
        sa.Column("run_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("capture", sa.LargeBinary(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", name="pk_failures"),
    )
    op.create_index("ix_failures_worker_run_id", "failures", ["worker", "run_id"])
    op.create_index("ix_failures_fingerprint_run_id", "failures", ["fingerprint", "run_id"])


def _create_failure_groups() -> None:
    op.create_table(
        "failure_groups",
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("parts", sa.Text(), nullable=False),
        sa.Column("first_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("first_run_id", sa.BigInteger(), nullable=False),
        sa.Column("last_run_id", sa.BigInteger(), nullable=False),
        sa.Column("last_worker", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("state_at", sa.BigInteger()),
        sa.Column("state_by", sa.Text()),
        sa.Column("note", sa.Text()),
        sa.Column("snoozed_until", sa.BigInteger()),
        sa.Column("regressed_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("fingerprint", name="pk_failure_groups"),
    )
    op.create_index("ix_failure_groups_last_seen_at", "failure_groups", ["last_seen_at"])
    op.create_table(
        "failure_group_workers",
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", "worker", name="pk_failure_group_workers"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "failure_group_hours",
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("hour", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", "hour", name="pk_failure_group_hours"),
        sqlite_with_rowid=False,
    )


def _create_hosts() -> None:
    op.create_table(
        "hosts",
        sa.Column("id", ID, nullable=False),
        sa.Column("hostname", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("targets", sa.Text(), server_default="[]", nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("heartbeat_at", sa.BigInteger(), nullable=False),
        sa.Column("stopped_at", sa.BigInteger()),
        sa.Column("ending", sa.Text()),
        sa.Column("recovered_runs", sa.Integer(), server_default="0", nullable=False),
        sa.Column("notice", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_hosts"),
        sqlite_autoincrement=True,
    )


def _create_log_lines() -> None:
    op.create_table(
        "log_lines",
        sa.Column("run_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("level", sa.Text()),
        sa.Column("logger", sa.Text()),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "seq", name="pk_log_lines"),
        sqlite_with_rowid=False,
    )


def _create_worker_state() -> None:
    op.create_table(
        "worker_state",
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("worker", name="pk_worker_state"),
    )


def _create_workers() -> None:
    op.create_table(
        "workers",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("schedule", sa.Text(), nullable=False),
        sa.Column("interval_us", sa.BigInteger()),
        sa.Column("timeout_us", sa.BigInteger()),
        sa.Column("isolation", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), server_default="[]", nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("source", sa.Text(), server_default="", nullable=False),
        sa.Column("load_error", sa.Text()),
        sa.Column("registered", sa.Boolean(), nullable=False),
        sa.Column("paused", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("paused_at", sa.BigInteger()),
        sa.Column("paused_by", sa.Text()),
        sa.Column("pause_reason", sa.Text()),
        sa.Column("success_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("failure_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("consecutive_failures", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("counted_from_run", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("stored_runs", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("pruned_successes", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("pruned_failures", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_run_at", sa.BigInteger()),
        sa.Column("next_run_at", sa.BigInteger()),
        sa.Column("last_outcome", sa.Text()),
        sa.Column("last_duration_us", sa.BigInteger()),
        sa.Column("last_error", sa.Text()),
        sa.Column("running_run_id", sa.BigInteger()),
        sa.Column("recent", sa.Text(), server_default="[]", nullable=False),
        sa.Column("covered_until", sa.BigInteger()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_workers"),
    )
    op.create_index("ix_workers_change", "workers", ["change"])


def _create_gaps() -> None:
    op.create_table(
        "gaps",
        sa.Column("id", ID, nullable=False),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("first_due_at", sa.BigInteger(), nullable=False),
        sa.Column("last_due_at", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("run_id", sa.BigInteger()),
        sa.Column("host_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["host_id"], ["hosts.id"], name="fk_gaps_host_id"),
        sa.PrimaryKeyConstraint("id", name="pk_gaps"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_gaps_host_id", "gaps", ["host_id"])
    op.create_index("ix_gaps_worker_id", "gaps", ["worker", "id"])


def _create_runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", ID, nullable=False),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), server_default="1", nullable=False),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger()),
        sa.Column("outcome", sa.Text()),
        sa.Column("kind", sa.Text()),
        sa.Column("duration_us", sa.BigInteger()),
        sa.Column("error", sa.Text()),
        sa.Column("summary", sa.Text()),
        sa.Column("params", sa.Text()),
        sa.Column("host_id", ID, nullable=False),
        sa.Column("progress_done", sa.BigInteger()),
        sa.Column("progress_total", sa.BigInteger()),
        sa.Column("progress_note", sa.Text()),
        sa.Column("dropped_lines", sa.BigInteger()),
        sa.ForeignKeyConstraint(["host_id"], ["hosts.id"], name="fk_runs_host_id"),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_runs_ended_badly", "runs", ["outcome", "id"], sqlite_where=ENDED_BADLY, postgresql_where=ENDED_BADLY
    )
    op.create_index("ix_runs_host_id", "runs", ["host_id"])
    op.create_index("ix_runs_in_flight", "runs", ["id"], sqlite_where=IN_FLIGHT, postgresql_where=IN_FLIGHT)
    op.create_index("ix_runs_worker_id", "runs", ["worker", "id"])
