"""Store the names that a snippet mentions

NULL if there are none.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The extractor has a new version, so that the next run fills the column.
    op.add_column("snippets", sa.Column("mentions", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("snippets", "mentions")
    # A later upgrade finds the column empty, and only a new extraction fills it.
    files = sa.table("files", sa.column("stale", sa.Boolean()), sa.column("extracted_hash"))
    op.execute(sa.update(files).where(files.c.extracted_hash.is_not(None)).values(stale=True))
