"""A worker whose queue, stage or chore fails, and its messages."""

from __future__ import annotations

import logging

import pytest
from tests.queue.driver import LEASE, QueueDriver
from tests.queue.working import (
    StageOnCall,
    attempts_of_sync,
    eventually,
    raising,
    state_of,
    work,
)

from kodit.application.services.indexing_worker_service import (
    IndexingWorkerService,
)
from kodit.application.services.queue_service import QueueService
from kodit.domain.entities import Task
from kodit.domain.errors import PermanentError, TaskCancelled, TransientError
from kodit.domain.ports.workers import WorkerRegistry
from kodit.domain.value_objects import (
    AttemptOutcome,
    Claim,
    RunState,
    TaskProgress,
    TaskType,
)
from kodit.infrastructure.wake_up import WakeUps


class TroubledQueue(QueueService):
    """A queue whose first claims fail because the operating system has run out of a resource."""

    troubles = 3

    async def claim_or_wait(self, worker: str, count: int) -> tuple[list[Task], float | None]:
        if self.troubles:
            self.troubles -= 1
            raise OSError(24, "Too many open files")
        return await super().claim_or_wait(worker, count)


def test_exhausted_resources_do_not_stop_a_worker(queue: QueueDriver) -> None:
    """It continues when the shortage is over."""
    run = queue.request()
    queue.service = TroubledQueue(
        database=queue.database, clock=queue.clock, wake_up=WakeUps(), lease=LEASE
    )

    async def scene(worker: IndexingWorkerService) -> None:
        await eventually(lambda: worker.trouble is not None)
        await eventually(lambda: state_of(queue, run.id).is_terminal)
        assert worker.trouble is None

    work(queue, {}, scene)
    assert state_of(queue, run.id) is RunState.SUCCEEDED


class UnwritableQueue(QueueService):
    """A queue that cannot be written for a while, except for claims."""

    troubles: dict[str, int]

    def _meet_trouble(self, what: str) -> None:
        if self.troubles.get(what):
            self.troubles[what] -= 1
            raise TransientError(f"{what} is locked")

    async def complete(
        self, claim: Claim, *, nothing_to_do: bool = False, next_for: str | None = None
    ) -> Task | None:
        self._meet_trouble("complete")
        return await super().complete(claim, nothing_to_do=nothing_to_do, next_for=next_for)

    async def heartbeat(self, claim: Claim, progress: TaskProgress | None = None) -> bool:
        self._meet_trouble("heartbeat")
        return await super().heartbeat(claim, progress)

    async def reclaim(
        self, registry: WorkerRegistry, worker: str | None = None, *, by_lease: bool = True
    ) -> list[tuple[Task, str]]:
        self._meet_trouble("reclaim")
        return await super().reclaim(registry, worker, by_lease=by_lease)


def unwritable(queue: QueueDriver, **troubles: int) -> None:
    """How often each of these fails."""
    service = UnwritableQueue(
        database=queue.database, clock=queue.clock, wake_up=WakeUps(), lease=LEASE
    )
    service.troubles = troubles
    queue.service = service


@pytest.mark.parametrize("what", ["complete", "reclaim"])
def test_a_worker_tells_what_it_cannot_write(queue: QueueDriver, what: str) -> None:
    """Until it can write again; a task that could not be ended is then ended."""
    run = queue.request()
    unwritable(queue, **{what: 3})

    async def scene(worker: IndexingWorkerService) -> None:
        await eventually(lambda: worker.trouble is not None)
        assert worker.trouble is not None
        assert worker.trouble[1] == f"{what} is locked"
        await eventually(lambda: worker.trouble is None)
        await eventually(lambda: state_of(queue, run.id) is RunState.SUCCEEDED)

    work(queue, {}, scene)
    assert attempts_of_sync(queue, run.id) == [AttemptOutcome.SUCCEEDED]


def test_the_oldest_of_several_troubles_is_reported(queue: QueueDriver) -> None:
    """One that ends leaves the others, and one that returns keeps its age."""
    queue.request()
    unwritable(queue, complete=1_000_000, reclaim=1_000_000)

    async def scene(worker: IndexingWorkerService) -> None:
        await eventually(lambda: len(worker._troubles) == 2)
        before = dict(worker._troubles)
        assert isinstance(queue.service, UnwritableQueue)
        left = queue.service.troubles
        enough = {what: count - 3 for what, count in left.items()}
        await eventually(lambda: all(left[what] <= enough[what] for what in left))
        assert worker._troubles == before
        assert worker.trouble is not None
        _since, why = min(before.values())
        assert worker.trouble[1] == why
        left[why.partition(" ")[0]] = 0
        await eventually(lambda: worker.trouble is not None and worker.trouble[1] != why)

    work(queue, {}, scene)


def test_a_heartbeat_that_cannot_be_sent_is_made_good_by_the_next(queue: QueueDriver) -> None:
    """The task is neither cancelled nor failed."""
    run = queue.request()
    unwritable(queue, heartbeat=3)
    stage = StageOnCall()

    async def scene(_worker: IndexingWorkerService) -> None:
        await stage.began.wait()
        assert isinstance(queue.service, UnwritableQueue)
        troubles = queue.service.troubles
        await eventually(lambda: not troubles["heartbeat"])
        stage.ended.set()
        await eventually(lambda: state_of(queue, run.id).is_terminal)

    work(queue, {TaskType.SYNC: stage}, scene)
    assert attempts_of_sync(queue, run.id) == [AttemptOutcome.SUCCEEDED]


@pytest.mark.parametrize(
    ("error", "outcome", "code"),
    [
        (None, "succeeded", None),
        (TransientError("503"), "retried", None),
        (PermanentError("it is gone", code="source_gone"), "failed", "source_gone"),
        (ZeroDivisionError("by zero"), "failed", "internal_error"),
        (TaskCancelled("cancelled on request"), "cancelled", None),
    ],
)
def test_the_log_says_how_a_task_has_ended(
    queue: QueueDriver,
    caplog: pytest.LogCaptureFixture,
    error: Exception | None,
    outcome: str,
    code: str | None,
) -> None:
    run = queue.request()

    def ended() -> list[str]:
        return [vars(one)["outcome"] for one in caplog.records if one.message == "task ended"]

    async def scene(_worker: IndexingWorkerService) -> None:
        await eventually(lambda: bool(ended()))

    with caplog.at_level(logging.INFO):
        work(queue, {} if error is None else {TaskType.SYNC: raising(error)}, scene)
    assert ended()[0] == outcome
    with queue.database.read() as transaction:
        [stored] = transaction.tasks.get_runs([run.id])
    about = stored.tasks[0].error_about
    assert (about.code if about is not None and outcome == "failed" else None) == code


def test_the_log_says_what_a_worker_has_given_back(
    queue: QueueDriver, caplog: pytest.LogCaptureFixture
) -> None:
    queue.request()
    stage = StageOnCall()

    async def scene(_worker: IndexingWorkerService) -> None:
        await stage.began.wait()

    with caplog.at_level(logging.INFO):
        work(queue, {TaskType.SYNC: stage}, scene)
    [stopped] = [one for one in caplog.records if one.message == "worker stopped"]
    assert vars(stopped)["released"] == 1
