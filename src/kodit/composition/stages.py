"""The factory of the indexing service."""

from __future__ import annotations

from typing import TYPE_CHECKING

# Most commands do not need the stages.
if TYPE_CHECKING:
    from kodit.application.services.code_indexing_application_service import (
        CodeIndexingApplicationService,
    )
    from kodit.application.services.description_stage import DescriptionStage
    from kodit.application.services.queue_service import QueueService
    from kodit.domain.ports.database import Database
    from kodit.domain.ports.engines import Embedder, Enricher, KeywordIndex, VectorIndex
    from kodit.domain.ports.metered import PrivateFilesOf
    from kodit.domain.ports.nodes import Nodes
    from kodit.domain.ports.runtime import Clock
    from kodit.domain.ports.sources import SourceReader
    from kodit.domain.retention import UnusedRetention


def create_code_indexing_application_service(
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
) -> CodeIndexingApplicationService:
    """The indexing service over the given adapters. `retention` is that of unused versions;
    `private_files` are needed if a model is behind an endpoint, and `nodes`, which follow the log
    in its place, if there is no `keyword_index`."""
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
        retention=retention,
        descriptions=descriptions,
        private_files=private_files,
        nodes=nodes,
    )
