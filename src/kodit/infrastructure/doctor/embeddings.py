"""Each 1-bit code compared with the vector it was made from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from sqlalchemy import Connection, delete, select

from kodit.application.services.threads import in_thread
from kodit.domain.diagnosis import Area, Problem
from kodit.infrastructure.sql.chunks import in_chunks
from kodit.infrastructure.sqlalchemy.entities import EMBEDDINGS, VECTORS
from kodit.infrastructure.sqlalchemy.sql_database import SqlDatabase

EMBEDDINGS_PER_LOOK = 4096
_SCALE_BYTES = 4


class _Embedding(NamedTuple):
    id: int
    index_id: int
    code: bytes
    vector: bytes


class EmbeddingExaminer:
    """Compares each 1-bit code with the vector it was made from."""

    area = Area.VECTORS

    def __init__(self, database: SqlDatabase) -> None:
        self._database = database

    def examine(self) -> list[Problem]:
        with self._database.read() as transaction:
            bad = list(_contradictions(transaction.connection))
            users = _users(transaction.connection, [one.id for one in bad])
        if not bad:
            return []
        return [
            Problem(
                self.area,
                f"{len(bad)} embeddings have a code that does not match their vector",
                "deletes them and embeds their texts again",
                repair=partial(in_thread, partial(self._drop, [one.id for one in bad])),
                refresh=frozenset(users),
            )
        ]

    def _drop(self, ids: Sequence[int]) -> None:
        """The row checks then find their snippets unfinished."""
        for some in in_chunks(ids):
            with self._database.write() as transaction:
                connection = transaction.connection
                connection.execute(delete(VECTORS).where(VECTORS.c.embedding_id.in_(some)))
                connection.execute(delete(EMBEDDINGS).where(EMBEDDINGS.c.id.in_(some)))


def _users(connection: Connection, ids: Sequence[int]) -> set[int]:
    return {
        index_id
        for some in in_chunks(ids)
        for index_id in connection.execute(
            select(VECTORS.c.index_id).where(VECTORS.c.embedding_id.in_(some)).distinct()
        ).scalars()
    }


def _contradictions(connection: Connection) -> Iterator[_Embedding]:
    last = 0
    query = select(
        EMBEDDINGS.c.id, EMBEDDINGS.c.index_id, EMBEDDINGS.c.code, EMBEDDINGS.c.vector
    ).order_by(EMBEDDINGS.c.id)
    while True:
        rows = [
            _Embedding(*row)
            for row in connection.execute(
                query.where(EMBEDDINGS.c.id > last).limit(EMBEDDINGS_PER_LOOK)
            )
        ]
        if not rows:
            return
        last = rows[-1].id
        by_length: dict[int, list[_Embedding]] = {}
        for row in rows:
            if len(row.vector) - _SCALE_BYTES == 8 * len(row.code) > 0:
                by_length.setdefault(len(row.code), []).append(row)
            else:
                yield row
        for alike in by_length.values():
            yield from _contradicting(alike)


def _contradicting(rows: Sequence[_Embedding]) -> list[_Embedding]:
    """Embeddings whose code contradicts the vector. A component that was rounded to zero may have
    had either sign; all others show it.
    """
    signs = np.unpackbits(
        np.frombuffer(b"".join(row.code for row in rows), np.uint8).reshape(len(rows), -1), axis=1
    )
    values = np.frombuffer(b"".join(row.vector for row in rows), np.int8).reshape(len(rows), -1)
    values = values[:, :-_SCALE_BYTES]
    wrong = (((values > 0) != (signs == 1)) & (values != 0)).any(axis=1)
    return [rows[position] for position in np.flatnonzero(wrong).tolist()]
