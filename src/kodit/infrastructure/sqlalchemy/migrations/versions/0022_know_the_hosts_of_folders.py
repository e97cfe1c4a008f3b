"""Know the hosts of folders"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_UNIQUE = "one_index_per_source"


def upgrade() -> None:
    # At the end of the table, so that neither database copies it.
    op.add_column("indexes", sa.Column("host", sa.Text(), nullable=False, server_default=""))
    op.drop_index(_UNIQUE, "indexes")
    columns = ["kind", "location", "ref", "host", "deleted_at"]
    op.create_index(_UNIQUE, "indexes", columns, unique=True)
    _make_deleted_folders(sa.Column("host", sa.Text(), primary_key=True, server_default=""))


def downgrade() -> None:
    op.execute("DELETE FROM deleted_folders WHERE host <> ''")
    _make_deleted_folders()
    op.drop_index(_UNIQUE, "indexes")
    # An older program knows no hosts: it would take a folder of another machine for one of its own.
    op.execute("UPDATE indexes SET location = host || ':' || location WHERE host <> ''")
    op.create_index(_UNIQUE, "indexes", ["kind", "location", "ref", "deleted_at"], unique=True)
    op.drop_column("indexes", "host")


def _make_deleted_folders(*more: sa.Column[str]) -> None:
    """Make the table again, with other columns of its key; it has few rows."""
    connection = op.get_bind()
    query = sa.text("SELECT location, deleted_at FROM deleted_folders")
    rows = [row._asdict() for row in connection.execute(query)]
    op.drop_table("deleted_folders")
    table = op.create_table(
        "deleted_folders",
        sa.Column("location", sa.Text(), primary_key=True),
        *more,
        sa.Column("deleted_at", sa.BigInteger(), nullable=False),
    )
    if rows:
        op.bulk_insert(table, rows)
