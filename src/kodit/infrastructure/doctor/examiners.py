"""All examiners, in the order of repair."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from kodit.application.services.index_service import IndexService
from kodit.application.services.queue_service import QueueService
from kodit.domain.diagnosis import Area
from kodit.domain.ports.doctor import Examiner
from kodit.domain.ports.engines import KeywordIndex
from kodit.domain.ports.runtime import Clock
from kodit.domain.ports.workers import WorkerRegistry
from kodit.domain.this_host import ALONE, ThisHost
from kodit.infrastructure.doctor.checks import RowExaminer
from kodit.infrastructure.doctor.clones import CloneExaminer
from kodit.infrastructure.doctor.credentials import CredentialExaminer
from kodit.infrastructure.doctor.database import DatabaseExaminer
from kodit.infrastructure.doctor.embeddings import EmbeddingExaminer
from kodit.infrastructure.doctor.endpoints import EndpointExaminer
from kodit.infrastructure.doctor.files import FILE_CHECKS
from kodit.infrastructure.doctor.keyword import KeywordExaminer
from kodit.infrastructure.doctor.leftovers import LeftoverExaminer
from kodit.infrastructure.doctor.packs import PackExaminer
from kodit.infrastructure.doctor.paths import PATH_CHECKS
from kodit.infrastructure.doctor.queue import QueueExaminer
from kodit.infrastructure.doctor.vectors import ENRICHMENT_CHECKS, vector_checks
from kodit.infrastructure.doctor.versions import VERSION_CHECKS
from kodit.infrastructure.git.credentials import CredentialStore
from kodit.infrastructure.keyword.version import SCHEMA_VERSION
from kodit.infrastructure.sqlalchemy.sql_database import SqlDatabase


def examiners(
    *,
    data_dir: Path,
    database: SqlDatabase,
    queue: QueueService,
    indexes: IndexService,
    keyword_index: KeywordIndex | None,
    registry: WorkerRegistry,
    clock: Clock,
    model: str,
    trials: Sequence[Callable[[], None]] = (),
    host: ThisHost = ALONE,
) -> list[Examiner]:
    """Each relies on the repairs of those before it; `model` makes the vectors, `trials` ask the
    endpoints, and `host` is this machine. A data directory without a `keyword_index` holds no
    packed vectors either."""
    engines: list[Examiner] = []
    if keyword_index is not None:
        engines = [
            PackExaminer(database, data_dir / "vectors"),
            KeywordExaminer(database, data_dir / "keyword" / SCHEMA_VERSION, keyword_index),
        ]
    return [
        DatabaseExaminer(database),
        QueueExaminer(database, queue, registry, clock),
        LeftoverExaminer(database, data_dir, indexes, registry),
        CredentialExaminer(database, CredentialStore(data_dir), host),
        RowExaminer(database, Area.FILES, (*PATH_CHECKS, *VERSION_CHECKS, *FILE_CHECKS)),
        CloneExaminer(database, data_dir / "clones", host),
        RowExaminer(database, Area.ENRICHMENTS, ENRICHMENT_CHECKS),
        EmbeddingExaminer(database),
        RowExaminer(database, Area.VECTORS, vector_checks(model)),
        *engines,
        EndpointExaminer(trials),
    ]
