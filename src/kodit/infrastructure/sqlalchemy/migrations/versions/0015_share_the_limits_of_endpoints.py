"""Share the limits of endpoints between workers, and keep their bills"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "endpoints",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("requests_at", sa.BigInteger(), nullable=False),
        sa.Column("tokens_at", sa.BigInteger(), nullable=False),
        sa.Column("paused_until", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failed_at", sa.BigInteger(), nullable=False),
        sa.Column("failing_since", sa.BigInteger()),
    )
    op.create_table(
        "endpoint_places",
        sa.Column("endpoint", sa.Text(), primary_key=True),
        sa.Column("token", sa.String(32), primary_key=True),
        sa.Column("task_id", sa.BigInteger(), nullable=False),
        sa.Column("claim_no", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=False),
        sa.Column("input_keys", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "endpoint_bills",
        sa.Column("month", sa.String(7), primary_key=True),
        sa.Column("run_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("endpoint", sa.Text(), primary_key=True),
        sa.Column("model", sa.Text(), primary_key=True),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("texts", sa.BigInteger(), nullable=False),
        sa.Column("input_tokens", sa.BigInteger(), nullable=False),
        sa.Column("output_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cached", sa.BigInteger(), nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "embedding_models",
        sa.Column("model", sa.Text(), primary_key=True),
        sa.Column("facts", sa.Text(), nullable=False),
    )


def downgrade() -> None:
    for table in ("embedding_models", "endpoint_bills", "endpoint_places", "endpoints"):
        op.drop_table(table)
