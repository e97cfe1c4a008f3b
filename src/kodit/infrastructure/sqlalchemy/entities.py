"""The tables, one class each. They fit SQLite and PostgreSQL alike.

Times are whole microseconds since 1970 in UTC (columns `*_at`), enumerations are strings with a
check, and structured values are JSON text. Identifiers are never used twice.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
    text,
)

from kodit.infrastructure.sqlalchemy.tables import Base as Base  # noqa: PLC0414 - offered here
from kodit.infrastructure.sqlalchemy.tables import mapped_column

if TYPE_CHECKING:
    from sqlalchemy.orm import Mapped

BigKey = BigInteger().with_variant(Integer, "sqlite")
"""SQLite numbers rows itself only for a column of exactly this type."""

AUTOINCREMENT = {"sqlite_autoincrement": True}


class TaskType(StrEnum):
    """The task types as the database spells them."""

    SYNC = "SYNC"
    EXTRACT = "EXTRACT"
    BM25_INDEX = "BM25_INDEX"
    CODE_EMBEDDINGS = "CODE_EMBEDDINGS"
    ENRICH = "ENRICH"


def one_of(column: str, *values: str) -> CheckConstraint:
    """A check that a column holds one of the values, named after the column."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_is_known")


def table_of(row: type[Base]) -> Table:
    """The table behind a class, for statements that make no objects."""
    return row.__table__


UNCLEAN = text("status <> 'clean'")
STALE = text("stale")
"""Conditions of partial indexes: SQLite uses those only where a query says them word for word."""


