"""Name all that a snippet defines"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("snippets", sa.Column("also_defines", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("snippets", "also_defines")
