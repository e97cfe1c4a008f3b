"""The order of tasks, and their preconditions."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from tests.queue.driver import QueueDriver

from kodit.application.services.queue_overview import QueueOverview
from kodit.application.services.queue_service import QueueService
from kodit.domain.claiming import ClaimRules, QueueOrder
from kodit.domain.entities import IndexRun, Task
from kodit.domain.value_objects import (
    Claim,
    QueuePriority,
    RunState,
    TaskState,
    TaskType,
    task_priority,
)
from kodit.infrastructure.memory import MemoryWorkerRegistry

SYNC, EXTRACT, BM25_INDEX, CODE_EMBEDDINGS, ENRICH = TaskType


def test_stages_come_in_their_order(queue: QueueDriver) -> None:
    """Each stage starts when its predecessors have succeeded, and none before."""
    run = queue.request()
    for task_type in (SYNC, EXTRACT):
        held = queue.take(task_type)
        assert queue.claim(queue.bob) is None
        queue.complete(held)
    keywords, vectors = queue.take(BM25_INDEX), queue.take(CODE_EMBEDDINGS, queue.bob)
    assert queue.claim() is None
    queue.complete(keywords)
    assert queue.claim() is None
    queue.complete(vectors)
    queue.run_stages(ENRICH)
    assert queue.run(run.id).state is RunState.SUCCEEDED
    assert queue.claim() is None


def test_new_run_offers_one_task(queue: QueueDriver) -> None:
    """Five tasks at once would let the later stages see nothing."""
    run = queue.request()
    assert queue.states(run.id) == ["ready", "blocked", "blocked", "blocked", "blocked"]


@pytest.mark.parametrize("first", [BM25_INDEX, CODE_EMBEDDINGS])
def test_enrich_waits_for_both(queue: QueueDriver, first: TaskType) -> None:
    """Whichever of the two middle stages ends first, ENRICH waits for the other."""
    queue.request()
    queue.run_stages(SYNC, EXTRACT)
    held = {task_type: queue.take(task_type) for task_type in (BM25_INDEX, CODE_EMBEDDINGS)}
    queue.complete(held.pop(first))
    assert queue.claim() is None
    queue.complete(held.popitem()[1])
    queue.run_stages(ENRICH)


def test_both_predecessors_end_at_the_same_time(queue: QueueDriver) -> None:
    """In whatever order they end, ENRICH becomes ready: no run is stuck."""
    for _ in range(15):
        run = queue.request()
        queue.run_stages(SYNC, EXTRACT)
        held = [queue.take(BM25_INDEX), queue.take(CODE_EMBEDDINGS, queue.bob)]
        together = Barrier(2)

        def complete(claim: Claim, together: Barrier = together) -> None:
            together.wait()
            asyncio.run(queue.service.complete(claim))

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(complete, held))
        assert queue.states(run.id) == ["succeeded"] * 4 + ["ready"]
        queue.run_stages(ENRICH)


def test_middle_stages_completed_in_one_transaction(queue: QueueDriver) -> None:
    """Tasks of one run that are completed together unblock what waits for both."""
    queue.request()
    queue.run_stages(SYNC, EXTRACT)
    held = [queue.take(BM25_INDEX), queue.take(CODE_EMBEDDINGS)]
    [following] = queue.ask(queue.service.complete_many(held, next_for=queue.ada, count=3))
    assert following.type is ENRICH


def test_next_task_is_claimed_with_the_completion(queue: QueueDriver) -> None:
    """What a completion makes ready can be had in the same transaction."""
    queue.request()
    held = queue.take(SYNC)
    following = queue.ask(queue.service.complete(held, next_for=queue.bob))
    assert following is not None
    assert (following.type, following.worker) == (EXTRACT, queue.bob)


def test_user_comes_first_where_the_classes_meet(queue: QueueDriver) -> None:
    """A background SYNC and a user's ENRICH both have priority 50; the user's is next, though
    the other is older."""
    background = queue.request(queue.second)
    queue.clock.advance(5)
    queue.request(queue.first, user=True)
    queue.run_stages(SYNC, EXTRACT, BM25_INDEX, CODE_EMBEDDINGS)
    users = queue.take(ENRICH)
    assert queue.task(users).priority == background.tasks[0].priority == 50
    assert queue.take(SYNC).task_id == background.tasks[0].id


def test_user_overtakes_background_at_every_stage(queue: QueueDriver) -> None:
    """The user's run is finished before the background one starts."""
    queue.request(queue.second)
    queue.request(queue.first, user=True)
    for task_type in (*TaskType, *TaskType):
        held = queue.take(task_type)
        is_users = queue.task(held).is_user_initiated
        assert is_users == (queue.task(held).index_id == queue.first)
        queue.complete(held)


