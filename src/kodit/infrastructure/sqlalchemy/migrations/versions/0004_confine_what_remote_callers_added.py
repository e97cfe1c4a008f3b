"""Confine sources added by remote callers"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("indexes", sa.Column("confinement", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("indexes", "confinement")
