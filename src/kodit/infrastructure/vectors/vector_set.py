"""The vectors of one kind and model within one transaction, wherever they are stored.

Most are in packs that are mapped into memory, one per index; newer ones, and all of the indexes
without a pack, are read from the database, once. The database also says which packed rows are still
valid. The result does not depend on how many of the vectors are in packs: the rows of a set are
numbered across both, those of the pack first, and every cutoff considers exactly the valid rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kodit.infrastructure.sql.statements import Cursors, StatementForMany
from kodit.infrastructure.vectors.hamming import edge_of_nearest, hamming_distances
from kodit.infrastructure.vectors.incomplete_file import PartlyEmbedded
from kodit.infrastructure.vectors.pack_file import Pack
from kodit.infrastructure.vectors.quantization import pack_code, products
from kodit.infrastructure.vectors.selection import AllowedRows, Selection
from kodit.infrastructure.vectors.tail import Ids, Rows, Tail, VectorsOf, raw_vectors

CANDIDATES_PER_RESULT = 8
FEWEST_CANDIDATES = 1_000
LEAST_SHARE = 0.01
"""The number and the share of the nearest codes that are rescored. With these, at least 99 of 100
of the ten nearest that are found are the ten nearest of a scan of all real vectors.
"""
MOST_PICKED = 0.25
"""The share of all rows beyond which it takes longer to pick their codes than to compare all."""
CANDIDATES_PER_FILE = 3
"""Of a file's nearest codes, how many are rescored for each one that is wanted."""

_HOLDING = StatementForMany(
    "SELECT vectors.snippet_id FROM vectors WHERE vectors.index_id = :index "
    "AND vectors.kind = :kind AND vectors.model = :model AND vectors.snippet_id IN :ids"
)
_COUNT_HOLDING = StatementForMany(
    "SELECT count(*) FROM vectors WHERE vectors.index_id = :index "
    "AND vectors.kind = :kind AND vectors.model = :model AND vectors.snippet_id IN :ids"
)
_VECTORS_OF_SNIPPETS = StatementForMany(
    "SELECT vectors.snippet_id, embeddings.vector FROM vectors "
    "JOIN embeddings ON embeddings.id = vectors.embedding_id "
    "WHERE vectors.kind = :kind AND vectors.model = :model AND vectors.snippet_id IN :ids"
)
_SNIPPETS_OF_KIND = StatementForMany(
    # Those with vectors.
    "SELECT snippets.id FROM snippets WHERE snippets.index_id IN :ids "
    "AND snippets.state IN ('live', 'superseded') AND snippets.kind = :kind"
)

FloatVector = NDArray[np.float32]
RowStates = NDArray[np.uint8]
_UNKNOWN, _HOLDS, _GONE = 0, 1, 2


def unknown_states(rows: int) -> RowStates:
    """Initial states of rows. Zeros take no memory until they are written."""
    return np.zeros(rows, dtype=np.uint8)


class PackedRows(NamedTuple):
    """A pack, the files of its index for which only some packed rows are searched, and what is
    known about each row in this state of the database.
    """

    pack: Pack
    partly_embedded: tuple[PartlyEmbedded, ...]
    states: RowStates


class _Sweep(NamedTuple):
    """The distances of all rows of a set, or of the `allowed` rows, to the code of a query."""

    vectors: VectorSet
    allowed: Rows | None
    distances: NDArray[np.uint16]

    def within(self, edge: int | None) -> Rows:
        """The rows whose distance is at most `edge`; all rows if it is None."""
        if edge is None:
            return np.arange(len(self.distances)) if self.allowed is None else self.allowed
        near = np.flatnonzero(self.distances <= edge)
        return near if self.allowed is None else self.allowed[near]


