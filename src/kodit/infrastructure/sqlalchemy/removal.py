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
    SNIPPET_TEXTS,
    SNIPPETS,
    STALE_FILES,
    VECTORS,
    VERSIONS,
)
from kodit.infrastructure.sqlalchemy.file_statements import DELETE_SOME_FILES
from kodit.infrastructure.sqlalchemy.paths import forget_unused
from kodit.infrastructure.sqlalchemy.prepared import Driver
from kodit.infrastructure.sqlalchemy.snippet_texts import forget_texts
from kodit.infrastructure.sqlalchemy.stored_snippets import OF_TEXT, TEXT
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
ROWS_PER_SNIPPET = 2
"""With a snippet goes its text, if no other one has it."""
ROWS_PER_FILE = 3
"""With the last file at a path go the path and its histories, of which there is rarely more than
one."""
_SNIPPETS = (
    select(SNIPPETS.c.id, func.length(TEXT)).select_from(SNIPPETS).outerjoin(SNIPPET_TEXTS, OF_TEXT)
)
_VERSIONS = select(VERSIONS.c.id, func.length(VERSIONS.c.path))
"""Rows with a text that may be very large, and its length."""


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
    mine = SNIPPETS.c.index_id == index_id
    if ids := some_of(connection, _SNIPPETS.where(mine).limit(max(limit // ROWS_PER_SNIPPET, 1))):
        for some in in_chunks(ids):
            _delete_snippets(connection, some, index_id)
        return True
    mine = VERSIONS.c.index_id == index_id
    if ids := some_of(connection, _VERSIONS.where(mine).limit(limit)):
        for some in in_chunks(ids):
            connection.execute(delete(VERSIONS).where(VERSIONS.c.id.in_(some)))
        return True
    for cache in CACHES:
        mine = cache.table.c.index_id == index_id
        sized = select(cache.table.c.id, func.length(cache.content)).where(mine)
        ids = some_of(connection, sized.limit(limit))
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
    if table is not VECTORS:
        return connection.execute(delete(table).where(condition)).rowcount
    deleted = connection.execute(delete(table).where(condition).returning(VECTORS.c.embedding_id))
    lost = deleted.scalars().all()
    release(Driver(connection), EMBEDDINGS, lost, dying=index_id)
    return len(lost)


def _delete_snippets(connection: Connection, ids: Sequence[int], index_id: int) -> None:
    gone = delete(SNIPPETS).where(SNIPPETS.c.id.in_(ids))
    deleted = connection.execute(gone.returning(SNIPPETS.c.enrichment_id, SNIPPETS.c.text_id)).all()
    driver = Driver(connection)
    release(driver, ENRICHMENTS, (row.enrichment_id for row in deleted), dying=index_id)
    forget_texts(driver, (row.text_id for row in deleted))


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
