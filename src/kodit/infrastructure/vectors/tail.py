"""Vectors in no pack: those of small indexes, and those that are newer than a pack."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kodit.domain.value_objects import VectorKind
from kodit.infrastructure.sql.statements import Cursors, StatementForMany
from kodit.infrastructure.vectors.incomplete_file import PartlyEmbedded
from kodit.infrastructure.vectors.quantization import codes_matrix

_ROWS = StatementForMany(
    "SELECT vectors.snippet_id, vectors.version_id, vectors.embedding_id, vectors.code "
    "FROM vectors WHERE vectors.index_id IN :ids AND vectors.kind = :kind "
    "AND vectors.model = :model AND vectors.snippet_id > :newest"
)
_VECTORS = StatementForMany(
    "SELECT embeddings.id, embeddings.vector FROM embeddings WHERE embeddings.id IN :ids"
)

Ids = NDArray[np.int64]
Rows = NDArray[np.intp]


class VectorsOf(NamedTuple):
    """The indexes, in ascending order, the kind and the model of a set of vectors."""

    index_ids: tuple[int, ...]
    kind: VectorKind
    model: str


class Tail:
    """Rows of the database, in snippet order. Not thread-safe."""

    def __init__(
        self, rows: Sequence[Sequence[object]], partly_embedded: Collection[PartlyEmbedded]
    ) -> None:
        columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
        snippet_ids: Ids = np.array(columns[0], dtype=np.int64)
        file_ids: Ids = np.array(columns[1], dtype=np.int64)
        order = np.argsort(snippet_ids, kind="stable")
        for file_id, newest in partly_embedded:
            is_early = (file_ids[order] == file_id) & (snippet_ids[order] > newest)
            order = order[~is_early]
        self.snippet_ids: Ids = snippet_ids[order]
        self.file_ids: Ids = file_ids[order]
        self._embedding_ids: Ids = np.array(columns[2], dtype=np.int64)[order]
        self.codes: NDArray[np.uint64] = (
            np.ascontiguousarray(codes_matrix(columns[3])[order].T)
            if rows
            else np.empty((0, 0), np.uint64)
        )
        self._vectors = np.empty((0, 0), np.int8)
        """Those read so far: searches rescore few of the rows."""
        self._read = 0
        self._slots = np.full(len(order), -1, np.int32)
        """By row, the place of its vector among those read; -1 for the others."""

    def __len__(self) -> int:
        return len(self.snippet_ids)

    def vectors(self, driver: Cursors, places: Rows) -> NDArray[np.int8]:
        """Rescoring forms, one row per vector; each is read once."""
        missing = places[self._slots[places] < 0]
        if len(missing):
            wanted = self._embedding_ids[missing].tolist()
            found = _VECTORS.run(driver, list(dict.fromkeys(wanted)))
            stored = {row[0]: row[1] for row in found}
            self._add(missing, raw_vectors([stored[one] for one in wanted]))
        return self._vectors[self._slots[places]]

    def _add(self, places: Rows, raw: NDArray[np.int8]) -> None:
        start, self._read = self._read, self._read + len(raw)
        if self._read > len(self._vectors):
            room = max(self._read, min(2 * start, len(self)))
            former, self._vectors = self._vectors, np.empty((room, raw.shape[1]), np.int8)
            if start:
                self._vectors[:start] = former[:start]
        self._vectors[start : self._read] = raw
        self._slots[places] = np.arange(start, self._read)


def read_tail(
    driver: Cursors, of: VectorsOf, newest: int, partly_embedded: Collection[PartlyEmbedded]
) -> Tail:
    """The vectors of snippets with ids above `newest`, without those of partly embedded files that
    are not searched yet.
    """
    parameters = {"kind": of.kind.value, "model": of.model, "newest": newest}
    return Tail(_ROWS.run(driver, of.index_ids, parameters), partly_embedded)


def raw_vectors(vectors: Sequence[bytes]) -> NDArray[np.int8]:
    """Stored vectors, one row per vector: the values, then four bytes of scale."""
    return np.frombuffer(b"".join(vectors), dtype=np.int8).reshape(len(vectors), -1)