def find_nearest(
    sets: Mapping[VectorSet, Selection], query: FloatVector, limit: int
) -> tuple[Ids, FloatVector]:
    """The snippets in the scope with the largest cosine similarities, and these, best first;
    includes all that tie with the last of the `limit`.

    The nearest valid codes of all sets together are rescored, with all ties at the cutoff.
    """
    sweeps = [one.sweep(query, selection) for one, selection in sets.items()]
    distances = [one.distances for one in sweeps]
    count = sum(map(len, distances))
    if not count:
        return np.empty(0, np.int64), np.empty(0, np.float32)
    wanted = max(limit * CANDIDATES_PER_RESULT, FEWEST_CANDIDATES, _share(count))
    gone = 0
    while True:
        edge = edge_of_nearest(distances, wanted + gone)
        near = [one.within(edge) for one in sweeps]
        held = [one.vectors.holding(rows) for one, rows in zip(sweeps, near, strict=True)]
        holding = sum(map(len, held))
        if holding >= wanted or edge is None:
            break
        gone = sum(map(len, near)) - holding
    found = [one.rescored(rows, query) for one, rows in zip(sets, held, strict=True)]
    ids = np.concatenate([one[0] for one in found])
    scores = np.concatenate([one[1] for one in found])
    if len(scores) > limit:
        good = np.flatnonzero(scores >= np.partition(scores, -limit)[-limit])
        ids, scores = ids[good], scores[good]
    order = np.argsort(-scores, kind="stable")
    return ids[order], scores[order]