def test_user_overtakes_a_background_run_under_way(queue: QueueDriver) -> None:
    """The stages of a background run wait while a user's run has something ready."""
    queue.request(queue.second)
    queue.run_stages(SYNC)
    queue.request(queue.first, user=True)
    for task_type in TaskType:
        held = queue.take(task_type)
        assert queue.task(held).index_id == queue.first
        queue.complete(held)
    assert queue.task(queue.take(EXTRACT)).index_id == queue.second


def test_queue_order_of_one_class(queue: QueueDriver) -> None:
    """By priority, the next index is started before the first is finished; run_first finishes."""
    queue.request(queue.first)
    queue.request(queue.second)
    queue.run_stages(SYNC, SYNC, EXTRACT)
    queue.open(ClaimRules(QueueOrder.RUN_FIRST))
    for index_id in (queue.first, queue.second):
        queue.ask(queue.service.abandon(lambda _transaction: None, index_id))
    queue.request(queue.first)
    queue.request(queue.second)
    queue.run_stages(*TaskType, *TaskType)


def test_run_first_does_not_let_background_overtake(queue: QueueDriver) -> None:
    """A started background run still waits for a user's run that has not started."""
    queue.open(ClaimRules(QueueOrder.RUN_FIRST))
    queue.request(queue.second)
    queue.run_stages(SYNC)
    queue.request(queue.first, user=True)
    assert queue.task(queue.take(SYNC)).index_id == queue.first


def test_other_indexes_are_not_held_up(queue: QueueDriver) -> None:
    """While one index is worked on, others are too."""
    queue.request(queue.first)
    queue.request(queue.second)
    queue.take(SYNC)
    queue.take(SYNC, queue.bob)


def test_limit_counts_over_all_workers_and_dies_with_them(queue: QueueDriver) -> None:
    """A type's limit holds across workers; a dead worker frees its slot."""
    queue.open(ClaimRules(limits={SYNC: 1}))
    queue.request(queue.first)
    queue.request(queue.second)
    held = queue.take(SYNC)
    assert queue.claim(queue.bob) is None
    queue.lose()
    assert queue.take(SYNC, queue.bob).task_id == held.task_id
    assert queue.claim() is None
    queue.registry.kill(queue.bob)
    for ending in range(2):
        queue.reclaim()
        queue.fail(queue.take(SYNC), f"ended {ending}")
    assert queue.claim() is None


def test_paused_queue_gives_nothing(queue: QueueDriver) -> None:
    """What runs finishes its stage; what follows waits until the queue is resumed."""
    queue.request()
    held = queue.take(SYNC)
    assert queue.ask(queue.service.pause())
    assert not queue.ask(queue.service.pause())
    queue.complete(held)
    assert queue.claim() is None
    assert queue.ask(queue.service.paused_since()) == queue.clock.now()
    assert queue.ask(queue.service.resume())
    assert not queue.ask(queue.service.resume())
    queue.take(EXTRACT)


def test_single_tasks_merge_at_the_higher_priority(queue: QueueDriver) -> None:
    """An equal waiting task is merged with it, and its priority is never lowered."""
    first = queue.ask(queue.service.enqueue_task(Task(ENRICH, 20, {"a": 1})))
    higher = queue.ask(queue.service.enqueue_task(Task(ENRICH, 60, {"a": 1})))
    lower = queue.ask(queue.service.enqueue_task(Task(ENRICH, 30, {"a": 1})))
    other = queue.ask(queue.service.enqueue_task(Task(ENRICH, 10, {"a": 2})))
    assert (higher.id, lower.id, lower.priority) == (first.id, first.id, 60)
    assert other.id != first.id
    assert queue.take(ENRICH).task_id == first.id
    again = queue.ask(queue.service.enqueue_task(Task(ENRICH, 10, {"a": 1})))
    assert again.id not in (first.id, other.id)


