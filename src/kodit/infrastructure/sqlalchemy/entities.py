"""The tables, which work on SQLite and PostgreSQL alike.

Those of files and of the queue are in modules of their own; import all of them from here.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Named,
    String,
    Table,
    Text,
    TypedColumns,
    false,
    text,
)

from kodit.infrastructure.sql.task_types import TaskType
from kodit.infrastructure.sqlalchemy.endpoint_entities import (
    EMBEDDING_MODELS,
    ENDPOINT_BILLS,
    ENDPOINT_PLACES,
    ENDPOINTS,
    REFUSED_SNIPPETS,
)
from kodit.infrastructure.sqlalchemy.file_entities import (
    FILE_HISTORIES,
    FILES,
    FORMER_VERSIONS,
    NO_HISTORY,
    PATHS,
    STALE_FILES,
    UNCLEAN,
    VERSIONS,
    WITH_PROBLEM,
    WITHOUT_HISTORY,
)
from kodit.infrastructure.sqlalchemy.metadata import METADATA, BigKey, one_of
from kodit.infrastructure.sqlalchemy.node_entities import (
    KEYWORD_HISTORY,
    NODE_CURSORS,
    NODE_PACKS,
    NODES,
)
from kodit.infrastructure.sqlalchemy.queue_entities import (
    BACKED_OFF,
    ENDED,
    INDEX_RUNS,
    QUEUE_PAUSES,
    TASK_ATTEMPTS,
    TASKS,
    UNFINISHED,
    WORKERS,
)

__all__ = [
    "BACKED_OFF",
    "DELETED_FOLDERS",
    "DESCRIPTIONS",
    "EMBEDDINGS",
    "EMBEDDING_MODELS",
    "ENDED",
    "ENDPOINTS",
    "ENDPOINT_BILLS",
    "ENDPOINT_PLACES",
    "ENRICHMENTS",
    "FILES",
    "FILE_HISTORIES",
    "FORMER_VERSIONS",
    "INDEXES",
    "INDEX_RUNS",
    "KEYWORD_CHANGES",
    "KEYWORD_HISTORY",
    "METADATA",
    "NODES",
    "NODE_CURSORS",
    "NODE_PACKS",
    "NO_HISTORY",
    "PATHS",
    "PENDING_SNIPPETS",
    "QUEUE_PAUSES",
    "REFUSED_SNIPPETS",
    "SNIPPETS",
    "SNIPPET_TEXTS",
    "STALE_FILES",
    "TASKS",
    "TASK_ATTEMPTS",
    "UNCLEAN",
    "UNFINISHED",
    "VECTORS",
    "VERSIONS",
    "WITHOUT_HISTORY",
    "WITH_PROBLEM",
    "WORKERS",
    "BigKey",
    "TaskType",
    "one_of",
]


UNUSED = text("unused_since IS NOT NULL")
"""The condition of a partial index: SQLite uses the index only if a query spells it identically."""


class IndexColumns(TypedColumns):
    """An index: a source, and the result of its last scan.

    `keyword_*` are the position up to which the keyword index has followed the log, the last two
    empty if it was started from nothing; `*_pack` are the tokens of vector packs made from this
    database. An engine's data is trusted only if it has the same values.

    `members` counts the transactions that have changed which versions the index has. `shares` is
    false as long as its versions are exactly those of its store. A deleted index with `is_store`
    stays for the versions in its store that other indexes have. `host` is the machine that has the
    folder, empty if every machine that uses the database has the source.
    """

    id: Named[int] = Column(BigKey, primary_key=True)
    kind: Named[str] = Column(String(16))
    location: Named[str] = Column(Text)
    ref: Named[str] = Column(Text, default="")
    host: Named[str] = Column(Text, default="", server_default="")
    include: Named[str] = Column(Text, default="[]")
    exclude: Named[str] = Column(Text, default="[]")
    submodules: Named[bool | None] = Column(Boolean)
    credentials: Named[str | None] = Column(Text)
    confinement: Named[str | None] = Column(Text)
    sync_every: Named[int | None] = Column(Integer)
    commit_id: Named[str | None] = Column(String(64))
    history_commit_id: Named[str | None] = Column(String(64))
    scanned_at_ns: Named[int] = Column(BigInteger, default=0)
    skipped: Named[str] = Column(Text, default="{}")
    keyword_generation: Named[str | None] = Column(String(64))
    keyword_seq: Named[int | None] = Column(BigInteger)
    keyword_token: Named[int | None] = Column(BigInteger)
    code_pack: Named[str | None] = Column(String(32))
    text_pack: Named[str | None] = Column(String(32))
    code_model: Named[str | None] = Column(Text)
    text_model: Named[str | None] = Column(Text)
    created_at: Named[int] = Column(BigInteger)
    updated_at: Named[int | None] = Column(BigInteger)
    deleted_at: Named[int] = Column(BigInteger, default=0)
    members: Named[int] = Column(BigInteger, default=0, server_default="0")
    shares: Named[bool] = Column(Boolean, default=False, server_default=false())
    is_store: Named[bool] = Column(Boolean, default=False, server_default=false())


INDEXES = Table(
    "indexes",
    METADATA,
    IndexColumns,
    one_of("kind", "git", "folder"),
    Index("one_index_per_source", "kind", "location", "ref", "host", "deleted_at", unique=True),
    sqlite_autoincrement=True,
)


class DeletedFolderColumns(TypedColumns):
    """A folder whose index was deleted on request, and that was not requested again since."""

    location: Named[str] = Column(Text, primary_key=True)
    host: Named[str] = Column(Text, primary_key=True, default="", server_default="")
    deleted_at: Named[int] = Column(BigInteger)


DELETED_FOLDERS = Table("deleted_folders", METADATA, DeletedFolderColumns)


class SnippetTextColumns(TypedColumns):
    """The text of any number of snippets: most of a file is the same in its next version. `key` is
    a hash of the text."""

    id: Named[int] = Column(BigKey, primary_key=True)
    key: Named[bytes] = Column(LargeBinary(16), unique=True)
    text: Named[str] = Column(Text)


SNIPPET_TEXTS = Table("snippet_texts", METADATA, SnippetTextColumns, sqlite_autoincrement=True)


class SnippetColumns(TypedColumns):
    """A piece of a version of a file. `superseded` rows are searched by an engine until it has the
    new ones; `removed` rows belong to deleted files and are never searched. Rows of an earlier
    release have a `text` of their own; all others have a `text_id`.
    """

    id: Named[int] = Column(BigKey, primary_key=True)
    index_id: Named[int] = Column(BigInteger)
    version_id: Named[int] = Column(BigKey, ForeignKey("versions.id"))
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
    mentions: Named[str | None] = Column(Text)
    minor_symbols: Named[str | None] = Column(Text)
    extents: Named[str | None] = Column(Text)
    text_id: Named[int | None] = Column(BigInteger)


SNIPPETS = Table(
    "snippets",
    METADATA,
    SnippetColumns,
    one_of("state", "live", "superseded", "removed"),
    Index("snippets_of_file", "version_id", "state"),
    Index("snippets_of_index", "index_id", "state", "kind"),
    Index("snippets_of_enrichment", "enrichment_id"),
    Index("snippets_of_text", "text_id"),
    Index(
        "snippets_by_symbol",
        text("lower(symbol)"),
        sqlite_where=text("symbol IS NOT NULL"),
    ),
    sqlite_autoincrement=True,
)


class KeywordChangeColumns(TypedColumns):
    """The log that the keyword index follows; acknowledged entries are removed.

    The changes logged by one transaction are one `change_set`, and are applied together: the
    removal of a file's old snippets never without the addition of its new ones. Its `token` is
    random, because a database restored from an older copy assigns numbers again.
    """

    seq: Named[int] = Column(BigKey, primary_key=True)
    index_id: Named[int] = Column(BigInteger)
    version_id: Named[int] = Column(BigInteger)
    change_set: Named[int] = Column(BigInteger)
    snippet_id: Named[int] = Column(BigInteger)
    op: Named[str] = Column(String(8))
    token: Named[int] = Column(BigInteger)


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
    """A vector, cached by its input. `index_id` is the index that made it.

    `unused_since` is when its last user went, 0 if not dated yet, and `unused_bytes` its size; both
    are null as long as it is used.
    """

    id: Named[int] = Column(BigKey, primary_key=True)
    index_id: Named[int] = Column(BigInteger)
    key: Named[bytes] = Column(LargeBinary(16), unique=True)
    code: Named[bytes] = Column(LargeBinary)
    vector: Named[bytes] = Column(LargeBinary)
    unused_since: Named[int | None] = Column(BigInteger)
    unused_bytes: Named[int | None] = Column(BigInteger)


EMBEDDINGS = Table(
    "embeddings",
    METADATA,
    EmbeddingColumns,
    Index("embeddings_of_index", "index_id"),
    Index(
        "unused_embeddings",
        "unused_since",
        "unused_bytes",
        sqlite_where=UNUSED,
    ),
    sqlite_autoincrement=True,
)


class VectorColumns(TypedColumns):
    """The embedding of each snippet; rows of one index and kind are adjacent, so that a search
    reads its 1-bit codes sequentially.
    """

    index_id: Named[int] = Column(BigInteger, primary_key=True)
    kind: Named[str] = Column(String(8), primary_key=True)
    snippet_id: Named[int] = Column(BigInteger, primary_key=True)
    version_id: Named[int] = Column(BigInteger)
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
    """An enriched text, cached by its input; otherwise like an embedding."""

    id: Named[int] = Column(BigKey, primary_key=True)
    index_id: Named[int] = Column(BigInteger)
    key: Named[bytes] = Column(LargeBinary(16), unique=True)
    text: Named[str] = Column(Text)
    unused_since: Named[int | None] = Column(BigInteger)
    unused_bytes: Named[int | None] = Column(BigInteger)


ENRICHMENTS = Table(
    "enrichments",
    METADATA,
    EnrichmentColumns,
    Index("enrichments_of_index", "index_id"),
    Index(
        "unused_enrichments",
        "unused_since",
        "unused_bytes",
        sqlite_where=UNUSED,
    ),
    sqlite_autoincrement=True,
)


class DescriptionColumns(TypedColumns):
    """What searches find in a description: a line about a subject, its place, and its search terms,
    each between two spaces. `key` is a hash of all that."""

    id: Named[int] = Column(BigKey, primary_key=True)
    index_id: Named[int] = Column(BigInteger)
    kind: Named[str] = Column(String(16))
    subject: Named[str] = Column(Text)
    key: Named[bytes] = Column(LargeBinary(16))
    title: Named[str] = Column(Text)
    path: Named[str] = Column(Text)
    line: Named[int] = Column(Integer)
    words: Named[str] = Column(Text)


DESCRIPTIONS = Table(
    "descriptions",
    METADATA,
    DescriptionColumns,
    one_of("kind", "schema", "commit"),
    Index("descriptions_of_index", "index_id", "kind", "subject", unique=True),
    sqlite_autoincrement=True,
)
