"""Share versions between indexes"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_UNUSED = sa.text("unused_since IS NOT NULL")


def upgrade() -> None:
    for column in (
        sa.Column("digest", sa.BigInteger(), nullable=True),
        sa.Column("content_key", sa.LargeBinary(32), nullable=True),
        sa.Column("language", sa.String(32), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("unused_since", sa.BigInteger(), nullable=True),
        sa.Column("unused_bytes", sa.BigInteger(), nullable=True),
    ):
        op.add_column("versions", column)
    # Versions without a key are shared once their files are extracted again.
    op.create_index("versions_by_digest", "versions", ["digest"])
    op.create_index(
        "unused_versions",
        "versions",
        ["index_id", "unused_since", "unused_bytes"],
        sqlite_where=_UNUSED,
        postgresql_where=_UNUSED,
    )
    for column in (
        sa.Column("members", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("shares", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("is_store", sa.Boolean(), nullable=False, server_default=sa.false()),
    ):
        op.add_column("indexes", column)


def downgrade() -> None:
    connection = op.get_bind()
    shared = connection.execute(
        sa.text(
            "SELECT 1 FROM files JOIN versions ON versions.id = files.version_id "
            "WHERE versions.index_id <> files.index_id LIMIT 1"
        )
    ).first()
    if shared is not None:
        raise RuntimeError("indexes share versions, which an older version cannot read")
    for column in ("is_store", "shares", "members"):
        op.drop_column("indexes", column)
    op.drop_index("unused_versions", "versions")
    op.drop_index("versions_by_digest", "versions")
    for column in ("unused_bytes", "unused_since", "problem", "language", "content_key", "digest"):
        op.drop_column("versions", column)
