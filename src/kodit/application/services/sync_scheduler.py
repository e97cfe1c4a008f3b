"""Brings indexes up to date in the background, from time to time."""

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

LOOKS_PER_INTERVAL = 10
LONGEST_PAUSE_SECONDS = 15.0
INDEXES_PER_PIECE = 50
SHORTEST_INTERVAL = 1e-6
WATCHED_SECONDS = 6 * 3600.0
"""How often what is watched is brought up to date nevertheless, unless it is said for that index:
a file system over a network tells nothing of what other machines change."""
CATCH_UP_SECONDS = 600.0
"""Over how long, at most, the runs are spread that became due while nobody scheduled."""


class SyncScheduler:
    """Queues a background run for each index when its time has come; times in seconds.

    Each index has moments of its own, an interval apart, so that many indexes are spread over it. A
    moment is passed over where the latest run began less than half an interval before it. What was
    asked for last counts, not what changed last: a run that found nothing to do, failed or was
    cancelled is not repeated before its time. No run is queued beside one that waits or is under
    way, and several schedulers on one data directory ask for the same run, not for two.
    """

    def __init__(
        self,
        *,
        database: Database,
        indexing: CodeIndexingApplicationService,
        clock: Clock,
        interval: float,
        is_watched: Callable[[int], bool] = lambda _index_id: False,
    ) -> None:
        """`interval` is for indexes that have none of their own."""
        self._database = database
        self._indexing = indexing
        self._clock = clock
        self._interval = interval
        self._is_watched = is_watched
        self._started_at = clock.now().timestamp()
        self._left: list[int] = []

    @property
    def pause_seconds(self) -> float:
        """How often to look for what is due."""
        return min(self._interval / LOOKS_PER_INTERVAL, LONGEST_PAUSE_SECONDS)

    async def queue_some(self) -> bool:
        """Queue a run for those of the next few indexes that are due; returns whether there are
        indexes left to look at."""
        now = self._clock.now()
        for index_id in await in_thread(lambda: self._next_due(now)):
            with suppress(NotFoundError):  # deleted since
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
        if index.sync_every == 0:
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
