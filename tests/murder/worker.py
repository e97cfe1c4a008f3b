"""A worker process with the real queue, database, registry and child processes, whose stages do
next to nothing and record that.

    python -m tests.murder.worker FOLDER    (settings from the environment, as for `kodit`)
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from functools import partial
from pathlib import Path

from tests.murder.effects import EffectLog

from kodit.application.services.indexing_worker_service import (
    WorkerSettings,
)
from kodit.application.services.stage import Stage, StageHandler, StageOutcome
from kodit.composition import Application, Engines
from kodit.domain.entities import IndexedFile, ProgressTracker, Task
from kodit.domain.ports.database import Transaction
from kodit.domain.value_objects import FileProcessingStatus, TaskOperation, TaskType
from kodit.faces.cli.signals import stopped_by
from kodit.infrastructure.logs import configure_logs
from kodit.settings import Settings

BATCHES = 3
BATCH_MILLISECONDS = 20
WRITE_SECONDS = 0.03
"""Between an effect and the commit of its batch, where many kills should happen."""
RUNS_PER_SKIP = 6
"""One in this many runs finds nothing to do."""


class RecordingStages:
    """Every stage commits some batches; a batch is one file in the index, named after it."""

    def __init__(self, engines: Engines, effects: EffectLog) -> None:
        self._database = engines.database
        self._pool = engines.pool
        self._effects = effects

    def handlers(self) -> dict[TaskType, StageHandler]:
        return dict.fromkeys(TaskType, self.run)

    async def run(self, task: Task, tracker: ProgressTracker | None) -> StageOutcome:
        tracker = tracker or ProgressTracker()
        stage = Stage(self._database, task, tracker)
        self._effects.append("start", task)
        with tracker.create_child(TaskOperation.EXTRACT_SNIPPETS) as step:
            step.set_total(BATCHES)
            while missing := await stage.read(partial(missing_batches, task)):
                await self._pool.call("tests.murder.effects:work", missing[0], BATCH_MILLISECONDS)
                await stage.commit(partial(self._write, task, missing[0]), step)
        is_skip = task.type is TaskType.SYNC and (task.run_id or 0) % RUNS_PER_SKIP == 0
        return StageOutcome(nothing_to_do=is_skip)

    def _write(
        self, task: Task, batch: int, transaction: Transaction
    ) -> tuple[None, dict[str, int]]:
        self._effects.append("batch", task, batch)
        time.sleep(WRITE_SECONDS)
        file = IndexedFile(
            0, path_of(task, batch), f"{task.claim_no:040}", FileProcessingStatus.ADDED
        )
        transaction.indexes.add_files(task.index_id or 0, [file])
        return None, {"batches": 1}


def path_of(task: Task, batch: int) -> str:
    """The file that stands for a batch."""
    return f"{task.id}/{batch}"


def missing_batches(task: Task, transaction: Transaction) -> list[int]:
    """The batches of a task that are not stored yet."""
    paths = [path_of(task, batch) for batch in range(BATCHES)]
    stored = transaction.indexes.files_by_path(task.index_id or 0, paths)
    return [batch for batch, path in enumerate(paths) if path not in stored]


async def serve(application: Application, folder: Path) -> None:
    """Work until SIGTERM; effects are logged in the folder, as is that this worker is up."""
    settings = application.settings

    def make_handlers(engines: Engines) -> dict[TaskType, StageHandler]:
        return RecordingStages(engines, EffectLog(folder / "effects")).handlers()

    how = WorkerSettings(
        slots=settings.worker_slots,
        heartbeat=settings.heartbeat_seconds,
        stall_limit=settings.stall_seconds,
        slow_poll=0.5,
    )
    async with application.worker(make_handlers, how) as (worker, name):
        with stopped_by(worker, [signal.SIGTERM]):
            (folder / f"up-{os.getpid()}").touch()
            await worker.run(name)


def main() -> None:
    configure_logs("warning")
    with Application(Settings.load()) as application:
        asyncio.run(serve(application, Path(sys.argv[1])))


if __name__ == "__main__":
    main()
