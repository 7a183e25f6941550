"""Shorter ways to rows: what was asked of one worker has an index, and a minute is the key of its row itself."""

import sqlalchemy as sa
from alembic import op

revision = "workerkit_0003"
down_revision = "workerkit_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_commands_worker_id", "commands", ["worker", "id"])
    with op.batch_alter_table("activity", recreate="always") as activity:
        activity.alter_column("minute", existing_type=sa.BigInteger(), type_=sa.Integer(), autoincrement=False)
