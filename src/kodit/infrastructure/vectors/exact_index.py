"""Exact vector search: 1-bit codes find candidates, the stored vectors rescore them.

Most vectors lie in packs that are mapped into memory; those that came since, and all of a small
index, are read from the database, which also says which packed ones are still valid.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import bindparam, or_, select

from kodit.domain.value_objects import Hit, Scope, VectorKind
from kodit.infrastructure.processes.pool import ProcessPool
from kodit.infrastructure.sqlalchemy.database import SqliteDatabase
from kodit.infrastructure.sqlalchemy.entities import EMBEDDINGS, SNIPPETS, VECTORS
from kodit.infrastructure.sqlalchemy.prepared import (
    Driver,
    Prepared,
    PreparedForMany,
    Row,
    constant,
)
from kodit.infrastructure.vectors.hamming import hamming_distances, nearest
from kodit.infrastructure.vectors.incomplete_file import half_done_file
from kodit.infrastructure.vectors.pack_builder import pack_path
from kodit.infrastructure.vectors.pack_file import Pack, open_pack
from kodit.infrastructure.vectors.quantization import codes_matrix, pack_code, products, unpack

CANDIDATES_PER_RESULT = 8
MOST_ROWS = 1_000_000_000
"""No limit."""
FEWEST_CANDIDATES = 1_000
LEAST_SHARE = 0.01
"""How many of the nearest codes are rescored, in numbers and of all. With these, at least 99 of
100 of the ten nearest that are found are the ten nearest of a scan of all real vectors."""

# Statements are made once: to put one together costs more than to run it.
_ROWS = Prepared(
    select(VECTORS.c.snippet_id, VECTORS.c.file_id, VECTORS.c.embedding_id, VECTORS.c.code).where(
        VECTORS.c.index_id == bindparam("index"),
        VECTORS.c.kind == bindparam("kind"),
        VECTORS.c.snippet_id > bindparam("newest"),
        VECTORS.c.model == bindparam("model"),
        or_(
            VECTORS.c.file_id != bindparam("half_done"),
            VECTORS.c.snippet_id <= bindparam("newest_of_half_done"),
        ),
    )
)
_VECTORS = PreparedForMany(
    lambda ids: select(EMBEDDINGS.c.id, EMBEDDINGS.c.vector).where(EMBEDDINGS.c.id.in_(ids))
)
_VALID = PreparedForMany(
    lambda ids: select(VECTORS.c.snippet_id).where(
        VECTORS.c.index_id == bindparam("index"),
        VECTORS.c.kind == bindparam("kind"),
        VECTORS.c.snippet_id.in_(ids),
    )
)
_VECTORS_OF_SNIPPETS = PreparedForMany(
    lambda ids: (
        select(VECTORS.c.snippet_id, EMBEDDINGS.c.vector)
        .join(EMBEDDINGS, EMBEDDINGS.c.id == VECTORS.c.embedding_id)
        .where(
            VECTORS.c.snippet_id.in_(ids),
            VECTORS.c.kind == bindparam("kind"),
            VECTORS.c.model == bindparam("model"),
        )
    )
)

_OF_KINDS = PreparedForMany(
    lambda kinds: select(SNIPPETS.c.id).where(
        SNIPPETS.c.index_id == bindparam("index"),
        SNIPPETS.c.state.in_([constant("live"), constant("superseded")]),  # those with vectors
        SNIPPETS.c.kind.in_(kinds),
    )
)

FloatVector = NDArray[np.float32]
Ids = NDArray[np.int64]


class _Question(NamedTuple):
    """What is asked of one index."""

    index_id: int
    kind: VectorKind
    model: str
    query: FloatVector
    scope: Scope
    limit: int


class ExactVectorIndex:
    """Vectors of any number of indexes."""

    def __init__(self, database: SqliteDatabase, folder: Path, pool: ProcessPool) -> None:
        self._database = database
        self._folder = folder
        self._pool = pool
        self._packs: dict[Path, tuple[tuple[int, int], Pack | None]] = {}

    async def refresh(self, index_id: int, kind: VectorKind, model: str) -> None:
        await self._pool.call(
            "kodit.infrastructure.vectors.pack_builder:refresh_pack",
            str(self._database.path),
            str(self._folder),
            index_id,
            kind.value,
            model,
        )

    def drop(self, index_id: int) -> None:
        for kind in VectorKind:
            pack_path(self._folder, index_id, kind.value).unlink(missing_ok=True)

    def search(
        self, kind: VectorKind, model: str, vector: Sequence[float], scope: Scope, limit: int
    ) -> list[Hit]:
        query = np.asarray(vector, dtype=np.float32)
        hits: list[Hit] = []
        with self._database.engine.begin() as connection:
            driver = Driver(connection)
            for index_id in sorted(scope.index_ids):
                question = _Question(index_id, kind, model, query, scope, limit)
                pack = self._pack(index_id, kind, model)
                if pack is not None:
                    hits += _search_pack(driver, pack, question)
                hits += _search_rows(driver, question, _newest(pack))
        hits.sort(key=lambda hit: (-hit.score, hit.snippet_id))
        return hits[:limit]

    def best_in_files(
        self,
        kind: VectorKind,
        model: str,
        vector: Sequence[float],
        files: Mapping[int, Sequence[int]],
        per_file: int,
    ) -> list[Hit]:
        query = np.asarray(vector, dtype=np.float32)
        hits: list[Hit] = []
        with self._database.engine.begin() as connection:
            driver = Driver(connection)
            for index_id, file_ids in files.items():
                wanted = np.asarray(file_ids, dtype=np.int64)
                scope = Scope(frozenset([index_id]), frozenset(file_ids))
                question = _Question(index_id, kind, model, query, scope, MOST_ROWS)
                pack = self._pack(index_id, kind, model)
                if pack is not None:
                    rows = _nearest_of_files(pack, wanted, query, per_file)
                    scores = pack.rescore(rows, query)
                    best = _first_per_file(pack.file_ids[rows], -scores, per_file)
                    pairs = _pairs(pack.snippet_ids[rows[best]], scores[best])
                    valid = _valid(driver, question, [pair[0] for pair in pairs])
                    hits += [Hit(*pair) for pair in pairs if pair[0] in valid]
                hits += _best_rows_in_files(driver, question, _newest(pack), per_file)
        return hits

    def score(
        self,
        kind: VectorKind,
        model: str,
        vector: Sequence[float],
        snippets: Mapping[int, Sequence[int]],
    ) -> dict[int, float]:
        query = np.asarray(vector, dtype=np.float32)
        scores: dict[int, float] = {}
        with self._database.engine.begin() as connection:
            driver = Driver(connection)
            for index_id, ids in snippets.items():
                wanted = np.asarray(ids, dtype=np.int64)
                pack = self._pack(index_id, kind, model)
                if pack is not None and len(wanted):
                    rows = np.minimum(np.searchsorted(pack.snippet_ids, wanted), len(pack) - 1)
                    packed = pack.snippet_ids[rows] == wanted
                    scores.update(_pairs(wanted[packed], pack.rescore(rows[packed], query)))
                    wanted = wanted[~packed]
                scores.update(_score_rows(driver, kind, model, query, wanted.tolist()))
        return scores

    def _pack(self, index_id: int, kind: VectorKind, model: str) -> Pack | None:
        """The pack as it is now; mapped again only when another one has been put in its place."""
        path = pack_path(self._folder, index_id, kind.value)
        try:
            status = path.stat()
        except FileNotFoundError:
            self._packs.pop(path, None)
            return None
        stamp = (status.st_mtime_ns, status.st_ino)
        if path not in self._packs or self._packs[path][0] != stamp:
            self._packs[path] = (stamp, open_pack(path))
        pack = self._packs[path][1]
        return pack if pack is not None and pack.model == model else None


def _newest(pack: Pack | None) -> int:
    return 0 if pack is None else int(pack.snippet_ids[-1])


def _search_pack(driver: Driver, pack: Pack, question: _Question) -> list[Hit]:
    allowed = _allowed(driver, pack.snippet_ids, pack.file_ids, question)
    among = pack.codes if allowed is None else pack.codes[:, allowed]
    if not among.shape[1]:
        return []

    def rescore(found: NDArray[np.intp]) -> tuple[Ids, FloatVector]:
        rows = found if allowed is None else allowed[found]
        return pack.snippet_ids[rows], pack.rescore(rows, question.query)

    distances = hamming_distances(among, pack_code(question.query))
    return _best(distances, question.limit, rescore, lambda ids: _valid(driver, question, ids))


def _search_rows(driver: Driver, question: _Question, newest: int) -> list[Hit]:
    """The same over what the database has beyond the pack."""
    rows = _rows_beyond(driver, question, newest)
    if not rows:
        return []
    allowed = _allowed(
        driver,
        np.array([row[0] for row in rows], dtype=np.int64),
        np.array([row[1] for row in rows], dtype=np.int64),
        question,
    )
    if allowed is not None:
        rows = [rows[position] for position in allowed]
        if not rows:
            return []

    def rescore(found: NDArray[np.intp]) -> tuple[Ids, FloatVector]:
        chosen = [rows[position] for position in found]
        found_vectors = _VECTORS.run(driver, [row[2] for row in chosen])
        stored = {row[0]: row[1] for row in found_vectors}
        scores = products(unpack([stored[row[2]] for row in chosen]), question.query)
        return np.array([row[0] for row in chosen], dtype=np.int64), scores

    codes = np.ascontiguousarray(codes_matrix([row[3] for row in rows]).T)
    distances = hamming_distances(codes, pack_code(question.query))
    return _best(distances, question.limit, rescore, set)


def _rows_beyond(driver: Driver, question: _Question, newest: int) -> Sequence[Row]:
    """The rows of `_ROWS` that are newer than the pack."""
    half_done = half_done_file(driver, question.index_id, question.kind, question.model)
    values = {
        "index": question.index_id,
        "kind": question.kind.value,
        "newest": newest,
        "model": question.model,
        "half_done": half_done.file_id,
        "newest_of_half_done": half_done.newest_snippet_id,
    }
    return _ROWS.run(driver, values)


def _best_rows_in_files(
    driver: Driver, question: _Question, newest: int, per_file: int
) -> list[Hit]:
    """The best of each file among what the database has beyond the pack."""
    rows = _rows_beyond(driver, question, newest)
    wanted = question.scope.file_ids or frozenset()
    file_of = {row[0]: row[1] for row in rows if row[1] in wanted}
    if not file_of:
        return []
    scores = _score_rows(driver, question.kind, question.model, question.query, list(file_of))
    ids = np.fromiter(scores, np.int64, len(scores))
    values = np.fromiter(scores.values(), np.float32, len(scores))
    files = np.array([file_of[snippet_id] for snippet_id in scores], dtype=np.int64)
    best = _first_per_file(files, -values, per_file)
    return [Hit(*pair) for pair in _pairs(ids[best], values[best])]


def _nearest_of_files(
    pack: Pack, file_ids: Ids, query: FloatVector, per_file: int
) -> NDArray[np.intp]:
    """The rows of files, of each file only those whose codes are nearest: enough to hold its
    best. To rescore every snippet of a hundred files would cost most of a search."""
    rows = pack.rows_of_files(file_ids)
    distances = hamming_distances(pack.codes[:, rows], pack_code(query))
    kept = _first_per_file(pack.file_ids[rows], distances, 3 * per_file)
    return rows[kept]


def _first_per_file(
    file_ids: Ids, distances: FloatVector | NDArray[np.uint16], per_file: int
) -> NDArray[np.intp]:
    """Positions of the smallest distances of each file."""
    # Two stable sorts of one key each take a fraction of what `lexsort` takes.
    order = np.argsort(distances, kind="stable")
    order = order[np.argsort(file_ids[order], kind="stable")]
    files = file_ids[order]
    firsts = np.flatnonzero(np.r_[True, files[1:] != files[:-1]]) if len(files) else files
    lengths = np.diff(np.r_[firsts, len(files)])
    place = np.arange(len(files)) - np.repeat(firsts, lengths)
    kept: NDArray[np.intp] = order[place < per_file]
    return kept


def _best(
    distances: NDArray[np.uint16],
    limit: int,
    rescore: Callable[[NDArray[np.intp]], tuple[Ids, FloatVector]],
    valid: Callable[[list[int]], set[int]],
) -> list[Hit]:
    """The best of the nearest, looking further while what has gone since costs a result."""
    wanted = max(
        limit * CANDIDATES_PER_RESULT, FEWEST_CANDIDATES, int(LEAST_SHARE * len(distances))
    )
    while True:
        found = nearest(distances, wanted)
        ids, scores = rescore(found)
        best = np.argsort(-scores, kind="stable")[: 2 * limit]
        pairs = _pairs(ids[best], scores[best])
        still_there = valid([snippet_id for snippet_id, _score in pairs])
        hits = [Hit(*pair) for pair in pairs if pair[0] in still_there]
        if len(hits) >= limit or len(found) == len(distances):
            return hits[:limit]
        wanted = 4 * len(found)


def _valid(driver: Driver, question: _Question, ids: Sequence[int]) -> set[int]:
    """Which of the packed vectors the database still has."""
    of_index = {"index": question.index_id, "kind": question.kind.value}
    return {row[0] for row in _VALID.run(driver, ids, of_index)}


def _score_rows(
    driver: Driver,
    kind: VectorKind,
    model: str,
    query: FloatVector,
    snippet_ids: Sequence[int],
) -> dict[int, float]:
    of_model = {"kind": kind.value, "model": model}
    rows = _VECTORS_OF_SNIPPETS.run(driver, snippet_ids, of_model)
    if not rows:
        return {}
    ids = np.array([row[0] for row in rows], dtype=np.int64)
    return dict(_pairs(ids, products(unpack([row[1] for row in rows]), query)))


def _allowed(
    driver: Driver, snippet_ids: Ids, file_ids: Ids, question: _Question
) -> NDArray[np.intp] | None:
    """Positions of the rows within the scope; None when that is all of them."""
    scope = question.scope
    masks: list[NDArray[np.bool_]] = []
    if scope.file_ids is not None:
        masks.append(np.isin(file_ids, _array(scope.file_ids)))
    if scope.hidden_file_ids:
        masks.append(~np.isin(file_ids, _array(scope.hidden_file_ids)))
    if scope.kinds:
        kinds = [kind.value for kind in scope.kinds]
        found = _OF_KINDS.run(driver, kinds, {"index": question.index_id})
        of_kind = (row[0] for row in found)
        masks.append(np.isin(snippet_ids, np.fromiter(of_kind, np.int64)))
    return np.flatnonzero(np.logical_and.reduce(masks)) if masks else None


def _array(ids: frozenset[int]) -> Ids:
    return np.fromiter(ids, np.int64, len(ids))


def _pairs(ids: Ids, scores: FloatVector) -> list[tuple[int, float]]:
    return list(zip(ids.tolist(), scores.tolist(), strict=True))
