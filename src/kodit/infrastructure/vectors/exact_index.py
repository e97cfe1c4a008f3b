"""Exact vector search: 1-bit codes find candidates, the stored vectors rescore them."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, cast
from weakref import WeakKeyDictionary

import numpy as np
from sqlalchemy import Connection, select

from kodit.domain.ports.database import Transaction
from kodit.domain.value_objects import Hit, Scope, VectorKind
from kodit.infrastructure.processes.pool import ProcessPool
from kodit.infrastructure.sqlalchemy.database import SqliteDatabase, SqlTransaction
from kodit.infrastructure.sqlalchemy.entities import FILES, INDEXES, SNIPPETS
from kodit.infrastructure.sqlalchemy.prepared import Driver, PreparedForMany
from kodit.infrastructure.vectors.incomplete_file import HalfDone, half_done_file
from kodit.infrastructure.vectors.pack_builder import pack_path
from kodit.infrastructure.vectors.pack_file import Pack, open_pack
from kodit.infrastructure.vectors.vector_set import (
    RowStates,
    VectorSet,
    to_dict,
    unknown_states,
)

_BUILDER = "kodit.infrastructure.vectors.pack_builder"
STAMPS_LAG_NS = 10_000_000
"""How far the stamps of files may lag behind the clock: the kernel's tick."""

_CONTENT = PreparedForMany(
    lambda ids: (
        select(
            SNIPPETS.c.id,
            FILES.c.path,
            SNIPPETS.c.start_line,
            SNIPPETS.c.end_line,
            INDEXES.c.location,
            INDEXES.c.ref,
        )
        .join(FILES, FILES.c.id == SNIPPETS.c.file_id)
        .join(INDEXES, INDEXES.c.id == SNIPPETS.c.index_id)
        .where(SNIPPETS.c.id.in_(ids))
    )
)


class ExactVectorIndex:
    """Vectors of any number of indexes, for any number of threads."""

    def __init__(self, database: SqliteDatabase, folder: Path, pool: ProcessPool) -> None:
        self._database = database
        self._packs = _Packs(folder)
        self._folder = folder
        self._pool = pool

    async def extend(self, index_id: int, kind: VectorKind, model: str) -> None:
        await self._call("extend_pack", index_id, kind, model)

    async def refresh(self, index_id: int, kind: VectorKind, model: str) -> None:
        await self._call("refresh_pack", index_id, kind, model)

    async def _call(self, function: str, index_id: int, kind: VectorKind, model: str) -> None:
        await self._pool.call(
            f"{_BUILDER}:{function}",
            str(self._database.path),
            str(self._folder),
            index_id,
            kind.value,
            model,
        )

    def drop(self, index_id: int) -> None:
        for kind in VectorKind:
            pack_path(self._folder, index_id, kind.value).unlink(missing_ok=True)
        self._packs.forget_removed()

    def reader(self, transaction: Transaction) -> ExactVectorReader:
        return ExactVectorReader(cast(SqlTransaction, transaction), self._packs)


