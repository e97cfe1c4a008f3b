"""Removing an index that is marked as deleted, in pieces that keep transactions short."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, delete, exists, func, select, update

from kodit.infrastructure.sqlalchemy.entities import (
    EmbeddingRow,
    EnrichmentRow,
    FileRow,
    IndexRow,
    KeywordChangeRow,
    PendingSnippetRow,
    SnippetRow,
    VectorRow,
)


def remove_some(connection: Connection, index_id: int, limit: int) -> bool:
    """Remove at most `limit` rows of the first table that has any; False when all are gone.

    Cached embeddings and enrichments that another index uses go into that index's care.
    """
    for table, key, part in (
        (PendingSnippetRow, PendingSnippetRow.snippet_id, PendingSnippetRow.stage),
        (VectorRow, VectorRow.snippet_id, VectorRow.kind),
        (KeywordChangeRow, KeywordChangeRow.seq, None),
        (SnippetRow, SnippetRow.id, None),
        (FileRow, FileRow.id, None),
    ):
        if _delete_some(connection, table, key, part, index_id=index_id, limit=limit):
            return True
    if _settle_cache(connection, EmbeddingRow, VectorRow.embedding_id, index_id, limit):
        return True
    if _settle_cache(connection, EnrichmentRow, SnippetRow.enrichment_id, index_id, limit):
        return True
    connection.execute(delete(IndexRow).where(IndexRow.id == index_id))
    return False


def _delete_some(
    connection: Connection, table: Any, key: Any, part: Any, *, index_id: int, limit: int
) -> bool:
    """`part` is the column between the index and the key in the primary key, if there is one: rows
    of one of its values are deleted at a time, so that each is found by that key."""
    mine = [table.index_id == index_id]
    if part is not None:
        first = connection.execute(select(part).where(*mine).limit(1)).scalar()
        mine.append(part == first)
    some = select(key).where(*mine).limit(limit)
    return connection.execute(delete(table).where(*mine, key.in_(some))).rowcount > 0


def _settle_cache(
    connection: Connection, cache: Any, reference: Any, index_id: int, limit: int
) -> bool:
    """Hand over what others use of the index's cache entries, and delete the rest."""
    some = list(
        connection.execute(
            select(cache.id).where(cache.index_id == index_id).limit(limit)
        ).scalars()
    )
    if not some:
        return False
    other_user = (
        select(func.min(reference.table.c.index_id)).where(reference == cache.id).scalar_subquery()
    )
    connection.execute(
        update(cache)
        .where(cache.id.in_(some), exists().where(reference == cache.id))
        .values(index_id=other_user)
    )
    connection.execute(delete(cache).where(cache.id.in_(some), cache.index_id == index_id))
    return True
