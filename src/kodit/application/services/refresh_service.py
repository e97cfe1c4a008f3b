"""Creates or refreshes the index of a source before it is searched."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from kodit.application.services.index_locator import IndexLocator
from kodit.application.services.queue_service import QueueService
from kodit.application.services.source_indexing_service import SourceIndexingService
from kodit.application.services.source_service import IndexRequest, SourceService
from kodit.application.services.threads import in_thread
from kodit.application.services.worker_host import RunObserver, StoppedBy
from kodit.domain.entities import Index, IndexRun
from kodit.domain.errors import IndexingError, KoditError, NotFoundError, SourceError, UserError
from kodit.domain.ports.database import Database
from kodit.domain.ports.watching import FolderComparer
from kodit.domain.run import BUDGET_SPENT
from kodit.domain.value_objects import RunState, Source, SourceKind


@dataclass(frozen=True, slots=True)
class Refreshed:
    """The index that answers. If it could not be brought up to date, it answers as it was, and
    `reason` is the error."""

    index: Index
    reason: KoditError | None = None


class RefreshService:
    """Brings one source up to date while the caller waits."""

    def __init__(
        self,
        *,
        database: Database,
        sources: SourceService,
        locator: IndexLocator,
        queue: QueueService,
        indexing: SourceIndexingService,
        compare: FolderComparer,
    ) -> None:
        self._database = database
        self._sources = sources
        self._locator = locator
        self._queue = queue
        self._indexing = indexing
        self._compare = compare

    async def refresh(
        self,
        name: str,
        *,
        observer: RunObserver | None = None,
        stopped_by: StoppedBy | None = None,
    ) -> Refreshed:
        """Bring the index of a source up to date, creating it if it does not exist. If that fails,
        the previously indexed state still answers.

        Raises SourceError for an invalid source or a new folder without files, which gets no index,
        and KoditError if there is no complete index.
        """
        try:
            source = await in_thread(lambda: self._sources.understand(name))
        except SourceError as error:
            gone = await in_thread(lambda: self._locator.locate_missing(name))
            if gone is None or gone.updated_at is None:
                raise
            return Refreshed(gone, error)
        await in_thread(lambda: self._check_not_empty(source))
        if await self._queue.paused_since() is not None:
            paused = KoditError("the queue is paused", code="queue_paused")
            return self._as_it_was(await in_thread(lambda: self._find(source)), source, paused)
        try:
            runs = await self._indexing.index(
                IndexRequest([name]), observer=observer, stopped_by=stopped_by
            )
        except UserError as error:
            if error.code != "data_dir_read_only":
                raise
            return self._as_it_was(await in_thread(lambda: self._find(source)), source, error)
        index = await in_thread(lambda: self._index_of(runs))
        if index is None:
            raise NotFoundError(
                f"{source} was deleted while it was being indexed",
                code="index_deleted",
                source=str(source),
            )
        failure = failure_of(runs[0])
        return Refreshed(index) if failure is None else self._as_it_was(index, source, failure)

    def _index_of(self, runs: Sequence[IndexRun]) -> Index | None:
        """The index that was brought up to date, if it still exists."""
        if not runs or runs[0].index_id is None:
            return None
        with self._database.read() as transaction, suppress(NotFoundError):
            return transaction.indexes.get(runs[0].index_id)
        return None

    def _check_not_empty(self, source: Source) -> None:
        """Prevents a question from creating an index that cannot have results."""
        if source.kind is not SourceKind.FOLDER or self._find(source) is not None:
            return
        if not self._compare(source, {}, 0, is_certain=False):
            raise SourceError(
                f"{source} has no files to index", code="source_invalid", source=str(source)
            )

    def _find(self, source: Source) -> Index | None:
        with self._database.read() as transaction:
            return transaction.indexes.find(source)

    @staticmethod
    def _as_it_was(index: Index | None, source: Source, reason: KoditError) -> Refreshed:
        if index is None or index.updated_at is None:
            raise KoditError(
                f"{source} is not indexed: {reason}", code=reason.code, source=str(source)
            )
        return Refreshed(index, reason)


def failure_of(run: IndexRun) -> IndexingError | None:
    """The error of a run that did not succeed; None for any other."""
    if (task := run.waits_for_budget) is not None:
        return IndexingError(
            f"run {run.id} {task.type_name} {task.error}", code=BUDGET_SPENT, run=run.id
        )
    if not run.state.is_terminal:
        return IndexingError(f"run {run.id} was stopped", code="run_stopped", run=run.id)
    if run.state is RunState.SUCCEEDED:
        return None
    errors = [f"{task.type_name}: {task.error}" for task in run.tasks if task.error]
    return IndexingError(": ".join([f"run {run.id} {run.state}", *errors]), run=run.id)
