"""The visible state of a queue, in a form that compares with `==`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from kodit.domain.entities import IndexRun, Task
from kodit.domain.ports.database import Database, Transaction

EVERYTHING = 1_000_000


class AttemptView(NamedTuple):
    """One claim; `outcome` is None while it holds its task."""

    claim_no: int
    worker: str
    outcome: str | None


class TaskView(NamedTuple):
    """A task; `available_at` counts, and is shown, only while the task is ready."""

    id: int
    type: str
    state: str
    priority: int
    claim_no: int
    worker: str | None
    lease_expires_at: datetime | None
    available_at: datetime | None
    failures: int
    cancel_requested: bool
    batches: int
    attempts: tuple[AttemptView, ...]


class RunView(NamedTuple):
    """A run and its tasks, by their identifiers."""

    id: int
    index_id: int | None
    state: str
    is_follow_up: bool
    cancel_requested: bool
    tasks: tuple[TaskView, ...]


class QueueView(NamedTuple):
    """All runs by identifier, the data written by stages, by index, and the pause."""

    runs: dict[int, RunView]
    data: dict[int, frozenset[str]]
    paused: bool

    @property
    def tasks(self) -> dict[int, TaskView]:
        return {task.id: task for run in self.runs.values() for task in run.tasks}


def view_queue(database: Database, index_ids: Iterable[int]) -> QueueView:
    """Everything that one read transaction sees."""
    with database.read() as transaction:
        runs = transaction.tasks.list_runs(limit=EVERYTHING)
        return QueueView(
            {run.id: _view_run(transaction, run) for run in sorted(runs, key=lambda run: run.id)},
            {key: frozenset(transaction.indexes.known_files(key)) for key in index_ids},
            transaction.tasks.paused_since() is not None,
        )


def _view_run(transaction: Transaction, run: IndexRun) -> RunView:
    return RunView(
        run.id,
        run.index_id,
        run.state.value,
        run.is_follow_up,
        run.cancel_requested,
        tuple(_view_task(transaction, task) for task in run.tasks),
    )


def _view_task(transaction: Transaction, task: Task) -> TaskView:
    attempts = transaction.tasks.attempts(task.id) if task.claim_no else []
    return TaskView(
        task.id,
        task.type_name,
        task.state.value,
        task.priority,
        task.claim_no,
        task.worker,
        task.lease_expires_at,
        task.available_at if task.state.value == "ready" else None,
        task.failures,
        task.cancel_requested,
        task.work.get("batches", 0),
        tuple(
            AttemptView(
                attempt.claim_no,
                attempt.worker,
                None if attempt.outcome is None else attempt.outcome.value,
            )
            for attempt in attempts
        ),
    )
