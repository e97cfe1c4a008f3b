"""Removing an index that is marked as deleted, in pieces that keep transactions short."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, delete, exists, func, select, tuple_, update

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
    for table, key in (
        (PendingSnippetRow, (PendingSnippetRow.stage, PendingSnippetRow.snippet_id)),
        (VectorRow, (VectorRow.kind, VectorRow.snippet_id)),
        (KeywordChangeRow, (KeywordChangeRow.seq,)),
        (SnippetRow, (SnippetRow.id,)),
        (FileRow, (FileRow.id,)),
    ):
        if _delete_some(connection, table, key, index_id, limit):
            return True
    if _settle_cache(connection, EmbeddingRow, VectorRow.embedding_id, index_id, limit):
        return True
    if _settle_cache(connection, EnrichmentRow, SnippetRow.enrichment_id, index_id, limit):
        return True
    connection.execute(delete(IndexRow).where(IndexRow.id == index_id))
    return False


def _delete_some(
    connection: Connection, table: Any, key: tuple[Any, ...], index_id: int, limit: int
) -> bool:
    some = select(*key).where(table.index_id == index_id).limit(limit)
    chosen = key[0] if len(key) == 1 else tuple_(*key)
    result = connection.execute(delete(table).where(table.index_id == index_id, chosen.in_(some)))
    return result.rowcount > 0


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
        select(func.min(reference.class_.index_id)).where(reference == cache.id).scalar_subquery()
    )
    connection.execute(
        update(cache)
        .where(cache.id.in_(some), exists().where(reference == cache.id))
        .values(index_id=other_user)
    )
    connection.execute(delete(cache).where(cache.id.in_(some), cache.index_id == index_id))
    return True
