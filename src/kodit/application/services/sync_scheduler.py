"""Brings indexes up to date in the background, at intervals."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from kodit.application.services.code_indexing_application_service import (
    CodeIndexingApplicationService,
)
from kodit.application.services.threads import in_thread
from kodit.domain.entities import Index, IndexRun
from kodit.domain.errors import NotFoundError
from kodit.domain.ports.database import Database
from kodit.domain.ports.runtime import Clock
from kodit.domain.this_host import ALONE, ThisHost

LOOKS_PER_INTERVAL = 10
LONGEST_PAUSE_SECONDS = 15.0
INDEXES_PER_PIECE = 50
SHORTEST_INTERVAL = 1e-6
WATCHED_SECONDS = 6 * 3600.0
"""How often a watched index is brought up to date, unless the index has its own interval: a network
file system does not report changes by other machines."""
CATCH_UP_SECONDS = 600.0
"""The longest time over which the runs are spread that became due while no scheduler ran."""


class SyncScheduler:
    """Queues a background run for each index when it is due; times in seconds.

    Each index has its own moments, an interval apart, so that many indexes are spread over the
    interval. A moment is skipped if the latest run started less than half an interval before it.
    The last request counts, not the last change: a run that found nothing to do, failed or was
    cancelled is not repeated early. No run is queued beside one that waits or runs, and several
    schedulers on one data directory request the same run.
    """

    def __init__(
        self,
        *,
        database: Database,
        indexing: CodeIndexingApplicationService,
        clock: Clock,
        interval: float,
        is_watched: Callable[[int], bool] = lambda _index_id: False,
        host: ThisHost = ALONE,
    ) -> None:
        """`interval` is for indexes that have none of their own. Folders of other machines than
        `host` are left to these."""
        self._host = host
        self._database = database
        self._indexing = indexing
        self._clock = clock
        self._interval = interval
        self._is_watched = is_watched
        self._started_at = clock.now().timestamp()
        self._left: list[int] = []

    @property
    def pause_seconds(self) -> float:
        """How often to look for indexes that are due."""
        return min(self._interval / LOOKS_PER_INTERVAL, LONGEST_PAUSE_SECONDS)

    async def queue_some(self) -> bool:
        """Queue a run for each of the next few indexes that is due; returns whether there are
        indexes left to look at."""
        now = self._clock.now()
        for index_id in await in_thread(lambda: self._next_due(now)):
            with suppress(NotFoundError):  # deleted meanwhile
                await self._indexing.queue_index_tasks(index_id, is_user_initiated=False)
        return bool(self._left)

    def _next_due(self, now: datetime) -> list[int]:
        with self._database.read() as transaction:
            indexes = {index.id: index for index in transaction.indexes.list_all()}
            if not self._left:
                self._left = list(indexes)
            some, self._left = self._left[:INDEXES_PER_PIECE], self._left[INDEXES_PER_PIECE:]
            latest = transaction.tasks.latest_runs(some)
        return [
            index_id
            for index_id in some
            if index_id in indexes
            and self._is_due(indexes[index_id], latest.get(index_id), now.timestamp())
        ]

    def _is_due(self, index: Index, run: IndexRun | None, now: float) -> bool:
        if index.sync_every == 0 or not self._host.has(index.source):
            return False
        interval = max(self._interval_of(index), SHORTEST_INTERVAL)
        if run is None:
            return True
        asked_at = run.started_at or run.created_at
        if not run.state.is_terminal or asked_at is None:
            return False
        share = zlib.crc32(f"{index.id} {index.source}".encode(errors="surrogateescape")) / 2**32
        earliest = asked_at.timestamp() + interval / 2
        due_at = (math.ceil(earliest / interval - share) + share) * interval
        if due_at < self._started_at:
            due_at = self._started_at + share * min(interval, CATCH_UP_SECONDS)
        return now >= due_at

    def _interval_of(self, index: Index) -> float:
        if index.sync_every is not None:
            return index.sync_every
        if self._is_watched(index.id):
            return max(self._interval, WATCHED_SECONDS)
        return self._interval
