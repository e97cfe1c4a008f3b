"""Let nodes follow the log"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "nodes",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("follows", sa.Boolean(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "node_cursors",
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("index_id", sa.BigInteger(), nullable=False),
        sa.Column("generation", sa.String(64), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("is_filled", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("node", "index_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("cursors_in_log", "node_cursors", ["index_id", "seq"])
    op.create_table(
        "keyword_history",
        sa.Column("index_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("version_id", sa.BigInteger(), nullable=False),
        sa.Column("change_set", sa.BigInteger(), nullable=False),
        sa.Column("snippet_id", sa.BigInteger(), nullable=False),
        sa.Column("op", sa.String(8), nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("index_id", "seq"),
        sa.CheckConstraint("op IN ('add', 'remove')", name="op_is_known"),
        sqlite_with_rowid=False,
    )
    op.create_index("keyword_history_of_snippet", "keyword_history", ["snippet_id"])
    op.create_table(
        "node_packs",
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("index_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("token", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("node", "index_id", "kind"),
        sa.CheckConstraint("kind IN ('code', 'text')", name="kind_is_known"),
        sqlite_with_rowid=False,
    )
    op.create_index("packs_of_index", "node_packs", ["index_id"])


def downgrade() -> None:
    for table in ("node_packs", "keyword_history", "node_cursors", "nodes"):
        op.drop_table(table)
