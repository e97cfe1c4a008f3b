"""Store once what files share"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_WITH_PROBLEM = "problem IS NOT NULL"
_ROWS = 5_000
_INSERT_FILE = (
    "INSERT INTO files (index_id, path_id, version_id, history, status, size, problem, stamp) "
    "VALUES ({})"
)


def upgrade() -> None:
    # A table is about to have this name.
    op.drop_index("stale_files", "files")
    op.create_table(
        "paths",
        sa.Column("id", _KEY, primary_key=True),
        sa.Column("path", sa.Text(), nullable=False),
        sa.UniqueConstraint("path"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "file_histories",
        sa.Column("path_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("number", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "stale_files",
        sa.Column("index_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("path_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("content_hash", sa.String(64), nullable=False),
        sqlite_with_rowid=False,
    )
    op.execute("INSERT INTO paths (path) SELECT path FROM files GROUP BY path ORDER BY min(id)")
    op.execute(
        "INSERT INTO file_histories (path_id, number, author, changed_at, created_at) "
        "SELECT paths.id, row_number() OVER (PARTITION BY paths.id ORDER BY min(files.id)), "
        "author, changed_at, created_at FROM files JOIN paths ON paths.path = files.path "
        "WHERE author <> '' AND changed_at IS NOT NULL AND created_at IS NOT NULL "
        "GROUP BY paths.id, author, changed_at, created_at"
    )
    op.execute(
        "INSERT INTO stale_files (index_id, path_id, content_hash) "
        "SELECT index_id, paths.id, content_hash FROM files JOIN paths ON paths.path = files.path "
        "WHERE stale"
    )
    _let_versions_know()
    op.execute(
        "UPDATE former_versions SET file_id = (SELECT paths.id FROM files "
        "JOIN paths ON paths.path = files.path WHERE files.id = former_versions.file_id)"
    )
    op.execute("ALTER TABLE former_versions RENAME COLUMN file_id TO path_id")
    _replace_files()


def _let_versions_know() -> None:
    for name in ("content_hash", "extractor_version"):
        op.add_column("versions", sa.Column(name, sa.String(64), nullable=True))
    # A file that is stale although its content is the same has to be extracted in any case.
    extracted = (
        "FROM files WHERE files.version_id = versions.id AND extracted_hash IS NOT NULL "
        "AND NOT (stale AND status <> 'deleted' AND extracted_hash = files.content_hash)"
    )
    op.execute(
        "UPDATE versions SET (content_hash, extractor_version, language, problem) = "  # noqa: S608 - not from outside
        "(SELECT max(extracted_hash), max(extractor_version), max(files.language), "
        f"max(files.problem) {extracted}) WHERE EXISTS (SELECT 1 {extracted})"
    )
    # Nobody knows any more what these were extracted from, so that no file gets them again.
    op.execute("UPDATE versions SET content_key = NULL, digest = NULL WHERE content_hash IS NULL")


def _replace_files() -> None:
    """Make the table again with what is left: SQLite cannot change a primary key."""
    for name in (
        *("unclean_files", "files_with_problem", "files_without_history", "files_of_version"),
    ):
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
        sa.CheckConstraint(
            "status IN ('', 'added', 'modified', 'deleted')", name="status_is_known"
        ),
        sqlite_with_rowid=False,
    )
    _copy_files()
    op.drop_table("former_files")
    for name, columns, where in (
        ("unclean_files", ["index_id", "status", "version_id"], "status <> ''"),
        ("files_with_problem", ["index_id", "problem", "version_id", "status"], _WITH_PROBLEM),
        ("files_without_history", ["index_id", "history", "status"], "history IS NULL"),
    ):
        condition = sa.text(where)
        op.create_index(name, "files", columns, sqlite_where=condition, postgresql_where=condition)
    op.create_index("files_of_version", "files", ["version_id"])


def _copy_files() -> None:
    """Row by row, since the mark of a stamp needs 64 bits without a sign. The driver takes the
    values as they are: a hundred worktrees have half a million rows."""
    connection = op.get_bind()
    rows = connection.execute(
        sa.text(
            "SELECT index_id, paths.id, version_id, "
            "CASE WHEN former_files.author = '' THEN 0 ELSE number END, "
            "CASE WHEN status = 'clean' THEN '' ELSE status END, "
            "size, problem, mtime_ns, ctime_ns, inode "
            "FROM former_files JOIN paths ON paths.path = former_files.path "
            "LEFT JOIN file_histories ON file_histories.path_id = paths.id "
            "AND file_histories.author = former_files.author "
            "AND file_histories.changed_at = former_files.changed_at "
            "AND file_histories.created_at = former_files.created_at "
            "ORDER BY index_id, paths.id"
        ),
        execution_options={"stream_results": True},
    )
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    insert = _INSERT_FILE.format(", ".join([mark] * 8))
    for some in rows.partitions(_ROWS):
        connection.exec_driver_sql(insert, [(*row[:7], _stamp(*row[7:])) for row in some])


def _stamp(mtime_ns: int, ctime_ns: int, inode: int) -> int:
    """The times and the inode as one number of 48 bits."""
    mixed = (
        mtime_ns * 0x9E3779B97F4A7C15 + ctime_ns * 0xC2B2AE3D27D4EB4E + inode * 0x165667B19E3779F9
    )
    mark = (mixed & (1 << 64) - 1) >> 16
    return mark - (1 << 48) if mark >> 47 else mark


def downgrade() -> None:
    for name in ("unclean_files", "files_with_problem", "files_without_history"):
        op.drop_index(name, "files")
    op.drop_index("files_of_version", "files")
    op.rename_table("files", "later_files")
    op.rename_table("stale_files", "later_stale_files")
    _make_former_files()
    # The stamps are lost, so that the next scan reads every file.
    op.execute(
        "INSERT INTO files (index_id, path, content_hash, status, size, mtime_ns, ctime_ns, inode, "
        "stale, language, extracted_hash, extractor_version, problem, author, changed_at, "
        "created_at, version_id) "
        "SELECT later_files.index_id, paths.path, "
        "coalesce(later_stale_files.content_hash, versions.content_hash, ''), "
        "CASE WHEN later_files.status = '' THEN 'clean' ELSE later_files.status END, "
        "later_files.size, 0, 0, 0, later_stale_files.path_id IS NOT NULL, versions.language, "
        "versions.content_hash, versions.extractor_version, later_files.problem, "
        "CASE WHEN later_files.history = 0 THEN '' ELSE file_histories.author END, "
        "file_histories.changed_at, file_histories.created_at, later_files.version_id "
        "FROM later_files JOIN paths ON paths.id = later_files.path_id "
        "LEFT JOIN versions ON versions.id = later_files.version_id "
        "LEFT JOIN file_histories ON file_histories.path_id = later_files.path_id "
        "AND file_histories.number = later_files.history "
        "LEFT JOIN later_stale_files ON later_stale_files.index_id = later_files.index_id "
        "AND later_stale_files.path_id = later_files.path_id "
        "ORDER BY later_files.index_id, later_files.path_id"
    )
    op.execute(
        "UPDATE former_versions SET path_id = (SELECT files.id FROM files "
        "JOIN paths ON paths.path = files.path WHERE files.index_id = former_versions.index_id "
        "AND paths.id = former_versions.path_id)"
    )
    op.execute("ALTER TABLE former_versions RENAME COLUMN path_id TO file_id")
    for table in ("later_files", "later_stale_files", "file_histories", "paths"):
        op.drop_table(table)
    for name in ("extractor_version", "content_hash"):
        op.drop_column("versions", name)
    for name, columns, where in (
        ("stale_files", ["index_id", "id"], "stale"),
        ("unclean_files", ["index_id", "status"], "status <> 'clean'"),
        ("files_with_problem", ["index_id", "problem", "language", "status"], _WITH_PROBLEM),
        ("files_without_history", ["index_id"], "author IS NULL"),
    ):
        condition = sa.text(where)
        op.create_index(name, "files", columns, sqlite_where=condition, postgresql_where=condition)
    op.create_index("files_of_version", "files", ["version_id"])


def _make_former_files() -> None:
    op.create_table(
        "files",
        sa.Column("id", _KEY, primary_key=True),
        sa.Column("index_id", _KEY, nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        *(
            sa.Column(name, sa.BigInteger(), nullable=False)
            for name in ("size", "mtime_ns", "ctime_ns", "inode")
        ),
        sa.Column("stale", sa.Boolean(), nullable=False),
        sa.Column("language", sa.String(32), nullable=True),
        sa.Column("extracted_hash", sa.String(64), nullable=True),
        sa.Column("extractor_version", sa.String(64), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("author", sa.Text(), nullable=True),
        sa.Column("changed_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=True),
        sa.Column("version_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "status IN ('clean', 'added', 'modified', 'deleted')", name="status_is_known"
        ),
        sa.ForeignKeyConstraint(["index_id"], ["indexes.id"]),
        sa.UniqueConstraint("index_id", "path"),
        sqlite_autoincrement=True,
    )
