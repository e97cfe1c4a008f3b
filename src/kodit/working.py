"""`kodit worker`: serving the queue until somebody says stop."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from datetime import timedelta

from kodit.application.services.sync_scheduler import SyncScheduler
from kodit.composition import Application
from kodit.domain.errors import TransientError
from kodit.signals import stopped_by

log = logging.getLogger(__name__)


async def work_until_stopped(application: Application) -> None:
    """Serve the queue, finish deletions that were cut short, and bring indexes up to date at the
    interval that is set, until SIGTERM or SIGINT; what is held then is released."""
    async with application.worker() as (worker, name):
        chores: list[Coroutine[None, None, None]] = [_finish_deletions(application)]
        if application.settings.sync_every_seconds is not None:
            scheduler = SyncScheduler(
                database=application.database,
                indexing=application.indexing,
                clock=application.clock,
                interval=timedelta(seconds=application.settings.sync_every_seconds),
            )
            chores.append(scheduler.run())
        with stopped_by(worker, [signal.SIGTERM, signal.SIGINT]):
            async with _beside(chores):
                await worker.run(name)


async def _finish_deletions(application: Application) -> None:
    try:
        await application.indexes.finish_deletions()
    except TransientError as error:
        log.warning("a deletion cannot be finished just now", extra={"error": str(error)})


@asynccontextmanager
async def _beside(chores: list[Coroutine[None, None, None]]) -> AsyncIterator[None]:
    """Run the chores in the background of the block, and end them with it."""
    tasks = [asyncio.create_task(chore) for chore in chores]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, Exception):
                log.error("a chore of the worker ended with an error", exc_info=result)
