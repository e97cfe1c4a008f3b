"""What the TaskRepository port promises of runs, for every database."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.queue.databases import DATABASES
from tests.queue.requests import (
    LEASE,
    NOW,
    RULES,
    add_run,
    add_single,
    after,
    claim_one,
    end_run,
    read_run,
    read_task,
)

from kodit.domain.entities import IndexRun
from kodit.domain.errors import ConflictError, NotFoundError
from kodit.domain.ports.database import Database
from kodit.domain.value_objects import (
    QueuePriority,
    RunState,
    Source,
    SourceKind,
    TaskState,
    TaskType,
)
from kodit.infrastructure.memory.clock import ManualClock


def test_run_is_read_as_it_was_stored(database: Database) -> None:
    """A stored run comes back with its tasks, in the order of the stages."""
    stored = add_run(database, 7, QueuePriority.USER_INITIATED)
    assert read_run(database, stored.id) == stored
    assert [task.type for task in stored.tasks] == list(TaskType)
    assert {task.run_id for task in stored.tasks} == {stored.id}


@pytest.mark.parametrize("database", sorted(DATABASES.keys() - {"memory"}), indirect=True)
def test_an_index_has_one_unfinished_run(database: Database) -> None:
    """Whoever comes second is told to try again, and changes nothing. In memory, transactions never
    overlap."""
    first = add_run(database, 7)
    with pytest.raises(ConflictError, match="already has an unfinished run; try again"):
        add_run(database, 7)
    assert read_run(database, first.id) == first
    end_run(database, first.id, NOW)
    add_run(database, 7)


def test_identifiers_grow_and_are_never_used_twice(database: Database) -> None:
    """Neither a rolled-back transaction nor a deleted run gives an identifier to two tasks that
    were both seen."""
    first = add_run(database, 1)
    end_run(database, first.id, NOW)
    with database.write() as transaction:
        transaction.tasks.delete_runs(1, 100)
    second = add_run(database, 1)
    assert second.id > first.id
    assert min(task.id for task in second.tasks) > max(task.id for task in first.tasks)


def test_a_transaction_that_fails_changes_nothing(database: Database) -> None:
    with database.write() as transaction:
        index = transaction.indexes.add(Source(SourceKind.FOLDER, "/shop"), NOW)
    with pytest.raises(ZeroDivisionError), database.write() as transaction:
        transaction.indexes.mark_deleted(index.id, NOW)
        transaction.indexes.remember_deletion(Source(SourceKind.FOLDER, "/shop"), NOW)
        other = transaction.indexes.add(Source(SourceKind.FOLDER, "/other"), NOW)
        transaction.tasks.add_run(IndexRun.create(1, QueuePriority.BACKGROUND, NOW))
        transaction.tasks.set_paused(NOW)
        raise ZeroDivisionError
    with database.read() as transaction:
        assert transaction.indexes.get(index.id) == index
        assert not transaction.indexes.was_deleted("/shop")
        with pytest.raises(NotFoundError):
            transaction.indexes.get(other.id)
        assert transaction.tasks.list_runs() == []
        assert transaction.tasks.paused_since() is None


@pytest.mark.parametrize("name", ["memory", "sqlite"])
def test_one_writes_at_a_time(name: str, tmp_path: Path) -> None:
    """Else what the first one stores is lost with the second one's commit, or the other way."""
    with DATABASES[name](tmp_path) as database:
        check_that_one_writes_at_a_time(database)


def check_that_one_writes_at_a_time(database: Database) -> None:
    is_ready = threading.Event()

    def write() -> None:
        is_ready.set()
        add_run(database, 2)

    with database.write() as transaction:
        other = threading.Thread(target=write)
        other.start()
        is_ready.wait()
        other.join(0.1)  # it has to wait, however long it is given
        assert other.is_alive()
        transaction.tasks.add_run(IndexRun.create(1, QueuePriority.BACKGROUND, NOW))
    other.join()
    with database.read() as transaction:
        assert {run.index_id for run in transaction.tasks.list_runs()} == {1, 2}


