"""Removing the data of deleted indexes."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from kodit.application.services.threads import Lane, in_thread
from kodit.application.services.transactions import written
from kodit.application.services.version_service import VersionService
from kodit.domain.entities import Index

if TYPE_CHECKING:
    from kodit.domain.ports.database import Database, Transaction
    from kodit.domain.ports.engines import KeywordIndex, VectorIndex
    from kodit.domain.ports.runtime import Clock
    from kodit.domain.ports.sources import SourceReader
    from kodit.domain.retention import UnusedRetention

log = logging.getLogger(__name__)

ROWS_PER_REMOVAL = 1000
"""How many rows one transaction removes: about 20 ms."""


class IndexRemoval:
    """Removes hidden indexes in short steps, each of which may be repeated."""

    def __init__(
        self,
        *,
        database: Database,
        reader: SourceReader,
        keyword_index: KeywordIndex | None,
        vector_index: VectorIndex,
        clock: Clock,
        retention: UnusedRetention,
    ) -> None:
        self._database = database
        self._reader = reader
        self._keyword_index = keyword_index
        self._vector_index = vector_index
        self._versions = VersionService(
            database=database,
            keyword_index=keyword_index,
            clock=clock,
            retention=retention,
        )
        self._without_files: set[int] = set()
        """Deleted indexes that have only rows left."""
        self._put_off: set[int] = set()
        """Deleted indexes that could not be removed just now."""

    async def remove(self, index: Index) -> None:
        """Remove all data of a hidden index, except versions that other indexes have."""
        while await self._remove_some(index):
            pass
        while await self._versions.remove_some():
            pass
        # The stores of indexes that were deleted before may have become empty.
        while await self.continue_deletions():
            pass

    async def continue_deletions(self) -> bool:
        """One step for any deleted index; returns whether there is more to do. A failing index does
        not block the others."""

        def read() -> list[Index]:
            with self._database.read() as transaction:
                return transaction.indexes.deleted()

        deleted = await in_thread(read, Lane.READS)
        index = next((one for one in deleted if one.id not in self._put_off), None)
        if index is None:
            self._put_off.clear()
            return False
        try:
            await self._remove_some(index)
        except Exception as error:  # noqa: BLE001 - one failing index must not stop the others
            self._put_off.add(index.id)
            log.warning(
                "a deletion cannot be finished yet",
                extra={"index": index.id, "error": str(error) or type(error).__name__},
            )
        return True

    async def _remove_some(self, index: Index) -> bool:
        """One step of a removal; returns whether there is more to do. The index's row is removed
        last; it stays if other indexes have versions that this one has brought."""
        if await in_thread(partial(self._detach_some, index), Lane.WRITES):
            return True
        if index.id not in self._without_files:
            await in_thread(partial(self._reader.discard, index))
            if await in_thread(partial(self._keep_store, index), Lane.WRITES):
                return False
            if self._keyword_index is not None:
                generation = await in_thread(partial(self._generation, index))
                await self._keyword_index.drop(index.id, generation)
            await in_thread(partial(self._vector_index.drop, index.id))
            self._without_files.add(index.id)
            return True

        def remove_some(transaction: Transaction) -> bool:
            return transaction.indexes.remove_some(index.id, ROWS_PER_REMOVAL)

        has_more = await in_thread(partial(written, self._database, remove_some), Lane.WRITES)
        if not has_more:
            self._without_files.discard(index.id)
        return has_more

    def _detach_some(self, index: Index) -> bool:
        """Remove some of what is the index's own."""
        with self._database.read() as transaction:
            if transaction.indexes.is_detached(index.id):
                return False

        def detach(transaction: Transaction) -> bool:
            return transaction.tasks.delete_runs(
                index.id, ROWS_PER_REMOVAL
            ) or transaction.indexes.detach_some(index.id, ROWS_PER_REMOVAL)

        return written(self._database, detach)

    def _keep_store(self, index: Index) -> bool:
        """Whether other indexes have versions in the store of this one, which then stay."""
        return written(self._database, lambda transaction: transaction.indexes.keep_store(index.id))

    def _generation(self, index: Index) -> str | None:
        with self._database.read() as transaction:
            return transaction.keyword_log.generation(index.id)
