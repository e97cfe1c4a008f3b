"""Builds a dry run: sources are scanned and sliced in a data directory that is then removed, by the
same stages as ever, and nothing is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from kodit.application.services.dry_run_service import DryRunService
from kodit.application.services.source_indexing_service import SourceIndexingService
from kodit.application.services.source_service import IndexRequest
from kodit.application.services.stage import StageHandler, StageOutcome
from kodit.application.services.worker_host import WorkerHost
from kodit.application.views.dry_run import DryRunSourceView, DryRunView
from kodit.composition.application import Application
from kodit.composition.engines import Engines
from kodit.domain.value_objects import RunState, TaskType
from kodit.infrastructure.endpoints.private import PrivateFilesReader
from kodit.infrastructure.temporary import temporary_folder

if TYPE_CHECKING:
    from kodit.domain.entities import IndexRun, ProgressTracker, Task
    from kodit.domain.value_objects import Source

_STAGES = (TaskType.SYNC, TaskType.EXTRACT)


async def dry_run(
    application: Application, request: IndexRequest
) -> tuple[DryRunView, list[IndexRun]]:
    """What indexing the sources would send; and the runs that could not read their source."""
    count = DryRunService(
        application.reading, application.engines.embedder, application.engines.enricher
    )
    await count.begin()
    sources, failed = [], []
    for source in application.sources.sources(request):
        with temporary_folder("dryrun") as folder:
            settings = replace(
                application.settings,
                data_dir=folder / "data",
                database_url="",
                embedding_base_url="",
                enrichment_base_url="",
            )
            with Application(settings, application.exchange) as apart:
                [run] = await _extract(apart, source, request)
                if run.state is not RunState.SUCCEEDED or run.index_id is None:
                    failed.append(run)
                    continue
                [status] = await apart.indexes.status([run.index_id])
                reader = PrivateFilesReader(apart.places, settings.private)
                private = await reader.rules(status.summary.index)
                snippets, kept = await count.count(apart.database, run.index_id, private)
                files = status.summary.files
                sources.append(DryRunSourceView(str(source), files, snippets, kept))
    return DryRunView(tuple(sources), count.views()), failed


async def _extract(
    application: Application, source: Source, request: IndexRequest
) -> Sequence[IndexRun]:
    """Scan and slice a source; the later stages do nothing."""

    def handlers(engines: Engines) -> Mapping[TaskType, StageHandler]:
        stages = application.stages(engines).handlers()
        return {one: stages[one] if one in _STAGES else _nothing for one in TaskType}

    host = WorkerHost(
        open_worker=partial(application.worker, handlers),
        queue=application.queue,
        indexes=application.indexes,
        wake_ups=application.wake_ups,
        chores=lambda: (),
        schedule=lambda: (),
    )
    service = SourceIndexingService(
        sources=application.sources, indexes=application.indexes, host=host
    )
    alone = replace(
        request,
        sources=[str(source)],
        include=request.include if request.include is not None else source.include,
        exclude=request.exclude if request.exclude is not None else source.exclude,
    )
    return await service.index(alone)


async def _nothing(_task: Task, _tracker: ProgressTracker | None) -> StageOutcome:
    return StageOutcome()
