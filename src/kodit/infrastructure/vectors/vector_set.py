"""The vectors of one index, kind and model within one transaction, wherever they are stored.

Most are in a pack that is mapped into memory; newer ones, and all of a small index, are read from
the database, once. The database also says which packed rows are still valid. The result does not
depend on how many of the vectors are in the pack: rows are numbered across both, those of the pack
first, and every cutoff considers exactly the valid rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kodit.domain.value_objects import Scope, VectorKind
from kodit.infrastructure.sql.statements import Cursors, Statement, StatementForMany
from kodit.infrastructure.vectors.hamming import hamming_distances, nearest
from kodit.infrastructure.vectors.incomplete_file import PartlyEmbedded
from kodit.infrastructure.vectors.pack_file import Pack
from kodit.infrastructure.vectors.quantization import codes_matrix, pack_code, products

CANDIDATES_PER_RESULT = 8
FEWEST_CANDIDATES = 1_000
LEAST_SHARE = 0.01
"""The number and the share of the nearest codes that are rescored. With these, at least 99 of 100
of the ten nearest that are found are the ten nearest of a scan of all real vectors.
"""
CANDIDATES_PER_FILE = 3
"""Of a file's nearest codes, how many are rescored for each one that is wanted."""

_MINE = "vectors.index_id = :index AND vectors.kind = :kind AND vectors.model = :model"
_ROWS = Statement(
    "SELECT vectors.snippet_id, vectors.file_id, vectors.embedding_id, vectors.code FROM vectors "
    f"WHERE {_MINE} AND vectors.snippet_id > :newest "
    "AND (vectors.file_id <> :partly_embedded OR vectors.snippet_id <= :newest_of_partly_embedded) "
    "ORDER BY vectors.snippet_id"
)
_VECTORS = StatementForMany(
    "SELECT embeddings.id, embeddings.vector FROM embeddings WHERE embeddings.id IN :ids"
)
_HOLDING = StatementForMany(
    f"SELECT vectors.snippet_id FROM vectors WHERE {_MINE} AND vectors.snippet_id IN :ids"
)
_COUNT_HOLDING = StatementForMany(
    f"SELECT count(*) FROM vectors WHERE {_MINE} AND vectors.snippet_id IN :ids"
)
_VECTORS_OF_SNIPPETS = StatementForMany(
    "SELECT vectors.snippet_id, embeddings.vector FROM vectors "
    "JOIN embeddings ON embeddings.id = vectors.embedding_id "
    f"WHERE {_MINE} AND vectors.snippet_id IN :ids"
)
_OF_KINDS = StatementForMany(
    # Those with vectors.
    "SELECT snippets.id FROM snippets WHERE snippets.index_id = :index "
    "AND snippets.state IN ('live', 'superseded') AND snippets.kind IN :ids"
)

FloatVector = NDArray[np.float32]
Ids = NDArray[np.int64]
Rows = NDArray[np.intp]

RowStates = NDArray[np.uint8]
_UNKNOWN, _HOLDS, _GONE = 0, 1, 2


def unknown_states(rows: int) -> RowStates:
    """Initial states of rows. Zeros take no memory until they are written."""
    return np.zeros(rows, dtype=np.uint8)


