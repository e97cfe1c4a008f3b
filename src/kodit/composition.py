"""The composition root: the one place where ports meet their adapters."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import cached_property, partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from kodit.domain.errors import UserError
from kodit.infrastructure.clock import SystemClock
from kodit.infrastructure.files import make_private
from kodit.infrastructure.sqlalchemy.database import SqliteDatabase, open_sqlite
from kodit.infrastructure.sqlalchemy.migrate import migrate
from kodit.infrastructure.wake_up import NoWakeUp, SqliteWakeUp
from kodit.settings import Settings

# A search by the command line takes less time than importing what only indexing needs.
if TYPE_CHECKING:
    from kodit.application.services.browse_service import BrowseService
    from kodit.application.services.chores import Chore
    from kodit.application.services.code_indexing_application_service import (
        CodeIndexingApplicationService,
    )
    from kodit.application.services.doctor_service import DoctorService
    from kodit.application.services.grep_service import GrepService
    from kodit.application.services.index_service import IndexService
    from kodit.application.services.indexing_worker_service import IndexingWorkerService
    from kodit.application.services.queue_service import QueueService
    from kodit.application.services.related_service import RelatedService
    from kodit.application.services.search_service import SearchService
    from kodit.application.services.symbol_service import SymbolService
    from kodit.domain.ports.catalogue import Catalogue
    from kodit.domain.ports.database import Database
    from kodit.domain.ports.engines import Embedder, Enricher, KeywordIndex, VectorIndex
    from kodit.domain.ports.runtime import Clock, WakeUp
    from kodit.domain.ports.sources import SourceReader
    from kodit.infrastructure.processes.pool import ProcessPool
    from kodit.infrastructure.processes.worker_registry import FileWorkerRegistry


class Application:
    """Everything over one data directory, made when first asked for."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.wake_up: WakeUp = NoWakeUp()
        self.clock: Clock = SystemClock()
        self.data_dir = settings.data_dir

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def open(self) -> None:
        """Make the data directory and bring its database to this program's schema. Raises
        UserError where that cannot be, and DatabaseVersionError."""
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise UserError(
                f"the data directory {self.data_dir} cannot be made: {error.strerror}; "
                "choose another one with --data-dir or KODIT_DATA_DIR"
            ) from None
        if not os.access(self.data_dir, os.R_OK | os.W_OK | os.X_OK):
            raise UserError(
                f"the data directory {self.data_dir} cannot be read and written by this user; "
                "choose another one with --data-dir or KODIT_DATA_DIR"
            )
        make_private(self.data_dir / "kodit.db")
        migrate(self.database, before_creation=self._clear_derived)

    def _clear_derived(self) -> None:
        """A new database knows nothing of the engines that an older one may have left, and would
        give its own identifiers to what they hold. Nothing else is touched: the data directory
        may have been chosen by mistake."""
        import shutil

        if (self._keyword_folder / "keyword.lock").exists():
            shutil.rmtree(self._keyword_folder, ignore_errors=True)
        for pack in self._vectors_folder.glob("[0-9]*-*.pack"):
            pack.unlink(missing_ok=True)

    def close(self) -> None:
        """End child processes and close the database."""
        if "pool" in vars(self):
            self.pool.close()
        if "database" in vars(self):
            self.database.close()

    @property
    def _keyword_folder(self) -> Path:
        return self.data_dir / "keyword"

    @property
    def _vectors_folder(self) -> Path:
        return self.data_dir / "vectors"

    @cached_property
    def database(self) -> SqliteDatabase:
        return SqliteDatabase(open_sqlite(self.data_dir / "kodit.db"), self.data_dir / "write.lock")

    @cached_property
    def pool(self) -> ProcessPool:
        from kodit.infrastructure.processes.pool import ProcessPool

        return ProcessPool(self.data_dir)

    @cached_property
    def keyword_index(self) -> KeywordIndex:
        from kodit.infrastructure.keyword.tantivy_index import (
            TantivyKeywordIndex,
        )

        return TantivyKeywordIndex(self._keyword_folder, self.pool)

    @cached_property
    def embedder(self) -> Embedder:
        from kodit.infrastructure.embedding.builtin import BuiltinEmbedder

        return BuiltinEmbedder(self.pool)

    @cached_property
    def enricher(self) -> Enricher:
        from kodit.infrastructure.enrichment.builtin import (
            BuiltinEnricher,
        )

        return BuiltinEnricher(self.pool)

    @cached_property
    def reader(self) -> SourceReader:
        from kodit.infrastructure.sources.source_reader import (
            PooledSourceReader,
        )

        return PooledSourceReader(self.data_dir, self.pool, self.settings.git_answer_seconds)

    @cached_property
    def queue(self) -> QueueService:
        from kodit.application.services.queue_service import QueueService
        from kodit.domain.claiming import ClaimRules
        from kodit.domain.retry import RetryPolicy

        return QueueService(
            database=self.database,
            clock=self.clock,
            wake_up=self.wake_up,
            rules=ClaimRules(self.settings.queue_order, self.settings.task_limits),
            retry_policy=RetryPolicy(max_failures=self.settings.max_failures),
            lease=timedelta(seconds=self.settings.lease_seconds),
        )

    @property
    def chores(self) -> list[Chore]:
        """What whoever serves the queue does beside it, from time to time; times in seconds."""
        from kodit.application.services.chores import Chore, in_one_piece
        from kodit.application.services.history_pruner import HistoryPruner
        from kodit.domain.retention import Retention

        pruner = HistoryPruner(
            database=self.database,
            clock=self.clock,
            retention=Retention(self.settings.keep_runs, timedelta(days=self.settings.keep_days)),
        )
        return [
            Chore("finish deletions", 60.0, self.indexes.continue_deletions),
            Chore("forget old runs", 3600.0, pruner.prune_some),
            Chore("clear away dead workers", 60.0, partial(in_one_piece, self.registry.sweep)),
        ]

    @property
    def registry(self) -> FileWorkerRegistry:
        """Who works on this data directory; a view of its own for each who asks."""
        from kodit.infrastructure.processes.worker_registry import (
            FileWorkerRegistry,
        )

        return FileWorkerRegistry(self.data_dir / "workers")

    @cached_property
    def indexing(self) -> CodeIndexingApplicationService:
        return create_code_indexing_application_service(
            database=self.database,
            queue=self.queue,
            reader=self.reader,
            keyword_index=self.keyword_index,
            vector_index=self.vector_index,
            embedder=self.embedder,
            enricher=self.enricher,
            clock=self.clock,
        )

    @cached_property
    def indexes(self) -> IndexService:
        from kodit.application.services.index_service import IndexService

        return IndexService(
            database=self.database,
            queue=self.queue,
            reader=self.reader,
            keyword_index=self.keyword_index,
            vector_index=self.vector_index,
            clock=self.clock,
        )

    @cached_property
    def vector_index(self) -> VectorIndex:
        from kodit.infrastructure.vectors.exact_index import ExactVectorIndex

        return ExactVectorIndex(self.database, self._vectors_folder, self.pool)

    @cached_property
    def search(self) -> SearchService:
        from kodit.application.services.search_service import SearchService

        return SearchService(
            database=self.database,
            keyword_index=self.keyword_index,
            vector_index=self.vector_index,
            embedder=self.embedder,
        )

    @cached_property
    def doctor(self) -> DoctorService:
        from kodit.application.services.doctor_service import DoctorService
        from kodit.infrastructure.doctor.examiners import examiners

        return DoctorService(
            database=self.database,
            queue=self.queue,
            keyword_index=self.keyword_index,
            examiners=examiners(
                data_dir=self.data_dir,
                database=self.database,
                queue=self.queue,
                indexes=self.indexes,
                keyword_index=self.keyword_index,
                registry=self.registry,
                clock=self.clock,
                model=self.embedder.model,
            ),
        )

    @cached_property
    def catalogue(self) -> Catalogue:
        from kodit.infrastructure.sqlalchemy.catalogue import SqlCatalogue

        return SqlCatalogue(self.database)

    @cached_property
    def browse(self) -> BrowseService:
        from kodit.application.services.browse_service import BrowseService
        from kodit.infrastructure.sources.text_reader import StoredTextReader

        return BrowseService(
            catalogue=self.catalogue, reader=StoredTextReader(self.data_dir / "clones")
        )

    @cached_property
    def grep(self) -> GrepService:
        from kodit.application.services.grep_service import GrepService
        from kodit.infrastructure.grep.line_searcher import (
            PooledLineSearcher,
        )
        from kodit.infrastructure.grep.ripgrep import find_ripgrep

        return GrepService(
            catalogue=self.catalogue,
            searcher=PooledLineSearcher(
                self.data_dir / "clones", self.pool, ripgrep=find_ripgrep()
            ),
        )

    @cached_property
    def symbols(self) -> SymbolService:
        from kodit.application.services.symbol_service import SymbolService

        return SymbolService(catalogue=self.catalogue, keyword_index=self.keyword_index)

    @cached_property
    def related(self) -> RelatedService:
        from kodit.application.services.related_service import RelatedService

        return RelatedService(catalogue=self.catalogue, vector_index=self.vector_index)

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[tuple[IndexingWorkerService, str]]:
        """A worker that has entered the registry, and its name; it runs when it is told to."""
        from kodit.application.services.indexing_worker_service import (
            IndexingWorkerService,
            WorkerSettings,
        )
        from kodit.application.services.threads import in_thread

        self.wake_up = wake_up = SqliteWakeUp(self.data_dir / "kodit.db")
        registry = self.registry
        name = await in_thread(partial(registry.enter, self.queue.rules))
        self.pool.inherit(registry.descriptor)
        try:
            yield (
                IndexingWorkerService(
                    queue=self.queue,
                    handlers=self.indexing.handlers(),
                    registry=registry,
                    wake_up=wake_up,
                    settings=WorkerSettings(
                        slots=self.settings.worker_slots,
                        heartbeat=self.settings.heartbeat_seconds,
                        stall_limit=self.settings.stall_seconds,
                    ),
                ),
                name,
            )
        finally:
            await in_thread(wake_up.close)
            self.pool.close()
            await in_thread(registry.leave)


def create_code_indexing_application_service(
    *,
    database: Database,
    queue: QueueService,
    reader: SourceReader,
    keyword_index: KeywordIndex,
    vector_index: VectorIndex,
    embedder: Embedder,
    enricher: Enricher,
    clock: Clock,
) -> CodeIndexingApplicationService:
    """The indexing service over the given adapters."""
    from kodit.application.services.code_indexing_application_service import (
        CodeIndexingApplicationService,
    )

    return CodeIndexingApplicationService(
        database=database,
        queue=queue,
        reader=reader,
        keyword_index=keyword_index,
        vector_index=vector_index,
        embedder=embedder,
        enricher=enricher,
        clock=clock,
    )