class IndexRow(Base):
    """An index: a source, and what its last scan found."""

    __tablename__ = "indexes"
    __table_args__ = (
        one_of("kind", "git", "folder"),
        Index("one_index_per_source", "kind", "location", "ref", "deleted_at", unique=True),
        AUTOINCREMENT,
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    location: Mapped[str]
    ref: Mapped[str] = mapped_column(default="")
    include: Mapped[str] = mapped_column(default="[]")
    exclude: Mapped[str] = mapped_column(default="[]")
    credentials: Mapped[str | None]
    commit_id: Mapped[str | None] = mapped_column(String(64))
    history_commit_id: Mapped[str | None] = mapped_column(String(64))
    scanned_at_ns: Mapped[int] = mapped_column(default=0)
    skipped: Mapped[str] = mapped_column(default="{}")
    keyword_generation: Mapped[str | None] = mapped_column(String(64))
    code_model: Mapped[str | None]
    text_model: Mapped[str | None]
    created_at: Mapped[int]
    updated_at: Mapped[int | None]
    deleted_at: Mapped[int] = mapped_column(default=0)


class FileRow(Base):
    """A file of a working copy."""

    __tablename__ = "files"
    __table_args__ = (
        one_of("status", "clean", "added", "modified", "deleted"),
        UniqueConstraint("index_id", "path"),
        Index("stale_files", "index_id", "id", sqlite_where=STALE, postgresql_where=STALE),
        Index(
            "unclean_files",
            "index_id",
            "status",
            sqlite_where=UNCLEAN,
            postgresql_where=UNCLEAN,
        ),
        AUTOINCREMENT,
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    index_id: Mapped[int] = mapped_column(ForeignKey("indexes.id"))
    path: Mapped[str]
    content_hash: Mapped[str] = mapped_column(String(64))
    status: Mapped[str] = mapped_column(String(16))
    size: Mapped[int] = mapped_column(default=0)
    mtime_ns: Mapped[int] = mapped_column(default=0)
    ctime_ns: Mapped[int] = mapped_column(default=0)
    inode: Mapped[int] = mapped_column(default=0)
    stale: Mapped[bool] = mapped_column(Boolean, default=True)
    language: Mapped[str | None] = mapped_column(String(32))
    extracted_hash: Mapped[str | None] = mapped_column(String(64))
    extractor_version: Mapped[str | None] = mapped_column(String(64))
    problem: Mapped[str | None]
    author: Mapped[str | None]
    changed_at: Mapped[int | None]
    created_at: Mapped[int | None]


class SnippetRow(Base):
    """A piece of a file. `superseded` rows serve an engine until it has the new ones; `removed`
    rows belong to deleted files and serve nobody."""

    __tablename__ = "snippets"
    __table_args__ = (
        one_of("state", "live", "superseded", "removed"),
        Index("snippets_of_file", "file_id", "state"),
        Index("snippets_of_index", "index_id", "state"),
        Index("snippets_of_enrichment", "enrichment_id"),
        Index(
            "snippets_by_symbol",
            text("lower(symbol)"),
            sqlite_where=text("symbol IS NOT NULL"),
            postgresql_where=text("symbol IS NOT NULL"),
        ),
        AUTOINCREMENT,
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    index_id: Mapped[int] = mapped_column(BigInteger)
    file_id: Mapped[int] = mapped_column(ForeignKey("files.id"))
    state: Mapped[str] = mapped_column(String(16))
    start_line: Mapped[int] = mapped_column(Integer)
    end_line: Mapped[int] = mapped_column(Integer)
    language: Mapped[str] = mapped_column(String(32))
    symbol: Mapped[str | None]
    kind: Mapped[str | None] = mapped_column(String(16))
    scope: Mapped[str] = mapped_column(default="")
    content_hash: Mapped[str] = mapped_column(String(32))
    enrichment_id: Mapped[int | None] = mapped_column(BigInteger)
    text: Mapped[str]
    also_defines: Mapped[str | None]


class KeywordChangeRow(Base):
    """The log that the keyword index follows; acknowledged entries are removed.

    What one transaction logged is one `change_set`, and is followed as a whole: the removal of a
    file's old snippets never without the addition of its new ones.
    """

    __tablename__ = "keyword_changes"
    __table_args__ = (
        one_of("op", "add", "remove"),
        Index("keyword_changes_of_index", "index_id", "change_set", "seq"),
        Index("keyword_changes_of_snippet", "snippet_id"),
        AUTOINCREMENT,
    )

    seq: Mapped[int] = mapped_column(BigKey, primary_key=True)
    index_id: Mapped[int]
    file_id: Mapped[int]
    change_set: Mapped[int]
    snippet_id: Mapped[int]
    op: Mapped[str] = mapped_column(String(8))


class PendingSnippetRow(Base):
    """A live snippet that a stage has not finished yet."""

    __tablename__ = "pending_snippets"
    __table_args__ = (
        one_of("stage", "CODE_EMBEDDINGS", "ENRICH"),
        Index("stages_of_pending_snippet", "snippet_id"),
        {"sqlite_with_rowid": False},
    )

    index_id: Mapped[int] = mapped_column(primary_key=True)
    stage: Mapped[str] = mapped_column(String(32), primary_key=True)
    snippet_id: Mapped[int] = mapped_column(primary_key=True)


class EmbeddingRow(Base):
    """A vector, cached by what it was made from. `index_id` is the index that paid for it."""

    __tablename__ = "embeddings"
    __table_args__ = (Index("embeddings_of_index", "index_id"), AUTOINCREMENT)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    index_id: Mapped[int]
    key: Mapped[bytes] = mapped_column(LargeBinary(16), unique=True)
    code: Mapped[bytes] = mapped_column(LargeBinary)
    vector: Mapped[bytes] = mapped_column(LargeBinary)


class VectorRow(Base):
    """Which snippet has which embedding; rows of one index and kind lie together, so that a
    search reads its 1-bit codes in one sweep."""

    __tablename__ = "vectors"
    __table_args__ = (
        one_of("kind", "code", "text"),
        Index("vectors_of_snippet", "snippet_id"),
        Index("vectors_of_embedding", "embedding_id"),
        {"sqlite_with_rowid": False},
    )

    index_id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(8), primary_key=True)
    snippet_id: Mapped[int] = mapped_column(primary_key=True)
    file_id: Mapped[int]
    embedding_id: Mapped[int]
    model: Mapped[str]
    code: Mapped[bytes] = mapped_column(LargeBinary)


class EnrichmentRow(Base):
    """An enriched text, cached by what it was made from."""

    __tablename__ = "enrichments"
    __table_args__ = (Index("enrichments_of_index", "index_id"), AUTOINCREMENT)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    index_id: Mapped[int]
    key: Mapped[bytes] = mapped_column(LargeBinary(16), unique=True)
    text: Mapped[str]


class IndexRunRow(Base):
    """One indexing of one index."""

    __tablename__ = "index_runs"
    __table_args__ = (
        one_of("state", "queued", "running", "succeeded", "failed", "cancelled", "superseded"),
        Index("runs_of_index", "index_id", "id"),
        Index(
            "one_active_and_one_waiting_run",
            "index_id",
            "is_follow_up",
            unique=True,
            sqlite_where=text("state IN ('queued', 'running')"),
            postgresql_where=text("state IN ('queued', 'running')"),
        ),
        AUTOINCREMENT,
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    index_id: Mapped[int | None]
    state: Mapped[str] = mapped_column(String(16))
    is_follow_up: Mapped[bool] = mapped_column(Boolean)
    cancel_requested: Mapped[bool] = mapped_column(Boolean)
    created_at: Mapped[int]
    started_at: Mapped[int | None]
    finished_at: Mapped[int | None]


class TaskRow(Base):
    """One stage of one run. `type` has no check: a newer Kodit may have queued a type that this
    one does not know, and such a task is failed rather than refused.

    `run_has_started` repeats the run's `started_at IS NOT NULL` for the order that needs it. The
    index `claim_order` holds all that finding the next task reads.
    """

    __tablename__ = "tasks"
    __table_args__ = (
        one_of(
            "state", "blocked", "ready", "running", "succeeded", "failed", "skipped", "cancelled"
        ),
        Index("tasks_of_run", "run_id"),
        Index("tasks_of_index", "index_id"),
        Index(
            "claim_order",
            text("priority DESC"),
            text("is_user_initiated DESC"),
            "created_at",
            "id",
            "available_at",
            "type",
            "run_has_started",
            "state",
            sqlite_where=text("state = 'ready'"),
            postgresql_where=text("state = 'ready'"),
        ),
        Index(
            "running_tasks",
            "type",
            sqlite_where=text("state = 'running'"),
            postgresql_where=text("state = 'running'"),
        ),
        AUTOINCREMENT,
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("index_runs.id"))
    index_id: Mapped[int | None]
    type: Mapped[str] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(16))
    priority: Mapped[int] = mapped_column(Integer)
    is_user_initiated: Mapped[bool] = mapped_column(Boolean)
    run_has_started: Mapped[bool] = mapped_column(Boolean)
    payload: Mapped[str]
    claim_no: Mapped[int] = mapped_column(default=0)
    worker: Mapped[str | None]
    lease_expires_at: Mapped[int | None]
    failures: Mapped[int] = mapped_column(Integer, default=0)
    cancel_requested: Mapped[bool] = mapped_column(Boolean, default=False)
    available_at: Mapped[int]
    created_at: Mapped[int]
    started_at: Mapped[int | None]
    finished_at: Mapped[int | None]
    progress_operation: Mapped[str | None]
    progress_current: Mapped[int] = mapped_column(default=0)
    progress_total: Mapped[int | None]
    work: Mapped[str] = mapped_column(default="{}")
    error: Mapped[str | None]


class QueuePauseRow(Base):
    """The queue is paused while this table has its one row."""

    __tablename__ = "queue_pauses"
    __table_args__ = (CheckConstraint("id = 1", name="only_one_pause"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    paused_at: Mapped[int]


class TaskAttemptRow(Base):
    """One claim of a task."""

    __tablename__ = "task_attempts"
    __table_args__ = (
        one_of("outcome", "succeeded", "failed", "retried", "released", "lost", "cancelled"),
        {"sqlite_with_rowid": False},
    )

    task_id: Mapped[int] = mapped_column(ForeignKey("tasks.id"), primary_key=True)
    claim_no: Mapped[int] = mapped_column(primary_key=True)
    worker: Mapped[str]
    started_at: Mapped[int]
    finished_at: Mapped[int | None]
    outcome: Mapped[str | None] = mapped_column(String(16))
    error: Mapped[str | None]
