"""Store descriptions of schemas and commits

So that searches find words that no snippet has.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "descriptions",
        sa.Column("id", _KEY, primary_key=True, nullable=False),
        sa.Column("index_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("key", sa.LargeBinary(16), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('schema', 'commit')", name="kind_is_known"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "descriptions_of_index", "descriptions", ["index_id", "kind", "subject"], unique=True
    )


def downgrade() -> None:
    op.drop_index("descriptions_of_index", "descriptions")
    op.drop_table("descriptions")
