"""Queues runs that rebuild the keyword index where it does not match the database."""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import datetime, timedelta

from kodit.application.services.code_indexing_application_service import (
    CodeIndexingApplicationService,
)
from kodit.application.services.threads import Lane, in_thread
from kodit.domain.entities import IndexRun
from kodit.domain.errors import NotFoundError, PermanentError
from kodit.domain.ports.database import Database
from kodit.domain.ports.runtime import Clock
from kodit.domain.value_objects import RunState

log = logging.getLogger(__name__)

REQUESTS_PER_PIECE = 10
PAUSE_AFTER_A_RUN = timedelta(hours=1)
"""How long an index is left alone whose run did not help, because its source is gone or the run was
cancelled, for example."""


class KeywordRebuilds:
    """Queues a background run for every index that is searched without the keyword index. All are,
    after the keyword index's folder was lost: the first run creates a new one, which holds only
    that index."""

    def __init__(
        self, *, database: Database, indexing: CodeIndexingApplicationService, clock: Clock
    ) -> None:
        self._database = database
        self._indexing = indexing
        self._clock = clock
        self._left: list[int] = []
        self._asked: dict[int, datetime] = {}

    async def queue_some(self) -> bool:
        """Queue a few runs; returns whether there are more to queue."""
        if not self._left:
            self._left = await self._find()
        some, self._left = self._left[:REQUESTS_PER_PIECE], self._left[REQUESTS_PER_PIECE:]
        for index_id in some:
            self._asked[index_id] = self._clock.now()
            with suppress(NotFoundError):  # deleted meanwhile
                await self._indexing.queue_index_tasks(index_id, is_user_initiated=False)
        if some:
            log.warning(
                "the keyword index does not match the database and is being rebuilt",
                extra={"indexes": ",".join(map(str, some))},
            )
        return bool(self._left)

    async def _find(self) -> list[int]:
        """The indexes that need a rebuild, without those that already have a run."""
        try:
            lacking = await self._indexing.without_keyword_index()
        except PermanentError:  # nobody can read it: the first run that writes replaces it
            lacking = None
        return await in_thread(lambda: self._without_a_run(lacking), Lane.READS)

    def _without_a_run(self, lacking: list[int] | None) -> list[int]:
        if lacking == []:
            self._asked.clear()
            return []
        with self._database.read() as transaction:
            complete = [
                index_id
                for index_id, updated_at in transaction.indexes.updated().items()
                if updated_at is not None and (lacking is None or index_id in lacking)
            ]
            runs = transaction.tasks.latest_runs(complete)
        return [index_id for index_id in complete if self._may_ask(index_id, runs.get(index_id))]

    def _may_ask(self, index_id: int, run: IndexRun | None) -> bool:
        now = self._clock.now()
        asked = self._asked.get(index_id)
        if asked is not None and now - asked < PAUSE_AFTER_A_RUN:
            return False
        if run is None:
            return True
        if not run.state.is_terminal:
            return False
        is_recent = run.finished_at is not None and now - run.finished_at < PAUSE_AFTER_A_RUN
        return run.state is RunState.SUCCEEDED or not is_recent
