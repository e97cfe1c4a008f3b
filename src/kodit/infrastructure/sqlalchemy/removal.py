"""Removing an index that is marked as deleted, in steps that keep transactions short."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Column, Connection, Table, delete, func, select, update

from kodit.infrastructure.sql.chunks import in_chunks
from kodit.infrastructure.sqlalchemy.chunks import some_of
from kodit.infrastructure.sqlalchemy.entities import (
    DESCRIPTIONS,
    EMBEDDINGS,
    ENRICHMENTS,
    FILES,
    FORMER_VERSIONS,
    INDEX_RUNS,
    INDEXES,
    KEYWORD_CHANGES,
    KEYWORD_HISTORY,
    NODE_CURSORS,
    NODE_PACKS,
    PENDING_SNIPPETS,
    REFUSED_SNIPPETS,
    SNIPPETS,
    STALE_FILES,
    VECTORS,
    VERSIONS,
)
from kodit.infrastructure.sqlalchemy.file_statements import DELETE_SOME_FILES
from kodit.infrastructure.sqlalchemy.paths import forget_unused
from kodit.infrastructure.sqlalchemy.prepared import Driver
from kodit.infrastructure.sqlalchemy.unused import CACHES, Cache, release, settle
from kodit.infrastructure.sqlalchemy.versions import SqlVersionRepository


class _Part(NamedTuple):
    """A table of small rows, and the columns after the index in its primary key. The rows with one
    value of `group`, if there is one, are deleted together, so that each is found by that key.
    """

    table: Table
    key: Column[Any]
    group: Column[Any] | None = None


_SMALL = (
    _Part(PENDING_SNIPPETS, PENDING_SNIPPETS.c.snippet_id, PENDING_SNIPPETS.c.stage),
    _Part(REFUSED_SNIPPETS, REFUSED_SNIPPETS.c.snippet_id),
    _Part(VECTORS, VECTORS.c.snippet_id, VECTORS.c.kind),
    _Part(KEYWORD_CHANGES, KEYWORD_CHANGES.c.seq),
    _Part(KEYWORD_HISTORY, KEYWORD_HISTORY.c.seq),
    _Part(NODE_CURSORS, NODE_CURSORS.c.node),
    _Part(NODE_PACKS, NODE_PACKS.c.kind, NODE_PACKS.c.node),
)
_OWN = (
    _Part(FORMER_VERSIONS, FORMER_VERSIONS.c.path_id),
    _Part(STALE_FILES, STALE_FILES.c.path_id),
    _Part(DESCRIPTIONS, DESCRIPTIONS.c.subject, DESCRIPTIONS.c.kind),
)
"""What belongs to an index, and not to the versions in its store."""
_LARGE: tuple[tuple[Table, Column[Any]], ...] = (
    (SNIPPETS, SNIPPETS.c.text),
    (VERSIONS, VERSIONS.c.path),
)
"""Tables with a column that may be very large."""

ROWS_PER_FILE = 3
"""With the last file at a path go the path and its histories, of which there is rarely more than
one."""
_REFERENCES: dict[Table, tuple[Column[Any], Table]] = {
    VECTORS: (VECTORS.c.embedding_id, EMBEDDINGS),
    SNIPPETS: (SNIPPETS.c.enrichment_id, ENRICHMENTS),
}
"""The cache entry that a row uses, which may lose its last user with the row."""


def is_detached(connection: Connection, index_id: int) -> bool:
    """Whether an index has no files, former versions, descriptions and runs."""
    return not any(
        connection.execute(
            select(table.c.index_id).where(table.c.index_id == index_id).limit(1)
        ).first()
        for table in (FILES, FORMER_VERSIONS, STALE_FILES, DESCRIPTIONS, INDEX_RUNS)
    )


def detach_some(connection: Connection, index_id: int, limit: int) -> bool:
    """Remove at most `limit` rows of what belongs to an index alone, and release the versions of
    its files; False when all are gone."""
    versions = SqlVersionRepository(connection)
    former = FORMER_VERSIONS.c.version_id
    lost = set(
        connection.execute(
            select(former).where(FORMER_VERSIONS.c.index_id == index_id).limit(limit)
        ).scalars()
    )
    if lost:
        connection.execute(
            delete(FORMER_VERSIONS).where(FORMER_VERSIONS.c.index_id == index_id, former.in_(lost))
        )
        versions.release(lost, for_good=True)
        return True
    for part in _OWN:
        if _delete_small(connection, part, index_id, limit):
            return True
    driver = Driver(connection)
    most = max(limit // ROWS_PER_FILE, 1)
    gone = DELETE_SOME_FILES.run(driver, {"of_index": index_id, "most": most})
    versions.release({row[1] for row in gone if row[1] is not None}, for_good=True)
    forget_unused(driver, (row[0] for row in gone))
    return bool(gone)


def remove_some(connection: Connection, index_id: int, limit: int) -> bool:
    """Remove at most `limit` rows of the first table that has any, fewer if they are large; False
    when all are gone. What `detach_some` removes goes first.

    Cached embeddings and enrichments that another index uses are handed over to that index.
    """
    if detach_some(connection, index_id, limit):
        return True
    for part in _SMALL:
        if _delete_small(connection, part, index_id, limit):
            return True
    for table, content in _LARGE:
        ids = _some_large(connection, table, content, index_id, limit)
        for some in in_chunks(ids):
            _delete(connection, table, table.c.id.in_(some), index_id)
        if ids:
            return True
    for cache in CACHES:
        ids = _some_large(connection, cache.table, cache.content, index_id, limit)
        if ids:
            _settle_cache(connection, cache, index_id, ids)
            return True
    connection.execute(delete(INDEXES).where(INDEXES.c.id == index_id))
    return False


def _delete_small(connection: Connection, part: _Part, index_id: int, limit: int) -> bool:
    table, key, group = part
    mine = table.c.index_id == index_id
    if group is not None:
        first = connection.execute(select(group).where(mine).limit(1)).scalar()
        mine &= group == first
    some = select(key).where(mine).limit(limit)
    return _delete(connection, table, mine & key.in_(some), index_id) > 0


def _delete(connection: Connection, table: Table, condition: Any, index_id: int) -> int:
    """Returns the number of deleted rows."""
    if table not in _REFERENCES:
        return connection.execute(delete(table).where(condition)).rowcount
    reference, cache = _REFERENCES[table]
    deleted = connection.execute(delete(table).where(condition).returning(reference))
    lost = deleted.scalars().all()
    release(Driver(connection), cache, lost, dying=index_id)
    return len(lost)


def _some_large(
    connection: Connection, table: Table, content: Column[Any], index_id: int, limit: int
) -> list[int]:
    mine = select(table.c.id, func.length(content)).where(table.c.index_id == index_id)
    return some_of(connection, mine.limit(limit))


def _settle_cache(connection: Connection, cache: Cache, index_id: int, ids: Sequence[int]) -> None:
    """Hand over the cache entries of the index that others use, and delete the rest."""
    table, _content, reference = cache
    other_user = (
        select(func.min(reference.table.c.index_id))
        .where(reference == table.c.id)
        .scalar_subquery()
    )
    for some in in_chunks(ids):
        settle(Driver(connection), table, some)
        connection.execute(
            update(table).where(table.c.id.in_(some), cache.is_used()).values(index_id=other_user)
        )
        connection.execute(delete(table).where(table.c.id.in_(some), table.c.index_id == index_id))
