"""Runs and the queue as views, and the actions that a caller may take on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby, islice
from typing import TYPE_CHECKING

from kodit.application.views.runs import ListedRunView, QueueView, RunPageView, RunsView
from kodit.domain.entities import IndexRun
from kodit.domain.ports.tasks import NO_RUN_YET
from kodit.domain.questions import QueueQuestion, RunsQuestion, cursor_at, start_of
from kodit.domain.value_objects import RunState, Source

# Imported where used, so that a command loads only what it needs.
if TYPE_CHECKING:
    from kodit.application.services.index_service import IndexService
    from kodit.application.services.queue_overview import QueueOverview
    from kodit.application.services.queue_service import QueueService
    from kodit.domain.ports.workers import WorkerRegistry


class RunAnswers:
    """What every face shows about runs. Methods that change something raise NotFoundError, and
    UserError if a run's state does not allow the change."""

    def __init__(
        self,
        *,
        queue: QueueService,
        indexes: IndexService,
        registry: Callable[[], WorkerRegistry],
    ) -> None:
        """`registry` returns a new view of the living workers for each answer."""
        self._queue = queue
        self._indexes = indexes
        self._registry = registry

    async def list_runs(self, question: RunsQuestion) -> RunPageView:
        """Runs, newest first. Raises InvalidQueryError for a cursor of another question."""
        found = await self._queue.list_runs(
            question.states,
            question.limit + 1,
            index_ids=question.index_ids,
            before=start_of(question) or NO_RUN_YET,
        )
        page = found[: question.limit]
        following = cursor_at(question, page[-1].id) if len(found) > len(page) else None
        overview = await self._queue.overview(self._registry(), page)
        return RunPageView(await self._listed(page, overview), following)

    async def show(self, run_id: int) -> ListedRunView:
        """A run with every attempt of its tasks. Raises NotFoundError."""
        run, attempts = await self._queue.describe(run_id)
        overview = await self._queue.overview(self._registry(), [run])
        sources = await self._indexes.sources()
        return ListedRunView.of(run, overview, attempts).with_source(_source(sources, run))

    async def cancel(self, run_id: int) -> ListedRunView:
        """Cancel a run: waiting tasks at once, running ones at their next heartbeat or commit."""
        return await self.show((await self._queue.cancel(run_id)).id)

    async def retry(self, run_id: int) -> ListedRunView:
        """Retry the failed or cancelled stages of a run, and the stages after them. Returns the run
        that does it, a new one if another run has superseded it."""
        for run in await self._queue.get_runs([run_id]):
            if run.index_id is not None:
                await self._indexes.hand_over(await self._indexes.get(run.index_id))
        return await self.show((await self._queue.retry(run_id)).id)

    async def queue(self, question: QueueQuestion) -> RunsView:
        """The queue with running runs, waiting ones in queue order, and failed ones; or, if the
        question asks for everything, all runs, newest first."""
        limit = question.limit
        if question.everything:
            found = await self._queue.list_runs(limit=limit + 1)
            runs = found[:limit]
        else:
            found = await self._queue.needing_attention(self._registry(), limit + 1)
            # The first ones of each state, so that a long queue hides no failure.
            runs = [
                run
                for _state, alike in groupby(found, key=lambda run: run.state)
                for run in islice(alike, limit)
            ]
        overview = await self._queue.overview(self._registry(), runs)
        return RunsView(
            QueueView.of(overview),
            await self._listed(runs, overview),
            complete=len(runs) == len(found),
        )

    async def counts(self) -> tuple[QueueOverview, Counter[RunState]]:
        """The queue as a whole, and the number of waiting and running runs."""
        overview = await self._queue.overview(self._registry())
        return overview, await self._queue.count_runs()

    async def pause(self) -> RunsView:
        """Start no more tasks, in any process; returns the paused queue."""
        await self._queue.pause()
        return await self._queue_alone()

    async def resume(self) -> RunsView:
        """Start tasks again; returns the resumed queue."""
        await self._queue.resume()
        return await self._queue_alone()

    async def _queue_alone(self) -> RunsView:
        return RunsView(QueueView.of(await self._queue.overview(self._registry())))

    async def _listed(
        self, runs: Sequence[IndexRun], overview: QueueOverview
    ) -> tuple[ListedRunView, ...]:
        sources = await self._indexes.sources()
        return tuple(
            ListedRunView.of(run, overview).with_source(_source(sources, run)) for run in runs
        )


def _source(sources: Mapping[int, Source], run: IndexRun) -> str | None:
    """The source of a run's index; None for a single task or a deleted index."""
    source = None if run.index_id is None else sources.get(run.index_id)
    return None if source is None else str(source)
