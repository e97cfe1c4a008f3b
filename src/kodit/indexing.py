"""Indexing sources while the caller waits: what `kodit index` and `Kodit.index` share."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from kodit.application.services.index_service import SourceRequest
from kodit.application.services.indexing_worker_service import IndexingWorkerService
from kodit.composition import Application
from kodit.domain.entities import IndexRun, ProgressTracker, Task
from kodit.domain.errors import SourceError, TransientError
from kodit.domain.value_objects import Source
from kodit.infrastructure.folder.patterns import check_globs
from kodit.infrastructure.sources.parsing import parse_source
from kodit.signals import stopped_by

POLL_SECONDS = 0.1
LONGEST_TROUBLE_SECONDS = 5.0
"""How long somebody who waits is left without a word while the database cannot be written."""

Show = Callable[[list[IndexRun], Mapping[int, Source]], None]
"""Called with the runs that are waited for, whenever they may have moved, and the sources of all
indexes."""
ShowOperation = Callable[[Task, ProgressTracker], None]


@dataclass(frozen=True, slots=True)
class IndexRequest:
    """What is to be indexed: sources as typed, globs that choose their files (None leaves them as
    they were, an empty tuple clears them), and where their secret is, `env:NAME`, if it is not
    part of the URL."""

    sources: Sequence[str]
    include: tuple[str, ...] | None = None
    exclude: tuple[str, ...] | None = None
    credentials: str | None = None


async def queue_sources(
    application: Application,
    request: IndexRequest,
) -> list[IndexRun]:
    """Add or refresh sources; every one is understood and looked for before the first is added.
    Raises UserError."""
    check_globs("--include", request.include or ())
    check_globs("--exclude", request.exclude or ())
    parsed = [parse_source(source) for source in request.sources]
    indexes = await application.indexes.add(
        [
            SourceRequest(
                one.source,
                one.credentials,
                request.credentials,
                include=request.include,
                exclude=request.exclude,
            )
            for one in parsed
        ]
    )
    return [await application.indexing.queue_index_tasks(index.id) for index in indexes]


async def index_sources(
    application: Application,
    request: IndexRequest,
    *,
    show: Show | None = None,
    show_operation: ShowOperation | None = None,
) -> list[IndexRun]:
    """Queue the sources and serve the whole queue until their runs have ended; returns the runs
    as they ended. When the caller is cancelled, what is held is released first.

    Raises SourceError, after all have ended, where a new source turned out to be refused only
    when it was read: nothing of it is left.
    """

    async def withdraw(runs: list[IndexRun]) -> None:
        said = [await application.indexes.withdraw(run) for run in runs]
        if refusals := list(dict.fromkeys(one for one in said if one is not None)):
            raise SourceError(" ".join(refusals))

    return await serve_until_ended(
        application,
        partial(queue_sources, application, request),
        show=show,
        show_operation=show_operation,
        afterwards=withdraw,
    )


async def serve_until_ended(
    application: Application,
    ask: Callable[[], Awaitable[list[IndexRun]]],
    *,
    show: Show | None = None,
    show_operation: ShowOperation | None = None,
    afterwards: Callable[[list[IndexRun]], Awaitable[None]] | None = None,
) -> list[IndexRun]:
    """Serve the whole queue until the runs that `ask` gives have ended; likewise. `afterwards` is
    called with them while the worker is still there."""
    async with application.worker() as (worker, name):
        if show_operation is not None:
            worker.subscribe(show_operation)
        wanted = [run.id for run in await ask()]
        if not wanted:
            return []
        with stopped_by(worker, [signal.SIGTERM]):
            serving = asyncio.create_task(worker.run(name, application.chores))
            try:
                runs = await _wait_for(application, wanted, (worker, serving), show)
                if afterwards is not None:
                    await afterwards(runs)
                return runs
            finally:
                worker.stop()
                await serving


async def _wait_for(
    application: Application,
    wanted: Sequence[int],
    at_work: tuple[IndexingWorkerService, asyncio.Task[None]],
    show: Show | None,
) -> list[IndexRun]:
    """Raises TransientError when the worker cannot write into the queue for too long: the disk is
    full, say, and nobody could be told otherwise."""
    worker, serving = at_work
    sources = {} if show is None else await application.indexes.sources()
    while True:
        runs = await application.queue.get_runs(wanted)
        if show is not None:
            show(await application.queue.under_way(runs), sources)
        if serving.done() or all(run.state.is_terminal for run in runs):
            return runs
        trouble = worker.trouble
        if trouble is not None and trouble[0] > LONGEST_TROUBLE_SECONDS:
            raise TransientError(f"{trouble[1]}; the same command goes on where this one was")
        await asyncio.wait({serving}, timeout=POLL_SECONDS)