class VectorSet:
    """The vectors of one index with a pack, or of any number of indexes without one. Not
    thread-safe.
    """

    def __init__(
        self,
        driver: Cursors,
        of: VectorsOf,
        tail: Tail,
        packed: PackedRows | None,
        allowed: AllowedRows,
    ) -> None:
        """With `packed`, `of` has one index, and `tail` the rows that are newer than its pack.
        `allowed` are known for this state of the database."""
        self._driver = driver
        self._known_allowed = allowed
        self._identity = of, None if packed is None else packed.pack.token, len(tail)
        self._index_ids = of.index_ids
        self._kind_and_model = {"kind": of.kind.value, "model": of.model}
        self._tail = tail
        self._pack = None if packed is None else packed.pack
        self._packed = 0 if packed is None else len(packed.pack)
        self._states = unknown_states(0) if packed is None else packed.states
        self._partly_embedded = () if packed is None else packed.partly_embedded

    def __len__(self) -> int:
        """Rows, including those that are no longer valid."""
        return self._packed + len(self._tail)

    def sweep(self, query: FloatVector, selection: Selection) -> _Sweep:
        """The distances of the selected rows."""
        allowed = self._allowed(selection)
        is_empty = not (len(self) if allowed is None else len(allowed))
        distances = np.empty(0, np.uint16) if is_empty else self._distances(query, allowed)
        return _Sweep(self, allowed, distances)

    def holding(self, rows: Rows) -> Rows:
        """Those of the rows that also exist in the database and are searched."""
        return rows[self._hold(rows)]

    def rescored(self, rows: Rows, query: FloatVector) -> tuple[Ids, FloatVector]:
        """The snippets of the rows, and their cosine similarities."""
        return self._snippet_ids(rows), self._rescore(rows, query)

    def best_in_files(self, file_ids: Ids, query: FloatVector, per_file: int) -> Ids:
        """The nearest snippets of each of the files.

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
        return self._snippet_ids(rows[best])

    def score(self, snippet_ids: Ids, query: FloatVector) -> dict[int, float]:
        """The cosine similarities of those of the snippets that have a vector."""
        rows, is_row = self._rows_of_snippets(snippet_ids)
        rows = rows[self._hold(rows)]
        ids = self._snippet_ids(rows).tolist()
        scores = dict(zip(ids, self._rescore(rows, query).tolist(), strict=True))
        # A snippet of the partly embedded file has a vector, but no row.
        missing = snippet_ids[~is_row].tolist()
        others = _VECTORS_OF_SNIPPETS.run(self._driver, missing, self._kind_and_model)
        if others:
            cosines = _cosines(raw_vectors([row[1] for row in others]), query)
            scores.update(zip([row[0] for row in others], cosines.tolist(), strict=True))
        return scores

    # Which rows

    def _allowed(self, selection: Selection) -> Rows | None:
        """The selected rows; None when that is all of them."""
        if selection.is_everything:
            return None
        if selection.chooses_files:
            return self._select(selection)
        key = self._identity, selection.of_versions
        known = self._known_allowed.find((key,)).get(key)
        if known is None:
            known = self._select(selection)
            if known is not None:
                self._known_allowed.add(key, known)
        return known

    def _select(self, selection: Selection) -> Rows | None:
        scope = selection.scope
        masks: list[NDArray[np.bool_]] = []
        if not selection.is_whole:
            masks.append(np.isin(self._every_file_id, _array(scope.listed)))
        if scope.file_ids is not None:
            masks.append(np.isin(self._every_file_id, _array(scope.file_ids)))
        if hidden := scope.hidden_from(selection.kind):
            masks.append(~np.isin(self._every_file_id, _array(hidden)))
        if scope.kinds:
            of_kind = [
                row[0]
                for kind in scope.kinds
                for row in _SNIPPETS_OF_KIND.run(
                    self._driver, self._index_ids, {"kind": kind.value}
                )
            ]
            masks.append(np.isin(self._every_snippet_id, np.array(of_kind, np.int64)))
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
            for file_id, newest in self._partly_embedded:
                holds &= ~((self._pack.file_ids[unknown] == file_id) & (ids > newest))
            self._states[unknown] = np.where(holds, _HOLDS, _GONE)
        holding = np.ones(len(rows), dtype=bool)
        holding[rows < self._packed] = self._states[packed] == _HOLDS
        return holding

    def _are_stored(self, snippet_ids: Ids) -> NDArray[np.bool_]:
        ids, mine = snippet_ids.tolist(), {"index": self._index_ids[0], **self._kind_and_model}
        # Usually all exist, and counting them takes half as long.
        counts = _COUNT_HOLDING.run(self._driver, ids, mine)
        if sum(row[0] for row in counts) == len(ids):
            return np.ones(len(ids), dtype=bool)
        found = _HOLDING.run(self._driver, ids, mine)
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
        if rows is not None and len(rows) > MOST_PICKED * len(self):
            return self._distances(query, None)[rows]
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
            scores[~is_packed] = _cosines(self._tail.vectors(self._driver, beyond), query)
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


_FIRST = np.ones(1, dtype=bool)


def first_per_file(
    file_ids: Ids, distances: FloatVector | NDArray[np.uint16], per_file: int
) -> NDArray[np.intp]:
    """Positions of the smallest distances of each file, the first ones if they tie."""
    # Two stable sorts by one key each take a fraction of the time of `lexsort`.
    order = np.argsort(distances, kind="stable")
    order = order[np.argsort(file_ids[order], kind="stable")]
    files = file_ids[order]
    firsts = (
        np.flatnonzero(np.concatenate((_FIRST, files[1:] != files[:-1]))) if len(files) else files
    )
    lengths = np.diff(firsts, append=len(files))
    place = np.arange(len(files)) - np.repeat(firsts, lengths)
    kept: NDArray[np.intp] = order[place < per_file]
    return kept


def _share(rows: int) -> int:
    """`LEAST_SHARE` of the rows, roughly: a power of two, so that a few more rows, which are no
    longer valid but counted, do not move the cutoff of candidates.
    """
    share = int(LEAST_SHARE * rows)
    return 1 << round(np.log2(share)) if share > 1 else share


def _cosines(raw: NDArray[np.int8], query: FloatVector) -> FloatVector:
    """Identical to `Pack.rescore` to the last bit: the scale is applied last."""
    scores = products(raw[:, :-4], query)
    scores *= np.ascontiguousarray(raw[:, -4:]).view("<f4")[:, 0]
    return scores


def _array(ids: frozenset[int]) -> Ids:
    return np.fromiter(ids, np.int64, len(ids))
