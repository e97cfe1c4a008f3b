"""Tasks and runs between the database's rows and the domain."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from kodit.domain.run import IndexRun, RunState
from kodit.domain.task import (
    AttemptOutcome,
    Task,
    TaskAttempt,
    TaskProgress,
    TaskState,
    TaskType,
)
from kodit.infrastructure.sqlalchemy import entities

TASK_TYPE_MAPPING: Mapping[TaskType, entities.TaskType] = {
    TaskType.SYNC: entities.TaskType.SYNC,
    TaskType.EXTRACT: entities.TaskType.EXTRACT,
    TaskType.BM25_INDEX: entities.TaskType.BM25_INDEX,
    TaskType.CODE_EMBEDDINGS: entities.TaskType.CODE_EMBEDDINGS,
    TaskType.ENRICH: entities.TaskType.ENRICH,
}
_DOMAIN_TYPES: Mapping[str, TaskType] = {
    stored.value: domain for domain, stored in TASK_TYPE_MAPPING.items()
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_microseconds(moment: datetime) -> int:
    """Whole microseconds since 1970, without the rounding of a float."""
    return (moment - _EPOCH) // _MICROSECOND


def to_optional_microseconds(moment: datetime | None) -> int | None:
    return None if moment is None else to_microseconds(moment)


def to_moment(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)


def to_optional_moment(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else to_moment(microseconds)


def stored_type(task_type: TaskType | str) -> str:
    """The database's spelling; a type that this program does not know keeps its own."""
    return TASK_TYPE_MAPPING[task_type].value if isinstance(task_type, TaskType) else task_type


def task_to_row(task: Task, run: IndexRun) -> dict[str, Any]:
    """All columns but the identifier and those that only a claim writes."""
    return {
        "run_id": run.id,
        "index_id": task.index_id,
        "type": stored_type(task.type),
        "payload": json.dumps(task.payload, sort_keys=True),
        "claim_no": task.claim_no,
        "created_at": to_optional_microseconds(task.created_at),
        **task_state_to_row(task, run),
    }


def task_state_to_row(task: Task, run: IndexRun) -> dict[str, Any]:
    """The columns that a change of state may touch."""
    return {
        "state": task.state.value,
        "priority": task.priority,
        "is_user_initiated": task.is_user_initiated,
        "run_has_started": run.started_at is not None,
        "worker": task.worker,
        "lease_expires_at": to_optional_microseconds(task.lease_expires_at),
        "failures": task.failures,
        "cancel_requested": task.cancel_requested,
        "available_at": to_optional_microseconds(task.available_at),
        "finished_at": to_optional_microseconds(task.finished_at),
        "error": task.error,
    }


def run_state_to_row(run: IndexRun) -> dict[str, Any]:
    """The columns that a change of state may touch."""
    return {
        "state": run.state.value,
        "is_follow_up": run.is_follow_up,
        "cancel_requested": run.cancel_requested,
        "started_at": to_optional_microseconds(run.started_at),
        "finished_at": to_optional_microseconds(run.finished_at),
    }


def row_to_task(row: Any) -> Task:
    """`row` is any row with the columns of `tasks`."""
    progress = None
    if row.progress_operation is not None:
        progress = TaskProgress(row.progress_operation, row.progress_current, row.progress_total)
    return Task(
        type=_DOMAIN_TYPES.get(row.type, row.type),
        priority=row.priority,
        payload=json.loads(row.payload),
        id=row.id,
        run_id=row.run_id,
        index_id=row.index_id,
        state=TaskState(row.state),
        claim_no=row.claim_no,
        worker=row.worker,
        lease_expires_at=to_optional_moment(row.lease_expires_at),
        failures=row.failures,
        available_at=to_moment(row.available_at),
        created_at=to_moment(row.created_at),
        started_at=to_optional_moment(row.started_at),
        finished_at=to_optional_moment(row.finished_at),
        cancel_requested=bool(row.cancel_requested),
        error=row.error,
        progress=progress,
        work=json.loads(row.work),
    )


def row_to_run(row: Any, tasks: Iterable[Any]) -> IndexRun:
    """`tasks` are the rows of the run's tasks, in the order of their identifiers."""
    return IndexRun(
        id=row.id,
        index_id=row.index_id,
        state=RunState(row.state),
        is_follow_up=bool(row.is_follow_up),
        cancel_requested=bool(row.cancel_requested),
        created_at=to_moment(row.created_at),
        started_at=to_optional_moment(row.started_at),
        finished_at=to_optional_moment(row.finished_at),
        tasks=[row_to_task(task) for task in tasks],
    )


def row_to_attempt(row: Any) -> TaskAttempt:
    """`row` is any row with the columns of `task_attempts`."""
    return TaskAttempt(
        task_id=row.task_id,
        claim_no=row.claim_no,
        worker=row.worker,
        started_at=to_moment(row.started_at),
        finished_at=to_optional_moment(row.finished_at),
        outcome=None if row.outcome is None else AttemptOutcome(row.outcome),
        error=row.error,
    )
