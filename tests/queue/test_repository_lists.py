"""Finding runs: by state, by index, and in lists."""

from __future__ import annotations

from typing import Any

from tests.queue.requests import (
    NOW,
    add_run,
    add_single,
    claim_one,
    end_run,
)

from kodit.domain.entities import IndexRun, Task
from kodit.domain.ports.database import Database
from kodit.domain.task import AT_ONCE
from kodit.domain.value_objects import RunState, TaskState, TaskType


def test_active_run_and_follow_up(database: Database) -> None:
    """The active run of an index is the open one that waits for no other; ended ones are
    neither."""
    ended = add_run(database, 1)
    end_run(database, ended.id, NOW)
    with database.write() as transaction:
        assert transaction.tasks.active_run(1) is None
    active = add_run(database, 1)
    waiting = add_run(database, 1, is_follow_up=True)
    other = add_run(database, 2)
    with database.write() as transaction:
        assert transaction.tasks.active_run(1) == active
        assert transaction.tasks.follow_ups([1, 2]) == [waiting]
        assert transaction.tasks.active_run(2) == other
        assert transaction.tasks.follow_ups([2]) == []
        assert transaction.tasks.follow_ups([]) == []


def test_unfinished_runs_of_indexes(database: Database) -> None:
    """The active ones first, of these indexes alone; nothing of what has ended."""
    ended = add_run(database, 1)
    end_run(database, ended.id, NOW)
    first = add_run(database, 1)
    follow_up = add_run(database, 1, is_follow_up=True)
    other = add_run(database, 2)
    add_run(database, 3)
    with database.read() as transaction:
        found = transaction.tasks.unfinished_runs_of([1, 2])
        assert found[-1] == follow_up
        assert {run.id for run in found[:-1]} == {first.id, other.id}
        assert transaction.tasks.unfinished_runs_of([4]) == []
        assert transaction.tasks.unfinished_runs_of([]) == []


def test_failed_runs(database: Database) -> None:
    """Those of the index that failed and are not superseded."""
    failed, cancelled, superseded = (add_run(database, number) for number in (1, 2, 3))
    for run, index_state in ((failed, None), (cancelled, "cancel"), (superseded, "supersede")):
        with database.write() as transaction:
            locked = transaction.tasks.lock_run(run.id)
            if index_state == "cancel":
                locked.cancel(NOW)
            else:
                locked.fail(locked.tasks[0], "gone", NOW)
            if index_state == "supersede":
                locked.supersede()
            transaction.tasks.save_runs([locked])
    with database.write() as transaction:
        assert [run.id for run in transaction.tasks.failed_runs(1)] == [failed.id]
        assert transaction.tasks.failed_runs(2) == transaction.tasks.failed_runs(3) == []


def test_get_runs(database: Database) -> None:
    """Unknown identifiers are left out."""
    first, second = add_run(database, 1), add_run(database, 2)
    with database.read() as transaction:
        found = transaction.tasks.get_runs([second.id, 4711, first.id])
        assert transaction.tasks.get_runs([]) == []
    assert sorted(run.id for run in found) == [first.id, second.id]


def test_list_runs(database: Database) -> None:
    """Newest first, by state, at most as many as asked for."""
    runs = [add_run(database, number) for number in (1, 2, 3)]
    end_run(database, runs[0].id, NOW)
    newest = [run.id for run in reversed(runs)]
    with database.read() as transaction:
        tasks = transaction.tasks
        assert [run.id for run in tasks.list_runs()] == newest
        assert [run.id for run in tasks.list_runs(limit=2)] == newest[:2]
        ended = tasks.list_runs(states=[RunState.SUCCEEDED, RunState.FAILED])
        assert [run.id for run in ended] == [runs[0].id]
        either = [RunState.QUEUED, RunState.SUCCEEDED, RunState.QUEUED]
        assert [run.id for run in tasks.list_runs(states=either)] == newest
        assert [run.id for run in tasks.list_runs(states=either, limit=2)] == newest[:2]


def test_list_some_runs(database: Database) -> None:
    """Of some indexes, in some states, and before a run: each alone and together."""
    first = end_run(database, add_run(database, 1).id, NOW).id
    second = end_run(database, add_run(database, 2).id, NOW).id
    third, fourth = add_run(database, 1).id, add_run(database, 3).id
    with database.read() as transaction:

        def listed(**wanted: Any) -> list[int]:
            return [run.id for run in transaction.tasks.list_runs(**wanted)]

        done, queued = [RunState.SUCCEEDED], [RunState.QUEUED]
        assert listed(index_ids=[1]) == [third, first]
        assert listed(index_ids=[1, 1], limit=2) == [third, first]
        assert listed(index_ids=[1, 3, 1], limit=2) == [fourth, third]
        assert listed(index_ids=[4]) == []
        assert listed(before=third) == [second, first]
        assert listed(before=first) == []
        assert listed(states=done, before=second) == [first]
        assert listed(index_ids=[1, 2], states=done) == [second, first]
        assert listed(index_ids=[1], states=queued) == [third]
        assert listed(index_ids=[1, 3], states=[*queued, *done], before=fourth) == [third, first]
        assert listed(index_ids=[1], before=fourth, limit=1) == [third]