def test_a_stage_of_an_index_is_part_of_its_run(queue: QueueDriver) -> None:
    """Queued by itself, it requests the index: no stage runs beside the run, and none early."""

    def enqueue(task_type: TaskType, priority: int, index_id: int) -> Task:
        task = Task.create(task_type, priority, {"index_id": index_id})
        return queue.ask(queue.service.enqueue_task(task))

    part = enqueue(EXTRACT, 10, queue.first)
    run = queue.run(part.run_id or 0)
    assert (run.index_id, len(run.tasks), part.state) == (queue.first, 5, TaskState.BLOCKED)
    assert part.priority == task_priority(EXTRACT, QueuePriority.BACKGROUND)
    same = enqueue(SYNC, 60, queue.first)
    assert (same.run_id, same.priority) == (run.id, 90)

    queue.take(SYNC)
    follow_up = enqueue(SYNC, 10, queue.first)
    assert queue.run(follow_up.run_id or 0).is_follow_up
    assert queue.claim() is None

    nobodys = enqueue(SYNC, 10, 4711)
    assert queue.run(nobodys.run_id or 0).tasks == [nobodys]
    in_background = task_priority(EXTRACT, QueuePriority.BACKGROUND)
    assert not enqueue(EXTRACT, in_background, queue.second).is_user_initiated
    assert enqueue(EXTRACT, in_background + 1, queue.second).is_user_initiated


def test_what_is_held_back_and_who_has_a_successor(queue: QueueDriver) -> None:
    """Tasks in back-off or over a limit are not counted; and only a superseded run has a
    successor."""
    runs = [queue.request(queue.first), queue.request(queue.second)]
    limited = ClaimRules(limits={SYNC: 1})
    queue.open(limited)
    workers = MemoryWorkerRegistry()
    workers.enter(limited)

    def overview(*asked: IndexRun) -> QueueOverview:
        return queue.ask(queue.service.overview(workers, asked))

    held = queue.take(SYNC)
    waiting = next(run for run in runs if run.tasks[0].id != held.task_id)
    assert overview().held_back == {waiting.tasks[0].id}
    assert overview().running == {SYNC: 1}
    queue.fail_transiently(held)
    assert overview().held_back == {held.task_id}
    queue.fail(queue.take(SYNC))
    assert overview(queue.run(waiting.id)).successors == {}
    newer = queue.request(waiting.index_id)
    successors = overview(queue.run(waiting.id), newer).successors
    assert {old: new.id for old, new in successors.items()} == {waiting.id: newer.id}


def test_places_are_told_by_the_rules_of_the_workers(queue: QueueDriver) -> None:
    """By the order and the limits of the workers' claims; if these differ, by the caller's own."""
    started = queue.request()
    queue.run_stages(SYNC)
    queue.request(queue.second)
    workers = MemoryWorkerRegistry()

    def told() -> str:
        overview = queue.ask(queue.service.overview(workers))
        return overview.why(queue.run(started.id).tasks[1], started).text

    assert told().startswith("no worker")
    strict = workers.enter(ClaimRules(QueueOrder.RUN_FIRST, {EXTRACT: 0}))
    assert told() == "the limit for EXTRACT is reached: 0"
    workers.kill(strict)
    for _ in range(2):
        workers.enter(ClaimRules(QueueOrder.RUN_FIRST))
        assert told() == "next in line"
    workers.enter()
    assert told() == "waits behind 1 task"


def test_attention_is_asked_for_in_the_order_of_the_workers(queue: QueueDriver) -> None:
    """A started run that is retried may be claimed before one of a higher stage."""
    started = queue.request(user=True)
    queue.run_stages(*list(TaskType)[:4])
    queue.fail(queue.take(TaskType.ENRICH))
    new = queue.request(queue.second, user=True)
    queue.retry(started.id)
    workers = MemoryWorkerRegistry()

    def in_order() -> list[int]:
        return [run.id for run in queue.ask(queue.service.needing_attention(workers))]

    assert in_order() == [new.id, started.id]
    workers.enter(ClaimRules(QueueOrder.RUN_FIRST))
    assert in_order() == [started.id, new.id]
    queue.open(ClaimRules(QueueOrder.RUN_FIRST))
    queue.take(TaskType.ENRICH)


