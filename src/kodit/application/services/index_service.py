"""Adding, listing and deleting indexes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from kodit.application.services.queue_service import QueueService
from kodit.application.services.stage import in_thread
from kodit.domain.errors import SourceError
from kodit.domain.index import Index, IndexSummary
from kodit.domain.ports.database import Database, Transaction
from kodit.domain.ports.engines import KeywordIndex, VectorIndex
from kodit.domain.ports.runtime import Clock
from kodit.domain.ports.sources import SourceReader
from kodit.domain.run import IndexRun
from kodit.domain.source import Credentials, Source

ROWS_PER_REMOVAL = 2000
"""How many rows one transaction removes: some 20 ms."""


@dataclass(frozen=True, slots=True)
class IndexStatus:
    """An index with what it holds and its latest run."""

    summary: IndexSummary
    run: IndexRun | None


class IndexService:
    """The use cases of indexes as a whole."""

    def __init__(
        self,
        *,
        database: Database,
        queue: QueueService,
        reader: SourceReader,
        keyword_index: KeywordIndex,
        vector_index: VectorIndex,
        clock: Clock,
    ) -> None:
        self._database = database
        self._queue = queue
        self._reader = reader
        self._keyword_index = keyword_index
        self._vector_index = vector_index
        self._clock = clock

    async def add(
        self,
        source: Source,
        credentials: Credentials | None = None,
        reference: str | None = None,
        *,
        include: tuple[str, ...] | None = None,
        exclude: tuple[str, ...] | None = None,
    ) -> Index:
        """The index of a source, made where there is none. Credentials that differ from what was
        given before are stored, and globs that are not None; `reference` (`env:NAME`) names
        credentials instead.

        Raises SourceError, and stores nothing, when a new source is missing or refuses.
        """

        def look() -> Index | None:
            with self._database.read() as transaction:
                return transaction.indexes.find(source)

        if await in_thread(look) is None:
            await self._reader.check(source, credentials or self._reader.reveal(reference))
        if credentials is not None:
            reference = self._reader.keep(credentials)

        def add() -> tuple[Index, str | None]:
            with self._database.write() as transaction:
                indexes = transaction.indexes
                found = indexes.find(source) or indexes.add(source, self._clock.now())
                chosen = replace(
                    found.source,
                    include=found.source.include if include is None else include,
                    exclude=found.source.exclude if exclude is None else exclude,
                )
                if found.source != chosen:
                    indexes.update_source(found.id, chosen)
                replaced = None
                if reference is not None and reference != found.credentials:
                    replaced = found.credentials
                    indexes.update_credentials(found.id, reference)
                return indexes.get(found.id), replaced

        index, replaced = await in_thread(add)
        if replaced is not None:
            self._reader.forget(replaced)
        return index

    async def find(self, source: Source) -> Index:
        """The index of a source. Raises SourceError when there is none."""

        def find() -> Index | None:
            with self._database.read() as transaction:
                return transaction.indexes.find(source)

        found = await in_thread(find)
        if found is None:
            raise SourceError(f"{source} is not indexed; `kodit index {source}` adds it")
        return found

    async def get(self, index_id: int) -> Index:
        """Raises NotFoundError."""

        def get() -> Index:
            with self._database.read() as transaction:
                return transaction.indexes.get(index_id)

        return await in_thread(get)

    async def sources(self) -> dict[int, Source]:
        """The source of each index, by identifier."""

        def read() -> dict[int, Source]:
            with self._database.read() as transaction:
                return {index.id: index.source for index in transaction.indexes.list_all()}

        return await in_thread(read)

    async def status(self, index_ids: Sequence[int] = ()) -> list[IndexStatus]:
        """All indexes, or those asked for, in the order of their identifiers."""

        def read() -> list[IndexStatus]:
            with self._database.read() as transaction:
                indexes = [
                    index
                    for index in transaction.indexes.list_all()
                    if not index_ids or index.id in index_ids
                ]
                runs = transaction.tasks.latest_runs([index.id for index in indexes])
                return [
                    IndexStatus(summary, runs.get(summary.index.id))
                    for summary in transaction.indexes.summarise(indexes)
                ]

        return await in_thread(read)

    async def delete(self, index_id: int) -> None:
        """Remove an index and everything derived from it. Its runs end at once; the source itself
        is never touched. Raises NotFoundError."""

        def mark(transaction: Transaction) -> Index:
            index = transaction.indexes.get(index_id)
            transaction.indexes.mark_deleted(index_id, self._clock.now())
            return index

        await self._remove(await self._queue.abandon(mark, index_id))

    async def finish_deletions(self) -> None:
        """Remove what a process that died in the middle of a deletion has left."""

        def read() -> list[Index]:
            with self._database.read() as transaction:
                return transaction.indexes.deleted()

        for index in await in_thread(read):
            await self._remove(index)

    async def _remove(self, index: Index) -> None:
        """Every step can be done twice; the index's row goes last."""
        await self._keyword_index.drop(index.id)
        self._vector_index.drop(index.id)
        await in_thread(lambda: self._reader.discard(index))

        def remove_some() -> bool:
            with self._database.write() as transaction:
                transaction.tasks.delete_runs(index.id)
                return transaction.indexes.remove_some(index.id, ROWS_PER_REMOVAL)

        while await in_thread(remove_some):
            pass
