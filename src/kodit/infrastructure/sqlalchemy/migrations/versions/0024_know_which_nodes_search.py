"""Know which nodes search"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "nodes", sa.Column("searches", sa.Boolean(), nullable=False, server_default=sa.true())
    )
    op.add_column("workers", sa.Column("node", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("workers", "node")
    op.drop_column("nodes", "searches")
