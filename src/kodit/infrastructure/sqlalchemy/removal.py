"""Removing an index that is marked as deleted, in pieces that keep transactions short."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Connection, Table, delete, exists, func, select, update

from kodit.infrastructure.sqlalchemy.chunks import in_chunks, some_of
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
    """Remove at most `limit` rows of the first table that has any, fewer where they are large;
    False when all are gone.

    Cached embeddings and enrichments that another index uses go into that index's care.
    """
    smalls: tuple[tuple[Table, Column[Any], Column[Any] | None], ...] = (
        (PENDING_SNIPPETS, PENDING_SNIPPETS.c.snippet_id, PENDING_SNIPPETS.c.stage),
        (VECTORS, VECTORS.c.snippet_id, VECTORS.c.kind),
        (KEYWORD_CHANGES, KEYWORD_CHANGES.c.seq, None),
    )
    for table, key, part in smalls:
        if _delete_some(connection, table, key, part, index_id=index_id, limit=limit):
            return True
    larges: tuple[tuple[Table, Column[Any]], ...] = (
        (SNIPPETS, SNIPPETS.c.text),
        (FILES, FILES.c.path),
    )
    for table, size in larges:
        if _delete_some_large(connection, table, size, index_id, limit):
            return True
    caches: tuple[tuple[Table, Column[Any], Column[Any]], ...] = (
        (EMBEDDINGS, EMBEDDINGS.c.vector, VECTORS.c.embedding_id),
        (ENRICHMENTS, ENRICHMENTS.c.text, SNIPPETS.c.enrichment_id),
    )
    for table, size, reference in caches:
        some = _some_large(connection, table, size, index_id, limit)
        if some:
            _settle_cache(connection, table, reference, index_id, some)
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


def _delete_some_large(
    connection: Connection, table: Table, size: Column[Any], index_id: int, limit: int
) -> bool:
    ids = _some_large(connection, table, size, index_id, limit)
    for some in in_chunks(ids):
        connection.execute(delete(table).where(table.c.id.in_(some)))
    return bool(ids)


def _some_large(
    connection: Connection, table: Table, size: Column[Any], index_id: int, limit: int
) -> list[int]:
    """Rows of a table in which one column may hold very much."""
    mine = select(table.c.id, func.length(size)).where(table.c.index_id == index_id)
    return some_of(connection, mine.limit(limit))


def _settle_cache(
    connection: Connection, cache: Table, reference: Column[Any], index_id: int, ids: list[int]
) -> None:
    """Hand over what others use of the index's cache entries, and delete the rest."""
    other_user = (
        select(func.min(reference.table.c.index_id))
        .where(reference == cache.c.id)
        .scalar_subquery()
    )
    for some in in_chunks(ids):
        connection.execute(
            update(cache)
            .where(cache.c.id.in_(some), exists().where(reference == cache.c.id))
            .values(index_id=other_user)
        )
        connection.execute(delete(cache).where(cache.c.id.in_(some), cache.c.index_id == index_id))
