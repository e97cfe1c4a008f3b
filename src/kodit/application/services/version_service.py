"""Removes versions of files that no index has any more."""

from __future__ import annotations

from functools import partial

from kodit.application.services.keyword_following import follow_log
from kodit.application.services.keyword_stage import CHANGES_PER_BATCH
from kodit.application.services.threads import Lane, in_thread
from kodit.application.services.transactions import repeated
from kodit.domain.batches import MOST_PER_TRANSACTION
from kodit.domain.keyword import KeywordBatch, KeywordLog
from kodit.domain.ports.database import Database
from kodit.domain.ports.engines import KeywordIndex
from kodit.domain.ports.runtime import Clock
from kodit.domain.retention import UnusedRetention
from kodit.domain.services.bm25_service import BM25DomainService

VERSIONS_PER_REMOVAL = 64


class VersionService:
    """Removes unused versions after a while, in short steps. Until then a revert, or a branch that
    comes back, costs nothing."""

    def __init__(
        self,
        *,
        database: Database,
        keyword_index: KeywordIndex,
        clock: Clock,
        retention: UnusedRetention,
    ) -> None:
        self._database = database
        self._keyword_index = keyword_index
        self._clock = clock
        self._retention = retention
        self._bm25 = BM25DomainService()

    async def remove_some(self) -> bool:
        """Do one bounded step: date the versions that have lost their last index, remove some that
        are past their time or over the size limit, oldest first, or what is left of removed ones.
        Returns whether there may be more to do."""
        if not await in_thread(self._is_needed, Lane.READS):
            return False
        removed = await in_thread(partial(repeated, self._remove), Lane.WRITES)
        stores = removed or await in_thread(self._stores_with_removed, Lane.READS)
        for store_id in sorted(stores):
            await self.follow_log(store_id)
            while await in_thread(partial(repeated, partial(self._purge, store_id)), Lane.WRITES):
                pass
        return bool(removed)

    def _is_needed(self) -> bool:
        now = self._clock.now()
        with self._database.read() as transaction:
            return transaction.versions.is_waiting(
                now - self._retention.age, self._retention.most_bytes
            )

    def _remove(self) -> set[int]:
        now = self._clock.now()
        with self._database.write() as transaction:
            versions = transaction.versions
            if self._retention.age:
                versions.date(now)
            before = now - self._retention.age
            return versions.remove(before, VERSIONS_PER_REMOVAL) or versions.remove_beyond(
                self._retention.most_bytes, VERSIONS_PER_REMOVAL
            )

    def _stores_with_removed(self) -> set[int]:
        with self._database.read() as transaction:
            return transaction.versions.stores_with_removed()

    def _purge(self, store_id: int) -> int:
        limit = MOST_PER_TRANSACTION.rows
        with self._database.write() as transaction:
            return transaction.snippets.purge(
                store_id, limit
            ) or transaction.versions.remove_results(store_id, limit)

    async def follow_log(self, store_id: int) -> None:
        """Apply the log of a store to the keyword index without a run. A worker may do the same at
        the same time: applying a batch again changes nothing."""
        while (log := await in_thread(partial(self._log, store_id), Lane.READS)).changes:
            batch = self._bm25.fold(store_id, log)
            if all(await self._keyword_index.apply([batch])):
                await in_thread(partial(repeated, partial(self._acknowledge, batch)), Lane.WRITES)
            else:
                await in_thread(partial(self._follow, store_id))

    def _log(self, store_id: int) -> KeywordLog:
        with self._database.read() as transaction:
            return transaction.keyword_log.read(store_id, CHANGES_PER_BATCH)

    def _acknowledge(self, batch: KeywordBatch) -> None:
        with self._database.write() as transaction:
            transaction.keyword_log.acknowledge(batch.index_id, batch.reached)

    def _follow(self, store_id: int) -> None:
        position = self._keyword_index.positions([store_id])[store_id]
        follow_log(self._database, store_id, position)
