"""The five stages of indexing. Each commits in batches, asks the database what is still missing,
and can be killed and run again at any point."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import islice

from kodit.application.services.awaited_following import make_keyword_stage
from kodit.application.services.description_stage import DescriptionStage
from kodit.application.services.extraction_stage import ExtractionStage
from kodit.application.services.keyword_stage import new_generation
from kodit.application.services.metered_stages import MeteredStages
from kodit.application.services.queue_service import QueueService
from kodit.application.services.snapshots import without_keyword_index
from kodit.application.services.stage import (
    Stage,
    StageHandler,
    StageOutcome,
    commit_in_steps,
    tracker_of,
)
from kodit.application.services.threads import Lane, in_thread
from kodit.application.services.vector_stages import VectorStages
from kodit.application.services.version_service import VERSIONS_PER_REMOVAL, VersionService
from kodit.domain.batches import (
    MOST_PER_TRANSACTION,
)
from kodit.domain.entities import Index, IndexRun, ProgressTracker, Task, WorkingCopy
from kodit.domain.errors import NotFoundError
from kodit.domain.ports.database import Database, Transaction
from kodit.domain.ports.engines import Embedder, Enricher, KeywordIndex, VectorIndex
from kodit.domain.ports.metered import PrivateFilesOf
from kodit.domain.ports.nodes import Nodes
from kodit.domain.ports.repositories import NEVER_FOLLOWED, Followed
from kodit.domain.ports.runtime import Clock
from kodit.domain.ports.sources import SourceReader
from kodit.domain.report import Report
from kodit.domain.retention import UnusedRetention
from kodit.domain.search import EVERYTHING
from kodit.domain.services.index_service import IndexDomainService
from kodit.domain.source import MOST_UNKNOWN, SourceHistory
from kodit.domain.value_objects import (
    QueuePriority,
    Scan,
    ScannedFile,
    TaskOperation,
    TaskType,
)

FILES_PER_SCAN_BATCH = 1000
"""How many scanned files are stored in one transaction: about 20 ms."""
ROWS_PER_PURGE = MOST_PER_TRANSACTION.rows


class CodeIndexingApplicationService:
    """Starts indexing and does the work of its stages."""

    def __init__(
        self,
        *,
        database: Database,
        queue: QueueService,
        reader: SourceReader,
        keyword_index: KeywordIndex | None,
        vector_index: VectorIndex,
        embedder: Embedder,
        enricher: Enricher,
        clock: Clock,
        retention: UnusedRetention | None = None,
        descriptions: DescriptionStage | None = None,
        private_files: PrivateFilesOf | None = None,
        nodes: Nodes | None = None,
    ) -> None:
        """Without a `keyword_index` of its own, `nodes` follow the log in its place."""
        self._database = database
        self._queue = queue
        self._reader = reader
        self._keyword_index = keyword_index
        self._embedder = embedder
        self._enricher = enricher
        self._clock = clock
        retention = retention or UnusedRetention()
        self._extraction = ExtractionStage(reader, keeps_former=retention.keeps_anything)
        self._versions = VersionService(
            database=database, keyword_index=keyword_index, clock=clock, retention=retention
        )
        self._descriptions = descriptions
        self._files = IndexDomainService()
        self._keywords = make_keyword_stage(keyword_index, nodes)
        self._vectors = (
            VectorStages(embedder, enricher, vector_index)
            if private_files is None
            else MeteredStages(embedder, enricher, vector_index, private_files)
        )

    async def queue_index_tasks(self, index_id: int, is_user_initiated: bool = True) -> IndexRun:
        """Request that an index be brought up to date: the only way indexing starts. Returns the
        run that will do it, which may be one that was already waiting."""
        base = QueuePriority.USER_INITIATED if is_user_initiated else QueuePriority.BACKGROUND
        return await self._queue.request_run(index_id, base)

    async def without_keyword_index(self) -> list[int]:
        """The indexes that are searched without the keyword index until they are indexed again.
        Raises PermanentError if it cannot be read at all."""
        keyword_index = self._keyword_index
        if keyword_index is None:
            return []
        return await in_thread(
            lambda: without_keyword_index(self._database, keyword_index, EVERYTHING), Lane.READS
        )

    async def process_sync(
        self, task: Task, tracker: ProgressTracker | None = None
    ) -> StageOutcome:
        """Scan the source and store the status and content hash of every file."""
        stage = self._stage(task, tracker)
        with stage.tracker.create_child(TaskOperation.REFRESH_WORKING_COPY) as step:
            index = await stage.read(lambda transaction: transaction.indexes.get(stage.index_id))
            commit = await self._reader.look_up(index)
            working_copy = index.working_copy
            nested: Sequence[str] = ()
            if commit is None or commit != working_copy.commit:
                known = await stage.read(
                    lambda transaction: transaction.indexes.known_files(index.id)
                )
                try:
                    scan = await self._reader.scan(index, known, _report_to(step))
                    del known
                    await self._store_scan(stage, step, index, scan)
                except BaseException:
                    await self._discard_if_deleted(stage, index)
                    raise
                nested = scan.repositories
                working_copy = replace(
                    working_copy,
                    commit=scan.commit,
                    scanned_at_ns=scan.scanned_at_ns,
                    skipped=dict(scan.skipped),
                )
            working_copy = await self._follow_history(stage, step, index, working_copy, nested)
            is_finished = await self._finish_scan(stage, step, index, working_copy)
            if is_finished:
                step.skip("nothing has changed")
        return StageOutcome(nothing_to_do=is_finished)

    async def _discard_if_deleted(self, stage: Stage, index: Index) -> None:
        """Deleting an index does not wait for the running scan, which may have made a clone
        since."""
        try:
            await stage.read(lambda transaction: transaction.indexes.get(index.id))
        except NotFoundError:
            await in_thread(lambda: self._reader.discard(index))

    async def _store_scan(
        self, stage: Stage, step: ProgressTracker, index: Index, scan: Scan
    ) -> None:
        def store(
            found: Sequence[ScannedFile], transaction: Transaction
        ) -> tuple[None, dict[str, int]]:
            known = transaction.indexes.files_by_path(index.id, [file.path for file in found])
            files = [self._files.found(file, known.get(file.path)) for file in found]
            transaction.indexes.add_files(index.id, [file for file in files if not file.id])
            transaction.indexes.update_files(index.id, [file for file in files if file.id])
            return None, {}

        def remove(paths: Sequence[str], transaction: Transaction) -> tuple[None, dict[str, int]]:
            known = transaction.indexes.files_by_path(index.id, paths).values()
            gone = {file.id: self._files.gone(file) for file in known}
            kept = [file for file in gone.values() if file]
            transaction.indexes.update_files(index.id, kept)
            forgotten = [key for key, file in gone.items() if not file]
            transaction.indexes.forget_files(index.id, forgotten)
            return None, {}

        step.set_total(len(scan.changed) + len(scan.gone) + scan.unchanged)
        step.set_current(scan.unchanged)
        for start in range(0, len(scan.gone), FILES_PER_SCAN_BATCH):
            paths = scan.gone[start : start + FILES_PER_SCAN_BATCH]
            await stage.commit(partial(remove, paths), step, step.current + len(paths))
        for start in range(0, len(scan.changed), FILES_PER_SCAN_BATCH):
            found = scan.changed[start : start + FILES_PER_SCAN_BATCH]
            await stage.commit(partial(store, found), step, step.current + len(found))

    async def _follow_history(
        self,
        stage: Stage,
        step: ProgressTracker,
        index: Index,
        working_copy: WorkingCopy,
        nested: Sequence[str],
    ) -> WorkingCopy:
        """Store the authors and dates that are not known yet, also of nested repositories."""
        unknown = await stage.read(
            lambda transaction: transaction.indexes.files_without_history(index.id, MOST_UNKNOWN)
        )
        history = await self._reader.history(index, working_copy.commit, unknown, nested)
        if history is None:
            return working_copy
        if history.is_whole or history.whole_within:
            known = await stage.read(lambda transaction: transaction.indexes.known_files(index.id))
            history = history.with_all_of(known)
        for part in _parts(history, FILES_PER_SCAN_BATCH):
            await stage.commit(partial(_record_history, index.id, part), step)
        return replace(working_copy, history_commit=history.mark)

    async def _finish_scan(
        self, stage: Stage, step: ProgressTracker, index: Index, working_copy: WorkingCopy
    ) -> bool:
        """Mark the work that a newer extractor, model or keyword index requires, then store the
        scan. Returns whether nothing is left to do.

        Every snippet may have to be marked, so this happens in steps, each of which is kept if the
        next is interrupted. Only the last step records that all is marked.
        """
        models = self._vectors.models()

        def look(transaction: Transaction) -> tuple[list[int], Followed]:
            outdated = [
                extraction
                for extraction in transaction.indexes.extractions(index.id)
                if self._reader.is_outdated(extraction)
            ]
            files = transaction.indexes.extracted_by(index.id, outdated)
            return files, transaction.snippets.followed(index.id)

        outdated, followed = await stage.read(look)
        if followed == NEVER_FOLLOWED:
            finish = partial(_finish_first_scan, index.id, models, working_copy)
            return await stage.commit(finish, step)
        if stage.task.is_user_initiated:
            await commit_in_steps(stage, step, partial(_ask_again, index.id))
        lacks_pack = not await in_thread(partial(self._vectors.is_prepared, index.id))
        for start in range(0, len(outdated), FILES_PER_SCAN_BATCH):
            some = outdated[start : start + FILES_PER_SCAN_BATCH]
            await stage.commit(partial(_mark_stale, index.id, some), step)
        await self._keywords.follow_stores(stage, step)
        for store_id in await stage.read(lambda transaction: transaction.versions.stores(index.id)):
            await self._vectors.follow(stage.at(store_id), step)
        is_finished = await stage.commit(partial(_finish_scan, index.id, working_copy), step)
        return is_finished and not lacks_pack

    async def process_extract(
        self, task: Task, tracker: ProgressTracker | None = None
    ) -> StageOutcome:
        """Slice every file whose snippets do not match its content."""
        stage = self._stage(task, tracker)
        with stage.tracker.create_child(TaskOperation.EXTRACT_SNIPPETS) as step:
            await self._extraction.extract(stage, step)
        return StageOutcome()

    async def process_bm25_index(
        self, task: Task, tracker: ProgressTracker | None = None
    ) -> StageOutcome:
        """Apply the log of changes to the keyword index up to its end."""
        stage = self._stage(task, tracker)
        with stage.tracker.create_child(TaskOperation.CREATE_BM25_INDEX) as step:
            await self._keywords.index(stage, step)
        return StageOutcome()

    async def process_code_embeddings(
        self, task: Task, tracker: ProgressTracker | None = None
    ) -> StageOutcome:
        """Embed the code of every live snippet."""
        stage = self._stage(task, tracker)
        with stage.tracker.create_child(TaskOperation.CREATE_CODE_EMBEDDINGS) as step:
            await self._vectors.embed_code(stage, step)
        return StageOutcome()

    async def process_enrich(
        self, task: Task, tracker: ProgressTracker | None = None
    ) -> StageOutcome:
        """Enrich every live snippet, embed the enriched text, and mark the index complete."""
        stage = self._stage(task, tracker)
        with stage.tracker.create_child(TaskOperation.ENRICH_SNIPPETS) as step:
            await self._vectors.enrich(stage, step)
            if self._descriptions is not None:
                await self._descriptions.describe(stage, step)
            await self._remove_old_versions(stage, step)
            # The last statuses are cleared with the timestamp, in one transaction. The commits
            # report to `step`, whose progress stays visible.
            with (
                step.create_child(TaskOperation.UPDATE_INDEX_TIMESTAMP),
                step.create_child(TaskOperation.CLEAR_FILE_PROCESSING_STATUSES),
            ):
                finish = partial(_finish, stage.index_id, self._clock.now())
                while not await stage.commit(finish, step):
                    pass
        return StageOutcome()

    async def _remove_old_versions(self, stage: Stage, above: ProgressTracker) -> None:
        """Let go of former versions of files, and remove what no engine holds."""

        def look(transaction: Transaction) -> tuple[bool, bool]:
            return (
                transaction.versions.has_former(stage.index_id),
                transaction.snippets.has_dead(stage.index_id),
            )

        def settle(transaction: Transaction) -> tuple[int, dict[str, int]]:
            return transaction.versions.settle(stage.index_id, VERSIONS_PER_REMOVAL), {}

        def purge(transaction: Transaction) -> tuple[int, dict[str, int]]:
            return transaction.snippets.purge(stage.index_id, ROWS_PER_PURGE), {}

        with above.create_child(TaskOperation.DELETE_OLD_SNIPPETS) as step:
            has_former, has_dead = await stage.read(look)
            while has_former and await stage.commit(settle, step) == VERSIONS_PER_REMOVAL:
                pass
            while has_dead and (purged := await stage.commit(purge, step)):
                step.set_current(step.current + purged)
        while await self._versions.remove_some():
            pass

    def handlers(self) -> dict[TaskType, StageHandler]:
        """The handler of each task type, for the worker."""
        return {
            TaskType.SYNC: self.process_sync,
            TaskType.EXTRACT: self.process_extract,
            TaskType.BM25_INDEX: self.process_bm25_index,
            TaskType.CODE_EMBEDDINGS: self.process_code_embeddings,
            TaskType.ENRICH: self.process_enrich,
        }

    def _stage(self, task: Task, tracker: ProgressTracker | None) -> Stage:
        return Stage(self._database, task, tracker or tracker_of(task))


def _report_to(step: ProgressTracker) -> Report:
    """Forwards the progress that a child process reports."""

    def report(done: int, total: int | None) -> None:
        step.set_total(total)
        step.set_current(done)

    return report


def _mark_stale(
    index_id: int, file_ids: Sequence[int], transaction: Transaction
) -> tuple[None, dict[str, int]]:
    transaction.indexes.mark_stale(index_id, file_ids)
    return None, {}


def _ask_again(
    index_id: int, after: int, transaction: Transaction
) -> tuple[int | None, dict[str, int]]:
    return transaction.refusals.ask_again(index_id, after), {}


def _finish_scan(
    index_id: int, working_copy: WorkingCopy, transaction: Transaction
) -> tuple[bool, dict[str, int]]:
    transaction.indexes.finish_scan(index_id, working_copy)
    return transaction.snippets.is_finished(index_id), {}


def _finish_first_scan(
    index_id: int,
    models: Mapping[TaskType, str],
    working_copy: WorkingCopy,
    transaction: Transaction,
) -> tuple[bool, dict[str, int]]:
    """There are no snippets yet, so nothing has to be marked."""
    transaction.snippets.log_all(index_id, new_generation())
    for stage_type, model in models.items():
        transaction.snippets.follow_model(index_id, stage_type, model)
    return _finish_scan(index_id, working_copy, transaction)


def _finish(index_id: int, now: datetime, transaction: Transaction) -> tuple[bool, dict[str, int]]:
    return transaction.indexes.finish(index_id, now), {}


def _parts(history: SourceHistory, size: int) -> Iterator[SourceHistory]:
    """A history in parts of at most `size` files. Only the last part has the mark, so that an
    interrupted stage starts again."""
    told = [*history.files.items(), *history.later.items()]
    replacing = len(history.files)
    for start in range(0, len(told), size):
        end = min(start + size, len(told))
        yield SourceHistory(
            history.mark if end == len(told) else None,
            dict(told[start : min(end, replacing)]),
            dict(islice(history.later.items(), max(0, start - replacing), max(0, end - replacing))),
        )


def _record_history(
    index_id: int, history: SourceHistory, transaction: Transaction
) -> tuple[None, dict[str, int]]:
    transaction.indexes.record_history(index_id, history)
    return None, {}