def test_what_has_not_ended(database: Database) -> None:
    """The states of the runs that wait or run."""
    ended, queued, running = (add_run(database, number) for number in (1, 2, 3))
    end_run(database, ended.id, NOW)
    with database.write() as transaction:
        locked = transaction.tasks.lock_run(running.id)
        locked.state = RunState.RUNNING
        transaction.tasks.save_runs([locked])
    with database.read() as transaction:
        assert transaction.tasks.unfinished_runs() == {
            queued.id: RunState.QUEUED,
            running.id: RunState.RUNNING,
        }


def test_runs_of(database: Database) -> None:
    """Those of one index, newest first, at most as many as asked for."""
    add_run(database, 1)
    ended = end_run(database, add_run(database, 2).id, NOW)
    newest = add_run(database, 2)
    with database.read() as transaction:
        assert [run.id for run in transaction.tasks.runs_of(2)] == [newest.id, ended.id]
        assert transaction.tasks.runs_of(2, limit=1) == [newest]
        assert transaction.tasks.runs_of(3) == []


def test_successor(database: Database) -> None:
    """The newest of those that have succeeded since, or else the newest of the index."""
    superseded = end_run(database, add_run(database, 1).id, NOW, TaskState.FAILED)

    def successor() -> int | None:
        with database.read() as transaction:
            found = transaction.tasks.successor(superseded.id, 1)
            assert found is None or found == transaction.tasks.get_runs([found.id])[0]
        return None if found is None else found.id

    add_run(database, 2)
    assert successor() is None
    done = [end_run(database, add_run(database, 1).id, NOW) for _ in range(2)]
    assert successor() == done[1].id
    failed = end_run(database, add_run(database, 1).id, NOW, TaskState.FAILED)
    assert successor() == done[1].id
    superseded = done[1]
    assert successor() == failed.id
    newest = add_run(database, 1)
    assert successor() == newest.id
    superseded = failed
    assert successor() == newest.id


def test_latest_runs(database: Database) -> None:
    """The newest run of each index, ended or not, and never a follow-up that still waits."""
    end_run(database, add_run(database, 1).id, NOW)
    latest = add_run(database, 1)
    add_run(database, 1, is_follow_up=True)
    ended = add_run(database, 2)
    end_run(database, ended.id, NOW)
    with database.read() as transaction:
        found = transaction.tasks.latest_runs([1, 2, 3])
        assert transaction.tasks.latest_runs([]) == {}
    assert {index_id: run.id for index_id, run in found.items()} == {1: latest.id, 2: ended.id}


def test_find_single(database: Database) -> None:
    """A waiting single task is found by type and payload, whatever the order of its keys."""
    task = add_single(database, TaskType.EXTRACT, a=1, b="x")
    add_run(database, 1)
    with database.write() as transaction:
        found = transaction.tasks.find_single("EXTRACT", {"b": "x", "a": 1})
        assert found is not None
        assert found.tasks == [task]
        assert transaction.tasks.find_single("EXTRACT", {"a": 1}) is None
        assert transaction.tasks.find_single("SYNC", {"b": "x", "a": 1}) is None
        assert transaction.tasks.find_single("SYNC", {"index_id": 1}) is None
    claim_one(database)
    claim_one(database)
    with database.write() as transaction:
        assert transaction.tasks.find_single("EXTRACT", {"b": "x", "a": 1}) is None


def test_delete_runs(database: Database) -> None:
    """Runs, tasks and attempts of the index are deleted, and a single task that names it; those of
    others stay, and no run is left without its tasks."""
    gone, kept = add_run(database, 1), add_run(database, 2)
    single = add_single(database, TaskType.EXTRACT, index_id=1)
    first = claim_one(database)
    with database.write() as transaction:
        assert transaction.tasks.delete_runs(1, 100)
        assert not transaction.tasks.delete_runs(1, 100)
    with database.read() as transaction:
        assert transaction.tasks.get_runs([gone.id, single.run_id or 0]) == []
        assert transaction.tasks.attempts(first.task_id) == []
        assert transaction.tasks.get_runs([kept.id]) == [kept]
        assert all(run.tasks for run in transaction.tasks.list_runs())


def test_delete_runs_in_pieces(database: Database) -> None:
    """A piece is a number of rows, of whole runs; and at least one run, however many rows it
    has."""
    before = [end_run(database, add_run(database, 1).id, NOW).id for _ in range(2)]
    tried_often = add_run(database, 1)
    for _ in range(20):
        held = claim_one(database)
        with database.write() as transaction:
            (run,) = transaction.tasks.lock_runs_of([held.task_id])
            run.try_again(run.held(held), None, AT_ONCE, NOW)
            transaction.tasks.save_runs([run])
    end_run(database, tried_often.id, NOW)
    behind = [end_run(database, add_run(database, 1).id, NOW).id for _ in range(3)]
    gone, left = [], {*before, tried_often.id, *behind}
    more = True
    while more:
        with database.write() as transaction:
            more = transaction.tasks.delete_runs(1, limit=12)
            there = {run.id for run in transaction.tasks.list_runs()}
        gone.append(left - there)
        left = there
    assert gone == [set(before), {tried_often.id}, set(behind[:2]), set(behind[2:]), set()]
    with database.read() as transaction:
        assert transaction.tasks.attempts(held.task_id) == []


def test_single_task_is_a_run_without_an_index() -> None:
    """Its payload may name an index, whose active run it is not."""
    run = IndexRun.single(Task.create(TaskType.SYNC, 10, {"index_id": 5}), NOW)
    assert run.index_id is None
    assert run.tasks[0].index_id == 5
