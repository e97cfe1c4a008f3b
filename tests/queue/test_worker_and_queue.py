"""A worker and the queue together: the results of stages, and the fate of their tasks."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.queue.driver import QueueDriver
from tests.queue.working import (
    DONE,
    SETTINGS,
    attempts_of_sync,
    error_of_sync,
    eventually,
    hang,
    raising,
    state_of,
    work,
)

from kodit.application.services.chores import Chore
from kodit.application.services.history_pruner import HistoryPruner
from kodit.application.services.indexing_worker_service import (
    IndexingWorkerService,
)
from kodit.application.services.stage import StageOutcome
from kodit.domain.entities import IndexRun, ProgressTracker, Task
from kodit.domain.errors import PermanentError, TransientError
from kodit.domain.retention import Retention
from kodit.domain.value_objects import (
    AttemptOutcome,
    QueuePriority,
    RunState,
    TaskOperation,
    TaskType,
)
from kodit.infrastructure.memory.wake_up import MemoryWakeUp


def test_worker_works_off_the_queue(queue: QueueDriver) -> None:
    """Every stage is dispatched by its type, and so is a follow-up that is requested meanwhile."""
    seen: list[str] = []

    async def record(task: Task, tracker: ProgressTracker | None) -> StageOutcome:
        if not seen:
            await queue.service.request_run(queue.first, QueuePriority.BACKGROUND)
        seen.append(task.type_name)
        return DONE

    run = queue.request()

    async def scene(_worker: IndexingWorkerService) -> None:
        await eventually(lambda: len(seen) == 10)
        await eventually(lambda: state_of(queue, run.id + 1) is RunState.SUCCEEDED)

    work(queue, dict.fromkeys(TaskType, record), scene)
    assert state_of(queue, run.id) is RunState.SUCCEEDED
    first, second = seen[:5], seen[5:]
    for stages in (first, second):
        assert sorted(stages[2:4]) == ["BM25_INDEX", "CODE_EMBEDDINGS"]
        assert [*stages[:2], stages[4]] == ["SYNC", "EXTRACT", "ENRICH"]


def test_whoever_follows_a_worker_is_told_of_each_operation(queue: QueueDriver) -> None:
    """With its task, until they have seen enough."""
    told: dict[str, list[tuple[str, int]]] = {"some": [], "all": []}

    async def count(_task: Task, tracker: ProgressTracker | None) -> StageOutcome:
        assert tracker is not None
        with tracker.create_child(TaskOperation.EXTRACT_SNIPPETS) as step:
            step.set_current(7)
        return DONE

    def follow(name: str) -> Callable[[Task, ProgressTracker], None]:
        return lambda task, operation: told[name].append((task.type_name, operation.current))

    run = queue.request()

    async def scene(worker: IndexingWorkerService) -> None:
        some = follow("some")
        worker.subscribe(some)
        worker.subscribe(follow("all"))
        await eventually(lambda: state_of(queue, run.id) is RunState.SUCCEEDED)
        worker.unsubscribe(some)
        await queue.service.request_run(queue.first, QueuePriority.BACKGROUND)
        await eventually(lambda: state_of(queue, run.id + 1) is RunState.SUCCEEDED)

    work(queue, {TaskType.SYNC: count}, scene)
    of_one = [("SYNC", 0), ("SYNC", 7), ("SYNC", 7)]
    assert told == {"some": of_one, "all": of_one * 2}


def test_nothing_to_do_skips_the_rest(queue: QueueDriver) -> None:
    """What SYNC reports settles the run."""

    async def find_nothing(task: Task, tracker: ProgressTracker | None) -> StageOutcome:
        return StageOutcome(nothing_to_do=True)

    run = queue.request()

    async def scene(_worker: IndexingWorkerService) -> None:
        await eventually(lambda: state_of(queue, run.id).is_terminal)

    work(queue, {TaskType.SYNC: find_nothing}, scene)
    assert queue.states(run.id) == ["succeeded"] + ["skipped"] * 4


@pytest.mark.parametrize(
    ("error", "told", "is_bug"),
    [
        (PermanentError("the source is gone"), "the source is gone", False),
        (ZeroDivisionError("by zero"), "ZeroDivisionError: by zero", True),
    ],
)
def test_permanent_error_fails_the_task(
    queue: QueueDriver,
    error: Exception,
    told: str,
    is_bug: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is not retried, and its error is stored. An unexpected one is logged with its
    traceback."""
    run = queue.request()

    async def scene(_worker: IndexingWorkerService) -> None:
        await eventually(lambda: state_of(queue, run.id).is_terminal)

    work(queue, {TaskType.SYNC: raising(error)}, scene)
    assert (state_of(queue, run.id), error_of_sync(queue, run.id)) == (RunState.FAILED, told)
    bugs = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [record.exc_info is not None for record in bugs] == [True] * is_bug


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (TransientError("503"), "503"),
        (ConnectionResetError(104, "reset"), "reset"),
        (PermissionError(13, "not now", "/some/file"), "not now: /some/file"),
        (OSError("without a number"), "without a number"),
    ],
)
def test_transient_error_is_tried_again(queue: QueueDriver, error: Exception, told: str) -> None:
    """After its back-off, not before: this clock is stopped. Its code and fields are kept."""
    run = queue.request()

    async def scene(_worker: IndexingWorkerService) -> None:
        await eventually(lambda: AttemptOutcome.RETRIED in attempts_of_sync(queue, run.id))
        await asyncio.sleep(0.1)

    work(queue, {TaskType.SYNC: raising(error)}, scene)
    assert attempts_of_sync(queue, run.id) == [AttemptOutcome.RETRIED]
    assert error_of_sync(queue, run.id) == told


