"""Adding, listing and deleting indexes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from kodit.application.services.queue_service import QueueService
from kodit.application.services.threads import Lane, in_thread
from kodit.application.services.transactions import written
from kodit.domain.entities import Index, IndexRun, IndexSummary
from kodit.domain.errors import NotFoundError, SecretElsewhereError, SourceError, UserError
from kodit.domain.intervals import SyncEvery
from kodit.domain.policy import LOCAL, CallerPolicy
from kodit.domain.source import Credentials
from kodit.domain.value_objects import QueuePriority, Source, SourceKind, TaskState, TaskType

if TYPE_CHECKING:
    from kodit.application.services.index_removal import IndexRemoval
    from kodit.domain.ports.database import Database, Transaction
    from kodit.domain.ports.hosts import HostResolver
    from kodit.domain.ports.runtime import Clock
    from kodit.domain.ports.sources import SourceReader


@dataclass(frozen=True, slots=True)
class SourceRequest:
    """A source to add or refresh. Credentials that differ from the stored ones are stored, and so
    are other values that are not None; `reference` (`env:NAME`) names credentials instead. `others`
    are tried if the source has no such ref, since the name of a branch may contain slashes."""

    source: Source
    credentials: Credentials | None = None
    reference: str | None = None
    include: tuple[str, ...] | None = None
    exclude: tuple[str, ...] | None = None
    submodules: bool | None = None
    sync_every: SyncEvery | None = None
    others: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True)
class _Checked:
    """A request that was checked, `given`, without the values that the index `known` already has;
    None if everything is to be stored, whether or not there is an index."""

    request: SourceRequest
    given: SourceRequest
    known: int | None = None


@dataclass(frozen=True, slots=True)
class IndexStatus:
    """An index with its size and its latest run."""

    summary: IndexSummary
    run: IndexRun | None = field(repr=False)

    @property
    def id(self) -> int:
        return self.summary.index.id

    @property
    def source(self) -> str:
        return str(self.summary.index.source)

    @property
    def files(self) -> int:
        """The number of its files."""
        return self.summary.files

    @property
    def snippets(self) -> int:
        return self.summary.snippets

    @property
    def updated_at(self) -> datetime | None:
        """When it was last complete."""
        return self.summary.index.updated_at


class IndexService:
    """The use cases of indexes as a whole."""

    def __init__(
        self,
        *,
        database: Database,
        queue: QueueService,
        reader: SourceReader,
        hosts: HostResolver,
        removal: IndexRemoval,
        clock: Clock,
    ) -> None:
        self._database = database
        self._queue = queue
        self._reader = reader
        self._hosts = hosts
        self._clock = clock
        self._removal = removal

    async def add(
        self, requests: Sequence[SourceRequest], policy: CallerPolicy = LOCAL
    ) -> list[Index]:
        """The indexes of sources, created if they do not exist; all are checked before the first is
        added. `policy` says what the caller may name.

        Raises RefusedByPolicyError for a source that the caller may not name; SourceError if a new
        source is missing or refuses access, if new credentials are not accepted, or if a reference
        names none; and UserError if the binding of a reference cannot be written. Nothing is stored
        then.
        """
        for request in requests:
            await self._allow(request, policy)
        checked = [await self._check_all(request, policy) for request in requests]
        indexes = [await self._meet(one, policy) for one in checked]
        for index in indexes:
            await self.hand_over(index)
        return indexes

    async def hand_over(self, index: Index) -> None:
        """Make the caller's secret available to whichever worker claims the run. Call it before the
        run is queued."""
        if index.credentials is not None:
            await in_thread(partial(self._reader.hand_over, index))

    async def request_run(self, index_id: int, priority: QueuePriority) -> IndexRun:
        """Request that an index be brought up to date, with the caller's secret. Raises
        NotFoundError."""
        await self.hand_over(await self.get(index_id))
        return await self._queue.request_run(index_id, priority)

    async def _meet(self, checked: _Checked, policy: CallerPolicy) -> Index:
        request = checked.given
        while True:
            index = await self._store(checked, policy)
            if index is not None:
                return index
            # The values left out as known were deleted with the index that had them.
            checked = await self._check(request, policy)

    async def _allow(self, request: SourceRequest, policy: CallerPolicy) -> None:
        policy.check_source(request.source)
        if request.reference is not None:
            policy.check_reference(request.reference, request.source)
        host = policy.host_to_look_up(request.source)
        if host is not None:
            addresses = await in_thread(partial(self._hosts.addresses, host))
            policy.check_addresses(host, addresses)

    async def _check_all(self, request: SourceRequest, policy: CallerPolicy) -> _Checked:
        try:
            return await self._check(request, policy)
        except SourceError as error:
            for one in request.others if error.code == "ref_not_found" else ():
                with suppress(SourceError):
                    return await self._check(replace(request, source=one), policy)
            raise

    async def _check(self, request: SourceRequest, policy: CallerPolicy) -> _Checked:
        """Check whether a request can be met."""

        def look() -> Index | None:
            with self._database.read() as transaction:
                return transaction.indexes.find(request.source)

        named = None if request.reference is None else self._reader.named(request.reference)
        index = await in_thread(look, Lane.READS)
        if index is not None and await in_thread(partial(self._is_known, index, request)):
            return _Checked(replace(request, credentials=None, reference=None), request, index.id)
        await self._reader.check(
            request.source,
            request.credentials or named,
            is_confined=policy.confines(request.source),
            is_remote=not policy.is_free,
        )
        if request.credentials is None and request.reference is not None:
            await in_thread(partial(self._reader.bind, request.reference, request.source))
        return _Checked(request, request)

    def _is_known(self, index: Index, request: SourceRequest) -> bool:
        """Whether the index has, and may use, all credentials that a request names."""
        if request.credentials is None and request.reference is None:
            return True
        if request.credentials is None and request.reference != index.credentials:
            return False
        try:
            known = self._reader.reveal(index)
        except (UserError, SecretElsewhereError):
            return False
        return request.credentials in (None, known)

    async def _store(self, checked: _Checked, policy: CallerPolicy) -> Index | None:
        """Returns None, and stores nothing, if the index that it was checked against is gone."""
        request = checked.request
        source, reference = request.source, request.reference
        if request.credentials is not None:
            reference = await in_thread(partial(self._reader.keep, request.credentials, source))

        def add(transaction: Transaction) -> tuple[Index | None, str | None]:
            indexes = transaction.indexes
            found = indexes.find(source)
            if checked.known not in (None, None if found is None else found.id):
                return None, None
            if found is None:
                is_confined, is_remote = policy.confines(source), policy.is_remote(source)
                found = indexes.add(
                    source, self._clock.now(), is_confined=is_confined, is_remote=is_remote
                )
            if found.is_remote and policy.is_free:
                indexes.release(found.id)
            chosen = found.source.choosing(request.include, request.exclude, request.submodules)
            if found.source != chosen:
                indexes.update_source(found.id, chosen)
            if request.sync_every is not None:
                seconds = None if request.sync_every == "default" else request.sync_every
                indexes.update_sync_every(found.id, seconds)
            replaced = None
            if reference is not None and reference != found.credentials:
                replaced = found.credentials
                indexes.update_credentials(found.id, reference)
            return indexes.get(found.id), replaced

        try:
            index, replaced = await in_thread(partial(written, self._database, add), Lane.WRITES)
        except Exception:
            if request.credentials is not None and reference is not None:
                await in_thread(partial(self._reader.forget, reference))
            raise
        if replaced is not None:
            await in_thread(partial(self._reader.forget, replaced))
        return index

    async def get(self, index_id: int) -> Index:
        """Raises NotFoundError."""

        def get() -> Index:
            with self._database.read() as transaction:
                return transaction.indexes.get(index_id)

        return await in_thread(get, Lane.READS)

    async def sources(self) -> dict[int, Source]:
        """By identifier, the source of each index."""

        def read() -> dict[int, Source]:
            with self._database.read() as transaction:
                return {index.id: index.source for index in transaction.indexes.list_all()}

        return await in_thread(read, Lane.READS)

    async def status(
        self, index_ids: Sequence[int] = (), *, after: int = 0, limit: int | None = None
    ) -> list[IndexStatus]:
        """All indexes, or the given ones, in the order of their identifiers: those with larger
        identifiers than `after`, and at most `limit` of them."""

        def read() -> list[IndexStatus]:
            with self._database.read() as transaction:
                indexes = [
                    index for index in transaction.indexes.select(index_ids) if index.id > after
                ][:limit]
                runs = transaction.tasks.latest_runs([index.id for index in indexes])
                return [
                    IndexStatus(summary, runs.get(summary.index.id))
                    for summary in transaction.indexes.summarise(indexes)
                ]

        return await in_thread(read, Lane.READS)

    async def delete(self, index_id: int) -> None:
        """Remove an index and everything derived from it. Its runs end at once; the source itself
        is never touched. Raises NotFoundError."""
        await self.remove(await self.hide(index_id))

    async def hide(self, index_id: int) -> Index:
        """Start deleting an index: its runs are ended and it is hidden; `remove` or
        `finish_deletions` does the rest. Its folder is not indexed again until it is named. Raises
        NotFoundError."""

        def mark(transaction: Transaction) -> Index:
            index = transaction.indexes.get(index_id)
            transaction.indexes.mark_deleted(index_id, self._clock.now())
            if index.source.kind is SourceKind.FOLDER:
                transaction.indexes.remember_deletion(index.source, self._clock.now())
            return index

        return await self._queue.abandon(mark, index_id)

    async def finish_deletions(self) -> None:
        """Finish deletions that a killed process left incomplete; rows that cannot be removed now
        stay for another time."""
        while await self.continue_deletions():
            pass

    async def continue_deletions(self) -> bool:
        """One step of the above: an index's data outside the database, or some rows. Returns
        whether there is more to do; a failing index does not block the others."""
        return await self._removal.continue_deletions()

    async def withdraw(self, run: IndexRun) -> str | None:
        """Remove an index whose first scan was refused for good, so that nothing half-made is left.
        Returns the error's sentence, None if the index is kept."""
        sync = next((task for task in run.tasks if task.type is TaskType.SYNC), None)
        if (
            run.index_id is None
            or sync is None
            or sync.state is not TaskState.FAILED
            or sync.failures  # its last error was transient
        ):
            return None
        index_id = run.index_id

        def mark(transaction: Transaction) -> Index:
            index = transaction.indexes.get(index_id)
            [latest] = transaction.tasks.latest_runs([index_id]).values()
            if latest.id != run.id or not self._is_empty(transaction, index):
                raise NotFoundError(f"index {index_id} is no longer new")
            transaction.indexes.mark_deleted(index_id, self._clock.now())
            return index

        try:
            index = await self._queue.abandon(mark, index_id)
        except NotFoundError:
            return None
        await self.remove(index)
        return sync.error

    @staticmethod
    def _is_empty(transaction: Transaction, index: Index) -> bool:
        """Whether no scan of the source has ended yet, nor started to store its results."""
        is_new = index.updated_at is None and index.working_copy.commit is None
        return is_new and not transaction.indexes.has_files(index.id)

    async def remove(self, index: Index) -> None:
        """Remove all data of a hidden index, except versions that other indexes have."""
        await self._removal.remove(index)
