"""What the TaskRepository port promises of pruning, for every database."""

from __future__ import annotations

from tests.queue.requests import NOW, add_run, add_single, after, claim_one, end_run

from kodit.domain.ports.database import Database
from kodit.domain.retention import PrunableRuns, RunEnd
from kodit.domain.value_objects import TaskState


def prunable(database: Database, keep: int, limit: int = 100) -> list[int]:
    """The runs that all looks together find."""
    found: list[int] = []
    look = PrunableRuns([], None)
    while True:
        with database.read() as transaction:
            tasks = transaction.tasks
            look = tasks.prunable_runs(keep, after(10), limit, look.looked_up_to)
        assert len(look.run_ids) <= limit
        found += look.run_ids
        if look.looked_up_to is None:
            return sorted(found)


def test_newest_runs_of_an_index_are_kept(database: Database) -> None:
    """The newest runs of each index stay, however old; the others may be pruned."""
    ended = [end_run(database, add_run(database, 1).id, after(n)).id for n in range(4)]
    other = end_run(database, add_run(database, 2).id, NOW).id
    assert prunable(database, 2) == ended[:2]
    assert prunable(database, 0) == [*ended, other]
    for limit in (1, 2, 3, 5, 6):
        assert prunable(database, 2, limit) == ended[:2]
        assert prunable(database, 0, limit) == [*ended, other]


def test_look_goes_on_where_the_last_one_ended(database: Database) -> None:
    """In the order of ends; runs that ended at the same time are told apart."""
    late = end_run(database, add_run(database, 1).id, after(5)).id
    early = [end_run(database, add_run(database, 1).id, NOW).id for _ in range(2)]
    with database.read() as transaction:
        tasks = transaction.tasks
        first = tasks.prunable_runs(0, after(10), 1)
        second = tasks.prunable_runs(0, after(10), 1, first.looked_up_to)
        last = tasks.prunable_runs(0, after(10), 2, second.looked_up_to)
    assert first == PrunableRuns([early[0]], RunEnd(NOW, early[0]))
    assert second == PrunableRuns([early[1]], RunEnd(NOW, early[1]))
    assert last == PrunableRuns([late], None)


def test_recent_and_open_runs_are_kept(database: Database) -> None:
    """A run that ended at the time or later, or has not ended, is kept."""
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
    """Ended runs are deleted with their tasks and attempts; others are left alone."""
    gone = add_run(database, 1)
    held = claim_one(database)
    end_run(database, gone.id, NOW, TaskState.CANCELLED)
    kept = add_run(database, 2)
    ended_since = end_run(database, add_run(database, 3).id, after(10))
    with database.write() as transaction:
        some = [gone.id, kept.id, ended_since.id, 4711]
        assert transaction.tasks.forget_runs(some, after(10), 100) == []
        assert transaction.tasks.forget_runs([], after(10), 100) == []
    with database.read() as transaction:
        assert transaction.tasks.list_runs() == [ended_since, kept]
        assert transaction.tasks.attempts(held.task_id) == []


def test_forget_runs_in_pieces(database: Database) -> None:
    """A piece is a number of rows, of whole runs, and at least one run; the others remain."""
    ended = [end_run(database, add_run(database, 1).id, NOW).id for _ in range(5)]
    with database.write() as transaction:
        tasks = transaction.tasks
        assert tasks.forget_runs(ended, after(10), 12) == ended[2:]
        assert tasks.forget_runs(ended, after(10), 17) == ended[4:]
        assert [run.id for run in tasks.list_runs()] == ended[:3:-1]
        assert tasks.forget_runs(ended, after(10), 1) == []
