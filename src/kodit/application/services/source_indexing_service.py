"""Indexing sources while the caller waits."""

from __future__ import annotations

from functools import partial

from kodit.application.services.index_service import IndexService
from kodit.application.services.source_service import IndexRequest, SourceService
from kodit.application.services.worker_host import RunObserver, StoppedBy, WorkerHost
from kodit.domain.entities import IndexRun
from kodit.domain.errors import SourceError, UserError


class SourceIndexingService:
    """What every face does to add or refresh sources and see them indexed."""

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
    ) -> list[IndexRun]:
        """Queue the sources and serve the whole queue until their runs have ended; returns the
        runs as they ended. When the caller is cancelled, what is held is released first.

        Raises UserError, and SourceError, after all have ended, where a new source turned out to
        be refused only when it was read: nothing of it is left. With `refused`, what is wrong with
        one source stops no other and is added there; it is raised where nothing is left.
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
        )

    async def _withdraw(self, runs: list[IndexRun], refused: list[UserError] | None) -> None:
        said = [await self._indexes.withdraw(run) for run in runs]
        refusals = list(dict.fromkeys(one for one in said if one is not None))
        if refusals and (refused is None or len(refusals) == len(runs)):
            raise SourceError(" ".join(refusals))
        if refused is not None:
            refused += map(SourceError, refusals)
