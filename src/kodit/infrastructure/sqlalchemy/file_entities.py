"""The tables of files and of their versions."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
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

from kodit.infrastructure.sqlalchemy.metadata import METADATA, ON_SERVERS, BigKey, one_of

# Conditions of partial indexes: SQLite uses one only if a query spells its condition identically,
# and here only if the index has every column that the query needs: the table itself is one too.
UNCLEAN = text("status <> ''")
WITH_PROBLEM = text("problem IS NOT NULL")
WITHOUT_HISTORY = text("history IS NULL")
NO_HISTORY = 0
"""The number of the history of a file that no commit has."""


class PathColumns(TypedColumns):
    """The path of files of any number of indexes, relative to their sources."""

    id: Named[int] = Column(BigKey, primary_key=True)
    path: Named[str] = Column(Text)


PATHS = Table("paths", METADATA, PathColumns, UniqueConstraint("path"), sqlite_autoincrement=True)


class FileHistoryColumns(TypedColumns):
    """Who last changed the files at a path, when, and when they were first committed. The numbers
    of a path begin with 1; indexes in which its file has the same history have the same number."""

    path_id: Named[int] = Column(BigInteger, primary_key=True)
    number: Named[int] = Column(BigInteger, primary_key=True)
    author: Named[str] = Column(Text)
    changed_at: Named[int] = Column(BigInteger)
    created_at: Named[int] = Column(BigInteger)


FILE_HISTORIES = Table("file_histories", METADATA, FileHistoryColumns, sqlite_with_rowid=False)


class FileColumns(TypedColumns):
    """A file of a working copy. There is one row for each file of each worktree, so that what can
    be the same in several is elsewhere, and what most files have takes no byte.

    `version_id` is that of the extracted content, None until there is one. `history` is a number of
    `file_histories`, None until the history was read. `status` is empty for a clean file, and else
    a letter: a row that gets shorter leaves a gap in its page, and every file was added once.
    `stamp` is that of `FileStamp`. `problem` is that of the version.
    """

    index_id: Named[int] = Column(BigInteger, ForeignKey("indexes.id"), primary_key=True)
    path_id: Named[int] = Column(BigInteger, primary_key=True)
    version_id: Named[int | None] = Column(BigInteger)
    history: Named[int | None] = Column(BigInteger)
    status: Named[str] = Column(String(16), default="")
    size: Named[int] = Column(BigInteger, default=0)
    stamp: Named[int] = Column(BigInteger, default=0)
    problem: Named[str | None] = Column(Text)


FILES = Table(
    "files",
    METADATA,
    FileColumns,
    one_of("status", "", "a", "m", "d"),
    Index(
        "files_without_history",
        "index_id",
        "history",
        "status",
        sqlite_where=WITHOUT_HISTORY,
    ),
    Index(
        "unclean_files",
        "index_id",
        "status",
        "version_id",
        sqlite_where=UNCLEAN,
    ),
    Index(
        "files_with_problem",
        "index_id",
        "problem",
        "version_id",
        "status",
        sqlite_where=WITH_PROBLEM,
    ),
    Index("files_of_version", "version_id"),
    sqlite_with_rowid=False,
)


class StaleFileColumns(TypedColumns):
    """A file whose snippets do not match its content, and the hash of what the last scan found.
    Any other file has the content of its version."""

    index_id: Named[int] = Column(BigInteger, primary_key=True)
    path_id: Named[int] = Column(BigInteger, primary_key=True)
    content_hash: Named[str] = Column(String(64))


STALE_FILES = Table("stale_files", METADATA, StaleFileColumns, sqlite_with_rowid=False)


class VersionColumns(TypedColumns):
    """The content of a file, which owns the snippets made from it; files of any number of indexes
    may have it. `index_id` is the index that brought it: its *store*, in which the engines keep the
    snippets, also when that index is deleted.

    `content_key` is a hash of everything that the snippets depend on, and `digest` the beginning of
    one of the git blob id, by which a version is found before the bytes are read. `language` and
    `problem` are those of the files, `content_hash` is their blob id, and null once the snippets
    are those of no file, and `extractor_version` says which extractor made them. `unused_since` is
    when the last index lost it, 0 if not dated yet, and `unused_bytes` the size of its text; both
    are null as long as it is used.
    """

    id: Named[int] = Column(BigKey, primary_key=True)
    index_id: Named[int] = Column(BigInteger)
    path: Named[str] = Column(Text)
    digest: Named[int | None] = Column(BigInteger)
    content_key: Named[bytes | None] = Column(LargeBinary(32))
    language: Named[str | None] = Column(String(32))
    problem: Named[str | None] = Column(Text)
    content_hash: Named[str | None] = Column(String(64))
    extractor_version: Named[str | None] = Column(String(64))
    unused_since: Named[int | None] = Column(BigInteger)
    unused_bytes: Named[int | None] = Column(BigInteger)


UNUSED_VERSION = text("unused_since IS NOT NULL")
VERSIONS = Table(
    "versions",
    METADATA,
    VersionColumns,
    Index("versions_of_index", "index_id"),
    Index("versions_by_digest", "digest"),
    # Transactions that write at the same time do not see what the other one brings.
    Index("one_version_per_content", "content_key", unique=True, info=ON_SERVERS).ddl_if(
        dialect="postgresql"
    ),
    Index(
        "unused_versions",
        "index_id",
        "unused_since",
        "unused_bytes",
        sqlite_where=UNUSED_VERSION,
    ),
    sqlite_autoincrement=True,
)


class FormerVersionColumns(TypedColumns):
    """A former version of a file, whose snippets an engine may still search."""

    index_id: Named[int] = Column(BigInteger, primary_key=True)
    path_id: Named[int] = Column(BigInteger, primary_key=True)
    version_id: Named[int] = Column(BigInteger, primary_key=True)


FORMER_VERSIONS = Table(
    "former_versions",
    METADATA,
    FormerVersionColumns,
    Index("files_of_former_version", "version_id"),
    sqlite_with_rowid=False,
)
