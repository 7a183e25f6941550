"""Failures that are only counted have no capture; those that have one are found by an index of their own."""

import sqlalchemy as sa
from alembic import op

revision = "workerkit_0004"
down_revision = "workerkit_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_failures_full", "failures", ["fingerprint", "run_id"], sqlite_where=sa.text("length(capture) > 0")
    )
