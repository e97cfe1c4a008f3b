"""Exact vector search: 1-bit codes find candidates, the stored vectors rescore them."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast
from weakref import WeakKeyDictionary

import numpy as np

from kodit.application.services.threads import Lane, in_thread
from kodit.domain.value_objects import Hit, Scope, VectorKind
from kodit.infrastructure.sql.nodes import NOTED_PACKS
from kodit.infrastructure.sql.statements import Cursors, Statement, StatementForMany
from kodit.infrastructure.vectors.incomplete_file import PartlyEmbedded, partly_embedded_files
from kodit.infrastructure.vectors.pack_builder import FEWEST_CHANGES, is_near, pack_path
from kodit.infrastructure.vectors.pack_file import Pack, open_pack
from kodit.infrastructure.vectors.selection import AllowedRows, Selection
from kodit.infrastructure.vectors.tail import Ids, Tail, VectorsOf, read_tail
from kodit.infrastructure.vectors.vector_set import (
    PackedRows,
    RowStates,
    VectorSet,
    find_nearest,
    unknown_states,
)

# A command imports what it uses; child processes are started when they are first needed.
if TYPE_CHECKING:
    from kodit.domain.ports.database import Transaction
    from kodit.infrastructure.processes.pool import ProcessPool
    from kodit.infrastructure.sql.readable import ReadableDatabase, ReadTransaction

_BUILDER = "kodit.infrastructure.vectors.pack_builder"
_NOTED_PACKS = StatementForMany(
    "SELECT indexes.id, indexes.code_pack, indexes.text_pack FROM indexes "
    "WHERE indexes.id IN :ids AND (indexes.code_pack IS NOT NULL OR indexes.text_pack IS NOT NULL)",
    postgresql=f"{NOTED_PACKS} indexes.id IN :ids",
)
_ENOUGH_FOR_A_PACK = Statement(
    "SELECT 1 FROM vectors WHERE vectors.index_id = :index AND vectors.kind = :kind "
    f"AND vectors.model = :model LIMIT 1 OFFSET {FEWEST_CHANGES}"
)
_CONTENT = StatementForMany(
    "SELECT snippets.id, versions.path, snippets.start_line, snippets.end_line, indexes.location, "
    "indexes.ref FROM snippets JOIN versions ON versions.id = snippets.version_id "
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
        if await in_thread(partial(self._needs_none, index_id, kind, model), Lane.READS):
            return None
        return await self._call("refresh_pack", index_id, kind, model)

    def _needs_none(self, index_id: int, kind: VectorKind, model: str) -> bool:
        """Whether an index has no pack, and too few vectors for one, or one that is near enough:
        no child process need look at it."""
        with self._database.read() as transaction:
            driver = transaction.cursors
            if pack_path(self._folder, index_id, kind.value).exists():
                return is_near(driver, self._folder, index_id, kind, model)
            return not _has_enough(driver, index_id, kind, model)

    def is_prepared(self, index_id: int, kind: VectorKind, model: str) -> bool:
        # A worker never searches, and it is another process that deletes an index.
        self._packs.forget_removed()
        with self._database.read() as transaction:
            driver = transaction.cursors
            token = _noted_packs(driver, (index_id,), kind).get(index_id)
            if token is not None and self._packs.get(index_id, kind, model, token) is not None:
                return True
            return not _has_enough(driver, index_id, kind, model)

    async def _call(self, function: str, index_id: int, kind: VectorKind, model: str) -> str | None:
        token: str | None = await self._pool.call(
            f"{_BUILDER}:{function}",
            self._database.address,
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

    def held(self) -> set[int]:
        names = (path.name.partition("-")[0] for path in self._folder.glob("*-*.pack"))
        return {int(name) for name in names if name.isdecimal()}

    def release_pages(self) -> None:
        self._packs.release_pages()

    def reader(self, transaction: Transaction) -> ExactVectorReader:
        return ExactVectorReader(cast("ReadTransaction", transaction), self._packs)


def _has_enough(driver: Cursors, index_id: int, kind: VectorKind, model: str) -> bool:
    of_model = {"index": index_id, "kind": kind.value, "model": model}
    return bool(_ENOUGH_FOR_A_PACK.run(driver, of_model))


class ExactVectorReader:
    """The vectors as one transaction sees them."""

    def __init__(self, transaction: ReadTransaction, packs: _Packs) -> None:
        self._driver = transaction.cursors
        self._known = transaction.caches.state.get(__name__, _Known)
        self._packs = packs
        if not self._known.is_used:
            self._known.is_used = True
            packs.forget_removed()  # another process may have deleted an index
        self._sets: dict[tuple[VectorKind, str], dict[int, VectorSet]] = {}

    def search(
        self, kind: VectorKind, model: str, vector: Sequence[float], scope: Scope, limit: int
    ) -> list[Hit]:
        query = np.asarray(vector, dtype=np.float32)
        sets = {
            vectors: Selection(scope, kind, is_whole=is_whole)
            for stores, is_whole in ((scope.listed_stores, False), (scope.whole_stores, True))
            for vectors in self._sets_alike(stores, scope.store_ids - stores, kind, model)
        }
        ids, scores = find_nearest(sets, query, limit)
        hits = list(map(Hit, ids.tolist(), scores.tolist()))
        return self._in_order(hits)[:limit]

    def _sets_alike(
        self, stores: frozenset[int], others: frozenset[int], kind: VectorKind, model: str
    ) -> list[VectorSet]:
        """The sets of some stores, without any other store."""
        if not stores:
            return []
        by_store = self._sets_of(stores, kind, model)
        sets = {by_store[store_id] for store_id in stores}
        if any(by_store.get(store_id) in sets for store_id in others):
            # They were read together for another question.
            for store_id in (*stores, *others):
                self._sets[kind, model].pop(store_id, None)
            by_store = self._sets_of(stores, kind, model)
        return list(dict.fromkeys(by_store[store_id] for store_id in sorted(stores)))

    def best_in_files(
        self,
        kind: VectorKind,
        model: str,
        vector: Sequence[float],
        files: Mapping[int, Sequence[int]],
        per_file: int,
    ) -> set[int]:
        query = np.asarray(vector, dtype=np.float32)
        best: set[int] = set()
        for vectors, wanted in self._by_set(files, kind, model):
            best.update(vectors.best_in_files(wanted, query, per_file).tolist())
        return best

    def score(
        self,
        kind: VectorKind,
        model: str,
        vector: Sequence[float],
        snippets: Mapping[int, Sequence[int]],
    ) -> dict[int, float]:
        query = np.asarray(vector, dtype=np.float32)
        scores: dict[int, float] = {}
        for vectors, wanted in self._by_set(snippets, kind, model):
            scores.update(vectors.score(wanted, query))
        return scores

    def _by_set(
        self, ids: Mapping[int, Sequence[int]], kind: VectorKind, model: str
    ) -> list[tuple[VectorSet, Ids]]:
        """The ids of files or snippets, given by index, with the set that has their vectors."""
        sets = self._sets_of(ids, kind, model)
        wanted: dict[VectorSet, list[int]] = {}
        for index_id, some in ids.items():
            wanted.setdefault(sets[index_id], []).extend(some)
        return [(vectors, np.array(some, np.int64)) for vectors, some in wanted.items()]

    def _sets_of(
        self, index_ids: Collection[int], kind: VectorKind, model: str
    ) -> Mapping[int, VectorSet]:
        """The sets by index, at least of these. Indexes without a pack share one set."""
        sets = self._sets.setdefault((kind, model), {})
        missing = tuple(sorted(index_id for index_id in index_ids if index_id not in sets))
        if missing:
            self._add_sets(sets, VectorsOf(missing, kind, model))
        return sets

    def _add_sets(self, sets: dict[int, VectorSet], of: VectorsOf) -> None:
        facts, allowed = self._known.facts(self._driver, of), self._known.allowed
        packs: dict[int, Pack] = {}
        for index_id, token in facts.noted_packs.items():
            pack = self._packs.get(index_id, of.kind, of.model, token)
            if pack is not None:
                packs[index_id] = pack
        for index_id, pack in packs.items():
            partly_embedded = tuple(one for one in (facts.partly_embedded.get(index_id),) if one)
            of_index = VectorsOf((index_id,), of.kind, of.model)
            newest = int(pack.snippet_ids[-1])
            tail = self._known.tail(self._driver, of_index, newest, partly_embedded)
            packed = PackedRows(pack, partly_embedded, self._known.states(pack, partly_embedded))
            sets[index_id] = VectorSet(self._driver, of_index, tail, packed, allowed)
        without = tuple(index_id for index_id in of.index_ids if index_id not in packs)
        if without:
            partly_embedded = tuple(
                one for key, one in facts.partly_embedded.items() if key not in packs
            )
            others = VectorsOf(without, of.kind, of.model)
            tail = self._known.tail(self._driver, others, 0, partly_embedded)
            of_others = VectorSet(self._driver, others, tail, None, allowed)
            sets.update(dict.fromkeys(without, of_others))

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


class _Facts(NamedTuple):
    """What the database says about some indexes, for a kind and a model: the tokens of their packs
    and their partly embedded files, both by index.
    """

    noted_packs: Mapping[int, str]
    partly_embedded: Mapping[int, PartlyEmbedded]


class _Known:
    """What earlier searches on the same connection found out, valid as long as the database has not
    changed.
    """

    def __init__(self) -> None:
        self.is_used = False
        self.allowed = AllowedRows()
        self._states: WeakKeyDictionary[Pack, tuple[tuple[PartlyEmbedded, ...], RowStates]]
        self._states = WeakKeyDictionary()
        self._facts: dict[VectorsOf, _Facts] = {}
        self._tails: dict[tuple[VectorsOf, int], Tail] = {}

    def facts(self, driver: Cursors, of: VectorsOf) -> _Facts:
        """The facts about these indexes."""
        known = self._facts.get(of)
        if known is None:
            if sum(len(other.index_ids) for other in self._facts) > MOST_KEPT_ROWS:
                self._facts.clear()
            noted = _noted_packs(driver, of.index_ids, of.kind)
            partly_embedded = partly_embedded_files(driver, *of)
            known = self._facts[of] = _Facts(noted, partly_embedded)
        return known

    def tail(
        self,
        driver: Cursors,
        of: VectorsOf,
        newest: int,
        partly_embedded: tuple[PartlyEmbedded, ...],
    ) -> Tail:
        """Their vectors with snippet ids above `newest`. Each search reads large ones again: every
        connection would keep its own copy.
        """
        known = self._tails.get((of, newest))
        if known is None:
            known = read_tail(driver, of, newest, partly_embedded)
            if len(known) + sum(map(len, self._tails.values())) > MOST_KEPT_ROWS:
                self._tails.clear()
            if len(known) <= MOST_KEPT_ROWS:
                self._tails[of, newest] = known
        return known

    def states(self, pack: Pack, partly_embedded: tuple[PartlyEmbedded, ...]) -> RowStates:
        """One element per row. The partly embedded file depends on the model too, not only on the
        pack.
        """
        known = self._states.get(pack)
        if known is None or known[0] != partly_embedded:
            known = self._states[pack] = partly_embedded, unknown_states(len(pack))
        return known[1]


def _noted_packs(driver: Cursors, index_ids: Sequence[int], kind: VectorKind) -> dict[int, str]:
    """By index, the token of the pack that was made from this database, if any."""
    noted = _NOTED_PACKS.run(driver, index_ids)
    tokens = {row[0]: row[1 if kind is VectorKind.CODE else 2] for row in noted}
    return {index_id: token for index_id, token in tokens.items() if token is not None}


MOST_KEPT_ROWS = 10_000
"""Vectors without a pack that a connection keeps for its next search, some 320 bytes each."""


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

    def get(self, index_id: int, kind: VectorKind, model: str, token: str) -> Pack | None:
        """The pack of a token that is noted in the transaction's snapshot of the database, mapped
        again only after a replacement. None if there is none for the model.

        A pack of a later state may lack rows that still exist, and one of another database holds
        other snippets under the same ids.
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
                former = None if mapped is None else mapped.pack
                mapped = self._open[path] = _OpenPack(stamp, open_pack(path), former)
            if mapped.pack is not None and mapped.pack.token == token:
                if mapped.former is not None:
                    self._open[path] = mapped._replace(former=None)
                return mapped.pack if mapped.pack.model == model else None
            former = mapped.former
            is_noted = former is not None and (former.token, former.model) == (token, model)
            return former if is_noted else None

    def release_pages(self) -> None:
        """Release the resident pages of all packs."""
        with self._lock:
            for one in self._open.values():
                for pack in (one.pack, one.former):
                    if pack is not None:
                        pack.release_pages()

    def forget_removed(self) -> None:
        """Unmap packs whose files are gone."""
        with self._lock:
            for path in [path for path in self._open if not path.exists()]:
                del self._open[path]
