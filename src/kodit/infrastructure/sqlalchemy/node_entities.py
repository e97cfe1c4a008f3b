"""The tables of nodes: data directories that share the database of a server.

On SQLite there is one node, and they stay empty: its position in a log is in the row of the index.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Named,
    String,
    Table,
    Text,
    TypedColumns,
    true,
)

from kodit.infrastructure.sqlalchemy.metadata import METADATA, one_of


class NodeColumns(TypedColumns):
    """A data directory. `searches` says whether it holds the engines, and `follows` whether it has
    a process that keeps them up to date."""

    name: Named[str] = Column(Text, primary_key=True)
    host: Named[str] = Column(Text)
    location: Named[str] = Column(Text)
    version: Named[str] = Column(Text)
    follows: Named[bool] = Column(Boolean)
    seen_at: Named[int] = Column(BigInteger)
    searches: Named[bool] = Column(Boolean, server_default=true())


NODES = Table("nodes", METADATA, NodeColumns)


class NodeCursorColumns(TypedColumns):
    """The last change in the log of a store that the keyword index of a node has applied; while it
    is not `is_filled`, the index is given the snippets as they were then."""

    node: Named[str] = Column(Text, primary_key=True)
    index_id: Named[int] = Column(BigInteger, primary_key=True)
    generation: Named[str] = Column(String(64))
    seq: Named[int] = Column(BigInteger)
    token: Named[int] = Column(BigInteger)
    is_filled: Named[bool] = Column(Boolean)


NODE_CURSORS = Table(
    "node_cursors",
    METADATA,
    NodeCursorColumns,
    Index("cursors_in_log", "index_id", "seq"),
    sqlite_with_rowid=False,
)


class KeywordHistoryColumns(TypedColumns):
    """A change that some node has applied, for those that have not yet: the columns of
    `keyword_changes`, from where it was moved."""

    index_id: Named[int] = Column(BigInteger, primary_key=True)
    seq: Named[int] = Column(BigInteger, primary_key=True)
    version_id: Named[int] = Column(BigInteger)
    change_set: Named[int] = Column(BigInteger)
    snippet_id: Named[int] = Column(BigInteger)
    op: Named[str] = Column(String(8))
    token: Named[int] = Column(BigInteger)


KEYWORD_HISTORY = Table(
    "keyword_history",
    METADATA,
    KeywordHistoryColumns,
    one_of("op", "add", "remove"),
    Index("keyword_history_of_snippet", "snippet_id"),
    sqlite_with_rowid=False,
)


class NodePackColumns(TypedColumns):
    """The token of the packed vectors that a node has made from this database."""

    node: Named[str] = Column(Text, primary_key=True)
    index_id: Named[int] = Column(BigInteger, primary_key=True)
    kind: Named[str] = Column(String(8), primary_key=True)
    token: Named[str] = Column(String(32))


NODE_PACKS = Table(
    "node_packs",
    METADATA,
    NodePackColumns,
    one_of("kind", "code", "text"),
    Index("packs_of_index", "index_id"),
    sqlite_with_rowid=False,
)
