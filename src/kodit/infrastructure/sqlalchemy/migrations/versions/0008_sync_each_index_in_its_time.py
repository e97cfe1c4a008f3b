"""Add a sync interval per index

After how many seconds a server refreshes an index by itself; NULL means the server's default.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("indexes", sa.Column("sync_every", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("indexes", "sync_every")
