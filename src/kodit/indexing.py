"""Indexing sources while the caller waits: what `kodit index` and `Kodit.index` share."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from kodit.application.services.indexing_worker_service import IndexingWorkerService
from kodit.composition import Application
from kodit.domain.progress import ProgressTracker
from kodit.domain.run import IndexRun
from kodit.domain.task import Task
from kodit.infrastructure.sources import parse_source

POLL_SECONDS = 0.1

Show = Callable[[list[IndexRun]], None]
"""Called with the runs that are waited for, whenever they may have moved."""
ShowOperation = Callable[[Task, ProgressTracker], None]


@dataclass(frozen=True, slots=True)
class IndexRequest:
    """What is to be indexed: sources as typed, globs that choose their files, and where their
    secret is, `env:NAME`, if it is not part of the URL."""

    sources: Sequence[str]
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    credentials: str | None = None


async def queue_sources(
    application: Application,
    request: IndexRequest,
) -> list[IndexRun]:
    """Add or refresh sources; every one is understood before the first is added."""
    parsed = [parse_source(source) for source in request.sources]
    runs = []
    for one in parsed:
        source = replace(one.source, include=request.include, exclude=request.exclude)
        index = await application.indexes.add(source, one.credentials, request.credentials)
        runs.append(await application.indexing.queue_index_tasks(index.id))
    return runs


async def index_sources(
    application: Application,
    request: IndexRequest,
    *,
    show: Show | None = None,
    show_operation: ShowOperation | None = None,
) -> list[IndexRun]:
    """Queue the sources and serve the whole queue until their runs have ended; returns the runs
    as they ended. When the caller is cancelled, what is held is released first."""
    async with application.worker() as (worker, name):
        if show_operation is not None:
            worker.subscribe(show_operation)
        runs = await queue_sources(application, request)
        wanted = [run.id for run in runs]
        with _stopped_by_sigterm(worker):
            serving = asyncio.create_task(worker.run(name))
            try:
                return await _wait_for(application, wanted, serving, show)
            finally:
                worker.stop()
                await serving


async def _wait_for(
    application: Application,
    wanted: Sequence[int],
    serving: asyncio.Task[None],
    show: Show | None,
) -> list[IndexRun]:
    while True:
        runs = await application.queue.get_runs(wanted)
        if show is not None:
            show(runs)
        if serving.done() or all(run.state.is_terminal for run in runs):
            return runs
        await asyncio.wait({serving}, timeout=POLL_SECONDS)


@contextmanager
def _stopped_by_sigterm(worker: IndexingWorkerService) -> Iterator[None]:
    """SIGTERM lets the worker release what it holds; only a main thread can ask for that."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, worker.stop)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
