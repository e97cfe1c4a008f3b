"""Indexes sources on demand: a first question about an unindexed source starts its indexing, and
waits for it if that is soon."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from kodit.application.services.index_locator import IndexLocator
from kodit.application.services.queue_service import QueueService
from kodit.application.services.scope_service import ScopeService
from kodit.application.services.source_service import IndexRequest, SourceService
from kodit.application.services.standing_service import StandingService, percent_of
from kodit.application.services.threads import Lane, in_thread
from kodit.domain.caller import Caller
from kodit.domain.entities import IndexRun
from kodit.domain.errors import UserError
from kodit.domain.ports.runtime import Clock
from kodit.domain.ports.sources import SourceParser
from kodit.domain.questions import Where

SECONDS_BETWEEN_LOOKS = 0.1


@dataclass(frozen=True, slots=True)
class OnDemandIndexing:
    """The effect of a first question: whether something is being indexed for it, and the projects
    that are not, because their indexes were deleted."""

    has_started: bool = False
    deleted: tuple[str, ...] = ()


class OnDemandIndexingService:
    """Requests indexing for the sources of a question, and waits for their indexes."""

    def __init__(
        self,
        *,
        parser: SourceParser,
        locator: IndexLocator,
        scope: ScopeService,
        sources: SourceService,
        standing: StandingService,
        queue: QueueService,
        clock: Clock,
    ) -> None:
        self._parser = parser
        self._locator = locator
        self._scope = scope
        self._sources = sources
        self._standing = standing
        self._queue = queue
        self._clock = clock
        self._made: set[int] = set()
        """Indexes that have been complete at least once."""

    async def start(self, caller: Caller, where: Where, seconds: float) -> OnDemandIndexing:
        """Request indexing of the named sources that are not known or, if none is named, of the
        project that the caller works in; wait at most `seconds` until that is done. Does nothing
        for a caller who may only read, or if everything is known. A project whose index was deleted
        on request is indexed again only when it is named.

        Raises SourceError and RefusedByPolicyError for a named source that cannot be indexed.
        """
        if where.everywhere:
            return OnDemandIndexing()
        unknown, deleted = await in_thread(lambda: self._unknown(caller, where))
        if not unknown or not caller.may_write:
            return OnDemandIndexing(deleted=deleted)
        try:
            runs = await self._sources.add(IndexRequest(unknown), caller)
        except UserError:
            if where.sources:
                raise
            return OnDemandIndexing(deleted=deleted)  # not requested explicitly
        await self._ended([run.id for run in runs], seconds)
        return OnDemandIndexing(has_started=True, deleted=deleted)

    async def wait_until_made(
        self, caller: Caller, where: Where, seconds: float, most_seconds: float
    ) -> None:
        """Wait until the selected indexes are complete: at most `seconds` or, while they look
        likely to finish in that time, `most_seconds`. Raises what selecting them raises."""
        chosen = await in_thread(lambda: self._scope.choose(caller, where), Lane.READS)
        if chosen.index_ids and self._made.issuperset(chosen.index_ids):
            return
        standing = await in_thread(partial(self._standing.of, chosen.filter), Lane.READS)
        self._made.update(one.index_id for one in standing if one.indexed_at is not None)
        making = [one.run.id for one in standing if one.state == "indexing" and one.run is not None]
        if making:
            await self._ended(making, seconds, most_seconds)

    def _unknown(self, caller: Caller, where: Where) -> tuple[list[str], tuple[str, ...]]:
        """The sources to index, and those that are not because their index was deleted."""
        if where.sources:
            return [name for name in where.sources if not self._is_known(name, caller)], ()
        if not caller.is_local:
            return [], ()
        projects = dict.fromkeys(
            project
            for folder in caller.places
            if self._locator.holding(folder) is None
            and (project := self._parser.project_of(folder)) is not None
        )
        deleted = tuple(one for one in projects if self._locator.was_deleted(one))
        return [one for one in projects if one not in deleted], deleted

    def _is_known(self, name: str, caller: Caller) -> bool:
        try:
            self._locator.locate_part(name, caller)
        except UserError as error:  # selecting the indexes reports any other problem with it
            return error.code != "source_not_indexed"
        return True

    async def _ended(
        self, run_ids: Sequence[int], seconds: float, most_seconds: float = 0.0
    ) -> None:
        started = asyncio.get_running_loop().time()
        while True:
            runs = await self._queue.get_runs(run_ids)
            left = max((self._seconds_left(run) for run in runs), default=0.0)
            waited = asyncio.get_running_loop().time() - started
            if left == 0 or (waited >= seconds and waited + left > most_seconds):
                return
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)

    def _seconds_left(self, run: IndexRun) -> float:
        """The remaining time of a run at its present rate."""
        if run.state.is_terminal:
            return 0.0
        percent = percent_of(run)
        if run.started_at is None or not percent:
            return float("inf")
        taken = (self._clock.now() - run.started_at).total_seconds()
        return max(SECONDS_BETWEEN_LOOKS, taken * (100 - percent) / percent)
