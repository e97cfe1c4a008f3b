"""Fill the pages of files"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_LETTERS = ("", "a", "m", "d")
_WORDS = ("", "added", "modified", "deleted")
_KNOWN = "status_is_known"
_INDEXES = (
    ("unclean_files", ["index_id", "status", "version_id"], "status <> ''"),
    ("files_with_problem", ["index_id", "problem", "version_id", "status"], "problem IS NOT NULL"),
    ("files_without_history", ["index_id", "history", "status"], "history IS NULL"),
    ("files_of_version", ["version_id"], None),
)


def upgrade() -> None:
    # The upper half of a mark is a mark of the same stamp.
    _replace_files(_LETTERS, "substr(status, 1, 1)", "stamp >> 16")


def downgrade() -> None:
    words = "CASE status WHEN 'a' THEN 'added' WHEN 'm' THEN 'modified' WHEN 'd' THEN 'deleted' "
    # The lower half is lost, so that the next scan reads every file.
    _replace_files(_WORDS, f"{words}ELSE '' END", "0")


def _replace_files(statuses: tuple[str, ...], status: str, stamp: str) -> None:
    known = sa.text(f"status IN ({', '.join(repr(one) for one in statuses)})")
    if op.get_context().dialect.name != "sqlite":
        op.drop_constraint(_KNOWN, "files", type_="check")
        op.execute(f"UPDATE files SET status = {status}, stamp = {stamp}")  # noqa: S608 - ours
        op.create_check_constraint(_KNOWN, "files", known)
        return
    for name, _columns, _where in _INDEXES:
        op.drop_index(name, "files")
    op.rename_table("files", "former_files")
    op.create_table(
        "files",
        sa.Column("index_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("path_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("version_id", sa.BigInteger(), nullable=True),
        sa.Column("history", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("stamp", sa.BigInteger(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["index_id"], ["indexes.id"]),
        sa.CheckConstraint(known, name=_KNOWN),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO files (index_id, path_id, version_id, history, status, size, stamp, problem) "  # noqa: S608 - ours
        f"SELECT index_id, path_id, version_id, history, {status}, size, {stamp}, problem "
        "FROM former_files ORDER BY index_id, path_id"
    )
    op.drop_table("former_files")
    for name, columns, where in _INDEXES:
        condition = None if where is None else sa.text(where)
        op.create_index(name, "files", columns, sqlite_where=condition)