def test_attention_is_asked_for_a_few_of_each_kind(queue: QueueDriver) -> None:
    """The waiting runs, whether they may start or follow another, count together."""
    running = queue.request(queue.first)
    queue.take(TaskType.SYNC)
    waiting = queue.request(queue.second)
    follow_up = queue.request(queue.first)
    registry = MemoryWorkerRegistry()

    def shown(limit: int) -> list[int]:
        found = queue.ask(queue.service.needing_attention(registry, limit))
        return [run.id for run in found]

    assert shown(1) == [running.id, waiting.id]
    assert shown(2) == [running.id, waiting.id, follow_up.id]


def test_several_tasks_are_claimed_at_once(queue: QueueDriver) -> None:
    """As many as are wanted and there are; also with a completion."""
    queue.request(queue.first)
    queue.request(queue.second)
    first, second = queue.ask(queue.service.claim_many(queue.ada, 5))
    assert {first.index_id, second.index_id} == {queue.first, queue.second}
    assert queue.ask(queue.service.claim_many(queue.ada, 1)) == []
    held = [first.claim, second.claim]
    following = queue.ask(queue.service.complete_many(held, next_for=queue.bob, count=2))
    assert [task.type for task in following] == [EXTRACT, EXTRACT]
    held = [task.claim for task in following]
    [last] = queue.ask(queue.service.complete_many(held, next_for=queue.bob, count=1))
    assert queue.ask(queue.service.complete_many([last.claim])) == []


class Bell:
    """Counts how often it was rung."""

    def __init__(self) -> None:
        self.rings = 0

    def notify(self) -> None:
        self.rings += 1


def test_who_waits_is_told_of_what_may_be_claimed(queue: QueueDriver) -> None:
    """Of every change except a heartbeat, and not of reads."""
    bell = Bell()
    queue.service = QueueService(
        database=queue.database, clock=queue.clock, wake_up=bell, lease=timedelta(seconds=60)
    )
    queue.request()
    assert bell.rings == 1
    held = queue.take(SYNC)
    queue.ask(queue.service.heartbeat(held))
    queue.ask(queue.service.list_runs())
    assert bell.rings == 1
    queue.complete(held)
    assert bell.rings == 2
    queue.ask(queue.service.pause())
    queue.ask(queue.service.resume())
    assert bell.rings == 4


@pytest.mark.parametrize("limit", [1, 2])
def test_runs_are_listed_newest_first_up_to_a_limit(queue: QueueDriver, limit: int) -> None:
    """Of all states or of some, and of each state that needs attention."""
    runs = []
    for _ in range(3):
        runs.append(queue.request())
        queue.fail(queue.take(SYNC))
    ids = [run.id for run in reversed(runs)]

    def found(*states: RunState) -> list[int]:
        return [run.id for run in queue.ask(queue.service.list_runs(states, limit))]

    assert found() == ids[:limit]
    assert found(RunState.FAILED) == ids[:1]
    assert found(RunState.QUEUED) == []
    queue.request(queue.first)
    queue.request(queue.second)
    workers = MemoryWorkerRegistry()
    attention = queue.ask(queue.service.needing_attention(workers, limit))
    assert [run.state for run in attention] == [RunState.QUEUED] * limit


def test_priorities_are_the_base_and_the_stage() -> None:
    """Base 10 or 50, plus 40, 30, 20, 10, 0 in the order of the stages."""
    from kodit.domain.value_objects import task_priority  # noqa: PLC0415 - one use

    background = [task_priority(stage, QueuePriority.BACKGROUND) for stage in TaskType]
    users = [task_priority(stage, QueuePriority.USER_INITIATED) for stage in TaskType]
    assert (background, users) == ([50, 40, 30, 20, 10], [90, 80, 70, 60, 50])
