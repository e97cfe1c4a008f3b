"""Exact vector search: 1-bit codes find candidates, the stored vectors rescore them."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast
from weakref import WeakKeyDictionary

import numpy as np

from kodit.domain.value_objects import Hit, Scope, VectorKind
from kodit.infrastructure.sql.statements import Cursors, Statement, StatementForMany
from kodit.infrastructure.vectors.incomplete_file import PartlyEmbedded, partly_embedded_file
from kodit.infrastructure.vectors.pack_builder import FEWEST_CHANGES, pack_path
from kodit.infrastructure.vectors.pack_file import Pack, open_pack
from kodit.infrastructure.vectors.vector_set import (
    RowStates,
    VectorSet,
    to_dict,
    unknown_states,
)

# A command imports what it uses; child processes are started when they are first needed.
if TYPE_CHECKING:
    from kodit.domain.ports.database import Transaction
    from kodit.infrastructure.processes.pool import ProcessPool
    from kodit.infrastructure.sql.readable import ReadableDatabase, ReadTransaction

_BUILDER = "kodit.infrastructure.vectors.pack_builder"
_NOTED_PACKS = Statement(
    "SELECT indexes.code_pack, indexes.text_pack FROM indexes WHERE indexes.id = :index"
)
_ENOUGH_FOR_A_PACK = Statement(
    "SELECT 1 FROM vectors WHERE vectors.index_id = :index AND vectors.kind = :kind "
    f"AND vectors.model = :model LIMIT 1 OFFSET {FEWEST_CHANGES}"
)
_CONTENT = StatementForMany(
    "SELECT snippets.id, files.path, snippets.start_line, snippets.end_line, indexes.location, "
    "indexes.ref FROM snippets JOIN files ON files.id = snippets.file_id "
    "JOIN indexes ON indexes.id = snippets.index_id WHERE snippets.id IN :ids"
)


class ExactVectorIndex:
    """Vectors of any number of indexes, for any number of threads."""

    def __init__(self, database: ReadableDatabase, folder: Path, pool: ProcessPool) -> None:
        self._database = database
        self._packs = _Packs(folder)
        self._folder = folder
        self._pool = pool

    async def extend(self, index_id: int, kind: VectorKind, model: str) -> str | None:
        return await self._call("extend_pack", index_id, kind, model)

    async def refresh(self, index_id: int, kind: VectorKind, model: str) -> str | None:
        return await self._call("refresh_pack", index_id, kind, model)

    def is_prepared(self, index_id: int, kind: VectorKind, model: str) -> bool:
        # A worker never searches, and it is another process that deletes an index.
        self._packs.forget_removed()
        with self._database.read() as transaction:
            driver = transaction.cursors
            if self._packs.get(driver, index_id, kind, model) is not None:
                return True
            of_model = {"index": index_id, "kind": kind.value, "model": model}
            return not _ENOUGH_FOR_A_PACK.run(driver, of_model)

    async def _call(self, function: str, index_id: int, kind: VectorKind, model: str) -> str | None:
        token: str | None = await self._pool.call(
            f"{_BUILDER}:{function}",
            str(self._database.path),
            str(self._folder),
            index_id,
            kind.value,
            model,
        )
        return token

    def drop(self, index_id: int) -> None:
        for kind in VectorKind:
            pack_path(self._folder, index_id, kind.value).unlink(missing_ok=True)
        self._packs.forget_removed()

    def reader(self, transaction: Transaction) -> ExactVectorReader:
        return ExactVectorReader(cast("ReadTransaction", transaction), self._packs)


class ExactVectorReader:
    """The vectors as one transaction sees them."""

    def __init__(self, transaction: ReadTransaction, packs: _Packs) -> None:
        self._driver = transaction.cursors
        self._known = _KnownStates(transaction)
        self._packs = packs
        if self._known.is_of_new_state:
            packs.forget_removed()  # another process may have deleted an index
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
            pack = self._packs.get(self._driver, index_id, kind, model)
            partly_embedded = partly_embedded_file(self._driver, index_id, kind, model)
            states = self._known.of(pack, partly_embedded)
            found = VectorSet(self._driver, key, pack, partly_embedded, states)
            self._sets[key] = found
        return found

    def _in_order(self, hits: list[Hit]) -> list[Hit]:
        """Hits of equal score ordered by their content, because ids depend on history."""
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
    """What earlier searches on the same connection found out about packed rows, valid as long as
    the database has not changed.
    """

    def __init__(self, transaction: ReadTransaction) -> None:
        ((self._version,),) = _VERSION.run(transaction.cursors)
        info = transaction.info
        self._known: _States = info.setdefault(__name__, WeakKeyDictionary())
        self.is_of_new_state = info.get(_SEEN) != self._version
        info[_SEEN] = self._version

    def of(self, pack: Pack | None, partly_embedded: PartlyEmbedded) -> RowStates:
        """One element per row. The partly embedded file depends on the model too, not only on the
        pack.
        """
        if pack is None:
            return unknown_states(0)
        known = self._known.get(pack)
        if known is None or known[:2] != (self._version, partly_embedded):
            known = self._known[pack] = self._version, partly_embedded, unknown_states(len(pack))
        return known[2]


_VERSION = Statement("PRAGMA data_version")
_SEEN = f"{__name__}.version"
"""The key in a connection's `info` of the database state that was searched last."""

_States = WeakKeyDictionary[Pack, tuple[int, PartlyEmbedded, RowStates]]


class _OpenPack(NamedTuple):
    """A mapped pack, and its predecessor, for transactions that began before the replacement."""

    stamp: tuple[int, int]
    pack: Pack | None
    former: Pack | None


class _Packs:
    """The mapped packs, with the stamps that show a replacement."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[Path, _OpenPack] = {}
        self._lock = threading.Lock()

    def get(self, driver: Cursors, index_id: int, kind: VectorKind, model: str) -> Pack | None:
        """The pack noted in the transaction's snapshot of the database, mapped again only after a
        replacement. None if there is none for the model.

        A pack of a later state may lack rows that still exist, and one of another database holds
        other snippets under the same ids.
        """
        noted = _NOTED_PACKS.run(driver, {"index": index_id})
        token = noted[0][0 if kind is VectorKind.CODE else 1] if noted else None
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
                former = None if mapped is None else mapped.pack
                mapped = self._open[path] = _OpenPack(stamp, open_pack(path), former)
            if mapped.pack is not None and mapped.pack.token == token:
                if mapped.former is not None:
                    self._open[path] = mapped._replace(former=None)
                return mapped.pack if mapped.pack.model == model else None
            former = mapped.former
            is_noted = former is not None and (former.token, former.model) == (token, model)
            return former if is_noted else None

    def forget_removed(self) -> None:
        """Unmap packs whose files are gone."""
        with self._lock:
            for path in [path for path in self._open if not path.exists()]:
                del self._open[path]
