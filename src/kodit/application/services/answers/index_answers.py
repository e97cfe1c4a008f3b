"""Indexes as views, and the actions that a caller may take on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from kodit.application.services.threads import Lane, in_thread
from kodit.application.views.endpoints import EndpointView
from kodit.application.views.indexes import (
    AcceptedView,
    IndexesView,
    IndexPageView,
    IndexView,
    OneIndexView,
    SizesView,
)
from kodit.application.views.nodes import NodeView
from kodit.application.views.runs import RunView
from kodit.application.views.standing import StandingView
from kodit.domain.caller import Caller
from kodit.domain.entities import Index, IndexRun
from kodit.domain.errors import NotFoundError, no_such_index
from kodit.domain.questions import IndexesQuestion, StatusQuestion, cursor_at, start_of
from kodit.domain.search import EVERYTHING
from kodit.domain.value_objects import QueuePriority, SearchFilter

# Imported where used, so that a command loads only what it needs.
if TYPE_CHECKING:
    from kodit.application.services.index_locator import IndexLocator
    from kodit.application.services.index_service import IndexService, IndexStatus
    from kodit.application.services.queue_overview import QueueOverview
    from kodit.application.services.queue_service import QueueService
    from kodit.application.services.source_service import IndexRequest, SourceService
    from kodit.application.services.standing_service import StandingService
    from kodit.domain.ports.nodes import Node
    from kodit.domain.ports.space import Space
    from kodit.domain.ports.workers import WorkerRegistry


class IndexAnswers:
    """What every face shows about indexes."""

    def __init__(
        self,
        *,
        indexes: IndexService,
        sources: SourceService,
        queue: QueueService,
        standing: StandingService,
        locator: IndexLocator,
        registry: Callable[[], WorkerRegistry],
        disk: Callable[[], Space],
        endpoints: Callable[[], tuple[EndpointView, ...]] = tuple,
        nodes: Callable[[], Sequence[Node]] = tuple,
    ) -> None:
        """`registry` returns a new view of the living workers for each answer; `disk` is used by
        answers that include disk usage, `endpoints` returns those that are used, and `nodes`
        those that share the database."""
        self._indexes = indexes
        self._sources = sources
        self._queue = queue
        self._standing = standing
        self._locator = locator
        self._registry = registry
        self._disk = disk
        self._endpoints = endpoints
        self._nodes = nodes

    async def list_indexes(self, question: IndexesQuestion) -> IndexPageView:
        """Indexes by identifier. Raises InvalidQueryError for a cursor of another question."""
        found = await self._indexes.status(after=start_of(question), limit=question.limit + 1)
        page = found[: question.limit]
        overview = await self._overview()
        return IndexPageView(
            tuple(IndexView.of(status, overview) for status in page),
            await self._standing_of([status.id for status in page]),
            cursor_at(question, page[-1].id) if len(found) > len(page) else None,
        )

    async def status(self, caller: Caller, question: StatusQuestion) -> IndexesView:
        """Every index, or one, and the queue. Raises NotFoundError and SourceError."""
        wanted: tuple[int, ...] = ()
        if (source := question.source) is not None:
            index = await in_thread(lambda: self._locator.locate(source, caller), Lane.READS)
            wanted = (index.id,)
        statuses = await self._indexes.status(wanted)
        view = IndexesView.of(statuses, await self._overview())
        standing = await self._standing_of([index.id for index in view.indexes])
        standing_of = {one.index_id: one for one in standing}
        sizes, freeable = await in_thread(lambda: (self._disk().sizes(), self._disk().freeable()))
        indexes = (
            replace(one.searched_as(standing_of.get(one.id)), bytes=sizes.by_index.get(one.id, 0))
            for one in view.indexes
        )
        endpoints = await in_thread(self._endpoints, Lane.READS)
        nodes = await in_thread(self._nodes, Lane.READS)
        return replace(
            view,
            indexes=tuple(indexes),
            sizes=SizesView.of(sizes, freeable),
            endpoints=endpoints or None,
            nodes=tuple(map(NodeView.of, nodes)) or None,
        )

    async def show(self, index_id: int) -> OneIndexView:
        """One index. Raises NotFoundError."""
        status = await self._status(index_id)
        view = OneIndexView.of(status, await self._overview())
        return view.with_standing(await self._standing_of([index_id]))

    async def add(self, request: IndexRequest, caller: Caller) -> AcceptedView:
        """Add or refresh one source, and request a run. Raises UserError."""
        while True:
            [run] = await self._sources.add(request, caller)
            with suppress(NotFoundError):  # deleted meanwhile: it is added again
                return await self._accepted(run)

    async def sync(self, index_id: int) -> AcceptedView:
        """Request that an index be brought up to date. Raises NotFoundError."""
        return await self._accepted(
            await self._indexes.request_run(index_id, QueuePriority.USER_INITIATED)
        )

    async def count_states(self) -> Counter[str]:
        """The number of indexes in each state of `StandingView`."""
        standing = await in_thread(lambda: self._standing.of(EVERYTHING), Lane.READS)
        return Counter(one.state for one in standing)

    async def hide(self, index_id: int) -> Index:
        """Start deleting an index: it is hidden from now on. Raises NotFoundError."""
        return await self._indexes.hide(index_id)

    async def remove(self, index: Index) -> None:
        """Remove all data of a hidden index, which may take long."""
        await self._indexes.remove(index)

    async def _accepted(self, run: IndexRun) -> AcceptedView:
        if run.index_id is None:
            raise ValueError("a run of an index has an index")
        status = await self._status(run.index_id)
        overview = await self._overview([run])
        return AcceptedView(IndexView.of(status, overview), RunView.of(run, overview))

    async def _status(self, index_id: int) -> IndexStatus:
        for status in await self._indexes.status([index_id]):
            return status
        raise no_such_index(index_id)

    async def _overview(self, runs: Sequence[IndexRun] = ()) -> QueueOverview:
        return await self._queue.overview(self._registry(), runs)

    async def _standing_of(self, index_ids: Sequence[int]) -> tuple[StandingView, ...]:
        """The standing of these indexes, whatever parts of them a search may leave out."""
        if not index_ids:
            return ()
        chosen = SearchFilter(tuple(index_ids))
        return await in_thread(
            lambda: self._standing.of(chosen, with_keyword_index=True), Lane.READS
        )