class VectorSet:
    """The vectors of one index, kind and model. Not thread-safe."""

    def __init__(
        self,
        driver: Cursors,
        of: tuple[int, VectorKind, str],
        pack: Pack | None,
        partly_embedded: PartlyEmbedded,
        states: RowStates,
    ) -> None:
        """`of` is an index id, kind and model. `states` has one element per packed row: what is
        known about it in this state of the database.
        """
        self._driver = driver
        self._mine = {"index": of[0], "kind": of[1].value, "model": of[2]}
        self._pack = pack
        self._packed = 0 if pack is None else len(pack)
        self._states = states
        self._partly_embedded = partly_embedded
        newest = 0 if pack is None else int(pack.snippet_ids[-1])
        self._tail = _Tail(
            driver,
            _ROWS.run(
                driver,
                {
                    **self._mine,
                    "newest": newest,
                    "partly_embedded": self._partly_embedded.file_id,
                    "newest_of_partly_embedded": self._partly_embedded.newest_snippet_id,
                },
            ),
        )

    def __len__(self) -> int:
        """Rows, including those that are no longer valid."""
        return self._packed + len(self._tail.snippet_ids)

    def search(self, query: FloatVector, scope: Scope, limit: int) -> tuple[Ids, FloatVector]:
        """The snippets in the scope with the largest cosine similarities, and these, in no order;
        includes all that tie with the last of the `limit`.
        """
        allowed = self._allowed(scope)
        if not (len(self) if allowed is None else len(allowed)):
            return np.empty(0, np.int64), np.empty(0, np.float32)
        rows = self._nearest(query, allowed, limit)
        scores = self._rescore(rows, query)
        if len(scores) > limit:
            good = np.flatnonzero(scores >= np.partition(scores, -limit)[-limit])
            rows, scores = rows[good], scores[good]
        return self._snippet_ids(rows), scores

    def best_in_files(
        self, file_ids: Ids, query: FloatVector, per_file: int
    ) -> tuple[Ids, FloatVector]:
        """The nearest snippets of each of the files, and their cosine similarities.

        Only the snippets of each file with the nearest codes are rescored, enough to include its
        best. Rescoring every snippet of a hundred files would cost most of a search. If snippets of
        a file tie, the upper one wins: they are numbered in line order.
        """
        rows = self._rows_of_files(file_ids)
        distances = self._distances(query, rows)
        while True:
            kept = first_per_file(self._file_ids(rows), distances, CANDIDATES_PER_FILE * per_file)
            holding = self._hold(rows[kept])
            if holding.all():
                break
            left = np.ones(len(rows), dtype=bool)
            left[kept[~holding]] = False
            rows, distances = rows[left], distances[left]
        # In row order, so that equal scores are in it too.
        rows = rows[np.sort(kept)]
        scores = self._rescore(rows, query)
        best = first_per_file(self._file_ids(rows), -scores, per_file)
        return self._snippet_ids(rows[best]), scores[best]

    def score(self, snippet_ids: Ids, query: FloatVector) -> dict[int, float]:
        """The cosine similarities of those of the snippets that have a vector."""
        rows, is_row = self._rows_of_snippets(snippet_ids)
        rows = rows[self._hold(rows)]
        scores = to_dict(self._snippet_ids(rows), self._rescore(rows, query))
        # A snippet of the partly embedded file has a vector, but no row.
        others = _VECTORS_OF_SNIPPETS.run(self._driver, snippet_ids[~is_row].tolist(), self._mine)
        if others:
            cosines = _cosines(_raw([row[1] for row in others]), query)
            scores.update(zip([row[0] for row in others], cosines.tolist(), strict=True))
        return scores

    # Which rows

    def _nearest(self, query: FloatVector, allowed: Rows | None, limit: int) -> Rows:
        """The rows to rescore: as many of the nearest valid ones as are wanted, and all ties with
        the last.
        """
        distances = self._distances(query, allowed)
        wanted = max(limit * CANDIDATES_PER_RESULT, FEWEST_CANDIDATES, _share(len(distances)))
        gone = 0
        while True:
            found = nearest(distances, wanted + gone)
            rows = found if allowed is None else allowed[found]
            holding = self._hold(rows)
            held = int(np.count_nonzero(holding))
            if held >= wanted or len(rows) == len(distances):
                return rows[holding]
            gone = len(rows) - held

    def _allowed(self, scope: Scope) -> Rows | None:
        """The rows within the scope; None when that is all of them."""
        masks: list[NDArray[np.bool_]] = []
        if scope.file_ids is not None:
            masks.append(np.isin(self._every_file_id, _array(scope.file_ids)))
        if scope.hidden_file_ids:
            masks.append(~np.isin(self._every_file_id, _array(scope.hidden_file_ids)))
        if scope.kinds:
            kinds = [kind.value for kind in scope.kinds]
            found = _OF_KINDS.run(self._driver, kinds, {"index": self._mine["index"]})
            of_kind = np.fromiter((row[0] for row in found), np.int64)
            masks.append(np.isin(self._every_snippet_id, of_kind))
        return np.flatnonzero(np.logical_and.reduce(masks)) if masks else None

    def _hold(self, rows: Rows) -> NDArray[np.bool_]:
        """Which of the rows also exist in the database and may answer."""
        if self._pack is None or not len(rows):
            return np.ones(len(rows), dtype=bool)
        packed = rows[rows < self._packed]
        unknown = packed[self._states[packed] == _UNKNOWN]
        if len(unknown):
            ids = self._pack.snippet_ids[unknown]
            holds = self._are_stored(ids)
            partly_embedded = self._partly_embedded
            if partly_embedded.file_id:
                is_its = self._pack.file_ids[unknown] == partly_embedded.file_id
                holds &= ~(is_its & (ids > partly_embedded.newest_snippet_id))
            self._states[unknown] = np.where(holds, _HOLDS, _GONE)
        holding = np.ones(len(rows), dtype=bool)
        holding[rows < self._packed] = self._states[packed] == _HOLDS
        return holding

    def _are_stored(self, snippet_ids: Ids) -> NDArray[np.bool_]:
        ids = snippet_ids.tolist()
        # Usually all exist, and counting them takes half as long.
        counts = _COUNT_HOLDING.run(self._driver, ids, self._mine)
        if sum(row[0] for row in counts) == len(ids):
            return np.ones(len(ids), dtype=bool)
        found = _HOLDING.run(self._driver, ids, self._mine)
        return np.isin(snippet_ids, np.fromiter((row[0] for row in found), np.int64, len(found)))

    # Both places as one

    @cached_property
    def _every_snippet_id(self) -> Ids:
        tail = self._tail.snippet_ids
        return tail if self._pack is None else np.concatenate((self._pack.snippet_ids, tail))

    @cached_property
    def _every_file_id(self) -> Ids:
        tail = self._tail.file_ids
        return tail if self._pack is None else np.concatenate((self._pack.file_ids, tail))

    def _snippet_ids(self, rows: Rows) -> Ids:
        pack = None if self._pack is None else self._pack.snippet_ids
        return self._take(pack, self._tail.snippet_ids, rows)

    def _file_ids(self, rows: Rows) -> Ids:
        pack = None if self._pack is None else self._pack.file_ids
        return self._take(pack, self._tail.file_ids, rows)

    def _take(self, packed: Ids | None, tail: Ids, rows: Rows) -> Ids:
        if packed is None:
            return tail[rows]
        if not len(tail):
            return packed[rows]
        is_packed = rows < self._packed
        taken = np.empty(len(rows), dtype=np.int64)
        taken[is_packed] = packed[rows[is_packed]]
        taken[~is_packed] = tail[rows[~is_packed] - self._packed]
        return taken

    def _distances(self, query: FloatVector, rows: Rows | None) -> NDArray[np.uint16]:
        """Of all rows, or of some."""
        code = pack_code(query)
        packed, tail = None if self._pack is None else self._pack.codes, self._tail.codes
        if rows is not None:
            is_packed = rows < self._packed
            if packed is not None:
                packed = packed[:, rows[is_packed]]
            tail = tail[:, rows[~is_packed] - self._packed]
        parts = [codes for codes in (packed, tail) if codes is not None and codes.shape[1]]
        if len(parts) == 1 and (rows is None or parts[0].shape[1] == len(rows)):
            return hamming_distances(parts[0], code)
        if rows is None:
            return np.concatenate([hamming_distances(codes, code) for codes in parts])
        distances = np.empty(len(rows), dtype=np.uint16)
        if packed is not None:
            distances[is_packed] = hamming_distances(packed, code)
        distances[~is_packed] = hamming_distances(tail, code)
        return distances

    def _rescore(self, rows: Rows, query: FloatVector) -> FloatVector:
        is_packed = rows < self._packed
        scores = np.empty(len(rows), dtype=np.float32)
        if self._pack is not None:
            scores[is_packed] = self._pack.rescore(rows[is_packed], query)
        beyond = rows[~is_packed] - self._packed
        if len(beyond):
            scores[~is_packed] = _cosines(self._tail.vectors(beyond), query)
        return scores

    def _rows_of_files(self, file_ids: Ids) -> Rows:
        tail = np.flatnonzero(np.isin(self._tail.file_ids, file_ids)) + self._packed
        if self._pack is None:
            return tail
        return np.concatenate((self._pack.rows_of_files(file_ids), tail))

    def _rows_of_snippets(self, snippet_ids: Ids) -> tuple[Rows, NDArray[np.bool_]]:
        """The rows of those snippets that have one, and a mask of which these are."""
        is_row = np.zeros(len(snippet_ids), dtype=bool)
        rows = np.zeros(len(snippet_ids), dtype=np.intp)
        pack = None if self._pack is None else self._pack.snippet_ids
        for held, offset in ((pack, 0), (self._tail.snippet_ids, self._packed)):
            if held is not None and len(held):
                places = np.minimum(np.searchsorted(held, snippet_ids), len(held) - 1)
                found = held[places] == snippet_ids
                rows[found] = places[found] + offset
                is_row |= found
        return rows[is_row], is_row


