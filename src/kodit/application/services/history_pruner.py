"""Deletes runs that ended long ago."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

from kodit.application.services.threads import in_thread
from kodit.application.services.transactions import written
from kodit.domain.ports.database import Database
from kodit.domain.ports.runtime import Clock
from kodit.domain.retention import PrunableRuns, Retention, RunEnd

log = logging.getLogger(__name__)

RUNS_PER_LOOK = 1000
"""How many runs one look at the history reads: about 5 ms."""
ROWS_PER_PIECE = 1000
"""How many rows one transaction deletes: about 10 ms."""


class HistoryPruner:
    """Deletes runs in steps: one look finds many of them, then each transaction deletes a few.
    Several pruners may work on one data directory."""

    def __init__(self, *, database: Database, clock: Clock, retention: Retention) -> None:
        self._database = database
        self._clock = clock
        self._retention = retention
        self._found: Sequence[int] = ()
        self._looked_up_to: RunEnd | None = None
        self._forgotten = 0

    async def prune_some(self) -> bool:
        """One look, or one deletion; returns whether there is more to do before the next
        interval."""
        before = self._clock.now() - self._retention.age
        if self._found:
            left = await in_thread(lambda: self._forget(before))
            self._forgotten += len(self._found) - len(left)
            self._found = left
        else:
            self._found, self._looked_up_to = await in_thread(lambda: self._look(before))
        if self._found or self._looked_up_to is not None:
            return True
        if self._forgotten:
            log.info("old runs deleted", extra={"runs": self._forgotten})
            self._forgotten = 0
        return False

    def _look(self, before: datetime) -> PrunableRuns:
        with self._database.read() as transaction:
            return transaction.tasks.prunable_runs(
                self._retention.runs, before, RUNS_PER_LOOK, self._looked_up_to
            )

    def _forget(self, before: datetime) -> list[int]:
        return written(
            self._database,
            lambda transaction: transaction.tasks.forget_runs(self._found, before, ROWS_PER_PIECE),
        )