def test_unknown_type_is_failed_once_with_a_warning(
    queue: QueueDriver, caplog: pytest.LogCaptureFixture
) -> None:
    """A task of a newer Kodit ends as failed; it is not claimed again and again."""
    task = queue.ask(queue.service.enqueue_task(Task("TRANSLATE", 10, {})))
    run_id = task.run_id or 0

    async def scene(_worker: IndexingWorkerService) -> None:
        await eventually(lambda: state_of(queue, run_id).is_terminal)
        await asyncio.sleep(0.1)

    with caplog.at_level(logging.WARNING):
        work(queue, {}, scene)
    assert attempts_of_sync(queue, run_id) == [AttemptOutcome.FAILED]
    assert "TRANSLATE" in (error_of_sync(queue, run_id) or "")
    assert any(record.levelno == logging.WARNING for record in caplog.records)


def test_worker_forgets_what_ended_long_ago(queue: QueueDriver) -> None:
    """Beside its work; the newest run of an index stays."""
    pruner = HistoryPruner(
        database=queue.database,
        clock=queue.clock,
        retention=Retention(runs=1, age=timedelta(days=1)),
    )
    runs = []
    for _ in range(3):
        runs.append(queue.request().id)
        queue.complete(queue.take(TaskType.SYNC), nothing_to_do=True)
    queue.clock.advance(2 * 86_400)

    async def scene(_worker: IndexingWorkerService) -> None:
        await eventually(lambda: set(queue.view().runs) == {runs[-1]})

    work(queue, {}, scene, chores=[Chore("delete old runs", 3600.0, pruner.prune_some)])


def test_nothing_comes_before_the_first_claim(queue: QueueDriver) -> None:
    """However much there is to remove: no chore starts before the worker has looked for work."""
    run = queue.request()
    seen: list[str] = []

    async def look_at_the_task() -> bool:
        with queue.database.read() as transaction:
            seen.append(transaction.tasks.get_runs([run.id])[0].tasks[0].state.value)
        return False

    async def scene(_worker: IndexingWorkerService) -> None:
        await eventually(lambda: bool(seen))

    work(queue, {TaskType.SYNC: hang}, scene, chores=[Chore("look", 3600.0, look_at_the_task)])
    assert seen == ["running"]


def test_chores_end_with_their_worker(queue: QueueDriver) -> None:
    """Also one that always has more to do, one in the middle of a piece, and one that waits for its
    interval."""
    began: set[str] = set()

    async def endless() -> bool:
        began.add("endless")
        return True

    async def stuck() -> bool:
        began.add("stuck")
        await asyncio.Event().wait()
        return True

    async def hourly() -> bool:
        began.add("hourly")
        return False

    async def scene(_worker: IndexingWorkerService) -> None:
        await eventually(lambda: began == {"endless", "stuck", "hourly"})

    pieces = {"endless": endless, "stuck": stuck, "hourly": hourly}
    work(queue, {}, scene, chores=[Chore(name, 3600.0, do) for name, do in pieces.items()])


def test_worker_outlives_every_error_of_a_chore(queue: QueueDriver) -> None:
    """It serves the queue, and reclaims lost tasks, whatever happens to them."""
    run = queue.request()
    queue.take(TaskType.SYNC, worker=queue.bob)
    queue.registry.kill(queue.bob)

    async def fail() -> bool:
        raise OSError(28, "No space left on device")

    async def scene(_worker: IndexingWorkerService) -> None:
        await eventually(lambda: state_of(queue, run.id).is_terminal)

    work(queue, {}, scene, chores=[Chore("fail", 0.001, fail)])
    assert attempts_of_sync(queue, run.id) == [AttemptOutcome.LOST, AttemptOutcome.SUCCEEDED]


def test_cancel_reaches_a_running_stage(queue: QueueDriver) -> None:
    """At its next heartbeat the stage is ended, and with it the run."""
    run = queue.request()
    began = asyncio.Event()

    async def wait(task: Task, tracker: ProgressTracker | None) -> StageOutcome:
        began.set()
        return await hang(task, tracker)

    async def scene(_worker: IndexingWorkerService) -> None:
        await began.wait()
        await queue.service.cancel(run.id)
        await eventually(lambda: state_of(queue, run.id) is RunState.CANCELLED)

    work(queue, {TaskType.SYNC: wait}, scene)
    assert attempts_of_sync(queue, run.id) == [AttemptOutcome.CANCELLED]


