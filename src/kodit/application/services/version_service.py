"""Removes versions of files that no index has any more."""

from __future__ import annotations

from functools import partial

from kodit.application.services.keyword_following import apply_log
from kodit.application.services.threads import Lane, in_thread
from kodit.application.services.transactions import repeated
from kodit.domain.batches import MOST_PER_TRANSACTION
from kodit.domain.ports.database import Database
from kodit.domain.ports.engines import KeywordIndex
from kodit.domain.ports.runtime import Clock
from kodit.domain.retention import UnusedRetention

VERSIONS_PER_REMOVAL = 64


class VersionService:
    """Removes unused versions after a while, in short steps. Until then a revert, or a branch that
    comes back, costs nothing."""

    def __init__(
        self,
        *,
        database: Database,
        keyword_index: KeywordIndex | None,
        clock: Clock,
        retention: UnusedRetention,
    ) -> None:
        """`keyword_index` is None on a node that has none: the others follow what is removed."""
        self._database = database
        self._keyword_index = keyword_index
        self._clock = clock
        self._retention = retention

    async def remove_some(self) -> bool:
        """Do one bounded step: date the versions that have lost their last index, remove some that
        are past their time or over the size limit, oldest first, or what is left of removed ones.
        Returns whether there may be more to do."""
        if not await in_thread(self._is_needed, Lane.READS):
            return False
        removed = await in_thread(partial(repeated, self._remove), Lane.WRITES)
        stores = removed or await in_thread(self._stores_with_removed, Lane.READS)
        for store_id in sorted(stores):
            if self._keyword_index is not None:
                await apply_log(self._database, self._keyword_index, store_id)
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
