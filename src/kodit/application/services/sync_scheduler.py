"""Brings indexes up to date in the background, from time to time."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta

from kodit.application.services.code_indexing_application_service import (
    CodeIndexingApplicationService,
)
from kodit.application.services.threads import in_thread
from kodit.domain.entities import IndexRun
from kodit.domain.errors import NotFoundError, TransientError
from kodit.domain.ports.database import Database
from kodit.domain.ports.runtime import Clock

log = logging.getLogger(__name__)

LOOKS_PER_INTERVAL = 10
LONGEST_PAUSE_SECONDS = 60.0


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

    async def run(self) -> None:
        """Queue what is due, again and again, until the caller is cancelled."""
        pause = min(self._interval.total_seconds() / LOOKS_PER_INTERVAL, LONGEST_PAUSE_SECONDS)
        while True:
            try:
                await self.queue_due()
            except TransientError as error:
                log.warning("nothing can be queued just now", extra={"error": str(error)})
            await asyncio.sleep(pause)

    async def queue_due(self) -> list[IndexRun]:
        """Queue a run for every index that is due; the runs that were asked for."""
        before = self._clock.now() - self._interval
        runs = []
        for index_id in await in_thread(lambda: self._due(before)):
            try:
                run = await self._indexing.queue_index_tasks(index_id, is_user_initiated=False)
            except NotFoundError:
                continue  # deleted since
            runs.append(run)
        return runs

    def _due(self, before: datetime) -> list[int]:
        with self._database.read() as transaction:
            index_ids = [index.id for index in transaction.indexes.list_all()]
            latest = transaction.tasks.latest_runs(index_ids)
        return [
            index_id
            for index_id in index_ids
            if index_id not in latest or _is_over(latest[index_id], before)
        ]


def _is_over(run: IndexRun, before: datetime) -> bool:
    """Whether the run has ended, and was begun or asked for before that time."""
    asked = run.started_at or run.created_at
    return run.state.is_terminal and asked is not None and asked < before
