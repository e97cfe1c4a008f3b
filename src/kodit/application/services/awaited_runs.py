"""The runs that a caller waits for, read no more often than needed: there may be thousands."""

from __future__ import annotations

import time
from collections.abc import Sequence

from kodit.application.services.queue_service import QueueService
from kodit.domain.entities import IndexRun

MOST_READ_AT_ONCE = 256
PAUSE_PER_READ = 9.0
"""How long to pause after reading all open runs, as a multiple of the time that took."""
PAUSED_FROM = 16
"""Fewer open runs are read without a pause."""
PAUSE_SECONDS = 0.05
"""How long to pause after a look at many open runs, which do not all end at once."""


class AwaitedRuns:
    """Some runs, until all have ended."""

    def __init__(
        self, queue: QueueService, run_ids: Sequence[int], *, waits_for_budget: bool = True
    ) -> None:
        """Unless `waits_for_budget` is set, a run that waits for a budget counts as ended, and so
        does a run that waits for such a run."""
        self._queue = queue
        self._waits_for_budget = waits_for_budget
        self._run_ids = list(run_ids)
        self._open = list(run_ids)
        self._shown: dict[int, IndexRun] = {}
        self._show_again_at = self._look_again_at = 0.0
        self.pause = PAUSE_SECONDS
        self.pause_per_read = PAUSE_PER_READ

    async def have_ended(self) -> bool:
        """Whether none of the runs is open. Reads a few open ones, and more only as long as those
        have ended: as a rule all others are open too while one is."""
        if time.monotonic() < self._look_again_at:
            return False
        count = 1
        while self._open:
            some, rest = self._open[:count], self._open[count:]
            runs = await self._queue.get_runs(some)
            still_open = await self._open_among(runs)
            self._open = still_open + rest
            if still_open:
                if len(self._open) > PAUSED_FROM:
                    self._look_again_at = time.monotonic() + self.pause
                return False
            count = min(2 * count, MOST_READ_AT_ONCE)
        return True

    async def ended(self) -> list[IndexRun] | None:
        """All of the runs, once all have ended; None before. A run that was retried is open
        again. In place of a run that waits for one that waits for a budget, the latter."""
        if not await self.have_ended():
            return None
        runs = await self.all()
        self._open = await self._open_among(runs)
        return None if self._open else await self._reached(runs)

    async def _open_among(self, runs: Sequence[IndexRun]) -> list[int]:
        """The identifiers of those that have not ended."""
        return [
            run.id
            for run, reached in zip(runs, await self._reached(runs), strict=True)
            if not run.state.is_terminal
            and (self._waits_for_budget or reached.waits_for_budget is None)
        ]

    async def _reached(self, runs: Sequence[IndexRun]) -> list[IndexRun]:
        """For each run the run itself or, unless a budget is waited for, the run that it waits
        for."""
        if self._waits_for_budget or not any(_is_waiting(run) for run in runs):
            return list(runs)
        under_way = await self._queue.under_way([run for run in runs if _is_waiting(run)])
        active = {run.index_id: run for run in under_way}
        return [active[run.index_id] if _is_waiting(run) else run for run in runs]

    async def all(self) -> list[IndexRun]:
        """The runs as they are now, without those of deleted indexes."""
        return await self._queue.get_runs(self._run_ids)

    async def to_show(self, *, again: bool = False) -> list[IndexRun] | None:
        """The runs as they are now, or those that they wait for; None if there are many, and they
        were read a moment ago, unless `again`."""
        began = time.monotonic()
        if began < self._show_again_at and not again:
            return None
        open_ids = [run_id for run_id in self._run_ids if not self._has_ended(run_id)]
        found = await self._queue.get_runs(open_ids)
        self._shown.update((run.id, run) for run in found)
        for run_id in set(open_ids).difference(run.id for run in found):
            self._shown.pop(run_id, None)  # its index was deleted
        shown = await self._queue.under_way(
            [self._shown[run_id] for run_id in self._run_ids if run_id in self._shown]
        )
        if len(open_ids) > PAUSED_FROM:
            ended = time.monotonic()
            self._show_again_at = ended + self.pause_per_read * (ended - began)
        return shown

    def _has_ended(self, run_id: int) -> bool:
        run = self._shown.get(run_id)
        return run is not None and run.state.is_terminal


def _is_waiting(run: IndexRun) -> bool:
    """Whether a run waits for another one."""
    return run.is_follow_up and not run.state.is_terminal
