"""What the TaskRepository port promises of writes that a claim allows, for every database."""

from __future__ import annotations

import pytest
from tests.queue.requests import (
    LEASE,
    NOW,
    add_run,
    add_single,
    after,
    claim,
    claim_one,
    end_run,
    put_back,
    read_run,
    read_task,
)

from kodit.domain.entities import Task
from kodit.domain.errors import LeaseLost
from kodit.domain.ports.database import Database
from kodit.domain.value_objects import (
    Claim,
    QueuePriority,
    TaskProgress,
    TaskState,
    TaskType,
)


@pytest.mark.parametrize("operation", ["fence", "renew", "record_batch"])
def test_only_the_latest_claim_of_a_running_task_may_write(
    database: Database, operation: str
) -> None:
    """An older claim, a later one that was never given, an ended task and one that is gone are
    all refused, and nothing changes."""
    [first] = claim_first = [add_single(database)]
    [held] = claim(database)
    put_back(database, held, NOW)
    [current] = claim(database)
    other = add_single(database, n=1)
    stale = [Claim(first.id, 1), Claim(first.id, 3), Claim(other.id, 0), Claim(4711, 1)]
    before = [read_task(database, task.id) for task in (*claim_first, other)]
    for lost in stale:
        with pytest.raises(LeaseLost, match=str(lost.task_id)):
            write(database, operation, lost)
    assert [read_task(database, task.id) for task in (*claim_first, other)] == before
    assert write(database, operation, current.claim).id == first.id
    with database.write() as transaction:
        [run] = transaction.tasks.lock_runs_of([first.id])
        run.complete(run.held(current.claim), NOW)
        transaction.tasks.save_runs([run])
    with pytest.raises(LeaseLost):
        write(database, operation, current.claim)


def write(database: Database, operation: str, held: Claim) -> Task:
    """One of the writes that a claim allows."""
    with database.write() as transaction:
        if operation == "fence":
            return transaction.tasks.fence(held)
        if operation == "renew":
            return transaction.tasks.renew(held, after(99), None)
        return transaction.tasks.record_batch(held, {"files_parsed": 1}, None)


def test_renew(database: Database) -> None:
    """The lease moves, progress is stored, and stays where none is given."""
    add_single(database)
    held = claim_one(database)
    with database.write() as transaction:
        progress = TaskProgress("EXTRACT_SNIPPETS", 5, None)
        assert transaction.tasks.renew(held, after(99), progress).progress == progress
        renewed = transaction.tasks.renew(held, after(100), None)
    assert (renewed.progress, renewed.lease_expires_at) == (progress, after(100))
    assert renewed == read_task(database, held.task_id)


def test_record_batch(database: Database) -> None:
    """Counts add up, the retry budget is whole again, and the lease stays as it was."""
    task = add_single(database)
    put_back(database, claim(database)[0], NOW)
    with database.write() as transaction:
        [run] = transaction.tasks.lock_runs_of([task.id])
        run.tasks[0].failures = 2
        transaction.tasks.save_runs([run])
    held = claim_one(database)
    with database.write() as transaction:
        transaction.tasks.record_batch(held, {"a": 1}, TaskProgress("SYNC", 1, 2))
        stored = transaction.tasks.record_batch(held, {"a": 2, "b": 1}, TaskProgress("SYNC", 2, 2))
    assert (stored.work, stored.failures) == ({"a": 3, "b": 1}, 0)
    assert (stored.progress, stored.lease_expires_at) == (TaskProgress("SYNC", 2, 2), NOW + LEASE)
    assert stored == read_task(database, held.task_id)


def test_record_batch_that_brings_nothing_further(database: Database) -> None:
    """It is counted, and the retry budget is unchanged."""
    task = add_single(database)
    with database.write() as transaction:
        [run] = transaction.tasks.lock_runs_of([task.id])
        run.tasks[0].failures = 2
        transaction.tasks.save_runs([run])
    held = claim_one(database)
    with database.write() as transaction:
        stored = transaction.tasks.record_batch(held, {"a": 1}, None, restores_budget=False)
    assert (stored.work, stored.failures) == ({"a": 1}, 2)
    assert stored == read_task(database, held.task_id)


def work_done(database: Database, run_id: int) -> list[dict[str, int]]:
    return [task.work for task in read_run(database, run_id).tasks]


def test_work_that_another_task_did(database: Database) -> None:
    """It is added to the task of that type in the active run, even if that is held."""
    first, second = add_run(database), add_run(database, 2)
    follow_up = add_run(database, is_follow_up=True)
    with database.write() as transaction:
        for count in (3, 4):
            transaction.tasks.record_for(1, TaskType.BM25_INDEX, {"a": count})
        transaction.tasks.record_for(3, TaskType.BM25_INDEX, {"a": 1})
    assert work_done(database, first.id) == [{}, {}, {"a": 7}, {}, {}]
    held = claim_one(database)
    with database.write() as transaction:
        transaction.tasks.record_for(1, TaskType.SYNC, {"b": 1})
        transaction.tasks.record_batch(held, {"b": 2}, None)
    assert work_done(database, first.id) == [{"b": 3}, {}, {"a": 7}, {}, {}]
    assert work_done(database, second.id) == work_done(database, follow_up.id) == [{}] * 5


def test_indexes_that_a_user_waits_for(database: Database) -> None:
    """By their active runs."""
    user = QueuePriority.USER_INITIATED
    add_run(database, 1, user)
    add_run(database, 2)
    add_run(database, 2, user, is_follow_up=True)
    end_run(database, add_run(database, 3, user).id, NOW)
    with database.read() as transaction:
        assert transaction.tasks.wanted_by_user([1, 2, 3, 4]) == {1}
        assert (
            transaction.tasks.wanted_by_user([2, 3])
            == transaction.tasks.wanted_by_user([])
            == set()
        )


def test_work_for_a_run_that_has_ended_is_not_counted(database: Database) -> None:
    ended, failed = add_run(database), add_run(database, 2)
    end_run(database, ended.id, NOW)
    with database.write() as transaction:
        run = transaction.tasks.lock_run(failed.id)
        run.tasks[0].end(TaskState.FAILED, NOW)
        transaction.tasks.save_runs([run])
        for index_id in (1, 2):
            transaction.tasks.record_for(index_id, TaskType.SYNC, {"a": 1})
    for one in (ended, failed):
        assert work_done(database, one.id) == [{}] * 5
