"""Let the versions of files own snippets"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_OWNED = ("snippets", "vectors", "keyword_changes")
"""The tables that named a file, and name a version now."""


def upgrade() -> None:
    op.create_table(
        "versions",
        sa.Column("id", _KEY, primary_key=True),
        sa.Column("index_id", sa.BigInteger(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("versions_of_index", "versions", ["index_id"])
    op.create_table(
        "former_versions",
        sa.Column("index_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("file_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("version_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )
    op.create_index("files_of_former_version", "former_versions", ["version_id"])
    op.add_column("files", sa.Column("version_id", sa.BigInteger(), nullable=True))
    op.create_index("files_of_version", "files", ["version_id"])
    # A file's version gets the number of the file: no snippet, vector, document or packed row has
    # to change.
    op.execute(
        "INSERT INTO versions (id, index_id, path) SELECT id, index_id, path FROM files "
        "WHERE extracted_hash IS NOT NULL "
        "OR EXISTS (SELECT 1 FROM snippets WHERE snippets.file_id = files.id)"
    )
    op.execute(
        "UPDATE files SET version_id = id WHERE EXISTS "
        "(SELECT 1 FROM versions WHERE versions.id = files.id)"
    )
    _refer("files", "file_id", "versions", "version_id")
    _part_superseded()


def _part_superseded() -> None:
    """Give the snippets of former contents versions of their own."""
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        op.execute(
            "SELECT setval(pg_get_serial_sequence('versions', 'id'), "
            "coalesce((SELECT max(id) FROM versions), 0) + 1, false)"
        )
    superseded = connection.execute(
        sa.text(
            "SELECT DISTINCT versions.id, versions.index_id, versions.path FROM snippets "
            "JOIN versions ON versions.id = snippets.version_id "
            "WHERE snippets.state = 'superseded' ORDER BY versions.id"
        )
    ).all()
    for file_id, index_id, path in superseded:
        names = {"file": file_id, "index": index_id, "path": path}
        names["former"] = connection.execute(
            sa.text("INSERT INTO versions (index_id, path) VALUES (:index, :path) RETURNING id"),
            names,
        ).scalar_one()
        for statement in (
            "INSERT INTO former_versions (index_id, file_id, version_id) "
            "VALUES (:index, :file, :former)",
            "UPDATE vectors SET version_id = :former WHERE snippet_id IN (SELECT id FROM snippets "
            "WHERE version_id = :file AND state = 'superseded')",
            "UPDATE snippets SET version_id = :former "
            "WHERE version_id = :file AND state = 'superseded'",
        ):
            connection.execute(sa.text(statement), names)


def downgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        _drop_reference("version_id")  # numbers of files are no versions
    for table in ("snippets", "vectors"):
        # Documents and packed rows have the numbers of versions, so both are made again.
        connection.execute(
            sa.text(
                f"UPDATE {table} SET version_id = coalesce("  # noqa: S608 - not from outside
                f"(SELECT min(id) FROM files WHERE files.version_id = {table}.version_id), "
                "(SELECT min(file_id) FROM former_versions "
                f"WHERE former_versions.version_id = {table}.version_id), 0)"
            )
        )
        connection.execute(
            sa.text(f"DELETE FROM {table} WHERE version_id = 0")  # noqa: S608 - likewise
        )
    op.execute("UPDATE indexes SET code_pack = NULL, text_pack = NULL")
    op.execute(
        "UPDATE indexes SET keyword_generation = '', keyword_seq = NULL, keyword_token = NULL "
        "WHERE keyword_generation IS NOT NULL"
    )
    _refer("versions", "version_id", "files", "file_id")
    op.drop_index("files_of_version", "files")
    op.drop_column("files", "version_id")
    op.drop_table("former_versions")
    op.drop_table("versions")


def _refer(old_table: str, old: str, table: str, column: str) -> None:
    """Rename the column of the owner, and let that of the snippets refer to another table."""
    if op.get_bind().dialect.name == "postgresql":
        _drop_reference(old)
    else:
        # SQLite documents this as the way to change a constraint without copying the table, which
        # holds every text.
        change = {
            "old": f"FOREIGN KEY({old}) REFERENCES {old_table} (id)",
            "new": f"FOREIGN KEY({old}) REFERENCES {table} (id)",
        }
        connection = op.get_bind()
        connection.exec_driver_sql("PRAGMA writable_schema = ON")
        connection.execute(
            sa.text(
                "UPDATE sqlite_master SET sql = replace(sql, :old, :new) WHERE name = 'snippets'"
            ),
            change,
        )
        connection.exec_driver_sql("PRAGMA writable_schema = RESET")
    for name in _OWNED:
        op.execute(f"ALTER TABLE {name} RENAME COLUMN {old} TO {column}")
    if op.get_bind().dialect.name == "postgresql":
        op.create_foreign_key(f"snippets_{column}_fkey", "snippets", table, [column], ["id"])


def _drop_reference(column: str) -> None:
    op.execute(f"ALTER TABLE snippets DROP CONSTRAINT IF EXISTS snippets_{column}_fkey")
