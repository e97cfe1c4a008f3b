"""The first question about something that is not indexed: it starts the indexing."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from kodit.application.services.index_locator import IndexLocator
from kodit.application.services.queue_service import QueueService
from kodit.application.services.source_service import IndexRequest, SourceService
from kodit.application.services.threads import in_thread
from kodit.domain.caller import Caller
from kodit.domain.entities import IndexRun
from kodit.domain.errors import SourceError
from kodit.domain.ports.sources import SourceParser
from kodit.domain.questions import Where

SECONDS_BETWEEN_LOOKS = 0.1


@dataclass(frozen=True, slots=True)
class FirstLook:
    """Runs that make indexes which were not there before."""

    runs: tuple[IndexRun, ...] = ()

    @property
    def is_needed(self) -> bool:
        return bool(self.runs)


class FirstLookService:
    """Asks for what a question is about to be indexed, and waits for it a moment."""

    def __init__(
        self,
        *,
        parser: SourceParser,
        locator: IndexLocator,
        sources: SourceService,
        queue: QueueService,
    ) -> None:
        self._parser = parser
        self._locator = locator
        self._sources = sources
        self._queue = queue

    async def begin(self, caller: Caller, where: Where, seconds: float) -> FirstLook:
        """Have the sources indexed that are named and not known, or, where none is named, the
        project that the caller stands in; wait until that is done, at most so many seconds. Does
        nothing for a caller who may only read, or where everything is known.

        Raises SourceError and RefusedByPolicyError for what cannot be indexed.
        """
        if not caller.may_write or where.everywhere:
            return FirstLook()
        unknown = await in_thread(lambda: self._unknown(caller, where))
        if not unknown:
            return FirstLook()
        runs = await self._sources.add(IndexRequest(unknown), caller)
        return FirstLook(tuple(await self._ended(runs, seconds)))

    def _unknown(self, caller: Caller, where: Where) -> list[str]:
        if where.sources:
            return [name for name in where.sources if not self._is_known(name, caller)]
        if not caller.is_local or caller.folder is None:
            return []
        if self._locator.holding(caller.folder) is not None:
            return []
        project = self._parser.project_of(caller.folder)
        return [] if project is None else [project]

    def _is_known(self, name: str, caller: Caller) -> bool:
        try:
            self._locator.locate_part(name, caller)
        except SourceError as error:
            if error.code != "source_not_indexed":
                raise
            return False
        return True

    async def _ended(self, runs: list[IndexRun], seconds: float) -> list[IndexRun]:
        deadline = asyncio.get_running_loop().time() + seconds
        while (
            not all(run.state.is_terminal for run in runs)
            and asyncio.get_running_loop().time() < deadline
        ):
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
            runs = await self._queue.get_runs([run.id for run in runs])
        return runs
