"""Mark unused embeddings and enrichments"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

CACHES = (
    ("embeddings", "vector", "vectors", "embedding_id"),
    ("enrichments", "text", "snippets", "enrichment_id"),
)


def upgrade() -> None:
    for cache, content, users, reference in CACHES:
        op.add_column(cache, sa.Column("unused_since", sa.BigInteger(), nullable=True))
        op.add_column(cache, sa.Column("unused_bytes", sa.BigInteger(), nullable=True))
        unused = sa.text("unused_since IS NOT NULL")
        op.create_index(
            f"unused_{cache}",
            cache,
            ["unused_since", "unused_bytes"],
            sqlite_where=unused,
            postgresql_where=unused,
        )
        op.execute(
            f"UPDATE {cache} SET unused_since = 0, unused_bytes = length({content}) "  # noqa: S608 - our own names
            f"WHERE NOT EXISTS (SELECT 1 FROM {users} WHERE {users}.{reference} = {cache}.id)"
        )


def downgrade() -> None:
    for cache, *_ in CACHES:
        op.drop_index(f"unused_{cache}", cache)
        op.drop_column(cache, "unused_bytes")
        op.drop_column(cache, "unused_since")
