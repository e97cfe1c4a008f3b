"""Store all definitions of a snippet"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("snippets", sa.Column("also_defines", sa.Text(), nullable=True))
    # Only a new extraction finds the definitions in existing snippets.
    files = sa.table("files", sa.column("stale", sa.Boolean()), sa.column("extracted_hash"))
    op.execute(sa.update(files).where(files.c.extracted_hash.is_not(None)).values(stale=True))


def downgrade() -> None:
    op.drop_column("snippets", "also_defines")