def test_payload_is_kept(database: Database) -> None:
    """A payload of JSON values comes back equal."""
    payload: dict[str, Any] = {"paths": ["a", "ü"], "depth": None, "deep": {"yes": True}}
    assert read_task(database, add_single(database, **payload).id).payload == payload


def test_type_that_is_not_known_is_kept(database: Database) -> None:
    """A task of a newer Kodit keeps its type."""
    assert read_task(database, add_single(database, "TRANSLATE").id).type == "TRANSLATE"


def test_what_is_changed_outside_a_transaction_is_not_stored(database: Database) -> None:
    """The objects that a repository returns are copies."""
    run = add_run(database)
    run.tasks[0].priority = 1
    run.tasks[0].payload["more"] = 1
    run.state = RunState.FAILED
    stored = read_run(database, run.id)
    assert (stored.state, stored.tasks[0].priority) == (RunState.QUEUED, 50)
    assert stored.tasks[0].payload == {"index_id": 1}


def test_failed_transaction_leaves_nothing(database: Database) -> None:
    """A write transaction that ends with an exception stores none of its writes."""
    run = add_run(database)
    with pytest.raises(ZeroDivisionError), database.write() as transaction:
        locked = transaction.tasks.lock_run(run.id)
        locked.cancel(NOW)
        transaction.tasks.save_runs([locked])
        transaction.tasks.add_run(IndexRun.create(2, QueuePriority.BACKGROUND, NOW))
        transaction.tasks.set_paused(NOW)
        _ = 1 / 0
    with database.read() as transaction:
        assert transaction.tasks.list_runs() == [run]
        assert transaction.tasks.paused_since() is None


def test_read_transaction_sees_one_moment(database: Database) -> None:
    """What another transaction commits meanwhile is not seen."""
    first = add_run(database, 1)
    with database.read() as transaction:
        assert transaction.tasks.list_runs() == [first]
        add_run(database, 2)
        assert transaction.tasks.list_runs() == [first]


def test_save_stores_what_a_change_of_state_may_touch(database: Database) -> None:
    """State, class, back-off, failures and errors of a locked run are stored."""
    run_id = add_run(database).id
    with database.write() as transaction:
        run = transaction.tasks.lock_run(run_id)
        run.state, run.cancel_requested, run.is_follow_up = RunState.RUNNING, True, True
        run.started_at, run.finished_at = after(1), after(2)
        task = run.tasks[1]
        task.state, task.priority, task.failures = TaskState.FAILED, 80, 3
        task.error, task.finished_at, task.cancel_requested = "no", after(2), True
        task.available_at, task.lease_expires_at, task.worker = after(3), after(4), "ada"
        transaction.tasks.save_runs([run])
    assert read_run(database, run_id) == run
    assert read_task(database, run.tasks[1].id) == task


def test_save_touches_nothing_that_only_a_claim_may(database: Database) -> None:
    """Claim number, start, work and progress of a task are not changed by saving a run."""
    run_id = add_run(database).id
    claim = claim_one(database)
    with database.write() as transaction:
        transaction.tasks.record_batch(claim, {"files_parsed": 3}, None)
    held = read_task(database, claim.task_id)
    with database.write() as transaction:
        run = transaction.tasks.lock_run(run_id)
        run.tasks[0] = replace(run.tasks[0], claim_no=9, work={}, started_at=None, payload={})
        run.index_id, run.created_at = 9, after(9)
        transaction.tasks.save_runs([run])
    assert read_task(database, claim.task_id) == held
    assert (read_run(database, run_id).index_id, read_run(database, run_id).created_at) == (1, NOW)


