"""Know for which snippets a model gave no usable description"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "refused_snippets",
        sa.Column("index_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("snippet_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    # What was refused is asked about again.
    op.execute(
        "INSERT INTO pending_snippets (index_id, stage, snippet_id) "
        "SELECT index_id, 'ENRICH', snippet_id FROM refused_snippets WHERE NOT EXISTS (SELECT 1 "
        "FROM pending_snippets AS pending WHERE pending.index_id = refused_snippets.index_id "
        "AND pending.stage = 'ENRICH' AND pending.snippet_id = refused_snippets.snippet_id)"
    )
    op.drop_table("refused_snippets")
