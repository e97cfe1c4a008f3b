"""Record which files' history was read"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_WITHOUT_HISTORY = sa.text("author IS NULL")


def upgrade() -> None:
    op.create_index(
        "files_without_history",
        "files",
        ["index_id"],
        sqlite_where=_WITHOUT_HISTORY,
        postgresql_where=_WITHOUT_HISTORY,
    )
    # The stored history may include commits that are gone, and files that are left out by now: each
    # source is read once as if for the first time. Nothing is extracted or embedded again.
    op.execute("UPDATE indexes SET commit_id = NULL, history_commit_id = NULL")


def downgrade() -> None:
    op.drop_index("files_without_history", "files")
    op.execute("UPDATE files SET author = NULL WHERE author = ''")
    op.execute("UPDATE indexes SET history_commit_id = NULL")
