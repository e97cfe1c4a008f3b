"""A worker that runs beside a test scene, and stages for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from tests.queue.driver import QueueDriver
from tests.queue.invariants import check_queue

from kodit.application.services.chores import Chore
from kodit.application.services.indexing_worker_service import (
    IndexingWorkerService,
    WorkerSettings,
)
from kodit.application.services.stage import StageHandler, StageOutcome
from kodit.domain.entities import ProgressTracker, Task
from kodit.domain.value_objects import AttemptOutcome, RunState, TaskType
from kodit.infrastructure.memory import MemoryWakeUp

SETTINGS = WorkerSettings(slots=2, heartbeat=0.02, stall_limit=60.0, slow_poll=0.02)
PATIENCE_SECONDS = 60.0
"""When something that should have happened is taken for hung."""

DONE = StageOutcome()


async def succeed(task: Task, tracker: ProgressTracker | None) -> StageOutcome:
    return DONE


async def hang(task: Task, tracker: ProgressTracker | None) -> StageOutcome:
    """Never makes progress, and never reports any."""
    await asyncio.Event().wait()
    return DONE


def raising(error: Exception) -> StageHandler:
    async def fail(task: Task, tracker: ProgressTracker | None) -> StageOutcome:
        raise error

    return fail


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110 - only the database tells
            await asyncio.sleep(0.005)


async def next_looks(queue: QueueDriver) -> None:
    """Wait until the worker has looked for lost tasks from beginning to end. One worker has a task,
    so that each look is one question."""
    asked = queue.registry.questions
    await eventually(lambda: queue.registry.questions >= asked + 3)


def work(
    queue: QueueDriver,
    handlers: dict[TaskType, StageHandler],
    scene: Callable[[IndexingWorkerService], Awaitable[None]],
    settings: WorkerSettings = SETTINGS,
    chores: Sequence[Chore] = (),
) -> None:
    """Run a worker over the queue during the scene, then stop it and check the queue."""

    async def play() -> None:
        worker = IndexingWorkerService(
            queue=queue.service,
            handlers=dict.fromkeys(TaskType, succeed) | handlers,
            registry=queue.registry,
            wake_up=MemoryWakeUp(),
            settings=settings,
        )
        serving = asyncio.create_task(worker.run(queue.ada, chores))
        try:
            await scene(worker)
        finally:
            worker.stop()
            await asyncio.wait_for(serving, PATIENCE_SECONDS)

    asyncio.run(play())
    check_queue(queue.view())
    assert not [task for task in queue.view().tasks.values() if task.state == "running"]


def state_of(queue: QueueDriver, run_id: int) -> RunState:
    with queue.database.read() as transaction:
        [run] = transaction.tasks.get_runs([run_id])
    return run.state


def attempts_of_sync(queue: QueueDriver, run_id: int) -> list[AttemptOutcome | None]:
    with queue.database.read() as transaction:
        [run] = transaction.tasks.get_runs([run_id])
        return [attempt.outcome for attempt in transaction.tasks.attempts(run.tasks[0].id)]


def error_of_sync(queue: QueueDriver, run_id: int) -> str | None:
    with queue.database.read() as transaction:
        [run] = transaction.tasks.get_runs([run_id])
    return run.tasks[0].error


class StageOnCall:
    """A stage that runs until it is told to end."""

    def __init__(self) -> None:
        self.began, self.ended = asyncio.Event(), asyncio.Event()

    async def __call__(self, task: Task, tracker: ProgressTracker | None) -> StageOutcome:
        self.began.set()
        await self.ended.wait()
        return DONE
