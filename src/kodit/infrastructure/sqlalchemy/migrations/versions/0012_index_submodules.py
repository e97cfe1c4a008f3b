"""Index submodules

Whether the submodules of a repository belong to its index; NULL means no, as before.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("indexes", sa.Column("submodules", sa.Boolean(), nullable=True))


def downgrade() -> None:
    op.drop_column("indexes", "submodules")
