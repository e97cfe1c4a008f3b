"""`kodit worker`: serving the queue until somebody says stop."""

from __future__ import annotations

import signal
from datetime import timedelta

from kodit.application.services.chores import Chore
from kodit.application.services.sync_scheduler import SyncScheduler
from kodit.composition import Application
from kodit.signals import stopped_by


async def work_until_stopped(application: Application) -> None:
    """Serve the queue, do the chores beside it, and bring indexes up to date at the interval that
    is set, until SIGTERM or SIGINT; what is held then is released."""
    async with application.worker() as (worker, name):
        chores = application.chores
        if application.settings.sync_every_seconds is not None:
            scheduler = SyncScheduler(
                database=application.database,
                indexing=application.indexing,
                clock=application.clock,
                interval=timedelta(seconds=application.settings.sync_every_seconds),
            )
            chores.append(
                Chore("bring indexes up to date", scheduler.pause_seconds, scheduler.queue_some)
            )
        with stopped_by(worker, [signal.SIGTERM, signal.SIGINT]):
            await worker.run(name, chores)
