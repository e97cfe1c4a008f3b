"""Exact vector search: 1-bit codes find candidates, the stored vectors rescore them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sqlalchemy import select

from kodit.domain.search import Hit, Scope, VectorKind
from kodit.infrastructure.sqlalchemy.chunks import in_chunks
from kodit.infrastructure.sqlalchemy.database import SqliteDatabase
from kodit.infrastructure.sqlalchemy.entities import EmbeddingRow, VectorRow
from kodit.infrastructure.vectors.packing import codes_matrix, pack_code, unpack

CANDIDATES_PER_RESULT = 10
FEWEST_CANDIDATES = 400
"""With these the ten best by code and rescoring are those of a full scan in 99 of 100 cases."""


class ExactVectorIndex:
    """Reads the codes of the scope from the database at each search."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    def search(
        self, kind: VectorKind, model: str, vector: Sequence[float], scope: Scope, limit: int
    ) -> list[Hit]:
        query = np.asarray(vector, dtype=np.float32)
        with self._database.engine.connect() as connection:
            rows = connection.execute(
                select(
                    VectorRow.snippet_id,
                    VectorRow.embedding_id,
                    VectorRow.file_id,
                    VectorRow.code,
                ).where(
                    VectorRow.index_id.in_(scope.index_ids),
                    VectorRow.kind == kind.value,
                    VectorRow.model == model,
                )
            ).all()
            kept = [row for row in rows if _is_within(row.file_id, scope)]
            if not kept:
                return []
            distances = np.bitwise_count(
                codes_matrix([row.code for row in kept]) ^ pack_code(query)
            ).sum(axis=1, dtype=np.int32)
            wanted = min(len(kept), max(limit * CANDIDATES_PER_RESULT, FEWEST_CANDIDATES))
            nearest = np.argpartition(distances, wanted - 1)[:wanted]
            candidates = [kept[position] for position in nearest]
            stored = {
                row.id: row.vector
                for some in in_chunks([row.embedding_id for row in candidates])
                for row in connection.execute(
                    select(EmbeddingRow.id, EmbeddingRow.vector).where(EmbeddingRow.id.in_(some))
                )
            }
        scores = unpack([stored[row.embedding_id] for row in candidates]) @ query
        best = np.argsort(-scores, kind="stable")[:limit]
        return [Hit(candidates[i].snippet_id, float(scores[i])) for i in best]


def _is_within(file_id: int, scope: Scope) -> bool:
    return file_id not in scope.hidden_file_ids and (
        scope.file_ids is None or file_id in scope.file_ids
    )
