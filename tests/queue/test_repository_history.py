"""What the TaskRepository port promises of pruning, for every database."""

from __future__ import annotations

from tests.queue.requests import NOW, add_run, add_single, after, claim_one, end_run

from kodit.domain.ports.database import Database
from kodit.domain.value_objects import TaskState


def prunable(database: Database, keep: int, limit: int = 100) -> list[int]:
    with database.read() as transaction:
        return sorted(transaction.tasks.prunable_runs(keep, after(10), limit))


def test_newest_runs_of_an_index_are_kept(database: Database) -> None:
    """The newest so many of each index stay, however old; the others may go."""
    ended = [end_run(database, add_run(database, 1).id, after(n)).id for n in range(4)]
    other = end_run(database, add_run(database, 2).id, NOW).id
    assert prunable(database, 2) == ended[:2]
    assert prunable(database, 0) == [*ended, other]
    assert len(prunable(database, 0, limit=3)) == 3


def test_recent_and_open_runs_are_kept(database: Database) -> None:
    """A run that ended at the time or later, or has not ended, may not go."""
    at_the_time = add_run(database, 1)
    end_run(database, at_the_time.id, after(10))
    running = add_run(database, 2)
    claim_one(database)
    old = end_run(database, add_run(database, 3).id, after(9.999999))
    assert prunable(database, 0) == [old.id]
    assert running.id not in prunable(database, 0)


def test_single_runs_are_one_group(database: Database) -> None:
    """Runs without an index are kept as if they were of one index."""
    runs = [add_single(database, n=n).run_id or 0 for n in range(3)]
    for run_id in runs:
        end_run(database, run_id, NOW)
    assert prunable(database, 1) == runs[:2]


def test_cancelled_follow_up_ranks_behind_the_latest_run(database: Database) -> None:
    """A follow-up that never started does not push the latest run of its index out."""
    latest = add_run(database, 1)
    follow_up = add_run(database, 1, is_follow_up=True)
    with database.write() as transaction:
        waiting = transaction.tasks.lock_run(follow_up.id)
        waiting.cancel(NOW)
        transaction.tasks.save_runs([waiting])
    end_run(database, latest.id, NOW)
    assert prunable(database, 1) == [follow_up.id]


def test_forget_runs(database: Database) -> None:
    """What has ended goes with its tasks and attempts; what has not is left alone."""
    gone = add_run(database, 1)
    held = claim_one(database)
    end_run(database, gone.id, NOW, TaskState.CANCELLED)
    kept = add_run(database, 2)
    with database.write() as transaction:
        assert transaction.tasks.forget_runs([gone.id, kept.id, 4711]) == 1
        assert transaction.tasks.forget_runs([]) == 0
    with database.read() as transaction:
        assert transaction.tasks.list_runs() == [kept]
        assert transaction.tasks.attempts(held.task_id) == []
