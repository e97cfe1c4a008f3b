"""A change of the queue that waits for another one is dated when its turn has come: what it finds
must not be younger than it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest
from tests.queue.requests import (
    LEASE,
    NOW,
    add_run,
    add_single,
    after,
    claim_one,
    read_run,
    read_task,
)
from tests.support.command import wait_until
from tests.support.postgresql_databases import is_somebody_waiting, postgresql_database

from kodit.application.services.queue_service import QueueService
from kodit.domain.claiming import ClaimRules
from kodit.domain.errors import PausedError, TransientError
from kodit.domain.ports.database import Database
from kodit.domain.ports.tasks import TaskRepository
from kodit.domain.retry import RetryPolicy
from kodit.domain.value_objects import Claim, TaskType
from kodit.infrastructure.memory import ManualClock, MemoryWorkerRegistry
from kodit.infrastructure.wake_up import WakeUps

WAITED_SECONDS = 60.0
BACK_OFF_SECONDS = 2.0

Change = Callable[[QueueService, Claim], Coroutine[Any, Any, object]]


@pytest.fixture
def database() -> Iterator[Database]:
    """The others have one writer, whose turn has come when its transaction begins."""
    with postgresql_database() as opened:
        yield opened


def change_late(
    database: Database, lock: Callable[[TaskRepository], object], change: Change, claim: Claim
) -> Any:
    """What a change returns that has waited for a minute."""
    clock = ManualClock(NOW)
    queue = QueueService(
        database=database,
        clock=clock,
        wake_up=WakeUps(),
        rules=ClaimRules(limits={TaskType.SYNC: 2}),
        retry_policy=RetryPolicy(3, first_delay_seconds=BACK_OFF_SECONDS),
        lease=LEASE,
        jitter=lambda: 1.0,
    )
    with ThreadPoolExecutor(1) as pool:
        with database.write() as transaction:
            lock(transaction.tasks)
            changing: Future[Any] = pool.submit(lambda: asyncio.run(change(queue, claim)))
            wait_until(is_somebody_waiting)
            clock.advance(WAITED_SECONDS)
        return changing.result()


def test_claim(database: Database) -> None:
    """One under limits waits for another's end."""
    for number in range(2):
        add_single(database, n=number)
    held = claim_one(database)

    def claim_too(tasks: TaskRepository) -> None:
        tasks.claim("ada", ManualClock(NOW), LEASE, ClaimRules(limits={TaskType.SYNC: 1}), 1)

    task = change_late(database, claim_too, lambda queue, _: queue.claim("bob"), held)
    assert task.started_at == after(WAITED_SECONDS)
    assert task.lease_expires_at == after(WAITED_SECONDS) + LEASE


@pytest.mark.parametrize(
    ("change", "finished_at", "available_at"),
    [
        (lambda queue, claim: queue.complete(claim), after(WAITED_SECONDS), None),
        (lambda queue, claim: queue.fail(claim, "gone"), after(WAITED_SECONDS), None),
        (
            lambda queue, claim: queue.fail_transiently(claim, TransientError("busy")),
            None,
            after(WAITED_SECONDS + BACK_OFF_SECONDS),
        ),
        (
            lambda queue, claim: queue.fail_transiently(
                claim, PausedError("paused", retry_after_seconds=BACK_OFF_SECONDS)
            ),
            None,
            after(WAITED_SECONDS + BACK_OFF_SECONDS),
        ),
    ],
    ids=["complete", "fail", "fail transiently", "postpone"],
)
def test_end(
    database: Database,
    change: Change,
    finished_at: datetime | None,
    available_at: datetime | None,
) -> None:
    """The task and its attempt have the same time."""
    add_single(database)
    held = claim_one(database)
    change_late(database, lambda tasks: tasks.lock_runs_of([held.task_id]), change, held)
    task = read_task(database, held.task_id)
    assert task.finished_at == finished_at
    if available_at is not None:
        assert task.available_at == available_at
    with database.read() as transaction:
        [attempt] = transaction.tasks.attempts(held.task_id)
    assert attempt.finished_at == after(WAITED_SECONDS)


def store_a_batch(held: Claim) -> Callable[[TaskRepository], object]:
    return lambda tasks: tasks.record_batch(held, {"files": 1}, None)


def reclaim(queue: QueueService, _claim: Claim) -> Coroutine[Any, Any, object]:
    """All workers have died."""
    return queue.reclaim(MemoryWorkerRegistry())


def test_a_batch_is_stored_before_its_claim_is_lost(database: Database) -> None:
    """What the claim has done is not younger than its end."""
    add_single(database)
    held = claim_one(database)
    [(task, _why)] = change_late(database, store_a_batch(held), reclaim, held)
    assert task.claim == held
    with database.read() as transaction:
        [attempt] = transaction.tasks.attempts(held.task_id)
    assert attempt.finished_at == after(WAITED_SECONDS)
    assert read_task(database, held.task_id).work == {"files": 1}


def test_a_lease_that_is_renewed_meanwhile_is_kept(database: Database) -> None:
    """Its worker has come back."""
    add_single(database)
    held = claim_one(database)

    def renew(tasks: TaskRepository) -> None:
        tasks.renew(held, after(WAITED_SECONDS) + LEASE, None)

    assert change_late(database, renew, reclaim, held) == []
    assert read_task(database, held.task_id).claim == held


def test_a_batch_is_stored_before_its_index_is_deleted(database: Database) -> None:
    run = add_run(database, 1)
    held = claim_one(database)

    def abandon(queue: QueueService, _claim: Claim) -> Coroutine[Any, Any, object]:
        return queue.abandon(lambda _transaction: None, 1)

    change_late(database, store_a_batch(held), abandon, held)
    with database.read() as transaction:
        [attempt] = transaction.tasks.attempts(held.task_id)
    assert attempt.finished_at == after(WAITED_SECONDS)
    assert read_run(database, run.id).finished_at == after(WAITED_SECONDS)