class _Tail:
    """The rows in the database that are not in the pack, in snippet order."""

    def __init__(self, driver: Cursors, rows: Sequence[Sequence[object]]) -> None:
        self._driver = driver
        columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
        self.snippet_ids: Ids = np.array(columns[0], dtype=np.int64)
        self.file_ids: Ids = np.array(columns[1], dtype=np.int64)
        self._embedding_ids: Ids = np.array(columns[2], dtype=np.int64)
        self.codes: NDArray[np.uint64] = (
            np.ascontiguousarray(codes_matrix(columns[3]).T)
            if rows
            else np.empty((0, 0), np.uint64)
        )
        self._vectors = np.empty((len(rows), 0), np.int8)
        self._is_read = np.zeros(len(rows), dtype=bool)

    def vectors(self, places: Rows) -> NDArray[np.int8]:
        """Rescoring forms, one row per vector; each is read once."""
        missing = places[~self._is_read[places]]
        if len(missing):
            wanted = self._embedding_ids[missing].tolist()
            found = _VECTORS.run(self._driver, list(dict.fromkeys(wanted)))
            stored = {row[0]: row[1] for row in found}
            raw = _raw([stored[one] for one in wanted])
            if not self._vectors.shape[1]:
                self._vectors = np.empty((len(self.snippet_ids), raw.shape[1]), np.int8)
            self._vectors[missing] = raw
            self._is_read[missing] = True
        return self._vectors[places]


