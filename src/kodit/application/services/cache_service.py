"""Removes cached results that are no longer used."""

from __future__ import annotations

from kodit.application.services.threads import Lane, in_thread
from kodit.domain.batches import MOST_PER_TRANSACTION
from kodit.domain.ports.database import Database
from kodit.domain.ports.runtime import Clock
from kodit.domain.retention import UnusedRetention


class CacheService:
    """Removes embeddings and enrichments that have been unused for some time. Until then a revert,
    or a branch that comes back, costs no model call."""

    def __init__(
        self, *, database: Database, clock: Clock, retention: UnusedRetention | None = None
    ) -> None:
        self._database = database
        self._clock = clock
        self._retention = retention or UnusedRetention()
        self._excess: int | None = None

    async def remove_some_unused(self) -> bool:
        """Do one bounded step: date the entries that have lost their last user, or remove some that
        are past their time or over the size limit, oldest first. Returns whether there may be more
        to do; a batch that has just found a result here checks again."""
        return await in_thread(self._remove_some, Lane.WRITES)

    def _remove_some(self) -> bool:
        now = self._clock.now()
        with self._database.read() as transaction:
            if self._excess is None:
                self._excess = max(0, transaction.unused.size() - self._retention.most_bytes)
            waiting = transaction.unused.waiting(now - self._retention.age)
        if waiting or self._excess:
            with self._database.write() as transaction:
                if transaction.unused.date(now):
                    return True
                before = now - self._retention.age
                if transaction.unused.remove(before, MOST_PER_TRANSACTION.size).rows:
                    return True
                if self._excess:
                    removed = transaction.unused.remove(None, self._excess)
                    self._excess = max(0, self._excess - removed.size) if removed.rows else 0
                    return True
        self._excess = None
        return False
