"""Brings indexes up to date in the background, from time to time."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

from kodit.application.services.code_indexing_application_service import (
    CodeIndexingApplicationService,
)
from kodit.application.services.threads import in_thread
from kodit.domain.entities import IndexRun
from kodit.domain.errors import NotFoundError
from kodit.domain.ports.database import Database
from kodit.domain.ports.runtime import Clock

LOOKS_PER_INTERVAL = 10
LONGEST_PAUSE_SECONDS = 60.0
INDEXES_PER_PIECE = 50


class SyncScheduler:
    """Queues a background run for each index whose latest run began longer than `interval` ago.

    What was asked for last counts, not what changed last: a run that found nothing to do, failed
    or was cancelled is not repeated before its time. Several schedulers on one data directory ask
    for the same run, not for two.
    """

    def __init__(
        self,
        *,
        database: Database,
        indexing: CodeIndexingApplicationService,
        clock: Clock,
        interval: timedelta,
    ) -> None:
        self._database = database
        self._indexing = indexing
        self._clock = clock
        self._interval = interval

        self._left: list[int] = []

    @property
    def pause_seconds(self) -> float:
        """How often to look for what is due."""
        return min(self._interval.total_seconds() / LOOKS_PER_INTERVAL, LONGEST_PAUSE_SECONDS)

    async def queue_some(self) -> bool:
        """Queue a run for those of the next few indexes that are due; returns whether there are
        indexes left to look at."""
        before = self._clock.now() - self._interval
        for index_id in await in_thread(lambda: self._next_due(before)):
            with suppress(NotFoundError):  # deleted since
                await self._indexing.queue_index_tasks(index_id, is_user_initiated=False)
        return bool(self._left)

    def _next_due(self, before: datetime) -> list[int]:
        with self._database.read() as transaction:
            if not self._left:
                self._left = [index.id for index in transaction.indexes.list_all()]
            some, self._left = self._left[:INDEXES_PER_PIECE], self._left[INDEXES_PER_PIECE:]
            latest = transaction.tasks.latest_runs(some)
        return [
            index_id
            for index_id in some
            if index_id not in latest or _is_over(latest[index_id], before)
        ]


def _is_over(run: IndexRun, before: datetime) -> bool:
    """Whether the run has ended, and was started or asked for before that time."""
    asked = run.started_at or run.created_at
    return run.state.is_terminal and asked is not None and asked < before
