"""Removing an index that is marked as deleted, in pieces that keep transactions short."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Connection, Table, delete, exists, func, select, update

from kodit.infrastructure.sqlalchemy.entities import (
    EMBEDDINGS,
    ENRICHMENTS,
    FILES,
    INDEXES,
    KEYWORD_CHANGES,
    PENDING_SNIPPETS,
    SNIPPETS,
    VECTORS,
)


def remove_some(connection: Connection, index_id: int, limit: int) -> bool:
    """Remove at most `limit` rows of the first table that has any; False when all are gone.

    Cached embeddings and enrichments that another index uses go into that index's care.
    """
    for table, key, part in (
        (PENDING_SNIPPETS, PENDING_SNIPPETS.c.snippet_id, PENDING_SNIPPETS.c.stage),
        (VECTORS, VECTORS.c.snippet_id, VECTORS.c.kind),
        (KEYWORD_CHANGES, KEYWORD_CHANGES.c.seq, None),
        (SNIPPETS, SNIPPETS.c.id, None),
        (FILES, FILES.c.id, None),
    ):
        if _delete_some(connection, table, key, part, index_id=index_id, limit=limit):
            return True
    if _settle_cache(connection, EMBEDDINGS, VECTORS.c.embedding_id, index_id, limit):
        return True
    if _settle_cache(connection, ENRICHMENTS, SNIPPETS.c.enrichment_id, index_id, limit):
        return True
    connection.execute(delete(INDEXES).where(INDEXES.c.id == index_id))
    return False


def _delete_some(
    connection: Connection,
    table: Table,
    key: Column[Any],
    part: Column[Any] | None,
    *,
    index_id: int,
    limit: int,
) -> bool:
    """`part` is the column between the index and the key in the primary key, if there is one: rows
    of one of its values are deleted at a time, so that each is found by that key."""
    mine = [table.c.index_id == index_id]
    if part is not None:
        first = connection.execute(select(part).where(*mine).limit(1)).scalar()
        mine.append(part == first)
    some = select(key).where(*mine).limit(limit)
    return connection.execute(delete(table).where(*mine, key.in_(some))).rowcount > 0


def _settle_cache(
    connection: Connection, cache: Table, reference: Column[Any], index_id: int, limit: int
) -> bool:
    """Hand over what others use of the index's cache entries, and delete the rest."""
    some = list(
        connection.execute(
            select(cache.c.id).where(cache.c.index_id == index_id).limit(limit)
        ).scalars()
    )
    if not some:
        return False
    other_user = (
        select(func.min(reference.table.c.index_id))
        .where(reference == cache.c.id)
        .scalar_subquery()
    )
    connection.execute(
        update(cache)
        .where(cache.c.id.in_(some), exists().where(reference == cache.c.id))
        .values(index_id=other_user)
    )
    connection.execute(delete(cache).where(cache.c.id.in_(some), cache.c.index_id == index_id))
    return True
