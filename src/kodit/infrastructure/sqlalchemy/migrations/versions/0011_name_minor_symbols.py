"""Store minor symbols

Definitions in a snippet that no search ranks by: fields, values, functions inside others.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("snippets", sa.Column("minor_symbols", sa.Text(), nullable=True))
    # Only a new extraction finds the definitions in existing snippets.
    files = sa.table("files", sa.column("stale", sa.Boolean()), sa.column("extracted_hash"))
    op.execute(sa.update(files).where(files.c.extracted_hash.is_not(None)).values(stale=True))


def downgrade() -> None:
    op.drop_column("snippets", "minor_symbols")
