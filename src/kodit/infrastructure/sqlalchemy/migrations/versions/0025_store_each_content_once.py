"""Store each content once"""

from __future__ import annotations

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_UNIQUE = "one_version_per_content"


def upgrade() -> None:
    # Two indexes that brought a content at the same time to a server both stored it: nobody gets
    # the later one from now on. Where only one transaction writes, there are none.
    if op.get_context().dialect.name == "sqlite":
        return
    op.execute(
        "UPDATE versions SET content_key = NULL, digest = NULL WHERE EXISTS (SELECT 1 "
        "FROM versions AS earlier WHERE earlier.digest = versions.digest "
        "AND earlier.content_key = versions.content_key AND earlier.id < versions.id)"
    )
    op.create_index(_UNIQUE, "versions", ["content_key"], unique=True)


def downgrade() -> None:
    if op.get_context().dialect.name != "sqlite":
        op.drop_index(_UNIQUE, "versions")