def first_per_file(
    file_ids: Ids, distances: FloatVector | NDArray[np.uint16], per_file: int
) -> NDArray[np.intp]:
    """Positions of the smallest distances of each file, the first ones if they tie."""
    # Two stable sorts by one key each take a fraction of the time of `lexsort`.
    order = np.argsort(distances, kind="stable")
    order = order[np.argsort(file_ids[order], kind="stable")]
    files = file_ids[order]
    firsts = np.flatnonzero(np.r_[True, files[1:] != files[:-1]]) if len(files) else files
    lengths = np.diff(np.r_[firsts, len(files)])
    place = np.arange(len(files)) - np.repeat(firsts, lengths)
    kept: NDArray[np.intp] = order[place < per_file]
    return kept


def to_dict(ids: Ids, scores: FloatVector) -> dict[int, float]:
    """Scores by identifier."""
    return dict(zip(ids.tolist(), scores.tolist(), strict=True))


def _share(rows: int) -> int:
    """`LEAST_SHARE` of the rows, roughly: a power of two, so that a few more rows, which are no
    longer valid but counted, do not move the cutoff of candidates.
    """
    share = int(LEAST_SHARE * rows)
    return 1 << round(np.log2(share)) if share > 1 else share


def _raw(vectors: Sequence[bytes]) -> NDArray[np.int8]:
    return np.frombuffer(b"".join(vectors), dtype=np.int8).reshape(len(vectors), -1)


def _cosines(raw: NDArray[np.int8], query: FloatVector) -> FloatVector:
    """Identical to `Pack.rescore` to the last bit: the scale is applied last."""
    scores = products(raw[:, :-4], query)
    scores *= np.ascontiguousarray(raw[:, -4:]).view("<f4")[:, 0]
    return scores


def _array(ids: frozenset[int]) -> Ids:
    return np.fromiter(ids, np.int64, len(ids))
