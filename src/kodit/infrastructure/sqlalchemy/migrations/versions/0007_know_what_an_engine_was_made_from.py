"""Record what an engine was made from

The position of the keyword index for each index, and the vector packs made from this database.
Neither is known for existing data: every index logs its snippets again, and the next run rewrites
the packs.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("indexes", sa.Column("keyword_seq", sa.BigInteger(), nullable=True))
    op.add_column("indexes", sa.Column("keyword_token", sa.BigInteger(), nullable=True))
    op.add_column("indexes", sa.Column("code_pack", sa.String(32), nullable=True))
    op.add_column("indexes", sa.Column("text_pack", sa.String(32), nullable=True))
    op.execute("DELETE FROM keyword_changes")
    op.execute("UPDATE indexes SET keyword_generation = '' WHERE keyword_generation IS NOT NULL")
    op.add_column("keyword_changes", sa.Column("token", sa.BigInteger(), nullable=False))


def downgrade() -> None:
    # An earlier release logs all snippets again if the keyword index has another name.
    op.execute("DELETE FROM keyword_changes")
    op.execute("UPDATE indexes SET keyword_generation = '' WHERE keyword_generation IS NOT NULL")
    op.drop_column("keyword_changes", "token")
    for name in ("text_pack", "code_pack", "keyword_token", "keyword_seq"):
        op.drop_column("indexes", name)
