"""Know what an engine was made from

Where each index's part of the keyword index stands, and which packs of vectors were made from
this database. Neither can be told of what there is: every index logs its snippets again, and packs
are rewritten by the next run.
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
    # A former program logs all snippets again where the keyword index has another name.
    op.execute("DELETE FROM keyword_changes")
    op.execute("UPDATE indexes SET keyword_generation = '' WHERE keyword_generation IS NOT NULL")
    op.drop_column("keyword_changes", "token")
    for name in ("text_pack", "code_pack", "keyword_token", "keyword_seq"):
        op.drop_column("indexes", name)
