"""Several workers and users change the queue at the same time: each call succeeds, or is refused
for a reason of its own, and the queue is whole afterwards."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from random import Random
from typing import Any

import pytest
from tests.queue.driver import QueueDriver
from tests.queue.invariants import check_queue
from tests.queue.requests import NOW, RULES, add_run, add_single, after, claim, read_task
from tests.support.command import wait_until
from tests.support.postgresql_databases import is_somebody_waiting, postgresql_database

from kodit.application.services import transactions
from kodit.application.services.transactions import MOST_TRIES, repeated
from kodit.domain.entities import Task
from kodit.domain.errors import ConflictError, LeaseLost, UserError
from kodit.domain.ports.database import Database
from kodit.domain.value_objects import QueuePriority, RunState, TaskType

THREADS = 6


def at_once(work: Callable[[int], Any]) -> list[Any]:
    """The results of as many threads as there are, which start together."""
    line = threading.Barrier(THREADS)

    def start(number: int) -> Any:
        line.wait()
        return work(number)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(start, range(THREADS)))


def test_one_index_is_requested(queue: QueueDriver) -> None:
    """All requests are met by one run."""
    for _ in range(5):
        runs = at_once(
            lambda _: asyncio.run(queue.service.request_run(queue.first, QueuePriority.BACKGROUND))
        )
        assert len({run.id for run in runs}) == 1
        queue.cancel(runs[0].id)


def test_one_single_task_is_queued(queue: QueueDriver) -> None:
    """All are merged into one task."""
    for number in range(5):
        payload = {"number": number}
        tasks = at_once(partial(enqueue, queue, payload))
        assert len({task.id for task in tasks}) == 1


def enqueue(queue: QueueDriver, payload: dict[str, Any], _number: int) -> Task:
    return asyncio.run(queue.service.enqueue_task(Task("CHORE", 10, dict(payload))))


def test_the_queue_is_paused(queue: QueueDriver) -> None:
    """One of them paused it."""
    paused = at_once(lambda _: asyncio.run(queue.service.pause()))
    assert any(paused)
    assert asyncio.run(queue.service.paused_since()) is not None


@pytest.mark.parametrize("seed", range(3))
def test_everything_at_once(queue: QueueDriver, seed: int) -> None:
    """Requests, claims, ends, cancellations and retries. No call fails for another one's sake; each
    attempt is closed when its task no longer runs."""
    indexes = [queue.first, queue.second]

    def act(number: int) -> Counter[str]:
        chance, done = Random(f"{seed} {number}"), Counter[str]()  # noqa: S311 - of a test
        with asyncio.Runner() as runner:
            for _ in range(25):
                what = chance.choice(["request", "work", "work", "work", "cancel", "retry"])
                newest = runner.run(queue.service.list_runs(limit=3))
                run_id = chance.choice(newest).id if newest else 0
                with suppress(UserError, LeaseLost):
                    if what == "request":
                        base = chance.choice(list(QueuePriority))
                        runner.run(queue.service.request_run(chance.choice(indexes), base))
                    elif what == "work":
                        runner.run(work(f"worker-{number}", chance))
                    elif what == "cancel":
                        runner.run(queue.service.cancel(run_id))
                    else:
                        runner.run(queue.service.retry(run_id))
                    done[what] += 1
        return done

    async def work(worker: str, chance: Random) -> None:
        for task in await queue.service.claim_many(worker, chance.randint(1, 2)):
            await queue.service.heartbeat(task.claim)
            following: Task | None = task
            while following is not None:
                if chance.random() < 0.2:
                    await queue.service.fail(following.claim, "gone")
                    break
                following = await queue.service.complete(following.claim, next_for=worker)

    done = sum(at_once(act), Counter[str]())

    assert min(done["request"], done["work"]) > 0
    check_queue(queue.view())
    with queue.database.read() as transaction:
        for run in transaction.tasks.list_runs():
            for task in run.tasks:
                held = [one for one in transaction.tasks.attempts(task.id) if not one.finished_at]
                assert len(held) == (task.state == "running")


@pytest.mark.parametrize("number", range(2))
def test_a_run_that_is_being_changed_is_not_waited_for(number: int) -> None:
    """A claim takes another run's task, or nothing, where runs are locked one by one."""
    with postgresql_database() as database:
        first = add_run(database, 1)
        others = [add_run(database, 2).id] if number else []
        with database.write() as transaction:
            transaction.tasks.lock_run(first.id)
            assert [task.run_id for task in claim(database, 2)] == others
        assert [task.run_id for task in claim(database, 2)] == [first.id]


def test_work_done_for_a_run_is_counted_beside_its_own() -> None:
    """The one who counts it has read the task before the task's worker stores a batch."""
    with postgresql_database() as database, ThreadPoolExecutor(1) as pool:
        add_run(database, 1)
        [task] = claim(database)

        def count_for_it() -> None:
            with database.write() as transaction:
                transaction.tasks.record_for(1, TaskType.SYNC, {"files": 1})

        with database.write() as transaction:
            transaction.tasks.record_batch(task.claim, {"files": 1}, None)
            counting = pool.submit(count_for_it)
            wait_until(is_somebody_waiting)
        counting.result()
        assert read_task(database, task.id).work == {"files": 2}


def test_a_cancelled_run_is_not_claimed(database: Database) -> None:
    """Not even by a worker that has just found its task."""
    for number in range(6):
        add_single(database, TaskType.SYNC, n=number)

    def act(number: int) -> int:
        if number % 2:
            return len(claim(database, 2))
        cancelled = 0
        for run_id in range(1, 7):
            with database.write() as transaction:
                run = transaction.tasks.lock_run(run_id)
                if run.state is RunState.QUEUED:
                    run.cancel(NOW)
                    transaction.tasks.save_runs([run])
                    cancelled += 1
        return cancelled

    assert sum(at_once(act)) == 6
    with database.read() as transaction:
        for task in (task for run in transaction.tasks.list_runs() for task in run.tasks):
            attempts = transaction.tasks.attempts(task.id)
            assert (task.state.value, len(attempts)) in {("running", 1), ("cancelled", 0)}


def test_a_run_that_is_tried_again_is_not_forgotten(database: Database) -> None:
    """The one who deletes old runs had found it before."""
    run = add_run(database, 1)
    with database.write() as transaction:
        found = transaction.tasks.lock_run(run.id)
        found.cancel(NOW)
        transaction.tasks.save_runs([found])
    with database.write() as transaction:
        found = transaction.tasks.lock_run(run.id)
        found.retry()
        transaction.tasks.save_runs([found])
        forgetting = threading.Thread(target=forget, args=(database, run.id))
        forgetting.start()
        forgetting.join(0.05)
    forgetting.join()
    with database.read() as transaction:
        assert [one.state for one in transaction.tasks.list_runs()] == [RunState.QUEUED]
        assert transaction.tasks.has_claimable(NOW, RULES)


def forget(database: Database, run_id: int) -> None:
    with database.write() as transaction:
        transaction.tasks.forget_runs([run_id], after(1), 100)


def test_a_transaction_that_another_got_ahead_of_is_repeated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not for ever."""
    monkeypatch.setattr(transactions, "FIRST_PAUSE_SECONDS", 0.0)
    tries = []

    def transaction(succeeds_at: int) -> int:
        tries.append(1)
        if len(tries) < succeeds_at:
            raise ConflictError("another one was first")
        return len(tries)

    assert repeated(lambda: transaction(MOST_TRIES)) == MOST_TRIES
    tries.clear()
    with pytest.raises(ConflictError):
        repeated(lambda: transaction(MOST_TRIES + 1))
