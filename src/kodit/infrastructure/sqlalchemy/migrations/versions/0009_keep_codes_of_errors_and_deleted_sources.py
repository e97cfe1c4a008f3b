"""Store error codes and deleted sources

The code and fields of a task's error, as JSON; NULL if only its sentence is known. And the folders
whose index was deleted on request, which no search indexes again by itself.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tasks", sa.Column("error_about", sa.Text(), nullable=True))
    op.add_column("task_attempts", sa.Column("error_about", sa.Text(), nullable=True))
    op.create_table(
        "deleted_folders",
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("location"),
    )


def downgrade() -> None:
    op.drop_table("deleted_folders")
    op.drop_column("task_attempts", "error_about")
    op.drop_column("tasks", "error_about")
