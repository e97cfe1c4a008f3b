"""Runs and tasks to begin a test with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from kodit.domain.claiming import ClaimRules
from kodit.domain.entities import IndexRun, Task
from kodit.domain.ports.database import Database
from kodit.domain.value_objects import Claim, QueuePriority, TaskState, TaskType
from kodit.infrastructure.memory.clock import ManualClock

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LEASE = timedelta(seconds=60)
RULES = ClaimRules()


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def add_run(
    database: Database,
    index_id: int = 1,
    base: QueuePriority = QueuePriority.BACKGROUND,
    created_at: datetime = NOW,
    *,
    is_follow_up: bool = False,
) -> IndexRun:
    """Store a new run of an index."""
    run = IndexRun.create(index_id, base, created_at, is_follow_up=is_follow_up)
    with database.write() as transaction:
        return transaction.tasks.add_run(run)


def add_single(
    database: Database,
    task_type: TaskType | str = TaskType.SYNC,
    priority: int = 10,
    created_at: datetime = NOW,
    **payload: Any,
) -> Task:
    """Store a task that is a run by itself."""
    task = Task.create(TaskType.SYNC, priority, payload)
    task.type = task_type
    run = IndexRun.single(task, created_at)
    with database.write() as transaction:
        return transaction.tasks.add_run(run).tasks[0]


def claim(
    database: Database,
    count: int = 1,
    now: datetime = NOW,
    rules: ClaimRules = RULES,
    worker: str = "ada",
) -> list[Task]:
    """Claim in a transaction of its own."""
    with database.write() as transaction:
        return transaction.tasks.claim(worker, ManualClock(now), LEASE, rules, count)


def claim_one(database: Database, now: datetime = NOW, worker: str = "ada") -> Claim:
    """Claim the next task, which must be there."""
    [task] = claim(database, now=now, worker=worker)
    return task.claim


def end_run(
    database: Database, run_id: int, ended_at: datetime, state: TaskState = TaskState.SUCCEEDED
) -> IndexRun:
    """Bring every task of a run to an end."""
    with database.write() as transaction:
        run = transaction.tasks.lock_run(run_id)
        for task in run.tasks:
            task.end(state, ended_at)
        run.settle(ended_at)
        transaction.tasks.save_runs([run])
        return run


def read_run(database: Database, run_id: int) -> IndexRun:
    """The run as it is stored."""
    with database.read() as transaction:
        [run] = transaction.tasks.get_runs([run_id])
        return run


def read_task(database: Database, task_id: int) -> Task:
    """The task as it is stored."""
    with database.read() as transaction:
        return transaction.tasks.get_task(task_id)


def put_back(database: Database, held: Task, available_at: datetime) -> None:
    """Make a running task ready again."""
    with database.write() as transaction:
        [run] = transaction.tasks.lock_runs_of([held.id])
        run.try_again(run.held(held.claim), "busy", available_at, NOW)
        transaction.tasks.save_runs([run])


def complete(database: Database, held: Task) -> None:
    """Let a running task succeed."""
    with database.write() as transaction:
        run = transaction.tasks.lock_run(held.run_id or 0)
        run.complete(run.held(held.claim), NOW)
        transaction.tasks.save_runs([run])
