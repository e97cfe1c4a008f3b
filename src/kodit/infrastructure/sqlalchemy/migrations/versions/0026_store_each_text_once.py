"""Store the text of each snippet once"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from kodit.infrastructure.sqlalchemy.metadata import BigKey

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Snippets that are there keep their texts, however many they are: new ones have a `text_id`.
    op.create_table(
        "snippet_texts",
        sa.Column("id", BigKey, primary_key=True),
        sa.Column("key", sa.LargeBinary(16), nullable=False, unique=True),
        sa.Column("text", sa.Text(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.add_column("snippets", sa.Column("text_id", sa.BigInteger()))
    op.create_index("snippets_of_text", "snippets", ["text_id"])


def downgrade() -> None:
    op.execute(
        "UPDATE snippets SET text = (SELECT snippet_texts.text FROM snippet_texts "
        "WHERE snippet_texts.id = snippets.text_id) WHERE text_id IS NOT NULL"
    )
    op.drop_index("snippets_of_text", "snippets")
    op.drop_column("snippets", "text_id")
    op.drop_table("snippet_texts")
