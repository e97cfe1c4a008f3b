"""Know where a definition stands

The line of its name and its first and last line, which no text of a snippet tells for certain.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("snippets", sa.Column("extents", sa.Text(), nullable=True))
    # Only a new extraction tells where the definitions there stand.
    files = sa.table("files", sa.column("stale", sa.Boolean()), sa.column("extracted_hash"))
    op.execute(sa.update(files).where(files.c.extracted_hash.is_not(None)).values(stale=True))


def downgrade() -> None:
    op.drop_column("snippets", "extents")
