"""A worker and time: hangs, progress, and clocks that jump."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from tests.queue.driver import QueueDriver
from tests.queue.working import (
    DONE,
    SETTINGS,
    StageOnCall,
    attempts_of_sync,
    error_of_sync,
    eventually,
    hang,
    next_looks,
    state_of,
    work,
)

from kodit.application.services.indexing_worker_service import (
    IndexingWorkerService,
)
from kodit.application.services.stage import StageOutcome
from kodit.domain.entities import ProgressTracker, Task
from kodit.domain.value_objects import AttemptOutcome, TaskOperation, TaskType


def test_hang_is_not_a_heartbeat(queue: QueueDriver) -> None:
    """A stage that makes no progress within its stall limit is ended and retried, even if its
    worker is alive."""
    run = queue.request()

    async def scene(_worker: IndexingWorkerService) -> None:
        await eventually(lambda: AttemptOutcome.RETRIED in attempts_of_sync(queue, run.id))

    work(queue, {TaskType.SYNC: hang}, scene, replace(SETTINGS, stall_limit=0.1))
    assert "no progress" in (error_of_sync(queue, run.id) or "")


def test_progress_keeps_a_stage_alive(queue: QueueDriver) -> None:
    """A stage with progress may take many times its stall limit; the progress is stored, and the
    lease renewed."""
    run = queue.request()
    released = asyncio.Event()

    async def creep(task: Task, tracker: ProgressTracker | None) -> StageOutcome:
        assert tracker is not None
        with tracker.create_child(TaskOperation.EXTRACT_SNIPPETS) as step:
            while not released.is_set():
                step.set_current(step.current + 1)
                await asyncio.sleep(0.01)
        return DONE

    def stored() -> Task:
        with queue.database.read() as transaction:
            [found] = transaction.tasks.get_runs([run.id])
        return found.tasks[0]

    async def scene(_worker: IndexingWorkerService) -> None:
        await eventually(lambda: (p := stored().progress) is not None and p.current > 100)
        before = stored().lease_expires_at
        queue.clock.advance(30)
        await eventually(lambda: stored().lease_expires_at != before)
        released.set()
        await eventually(lambda: state_of(queue, run.id).is_terminal)

    work(queue, {TaskType.SYNC: creep}, scene, replace(SETTINGS, stall_limit=0.5))
    assert attempts_of_sync(queue, run.id) == [AttemptOutcome.SUCCEEDED]


def test_clock_that_jumps_costs_a_worker_nothing(queue: QueueDriver) -> None:
    """A machine that has slept finds every lease expired; running workers keep working."""
    run = queue.request()
    stage = StageOnCall()

    async def scene(_worker: IndexingWorkerService) -> None:
        await stage.began.wait()
        queue.clock.advance(8 * 3600)
        await next_looks(queue)
        stage.ended.set()
        await eventually(lambda: state_of(queue, run.id).is_terminal)

    # No heartbeat comes between: the lease is over for every look that the worker takes.
    work(queue, {TaskType.SYNC: stage}, scene, replace(SETTINGS, heartbeat=60.0, stall_limit=300.0))
    assert attempts_of_sync(queue, run.id) == [AttemptOutcome.SUCCEEDED]


def test_worker_does_not_take_back_what_it_works_on(queue: QueueDriver) -> None:
    """However late its heartbeat is: it watches its own tasks itself."""
    run = queue.request()
    stage = StageOnCall()

    async def scene(_worker: IndexingWorkerService) -> None:
        await stage.began.wait()
        for _ in range(4):  # by steps that are not taken for a jump
            queue.clock.advance(40)
            await next_looks(queue)
        stage.ended.set()
        await eventually(lambda: state_of(queue, run.id).is_terminal)

    work(queue, {TaskType.SYNC: stage}, scene, replace(SETTINGS, heartbeat=60.0, stall_limit=300.0))
    assert attempts_of_sync(queue, run.id) == [AttemptOutcome.SUCCEEDED]


def test_clock_that_jumps_gives_other_workers_time_for_a_heartbeat(queue: QueueDriver) -> None:
    """Until then, nothing is reclaimed from them."""
    run = queue.request()
    held = queue.take(TaskType.SYNC, worker=queue.bob)

    async def scene(_worker: IndexingWorkerService) -> None:
        await next_looks(queue)
        queue.clock.advance(8 * 3600)
        await next_looks(queue)
        await queue.service.release(held)
        await eventually(lambda: state_of(queue, run.id).is_terminal)

    work(queue, {}, scene, replace(SETTINGS, heartbeat=3600.0))
    assert attempts_of_sync(queue, run.id) == [AttemptOutcome.RELEASED, AttemptOutcome.SUCCEEDED]


def test_lease_that_is_over_for_two_heartbeats_is_lost(queue: QueueDriver) -> None:
    """Also after a jump of the clock: a worker that has not renewed it by then is dead or hangs."""
    run = queue.request()
    held = queue.take(TaskType.SYNC, worker=queue.bob)

    async def scene(_worker: IndexingWorkerService) -> None:
        await next_looks(queue)
        queue.clock.advance(8 * 3600)
        await eventually(lambda: state_of(queue, run.id).is_terminal)

    work(queue, {}, scene, replace(SETTINGS, heartbeat=0.5))
    assert attempts_of_sync(queue, run.id) == [AttemptOutcome.LOST, AttemptOutcome.SUCCEEDED]
    assert held.claim_no == 1