def test_stopped_worker_releases_what_it_holds(queue: QueueDriver) -> None:
    """At once, without a loss of retry budget."""
    run = queue.request()
    began = asyncio.Event()

    async def wait(task: Task, tracker: ProgressTracker | None) -> StageOutcome:
        began.set()
        return await hang(task, tracker)

    async def scene(_worker: IndexingWorkerService) -> None:
        await began.wait()

    work(queue, {TaskType.SYNC: wait}, scene)
    assert attempts_of_sync(queue, run.id) == [AttemptOutcome.RELEASED]
    assert queue.run(run.id).tasks[0].failures == 0


def test_worker_stopped_during_a_claim_holds_nothing(queue: QueueDriver) -> None:
    """Whenever it is told to stop, also between a claim and the first step of its stage."""
    for steps in range(12):
        for index_id in (queue.first, queue.second):
            queue.request(index_id)

        async def scene(_worker: IndexingWorkerService, steps: int = steps) -> None:
            for _ in range(steps):
                await asyncio.sleep(0.001)

        work(queue, dict.fromkeys(TaskType, hang), scene)
        outcomes = {a.outcome for task in queue.view().tasks.values() for a in task.attempts}
        assert outcomes <= {"released"}


def test_worker_that_lost_its_lease_changes_nothing_and_goes_on(
    queue: QueueDriver, caplog: pytest.LogCaptureFixture
) -> None:
    """Another worker took the task over; this one ends its stage and serves the next task."""
    run = queue.request()
    claims: list[int] = []

    async def lose_the_first(task: Task, tracker: ProgressTracker | None) -> StageOutcome:
        claims.append(task.claim_no)
        if len(claims) == 1:
            with queue.database.write() as transaction:
                [held] = transaction.tasks.lock_runs_of([task.id])
                now = queue.clock.now()
                held.try_again(held.held(task.claim), "taken over", now, now)
                transaction.tasks.save_runs([held])
                transaction.tasks.close_attempts([task.claim], now, AttemptOutcome.LOST, None)
            return await hang(task, tracker)
        return DONE

    def has_noticed() -> bool:
        return any("nothing was changed" in record.getMessage() for record in caplog.records)

    async def scene(_worker: IndexingWorkerService) -> None:
        await eventually(lambda: state_of(queue, run.id).is_terminal)
        await eventually(has_noticed)

    with caplog.at_level(logging.WARNING):
        work(queue, {TaskType.SYNC: lose_the_first}, scene)
    assert claims == [1, 2]
    assert attempts_of_sync(queue, run.id) == [AttemptOutcome.LOST, AttemptOutcome.SUCCEEDED]


def test_paused_queue_rests_the_worker(queue: QueueDriver) -> None:
    """It claims nothing until the queue is resumed, by whichever process."""
    run = queue.request()
    queue.ask(queue.service.pause())

    async def scene(_worker: IndexingWorkerService) -> None:
        await asyncio.sleep(0.1)
        assert attempts_of_sync(queue, run.id) == []
        await queue.service.resume()
        await eventually(lambda: state_of(queue, run.id) is RunState.SUCCEEDED)

    work(queue, {}, scene)


def test_an_idle_worker_stops_at_once(queue: QueueDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not only when it looks for tasks again."""
    wait = MemoryWakeUp.wait
    is_idle = threading.Event()

    async def note_and_wait(wake_up: MemoryWakeUp, seconds: float) -> None:
        is_idle.set()
        await wait(wake_up, seconds)

    async def scene(_worker: IndexingWorkerService) -> None:
        await eventually(is_idle.is_set)
        requested.append(await queue.service.request_run(queue.first, QueuePriority.BACKGROUND))

    requested: list[IndexRun] = []
    monkeypatch.setattr(MemoryWakeUp, "wait", note_and_wait)
    work(queue, {}, scene, replace(SETTINGS, slow_poll=3600.0))
    assert attempts_of_sync(queue, requested[0].id) == []


def test_a_worker_looks_again_however_long_a_back_off_is(
    queue: QueueDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Something else may be requested meanwhile, or the clock set."""
    run = queue.request()
    wait = MemoryWakeUp.wait
    waits: list[float] = []

    async def note_and_wait(wake_up: MemoryWakeUp, seconds: float) -> None:
        waits.append(seconds)
        await wait(wake_up, seconds)

    async def scene(_worker: IndexingWorkerService) -> None:
        await eventually(lambda: AttemptOutcome.RETRIED in attempts_of_sync(queue, run.id))
        waits.clear()
        await eventually(lambda: len(waits) > 1)

    monkeypatch.setattr(MemoryWakeUp, "wait", note_and_wait)
    work(queue, {TaskType.SYNC: raising(TransientError("not now"))}, scene)
    assert max(waits) <= SETTINGS.slow_poll