def test_run_may_be_saved_again_in_one_transaction(database: Database) -> None:
    """Also after it was read a second time, and back to its first state."""
    run_id = add_run(database).id
    with database.write() as transaction:
        run = transaction.tasks.lock_run(run_id)
        for priority in (70, 80, 50):
            run.tasks[0].priority = run.tasks[1].priority = priority
            transaction.tasks.save_runs([run])
            assert transaction.tasks.get_task(run.tasks[0].id).priority == priority
        again = transaction.tasks.lock_run(run_id)
        again.tasks[0].priority = 60
        transaction.tasks.save_runs([again])
        run.tasks[0].priority = 70
        transaction.tasks.save_runs([run])
    assert [task.priority for task in read_run(database, run_id).tasks[:2]] == [70, 50]


def test_run_that_was_made_in_the_transaction_can_be_saved_in_it(database: Database) -> None:
    """Without having been read."""
    with database.write() as transaction:
        run = transaction.tasks.add_run(IndexRun.create(1, QueuePriority.BACKGROUND, NOW))
        run.cancel(after(1))
        transaction.tasks.save_runs([run])
    assert read_run(database, run.id) == run


def test_claim_after_a_save_in_one_transaction(database: Database) -> None:
    """A later save of what was read before a claim does not undo the claim's changes."""
    run_id = add_run(database).id
    with database.write() as transaction:
        run = transaction.tasks.lock_run(run_id)
        [task] = transaction.tasks.claim("ada", ManualClock(NOW), LEASE, RULES, 1)
        again = transaction.tasks.lock_run(run_id)
        again.raise_priority(QueuePriority.USER_INITIATED)
        transaction.tasks.save_runs([again])
    stored = read_run(database, run_id)
    assert (stored.state, stored.tasks[0].state) == (RunState.RUNNING, TaskState.RUNNING)
    assert (stored.tasks[0].claim, stored.tasks[0].priority) == (task.claim, 90)
    assert run.state is RunState.QUEUED


def test_lock_run_that_is_not_there(database: Database) -> None:
    """The message names the run and where to look."""
    with (
        database.write() as transaction,
        pytest.raises(NotFoundError, match=r"there is no run 4711"),
    ):
        transaction.tasks.lock_run(4711)


def test_task_that_is_not_there(database: Database) -> None:
    """The message names the task and where to look."""
    with (
        database.read() as transaction,
        pytest.raises(NotFoundError, match=r"there is no task 4711"),
    ):
        transaction.tasks.get_task(4711)


def test_runs_of_tasks(database: Database) -> None:
    """Each run is given once, and a task that is gone has none."""
    first, second = add_run(database, 1), add_run(database, 2)
    wanted = [first.tasks[0].id, first.tasks[1].id, 4711, second.tasks[4].id]
    with database.write() as transaction:
        found = transaction.tasks.lock_runs_of(wanted)
        assert transaction.tasks.lock_runs_of([]) == []
    assert sorted(run.id for run in found) == [first.id, second.id]


def test_runs_of_tasks_come_without_what_has_succeeded(database: Database) -> None:
    """Tasks that no longer change are not read; the run itself still has them."""
    run = add_run(database, 1)
    held = claim_one(database)
    with database.write() as transaction:
        [locked] = transaction.tasks.lock_runs_of([held.task_id])
        assert [task.type for task in locked.tasks] == list(TaskType)
        locked.complete(locked.held(held), NOW)
        transaction.tasks.save_runs([locked])
    with database.write() as transaction:
        [locked] = transaction.tasks.lock_runs_of([held.task_id])
        whole = transaction.tasks.lock_run(run.id)
    assert [task.type for task in locked.tasks] == list(TaskType)[1:]
    assert [task.type for task in whole.tasks] == list(TaskType)


def test_run_is_stored_as_often_as_it_is_saved(database: Database) -> None:
    """Within one transaction too, and when it comes back to what was stored at first."""
    run = add_run(database, 1)
    with database.write() as transaction:
        locked = transaction.tasks.lock_run(run.id)
        for state, priority in ((RunState.RUNNING, 77), (RunState.QUEUED, 90)):
            locked.state, locked.tasks[0].priority = state, priority
            transaction.tasks.save_runs([locked])
        locked.state, locked.tasks[0].priority = run.state, run.tasks[0].priority
        transaction.tasks.save_runs([locked])
    assert read_run(database, run.id) == run
