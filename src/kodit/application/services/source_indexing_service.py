"""Indexes sources while the caller waits."""

from __future__ import annotations

from functools import partial

from kodit.application.services.index_service import IndexService
from kodit.application.services.source_service import IndexRequest, SourceService
from kodit.application.services.worker_host import RunObserver, StoppedBy, WorkerHost
from kodit.domain.entities import IndexRun
from kodit.domain.errors import SourceError, UserError


class SourceIndexingService:
    """Adding or refreshing sources and waiting for them, for every face."""

    def __init__(self, *, sources: SourceService, indexes: IndexService, host: WorkerHost) -> None:
        self._sources = sources
        self._indexes = indexes
        self._host = host

    async def index(
        self,
        request: IndexRequest,
        *,
        observer: RunObserver | None = None,
        stopped_by: StoppedBy | None = None,
        refused: list[UserError] | None = None,
        waits_for_budget: bool = False,
    ) -> list[IndexRun]:
        """Queue the sources and serve the whole queue until their runs have ended, or wait for a
        budget unless `waits_for_budget` is set; returns the runs. If the caller is cancelled, held
        tasks are released first.

        Raises UserError, and SourceError, after all have ended, for a new source that was refused
        only when it was read: nothing of it is left. With `refused`, the error of one source does
        not stop the others and is added there; it is raised if no source is left.
        """
        add = (
            partial(self._sources.add, request)
            if refused is None
            else partial(self._sources.add_each, request, refused)
        )
        return await self._host.serve_until_ended(
            add,
            observer=observer,
            afterwards=partial(self._withdraw, refused=refused),
            stopped_by=stopped_by,
            waits_for_budget=waits_for_budget,
        )

    async def _withdraw(self, runs: list[IndexRun], refused: list[UserError] | None) -> None:
        said = [await self._indexes.withdraw(run) for run in runs]
        refusals = list(dict.fromkeys(one for one in said if one is not None))
        if refusals and (refused is None or len(refusals) == len(runs)):
            raise SourceError(" ".join(refusals))
        if refused is not None:
            refused += map(SourceError, refusals)
