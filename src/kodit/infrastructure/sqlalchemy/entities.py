"""The tables. They fit SQLite and PostgreSQL alike.

Times are whole microseconds since 1970 in UTC (columns `*_at`), enumerations are strings with a
check, and structured values are JSON text. Identifiers are never used twice.
"""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Named,
    String,
    Table,
    Text,
    TypedColumns,
    UniqueConstraint,
    text,
)

BigKey = BigInteger().with_variant(Integer, "sqlite")
"""SQLite numbers rows itself only for a column of exactly this type."""

METADATA = MetaData()
"""All tables."""


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


UNCLEAN = text("status <> 'clean'")
STALE = text("stale")
WITH_PROBLEM = text("problem IS NOT NULL")
UNFINISHED = text("state IN ('queued', 'running')")
ENDED = text("finished_at IS NOT NULL")
BACKED_OFF = text("state = 'ready' AND available_at > 0")
"""Conditions of partial indexes: SQLite uses those only where a query says them word for word."""


class IndexColumns(TypedColumns):
    """An index: a source, and what its last scan found."""

    id: Named[int] = Column(BigKey, primary_key=True)
    kind: Named[str] = Column(String(16))
    location: Named[str] = Column(Text)
    ref: Named[str] = Column(Text, default="")
    include: Named[str] = Column(Text, default="[]")
    exclude: Named[str] = Column(Text, default="[]")
    credentials: Named[str | None] = Column(Text)
    confinement: Named[str | None] = Column(Text)
    commit_id: Named[str | None] = Column(String(64))
    history_commit_id: Named[str | None] = Column(String(64))
    scanned_at_ns: Named[int] = Column(BigInteger, default=0)
    skipped: Named[str] = Column(Text, default="{}")
    keyword_generation: Named[str | None] = Column(String(64))
    code_model: Named[str | None] = Column(Text)
    text_model: Named[str | None] = Column(Text)
    created_at: Named[int] = Column(BigInteger)
    updated_at: Named[int | None] = Column(BigInteger)
    deleted_at: Named[int] = Column(BigInteger, default=0)


INDEXES = Table(
    "indexes",
    METADATA,
    IndexColumns,
    one_of("kind", "git", "folder"),
    Index("one_index_per_source", "kind", "location", "ref", "deleted_at", unique=True),
    sqlite_autoincrement=True,
)


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
    changed_at: Named[int | None] = Column(BigInteger)
    created_at: Named[int | None] = Column(BigInteger)


FILES = Table(
    "files",
    METADATA,
    FileColumns,
    one_of("status", "clean", "added", "modified", "deleted"),
    UniqueConstraint("index_id", "path"),
    Index("stale_files", "index_id", "id", sqlite_where=STALE, postgresql_where=STALE),
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
    sqlite_autoincrement=True,
)


class SnippetColumns(TypedColumns):
    """A piece of a file. `superseded` rows serve an engine until it has the new ones; `removed`
    rows belong to deleted files and serve nobody."""

    id: Named[int] = Column(BigKey, primary_key=True)
    index_id: Named[int] = Column(BigInteger)
    file_id: Named[int] = Column(BigKey, ForeignKey("files.id"))
    state: Named[str] = Column(String(16))
    start_line: Named[int] = Column(Integer)
    end_line: Named[int] = Column(Integer)
    language: Named[str] = Column(String(32))
    symbol: Named[str | None] = Column(Text)
    kind: Named[str | None] = Column(String(16))
    scope: Named[str] = Column(Text, default="")
    content_hash: Named[str] = Column(String(32))
    enrichment_id: Named[int | None] = Column(BigInteger)
    text: Named[str] = Column(Text)
    also_defines: Named[str | None] = Column(Text)


SNIPPETS = Table(
    "snippets",
    METADATA,
    SnippetColumns,
    one_of("state", "live", "superseded", "removed"),
    Index("snippets_of_file", "file_id", "state"),
    Index("snippets_of_index", "index_id", "state", "kind"),
    Index("snippets_of_enrichment", "enrichment_id"),
    Index(
        "snippets_by_symbol",
        text("lower(symbol)"),
        sqlite_where=text("symbol IS NOT NULL"),
        postgresql_where=text("symbol IS NOT NULL"),
    ),
    sqlite_autoincrement=True,
)


