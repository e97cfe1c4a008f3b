"""Keeps the engines of a node up to date with a database that several nodes share."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from functools import partial

from kodit.application.services.keyword_filling import CHANGES_PER_BATCH
from kodit.application.services.keyword_following import follow_stores
from kodit.application.services.queue_service import QueueService
from kodit.application.services.threads import Lane, in_thread
from kodit.application.services.transactions import written
from kodit.domain.batches import MOST_PER_TRANSACTION
from kodit.domain.ports.database import Database, Transaction
from kodit.domain.ports.engines import KeywordIndex, VectorIndex
from kodit.domain.ports.nodes import AwaitingTask, Nodes
from kodit.domain.value_objects import VectorKind

log = logging.getLogger(__name__)

SETTLED_PER_PIECE = 64
STORES_PER_PIECE = 16
"""How many stores share commits; each commit of the keyword index costs as much as indexing a
hundred snippets."""
SECONDS_BETWEEN_SIGNS = 30.0
MOST_SECONDS_IN_TROUBLE = 60.0
"""A node that could not follow for so long, because its disk is full for example, says so."""


class NodeFollowing:
    """Applies what the workers of other nodes have done. Each piece may be repeated, and a worker
    of this node may do the same at the same time."""

    def __init__(
        self,
        *,
        database: Database,
        keyword_index: KeywordIndex,
        vector_index: VectorIndex,
        model: Callable[[], str],
        nodes: Nodes,
        queue: QueueService,
    ) -> None:
        """`model` is that of the searched vectors."""
        self._database = database
        self._keyword_index = keyword_index
        self._vector_index = vector_index
        self._model = model
        self._nodes = nodes
        self._queue = queue
        self._lost: set[int] = set()
        """Stores of which the keyword index holds something else than this node has acknowledged:
        one of the two was restored from a copy, or damaged."""
        self._unsettled: set[int] = set()
        self._in_trouble_since: float | None = None
        self._packed: dict[int, datetime | None] = {}
        """By store, when the index was last brought up to date whose vectors are packed here."""

    async def give_sign(self) -> bool:
        """Say that this node is alive and follows, and forget those that are not."""
        follows = not self._is_in_trouble()
        if not follows:  # nobody should wait for it
            await in_thread(self._nodes.stop_following, Lane.WRITES)
        await in_thread(partial(self._nodes.enter, searches=True, follows=follows), Lane.WRITES)
        if follows:
            await in_thread(self._nodes.start_following)
        await in_thread(self._nodes.forget_lost, Lane.WRITES)
        return False

    def _is_in_trouble(self) -> bool:
        since = self._in_trouble_since
        return since is not None and time.monotonic() - since >= MOST_SECONDS_IN_TROUBLE

    async def check(self) -> bool:
        """Find the stores that have to be followed again."""
        self._lost = await in_thread(self._untrusted, Lane.READS)
        return False

    def _untrusted(self) -> set[int]:
        with self._database.read() as transaction:
            store_ids = transaction.indexes.stores()
        # The positions first: what is acknowledged later is trusted too.
        positions = self._keyword_index.positions(store_ids)
        with self._database.read() as transaction:
            return transaction.keyword_log.untrusted(positions)

    async def follow_some(self) -> bool:
        """Bring some stores up to date; returns whether there may be more to do."""
        try:
            has_more = await self._follow_some()
        except Exception:
            self._in_trouble_since = self._in_trouble_since or time.monotonic()
            raise
        self._in_trouble_since = None
        return has_more

    async def _follow_some(self) -> bool:
        if self._lost:
            store_id = next(iter(self._lost))
            await self._follow([store_id])
            self._lost.discard(store_id)
            return True
        if behind := await in_thread(self._behind, Lane.READS):
            await self._follow(behind[:STORES_PER_PIECE])
            return True
        return await self._lead_some()

    async def _lead_some(self) -> bool:
        """Be the first to follow what a worker of another node waits for, or no worker is going to
        follow; returns whether there was anything."""
        if awaiting := await in_thread(self._nodes.awaiting, Lane.READS):
            some, stores = await in_thread(partial(self._first_of, awaiting), Lane.READS)
            await self._follow(stores, leads=True)
            await self._queue.end_waits([task.id for task in some])
            return True
        if unled := await in_thread(self._unled, Lane.READS):
            await self._follow(unled[:STORES_PER_PIECE], leads=True)
            return True
        return False

    def _first_of(self, awaiting: Sequence[AwaitingTask]) -> tuple[list[AwaitingTask], set[int]]:
        """The first task, those after it whose changes go into the same commit, and the stores of
        their indexes."""
        some: list[AwaitingTask] = []
        stores: set[int] = set()
        changes = 0
        with self._database.read() as transaction:
            for task in awaiting:
                new = set(transaction.versions.stores(task.index_id)) - stores
                changes += sum(map(transaction.keyword_log.count, new))
                if some and (changes > CHANGES_PER_BATCH or len(stores | new) > STORES_PER_PIECE):
                    break
                some.append(task)
                stores |= new
        return some, stores

    def _unled(self) -> list[int]:
        with self._database.read() as transaction:
            return list(transaction.keyword_log.unled())

    def _behind(self) -> list[int]:
        with self._database.read() as transaction:
            return list(transaction.keyword_log.behind())

    async def _follow(self, store_ids: Collection[int], *, leads: bool = False) -> None:
        await follow_stores(self._database, self._keyword_index, store_ids, leads=leads)
        self._unsettled.update(store_ids)

    async def tidy_some(self) -> bool:
        """Remove what this node still holds of one index that another node has deleted, or else
        what was kept while a node searched it; returns whether there may be more to do."""
        if await self._drop_deleted():
            return True
        await self._settle()
        return False

    async def _drop_deleted(self) -> bool:

        def strangers() -> list[int]:
            # The files first: an index is in the database before it is in them.
            held = self._keyword_index.held() | self._vector_index.held()
            if not held:
                return []
            with self._database.read() as transaction:
                return sorted(held - transaction.indexes.ids())

        for store_id in (await in_thread(strangers, Lane.READS))[:1]:
            await self._keyword_index.drop(store_id, None)
            await in_thread(partial(self._vector_index.drop, store_id))
            log.info("removed an index that was deleted", extra={"index": store_id})
            return True
        return False

    async def pack_some(self) -> bool:
        """Prepare the vectors of one index that has changed since they were prepared here; returns
        whether there is another one."""
        updated = await in_thread(self._updated, Lane.READS)
        self._packed = {one: at for one, at in self._packed.items() if one in updated}
        changed = [one for one, at in updated.items() if self._packed.get(one, _NEVER) != at]
        for store_id in changed[:1]:
            for kind in VectorKind:
                token = await self._vector_index.refresh(store_id, kind, self._model())
                if token is not None:
                    note = partial(_note_pack, store_id, kind, token)
                    await in_thread(partial(written, self._database, note), Lane.WRITES)
            self._packed[store_id] = updated[store_id]
        return len(changed) > 1

    async def _settle(self) -> None:
        """Remove what was kept while a node searched it, of indexes for which no run is going to do
        so."""

        def unsettled() -> list[int]:
            with self._database.read() as transaction:
                wanted = {*self._unsettled, *transaction.versions.having_former()}
                runs = transaction.tasks.latest_runs(sorted(wanted)) if wanted else {}
            return [one for one, run in runs.items() if run.state.is_terminal]

        for index_id in await in_thread(unsettled, Lane.READS):
            settle = partial(written, self._database, partial(_settle, index_id))
            while await in_thread(settle, Lane.WRITES):
                pass
            self._unsettled.discard(index_id)

    def _updated(self) -> dict[int, datetime | None]:
        with self._database.read() as transaction:
            return transaction.indexes.stores()


_NEVER = datetime.min


async def say_alive(nodes: Nodes) -> bool:
    """The sign of a node that does not search."""
    await in_thread(partial(nodes.enter, searches=False, follows=False), Lane.WRITES)
    await in_thread(nodes.forget_lost, Lane.WRITES)
    return False


def _note_pack(store_id: int, kind: VectorKind, token: str, transaction: Transaction) -> None:
    transaction.embeddings.note_pack(store_id, kind, token)


def _settle(index_id: int, transaction: Transaction) -> int:
    return (
        transaction.versions.settle(index_id, SETTLED_PER_PIECE) == SETTLED_PER_PIECE
    ) or transaction.snippets.purge(index_id, MOST_PER_TRANSACTION.rows)
