"""Cached results that are no longer used: marking them, and removing them after a while.

The code that removes the last user of a result marks it in the same transaction, so that no scan
for unused results is ever needed. A mark is undated at first, because a repository has no clock;
the code that removes unused results dates it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Table,
    bindparam,
    delete,
    exists,
    func,
    select,
    update,
)

from kodit.domain.batches import MOST_PER_TRANSACTION, Weight, first_batch
from kodit.domain.errors import ConflictError
from kodit.domain.ports.unused import Removed
from kodit.infrastructure.mappers.moments import to_microseconds
from kodit.infrastructure.sql.chunks import in_chunks
from kodit.infrastructure.sqlalchemy.entities import EMBEDDINGS, ENRICHMENTS, SNIPPETS, VECTORS
from kodit.infrastructure.sqlalchemy.prepared import Driver, PreparedForMany

UNDATED = 0
NEVER = -1
"""Stands for the time since which a result is unused."""


class Cache(NamedTuple):
    """A table of results, the column that is large in it, and the column that refers to it."""

    table: Table
    content: Column[Any]
    reference: Column[Any]

    def is_used(self) -> ColumnElement[bool]:
        """Whether anything refers to a row."""
        return exists().where(self.reference == self.table.c.id)


OF_EMBEDDINGS = Cache(EMBEDDINGS, EMBEDDINGS.c.vector, VECTORS.c.embedding_id)
OF_ENRICHMENTS = Cache(ENRICHMENTS, ENRICHMENTS.c.text, SNIPPETS.c.enrichment_id)
CACHES = (OF_EMBEDDINGS, OF_ENRICHMENTS)


def _releasing(cache: Cache) -> PreparedForMany:
    table = cache.table
    return PreparedForMany(
        lambda ids: (
            update(table)
            .where(table.c.id.in_(ids), table.c.unused_since.is_(None), ~cache.is_used())
            .where(table.c.index_id != bindparam("dying"))
            .values(unused_since=bindparam("undated"), unused_bytes=func.length(cache.content))
        )
    )


def _using(cache: Cache) -> PreparedForMany:
    table = cache.table
    return PreparedForMany(
        lambda ids: (
            update(table)
            # Spelled out so that the database does not scan all unused rows instead.
            .where(table.c.id.in_(ids), func.coalesce(table.c.unused_since, NEVER) != NEVER)
            .values(unused_since=None, unused_bytes=None)
        )
    )


def _holding(cache: Cache) -> PreparedForMany:
    table = cache.table
    return PreparedForMany(
        lambda ids: (
            select(table.c.id).where(table.c.id.in_(ids)).order_by(table.c.id).with_for_update()
        )
    )


def _deleting(cache: Cache) -> PreparedForMany:
    return PreparedForMany(lambda ids: delete(cache.table).where(cache.table.c.id.in_(ids)))


_HOLD = {cache.table: _holding(cache) for cache in CACHES}
_RELEASE = {cache.table: _releasing(cache) for cache in CACHES}
_USE = {cache.table: _using(cache) for cache in CACHES}
_DELETE = {cache.table: _deleting(cache) for cache in CACHES}


def hold(driver: Driver, table: Table, ids: Iterable[int]) -> None:
    """Keep these embeddings or enrichments from being released or removed by other transactions,
    before one gets a user. Raises ConflictError if one was removed."""
    wanted = sorted(set(ids))
    if driver.is_concurrent and len(_HOLD[table].run(driver, wanted)) < len(wanted):
        raise ConflictError("a cached result was removed while it was about to be used; try again")


def settle(driver: Driver, table: Table, ids: Sequence[int]) -> None:
    """Wait for transactions that give these a user: what is read afterwards shows it."""
    if driver.is_concurrent:
        _HOLD[table].run(driver, ids)


def release(driver: Driver, table: Table, ids: Iterable[int | None], dying: int = 0) -> None:
    """Mark those of these embeddings or enrichments that have no user left; but not those made by
    an index that is being deleted, which go with it.
    """
    lost = sorted({key for key in ids if key is not None})
    if lost:
        settle(driver, table, lost)
        _RELEASE[table].run(driver, lost, {"undated": UNDATED, "dying": dying})


def unlinked(connection: Connection, cache: Cache, index_id: int) -> list[int]:
    """The results made for an index that never had a user, or lost it unnoticed."""
    table = cache.table
    query = select(table.c.id).where(
        table.c.index_id == index_id, table.c.unused_since.is_(None), ~cache.is_used()
    )
    return list(connection.execute(query).scalars())


def use(driver: Driver, table: Table, ids: Iterable[int]) -> None:
    """Remove the mark from embeddings or enrichments that have a user again."""
    _USE[table].run(driver, sorted(set(ids)))


class _Candidate(NamedTuple):
    table: Table
    id: int
    since: int
    size: int


class SqlUnusedRepository:
    """The unused rows of both caches, over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._driver = Driver(connection)

    def date(self, now: datetime) -> int:
        dated = 0
        for table, *_ in CACHES:
            undated = (
                select(table.c.id)
                .where(table.c.unused_since == UNDATED)
                .limit(MOST_PER_TRANSACTION.rows - dated)
            )
            dated += self._connection.execute(
                update(table)
                .where(table.c.id.in_(undated))
                .values(unused_since=to_microseconds(now))
            ).rowcount
        return dated

    def size(self) -> int:
        return sum(
            int(
                self._connection.execute(
                    select(func.sum(table.c.unused_bytes)).where(table.c.unused_since.is_not(None))
                ).scalar()
                or 0
            )
            for table, *_ in CACHES
        )

    def waiting(self, before: datetime) -> bool:
        moment = to_microseconds(before)
        return any(
            self._connection.execute(
                select(
                    exists().where(table.c.unused_since == UNDATED)
                    | exists().where(table.c.unused_since > UNDATED, table.c.unused_since <= moment)
                )
            ).scalar()
            for table, *_ in CACHES
        )

    def remove(self, before: datetime | None, most_bytes: int) -> Removed:
        candidates = [
            candidate
            for table, *_ in CACHES
            for candidate in self._oldest(
                table, None if before is None else to_microseconds(before)
            )
        ]
        candidates.sort(key=lambda one: one.since)
        most = Weight(MOST_PER_TRANSACTION.rows, min(most_bytes, MOST_PER_TRANSACTION.size))
        batch = first_batch(candidates, most, lambda one: Weight(1, one.size))
        for cache in CACHES:
            self._delete(cache, [one.id for one in batch if one.table is cache.table])
        return Removed(len(batch), sum(one.size for one in batch))

    def _oldest(self, table: Table, before: int | None) -> Sequence[_Candidate]:
        query = (
            select(table.c.id, table.c.unused_since, table.c.unused_bytes)
            .where(table.c.unused_since > UNDATED)
            .order_by(table.c.unused_since)
            .limit(MOST_PER_TRANSACTION.rows)
        )
        if before is not None:
            query = query.where(table.c.unused_since <= before)
        return [_Candidate(table, *row) for row in self._connection.execute(query)]

    def _delete(self, cache: Cache, ids: Sequence[int]) -> None:
        for some in in_chunks(ids):
            settle(self._driver, cache.table, some)
            used = select(cache.table.c.id).where(cache.table.c.id.in_(some), cache.is_used())
            kept = set(self._connection.execute(used).scalars())
            use(self._driver, cache.table, kept)
            _DELETE[cache.table].run(self._driver, [key for key in some if key not in kept])