class KeywordChangeColumns(TypedColumns):
    """The log that the keyword index follows; acknowledged entries are removed.

    What one transaction logged is one `change_set`, and is followed as a whole: the removal of a
    file's old snippets never without the addition of its new ones.
    """

    seq: Named[int] = Column(BigKey, primary_key=True)
    index_id: Named[int] = Column(BigInteger)
    file_id: Named[int] = Column(BigInteger)
    change_set: Named[int] = Column(BigInteger)
    snippet_id: Named[int] = Column(BigInteger)
    op: Named[str] = Column(String(8))


KEYWORD_CHANGES = Table(
    "keyword_changes",
    METADATA,
    KeywordChangeColumns,
    one_of("op", "add", "remove"),
    Index("keyword_changes_of_index", "index_id", "change_set", "seq"),
    Index("keyword_changes_of_snippet", "snippet_id"),
    sqlite_autoincrement=True,
)


class PendingSnippetColumns(TypedColumns):
    """A live snippet that a stage has not finished yet."""

    index_id: Named[int] = Column(BigInteger, primary_key=True)
    stage: Named[str] = Column(String(32), primary_key=True)
    snippet_id: Named[int] = Column(BigInteger, primary_key=True)


PENDING_SNIPPETS = Table(
    "pending_snippets",
    METADATA,
    PendingSnippetColumns,
    one_of("stage", "CODE_EMBEDDINGS", "ENRICH"),
    Index("stages_of_pending_snippet", "snippet_id"),
    sqlite_with_rowid=False,
)


class EmbeddingColumns(TypedColumns):
    """A vector, cached by what it was made from. `index_id` is the index that paid for it."""

    id: Named[int] = Column(BigKey, primary_key=True)
    index_id: Named[int] = Column(BigInteger)
    key: Named[bytes] = Column(LargeBinary(16), unique=True)
    code: Named[bytes] = Column(LargeBinary)
    vector: Named[bytes] = Column(LargeBinary)


EMBEDDINGS = Table(
    "embeddings",
    METADATA,
    EmbeddingColumns,
    Index("embeddings_of_index", "index_id"),
    sqlite_autoincrement=True,
)


class VectorColumns(TypedColumns):
    """Which snippet has which embedding; rows of one index and kind lie together, so that a
    search reads its 1-bit codes in one sweep."""

    index_id: Named[int] = Column(BigInteger, primary_key=True)
    kind: Named[str] = Column(String(8), primary_key=True)
    snippet_id: Named[int] = Column(BigInteger, primary_key=True)
    file_id: Named[int] = Column(BigInteger)
    embedding_id: Named[int] = Column(BigInteger)
    model: Named[str] = Column(Text)
    code: Named[bytes] = Column(LargeBinary)


VECTORS = Table(
    "vectors",
    METADATA,
    VectorColumns,
    one_of("kind", "code", "text"),
    Index("vectors_of_snippet", "snippet_id"),
    Index("vectors_of_embedding", "embedding_id"),
    sqlite_with_rowid=False,
)


class EnrichmentColumns(TypedColumns):
    """An enriched text, cached by what it was made from."""

    id: Named[int] = Column(BigKey, primary_key=True)
    index_id: Named[int] = Column(BigInteger)
    key: Named[bytes] = Column(LargeBinary(16), unique=True)
    text: Named[str] = Column(Text)


ENRICHMENTS = Table(
    "enrichments",
    METADATA,
    EnrichmentColumns,
    Index("enrichments_of_index", "index_id"),
    sqlite_autoincrement=True,
)


class IndexRunColumns(TypedColumns):
    """One indexing of one index."""

    id: Named[int] = Column(BigKey, primary_key=True)
    index_id: Named[int | None] = Column(BigInteger)
    state: Named[str] = Column(String(16))
    is_follow_up: Named[bool] = Column(Boolean)
    cancel_requested: Named[bool] = Column(Boolean)
    created_at: Named[int] = Column(BigInteger)
    started_at: Named[int | None] = Column(BigInteger)
    finished_at: Named[int | None] = Column(BigInteger)