class ExactVectorReader:
    """The vectors as one transaction has them."""

    def __init__(self, transaction: SqlTransaction, packs: _Packs) -> None:
        self._driver = Driver(transaction.connection)
        self._known = _KnownStates(transaction.connection)
        self._made_ns = transaction.made_ns
        self._packs = packs
        self._sets: dict[tuple[int, VectorKind, str], VectorSet] = {}

    def search(
        self, kind: VectorKind, model: str, vector: Sequence[float], scope: Scope, limit: int
    ) -> list[Hit]:
        query = np.asarray(vector, dtype=np.float32)
        hits: list[Hit] = []
        for index_id in scope.index_ids:
            ids, scores = self._set(index_id, kind, model).search(query, scope, limit)
            pairs = zip(ids.tolist(), scores.tolist(), strict=True)
            hits += [Hit(*pair) for pair in pairs]
        hits.sort(key=lambda hit: -hit.score)
        return self._in_order(hits)[:limit]

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
        for index_id, file_ids in files.items():
            wanted = np.asarray(file_ids, dtype=np.int64)
            of_index = self._set(index_id, kind, model)
            best = to_dict(*of_index.best_in_files(wanted, query, per_file))
            hits += [Hit(*pair) for pair in best.items()]
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
        for index_id, ids in snippets.items():
            wanted = np.asarray(ids, dtype=np.int64)
            scores.update(self._set(index_id, kind, model).score(wanted, query))
        return scores

    def _set(self, index_id: int, kind: VectorKind, model: str) -> VectorSet:
        key = (index_id, kind, model)
        found = self._sets.get(key)
        if found is None:
            pack = self._packs.get(index_id, kind, model, self._made_ns)
            half_done = half_done_file(self._driver, index_id, kind, model)
            states = self._known.of(pack, half_done)
            found = VectorSet(self._driver, key, pack, half_done, states)
            self._sets[key] = found
        return found

    def _in_order(self, hits: list[Hit]) -> list[Hit]:
        """Those of equal scores by their content, as identifiers depend on history."""
        tied = {
            hit.snippet_id
            for pair in pairwise(hits)
            if pair[0].score == pair[1].score
            for hit in pair
        }
        if not tied:
            return hits
        content = {row[0]: tuple(row[1:]) for row in _CONTENT.run(self._driver, sorted(tied))}
        return sorted(hits, key=lambda hit: (-hit.score, content.get(hit.snippet_id, ())))


class _KnownStates:
    """What has been found out of packed rows by earlier searches through the same connection, for
    as long as nobody has changed the database."""

    def __init__(self, connection: Connection) -> None:
        driver: Any = connection.connection.dbapi_connection
        self._version = driver.execute("PRAGMA data_version").fetchone()[0]
        self._known: _States = connection.info.setdefault(__name__, WeakKeyDictionary())

    def of(self, pack: Pack | None, half_done: HalfDone) -> RowStates:
        """One element a row. The file that is half done is a matter of the model too, and not of
        the pack alone."""
        if pack is None:
            return unknown_states(0)
        known = self._known.get(pack)
        if known is None or known[:2] != (self._version, half_done):
            known = self._known[pack] = self._version, half_done, unknown_states(len(pack))
        return known[2]


_States = WeakKeyDictionary[Pack, tuple[int, HalfDone, RowStates]]


class _OpenPack(NamedTuple):
    stamp: tuple[int, int]
    pack: Pack | None


class _Packs:
    """The packs that have been mapped, and by what they would be known to be others."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[Path, _OpenPack] = {}
        self._lock = threading.Lock()

    def get(self, index_id: int, kind: VectorKind, model: str, made_ns: int) -> Pack | None:
        """The pack as it is, mapped again only when another one has been put in its place; None
        where there is none for the model.

        A transaction that was made before the pack was put in place, at `made_ns`, does not use
        it: the pack may lack what was still there then.
        """
        path = pack_path(self._folder, index_id, kind.value)
        with self._lock:
            mapped = self._open.get(path)
            try:
                status = path.stat()
            except FileNotFoundError:
                self._open.pop(path, None)
                return None
            stamp = (status.st_mtime_ns, status.st_ino)
            if mapped is None or mapped.stamp != stamp:
                if made_ns - STAMPS_LAG_NS <= status.st_mtime_ns <= time.time_ns():
                    # The one before it is as good as on the day it was made.
                    return _of_model(mapped, model)
                mapped = self._open[path] = _OpenPack(stamp, open_pack(path))
            return _of_model(mapped, model)

    def forget_removed(self) -> None:
        """Unmap those whose files are gone."""
        with self._lock:
            for path in [path for path in self._open if not path.exists()]:
                del self._open[path]


def _of_model(mapped: _OpenPack | None, model: str) -> Pack | None:
    pack = None if mapped is None else mapped.pack
    return pack if pack is not None and pack.model == model else None
