"""The tables of files and of their versions."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    Named,
    String,
    Table,
    Text,
    TypedColumns,
    UniqueConstraint,
    text,
)

from kodit.infrastructure.sqlalchemy.metadata import METADATA, BigKey, one_of

# Conditions of partial indexes: SQLite uses one only if a query spells its condition identically.
UNCLEAN = text("status <> 'clean'")
STALE = text("stale")
WITH_PROBLEM = text("problem IS NOT NULL")
WITHOUT_HISTORY = text("author IS NULL")


class FileColumns(TypedColumns):
    """A file of a working copy."""

    id: Named[int] = Column(BigKey, primary_key=True)
    index_id: Named[int] = Column(BigKey, ForeignKey("indexes.id"))
    path: Named[str] = Column(Text)
    content_hash: Named[str] = Column(String(64))
    status: Named[str] = Column(String(16))
    size: Named[int] = Column(BigInteger, default=0)
    mtime_ns: Named[int] = Column(BigInteger, default=0)
    ctime_ns: Named[int] = Column(BigInteger, default=0)
    inode: Named[int] = Column(BigInteger, default=0)
    stale: Named[bool] = Column(Boolean, default=True)
    language: Named[str | None] = Column(String(32))
    extracted_hash: Named[str | None] = Column(String(64))
    extractor_version: Named[str | None] = Column(String(64))
    problem: Named[str | None] = Column(Text)
    author: Named[str | None] = Column(Text)
    """None until the history was read, "" if it has no entry for the file."""
    changed_at: Named[int | None] = Column(BigInteger)
    created_at: Named[int | None] = Column(BigInteger)
    version_id: Named[int | None] = Column(BigInteger)
    """That of the extracted content, None until there is one."""


FILES = Table(
    "files",
    METADATA,
    FileColumns,
    one_of("status", "clean", "added", "modified", "deleted"),
    UniqueConstraint("index_id", "path"),
    Index("stale_files", "index_id", "id", sqlite_where=STALE, postgresql_where=STALE),
    Index(
        "files_without_history",
        "index_id",
        sqlite_where=WITHOUT_HISTORY,
        postgresql_where=WITHOUT_HISTORY,
    ),
    Index("unclean_files", "index_id", "status", sqlite_where=UNCLEAN, postgresql_where=UNCLEAN),
    Index(
        "files_with_problem",
        "index_id",
        "problem",
        "language",
        "status",
        sqlite_where=WITH_PROBLEM,
        postgresql_where=WITH_PROBLEM,
    ),
    Index("files_of_version", "version_id"),
    sqlite_autoincrement=True,
)


class VersionColumns(TypedColumns):
    """The content of a file, which owns the snippets made from it; files of any number of indexes
    may have it. `index_id` is the index that brought it: its *store*, in which the engines keep the
    snippets, also when that index is deleted.

    `content_key` is a hash of everything that the snippets depend on, and `digest` the beginning of
    the git blob id, by which a version is found before the bytes are read. `language` and `problem`
    are those of the files. `unused_since` is when the last index lost it, 0 if not dated yet, and
    `unused_bytes` the size of its text; both are null as long as it is used.
    """

    id: Named[int] = Column(BigKey, primary_key=True)
    index_id: Named[int] = Column(BigInteger)
    path: Named[str] = Column(Text)
    digest: Named[int | None] = Column(BigInteger)
    content_key: Named[bytes | None] = Column(LargeBinary(32))
    language: Named[str | None] = Column(String(32))
    problem: Named[str | None] = Column(Text)
    unused_since: Named[int | None] = Column(BigInteger)
    unused_bytes: Named[int | None] = Column(BigInteger)


UNUSED_VERSION = text("unused_since IS NOT NULL")
VERSIONS = Table(
    "versions",
    METADATA,
    VersionColumns,
    Index("versions_of_index", "index_id"),
    Index("versions_by_digest", "digest"),
    Index(
        "unused_versions",
        "index_id",
        "unused_since",
        "unused_bytes",
        sqlite_where=UNUSED_VERSION,
        postgresql_where=UNUSED_VERSION,
    ),
    sqlite_autoincrement=True,
)


class FormerVersionColumns(TypedColumns):
    """A former version of a file, whose snippets an engine may still search."""

    index_id: Named[int] = Column(BigInteger, primary_key=True)
    file_id: Named[int] = Column(BigInteger, primary_key=True)
    version_id: Named[int] = Column(BigInteger, primary_key=True)


FORMER_VERSIONS = Table(
    "former_versions",
    METADATA,
    FormerVersionColumns,
    Index("files_of_former_version", "version_id"),
    sqlite_with_rowid=False,
)