INDEX_RUNS = Table(
    "index_runs",
    METADATA,
    IndexRunColumns,
    one_of("state", "queued", "running", "succeeded", "failed", "cancelled", "superseded"),
    Index("runs_of_index", "index_id", "id"),
    Index("runs_by_rank", "index_id", "is_follow_up", text("id DESC")),
    Index("runs_by_state", "state", "id"),
    Index(
        "failed_runs",
        "index_id",
        sqlite_where=text("state = 'failed'"),
        postgresql_where=text("state = 'failed'"),
    ),
    Index("runs_by_end", "finished_at", "id", sqlite_where=ENDED, postgresql_where=ENDED),
    Index(
        "one_active_and_one_waiting_run",
        "index_id",
        "is_follow_up",
        unique=True,
        sqlite_where=UNFINISHED,
        postgresql_where=UNFINISHED,
    ),
    sqlite_autoincrement=True,
)


class TaskColumns(TypedColumns):
    """One stage of one run. `type` has no check: a newer Kodit may have queued a type that this
    one does not know, and such a task is failed rather than refused.

    `run_has_started` repeats the run's `started_at IS NOT NULL` for the order that needs it. The
    index `claim_order` holds all that finding the next task reads.
    """

    id: Named[int] = Column(BigKey, primary_key=True)
    run_id: Named[int] = Column(BigKey, ForeignKey("index_runs.id"))
    index_id: Named[int | None] = Column(BigInteger)
    type: Named[str] = Column(String(32))
    state: Named[str] = Column(String(16))
    priority: Named[int] = Column(Integer)
    is_user_initiated: Named[bool] = Column(Boolean)
    run_has_started: Named[bool] = Column(Boolean)
    payload: Named[str] = Column(Text)
    claim_no: Named[int] = Column(BigInteger, default=0)
    worker: Named[str | None] = Column(Text)
    lease_expires_at: Named[int | None] = Column(BigInteger)
    failures: Named[int] = Column(Integer, default=0)
    cancel_requested: Named[bool] = Column(Boolean, default=False)
    available_at: Named[int] = Column(BigInteger)
    created_at: Named[int] = Column(BigInteger)
    started_at: Named[int | None] = Column(BigInteger)
    finished_at: Named[int | None] = Column(BigInteger)
    progress_operation: Named[str | None] = Column(Text)
    progress_current: Named[int] = Column(BigInteger, default=0)
    progress_total: Named[int | None] = Column(BigInteger)
    work: Named[str] = Column(Text, default="{}")
    error: Named[str | None] = Column(Text)


TASKS = Table(
    "tasks",
    METADATA,
    TaskColumns,
    one_of("state", "blocked", "ready", "running", "succeeded", "failed", "skipped", "cancelled"),
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
        "state",
        "type",
        sqlite_where=text("state = 'running'"),
        postgresql_where=text("state = 'running'"),
    ),
    Index(
        "tasks_in_back_off", "available_at", sqlite_where=BACKED_OFF, postgresql_where=BACKED_OFF
    ),
    sqlite_autoincrement=True,
)


class QueuePauseColumns(TypedColumns):
    """The queue is paused while this table has its one row."""

    id: Named[int] = Column(Integer, primary_key=True, autoincrement=False)
    paused_at: Named[int] = Column(BigInteger)


QUEUE_PAUSES = Table(
    "queue_pauses", METADATA, QueuePauseColumns, CheckConstraint("id = 1", name="only_one_pause")
)


class TaskAttemptColumns(TypedColumns):
    """One claim of a task."""

    task_id: Named[int] = Column(BigKey, ForeignKey("tasks.id"), primary_key=True)
    claim_no: Named[int] = Column(BigInteger, primary_key=True)
    worker: Named[str] = Column(Text)
    started_at: Named[int] = Column(BigInteger)
    finished_at: Named[int | None] = Column(BigInteger)
    outcome: Named[str | None] = Column(String(16))
    error: Named[str | None] = Column(Text)


TASK_ATTEMPTS = Table(
    "task_attempts",
    METADATA,
    TaskAttemptColumns,
    one_of("outcome", "succeeded", "failed", "retried", "released", "lost", "cancelled"),
    sqlite_with_rowid=False,
)
