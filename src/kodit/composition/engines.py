"""The engines and readers that work in the child processes of one pool."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from kodit.composition.made_once import made_once
from kodit.domain.this_host import ALONE, ThisHost
from kodit.settings import Settings

# A search by the command line takes less time than importing what only indexing needs.
if TYPE_CHECKING:
    from kodit.domain.ports.engines import Embedder, Enricher, KeywordIndex, VectorIndex
    from kodit.domain.ports.metered import PrivateFilesOf
    from kodit.domain.ports.nodes import Nodes
    from kodit.domain.ports.sources import SourceReader
    from kodit.infrastructure.git.credentials import SecretExchange
    from kodit.infrastructure.processes.pool import ProcessPool
    from kodit.infrastructure.sources.places import SourcePlaces
    from kodit.infrastructure.sql.readable import ReadableDatabase


class Engines:
    """The users of one pool of child processes: the application's own, or a worker's."""

    def __init__(
        self,
        settings: Settings,
        database: ReadableDatabase,
        pool: ProcessPool,
        exchange: SecretExchange | None = None,
        *,
        this_host: ThisHost = ALONE,
        nodes: Callable[[], Nodes | None] = lambda: None,
    ) -> None:
        """`nodes` returns those that share the database, if several may."""
        self.settings = settings
        self.database = database
        self.pool = pool
        self.exchange = exchange
        self.this_host = this_host
        self.nodes = nodes
        self.making = threading.RLock()

    @made_once
    def keyword_index(self) -> KeywordIndex:
        if not self.settings.node_searches:
            from kodit.infrastructure.absent_engines import AbsentKeywordIndex

            return AbsentKeywordIndex(self._searching)
        from kodit.infrastructure.keyword.tantivy_index import (
            TantivyKeywordIndex,
        )

        return TantivyKeywordIndex(self.settings.data_dir / "keyword", self.pool)

    @made_once
    def vector_index(self) -> VectorIndex:
        if not self.settings.node_searches:
            from kodit.infrastructure.absent_engines import AbsentVectorIndex

            return AbsentVectorIndex(self._searching)
        from kodit.infrastructure.vectors.exact_index import ExactVectorIndex

        return ExactVectorIndex(self.database, self.settings.data_dir / "vectors", self.pool)

    def _searching(self) -> Sequence[str]:
        """The hosts of the nodes that search."""
        nodes = self.nodes()
        return () if nodes is None else nodes.searching()

    @made_once
    def embedder(self) -> Embedder:
        if self.settings.embedding_base_url:
            from kodit.composition.endpoints import make_embedder

            return make_embedder(self.settings, self.database)
        from kodit.infrastructure.embedding.builtin import BuiltinEmbedder

        return BuiltinEmbedder(self.pool)

    def embedder_of(self, model: str) -> Embedder | None:
        """The embedder with this model, if there is one: that of the settings, the built-in one, or
        another model at the same endpoint."""
        if model == self.embedder.model:
            return self.embedder
        from kodit.infrastructure.embedding.builtin import BuiltinEmbedder

        if model == BuiltinEmbedder.model:
            return BuiltinEmbedder(self.pool)
        of_model = getattr(self.embedder, "of_model", None)
        return None if of_model is None else of_model(model)

    @made_once
    def enricher(self) -> Enricher:
        from kodit.infrastructure.enrichment.builtin import (
            BuiltinEnricher,
        )

        here = BuiltinEnricher(self.pool, includes_name=not self.settings.embedding_base_url)
        if self.settings.enrichment_base_url:
            from kodit.composition.endpoints import make_enricher

            return make_enricher(self.settings, self.database, here)
        return here

    @property
    def private_files(self) -> PrivateFilesOf | None:
        """Needed if a model is behind an endpoint."""
        if not (self.settings.embedding_base_url or self.settings.enrichment_base_url):
            return None
        from kodit.infrastructure.endpoints.private import PrivateFilesReader

        return PrivateFilesReader(
            make_places(self.settings, self.this_host, self.exchange), self.settings.private
        )

    @property
    def trials(self) -> list[Callable[[], None]]:
        """Functions that ask the endpoints once, and raise KoditError if they do not answer."""
        models = (self.embedder, self.enricher)
        return [trial for one in models if (trial := getattr(one, "try_out", None)) is not None]

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
            host=self.this_host,
            uses_user_configuration=self.settings.git_configuration,
            uses_user_configuration_for_remote=self.settings.git_configuration_for_remote_callers,
        )


def make_places(
    settings: Settings, this_host: ThisHost, exchange: SecretExchange | None
) -> SourcePlaces:
    """Where sources are on this machine."""
    from kodit.infrastructure.sources.places import SourcePlaces

    return SourcePlaces(
        settings.data_dir,
        this_host,
        exchange,
        uses_user_configuration=settings.git_configuration,
        uses_user_configuration_for_remote=settings.git_configuration_for_remote_callers,
    )
