"""The engines and readers that work in the child processes of one pool."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from kodit.composition.made_once import made_once
from kodit.settings import Settings

# A search by the command line takes less time than importing what only indexing needs.
if TYPE_CHECKING:
    from kodit.domain.ports.engines import Embedder, Enricher, KeywordIndex, VectorIndex
    from kodit.domain.ports.sources import SourceReader
    from kodit.infrastructure.git.credentials import SecretExchange
    from kodit.infrastructure.processes.pool import ProcessPool
    from kodit.infrastructure.sql.readable import ReadableDatabase


class Engines:
    """The users of one pool of child processes: the application's own, or a worker's."""

    def __init__(
        self,
        settings: Settings,
        database: ReadableDatabase,
        pool: ProcessPool,
        exchange: SecretExchange | None = None,
    ) -> None:
        self.settings = settings
        self.database = database
        self.pool = pool
        self.exchange = exchange
        self.making = threading.RLock()

    @made_once
    def keyword_index(self) -> KeywordIndex:
        from kodit.infrastructure.keyword.tantivy_index import (
            TantivyKeywordIndex,
        )

        return TantivyKeywordIndex(self.settings.data_dir / "keyword", self.pool)

    @made_once
    def vector_index(self) -> VectorIndex:
        from kodit.infrastructure.vectors.exact_index import ExactVectorIndex

        return ExactVectorIndex(self.database, self.settings.data_dir / "vectors", self.pool)

    @made_once
    def embedder(self) -> Embedder:
        from kodit.infrastructure.embedding.builtin import BuiltinEmbedder

        return BuiltinEmbedder(self.pool)

    @made_once
    def enricher(self) -> Enricher:
        from kodit.infrastructure.enrichment.builtin import (
            BuiltinEnricher,
        )

        return BuiltinEnricher(self.pool)

    @made_once
    def reader(self) -> SourceReader:
        from kodit.infrastructure.sources.source_reader import (
            PooledSourceReader,
        )

        return PooledSourceReader(
            self.settings.data_dir,
            self.pool,
            self.settings.git_answer_seconds,
            self.exchange,
            uses_user_configuration=self.settings.git_configuration,
            uses_user_configuration_for_remote=self.settings.git_configuration_for_remote_callers,
        )
