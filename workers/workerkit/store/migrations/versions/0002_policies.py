"""Retries, suspension, pauses with an end, and what policy a worker has."""

import sqlalchemy as sa
from alembic import op

revision = "workerkit_0002"
down_revision = "workerkit_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("workers", sa.Column("policy", sa.Text(), server_default="{}", nullable=False))
    op.add_column("workers", sa.Column("paused_until", sa.BigInteger()))
    op.add_column("workers", sa.Column("suspended_at", sa.BigInteger()))
    op.add_column("workers", sa.Column("suspended_because", sa.Text()))
    op.add_column("workers", sa.Column("host_crashes", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("runs", sa.Column("retry_at", sa.BigInteger()))
