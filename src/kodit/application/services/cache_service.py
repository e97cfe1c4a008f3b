"""Removes cached results that are no longer used."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from kodit.application.services.threads import Lane, in_thread
from kodit.application.services.transactions import written
from kodit.domain.batches import MOST_PER_TRANSACTION
from kodit.domain.ports.database import Database, Transaction
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
            is_done, excess = written(
                self._database, partial(self._date_or_remove, now, self._excess)
            )
            if is_done:
                self._excess = excess
                return True
        self._excess = None
        return False

    def _date_or_remove(
        self, now: datetime, excess: int, transaction: Transaction
    ) -> tuple[bool, int]:
        """Whether there was anything to do, and how many bytes are still over the limit."""
        if transaction.unused.date(now):
            return True, excess
        before = now - self._retention.age
        if transaction.unused.remove(before, MOST_PER_TRANSACTION.size).rows:
            return True, excess
        if not excess:
            return False, 0
        removed = transaction.unused.remove(None, excess)
        return True, max(0, excess - removed.size) if removed.rows else 0
