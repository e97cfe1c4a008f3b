"""Store the lines of a definition

The line of its name and its first and last line, which a snippet's text does not show reliably.
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
    # Only a new extraction finds the lines of existing definitions.
    files = sa.table("files", sa.column("stale", sa.Boolean()), sa.column("extracted_hash"))
    op.execute(sa.update(files).where(files.c.extracted_hash.is_not(None)).values(stale=True))


def downgrade() -> None:
    op.drop_column("snippets", "extents")
