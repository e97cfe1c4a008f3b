"""Sync each index in its time

After how many seconds a server brings an index up to date by itself; NULL leaves it to the server.
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
