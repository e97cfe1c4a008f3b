"""Tasks and runs between the database's rows and the domain."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
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
_TASK_STATES: Mapping[str, TaskState] = {state.value: state for state in TaskState}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

RUN_COLUMNS = (
    "id",
    "index_id",
    "state",
    "is_follow_up",
    "cancel_requested",
    "created_at",
    "started_at",
    "finished_at",
)
TASK_COLUMNS = (
    "id",
    "run_id",
    "index_id",
    "type",
    "state",
    "priority",
    "payload",
    "claim_no",
    "worker",
    "lease_expires_at",
    "failures",
    "available_at",
    "created_at",
    "started_at",
    "finished_at",
    "cancel_requested",
    "error",
    "progress_operation",
    "progress_current",
    "progress_total",
    "work",
)
ATTEMPT_COLUMNS = (
    "task_id",
    "claim_no",
    "worker",
    "started_at",
    "finished_at",
    "outcome",
    "error",
)
"""The columns of the rows below, in their order."""


_STATE = TASK_COLUMNS.index("state")
_PRIORITY = TASK_COLUMNS.index("priority")
_WORKER = TASK_COLUMNS.index("worker")
_FAILURES = TASK_COLUMNS.index("failures")
_CANCEL_REQUESTED = TASK_COLUMNS.index("cancel_requested")
_ERROR = TASK_COLUMNS.index("error")
_LEASE_EXPIRES_AT = TASK_COLUMNS.index("lease_expires_at")
_AVAILABLE_AT = TASK_COLUMNS.index("available_at")
_FINISHED_AT = TASK_COLUMNS.index("finished_at")


def to_microseconds(moment: datetime) -> int:
    """Whole microseconds since 1970, without the rounding of a float."""
    return (moment - _EPOCH) // _MICROSECOND


def to_optional_microseconds(moment: datetime | None) -> int | None:
    return None if moment is None else to_microseconds(moment)


@lru_cache(maxsize=4096)
def to_moment(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)


def to_optional_moment(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else to_moment(microseconds)


def stored_type(task_type: TaskType | str) -> str:
    """The database's spelling; a type that this program does not know keeps its own."""
    return TASK_TYPE_MAPPING[task_type].value if isinstance(task_type, TaskType) else task_type


def task_to_row(task: Task, run: IndexRun) -> dict[str, Any]:
    """All columns but the identifier."""
    return {
        "run_id": run.id,
        "index_id": task.index_id,
        "type": stored_type(task.type),
        "payload": json.dumps(task.payload, sort_keys=True),
        "claim_no": task.claim_no,
        "created_at": to_optional_microseconds(task.created_at),
        "started_at": to_optional_microseconds(task.started_at),
        "progress_operation": None,
        "progress_current": 0,
        "progress_total": None,
        "work": json.dumps(task.work),
        **task_state_to_row(task, run),
    }


def run_to_row(run: IndexRun) -> dict[str, Any]:
    """All columns but the identifier."""
    return {
        "index_id": run.index_id,
        "created_at": to_optional_microseconds(run.created_at),
        **run_state_to_row(run),
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


def is_as_stored(task: Task, row: Sequence[Any]) -> bool:
    """Whether a task is as it was read from this row of `TASK_COLUMNS`, in all that a change of
    state may touch."""
    return (
        task.state == row[_STATE]
        and task.priority == row[_PRIORITY]
        and task.worker == row[_WORKER]
        and task.failures == row[_FAILURES]
        and task.cancel_requested == row[_CANCEL_REQUESTED]
        and task.error == row[_ERROR]
        and task.lease_expires_at == to_optional_moment(row[_LEASE_EXPIRES_AT])
        and task.available_at == to_optional_moment(row[_AVAILABLE_AT])
        and task.finished_at == to_optional_moment(row[_FINISHED_AT])
    )


def row_to_task(row: Sequence[Any]) -> Task:
    """`row` holds `TASK_COLUMNS`."""
    (
        task_id,
        run_id,
        index_id,
        task_type,
        state,
        priority,
        payload,
        claim_no,
        worker,
        lease_expires_at,
        failures,
        available_at,
        created_at,
        started_at,
        finished_at,
        cancel_requested,
        error,
        operation,
        current,
        total,
        work,
    ) = row
    return Task(
        _DOMAIN_TYPES.get(task_type, task_type),
        priority,
        _parsed(payload).copy(),
        task_id,
        run_id,
        index_id,
        _TASK_STATES[state],
        claim_no,
        worker,
        to_optional_moment(lease_expires_at),
        failures,
        to_moment(available_at),
        to_moment(created_at),
        to_optional_moment(started_at),
        to_optional_moment(finished_at),
        bool(cancel_requested),
        error,
        None if operation is None else TaskProgress(operation, current, total),
        _parsed(work).copy(),
    )


def row_to_run(row: Sequence[Any], tasks: Iterable[Sequence[Any]]) -> IndexRun:
    """`row` holds `RUN_COLUMNS`; `tasks` are the rows of its tasks, by their identifiers."""
    run_id, index_id, state, is_follow_up, cancel_requested, created, started, finished = row
    return IndexRun(
        id=run_id,
        index_id=index_id,
        state=RunState(state),
        is_follow_up=bool(is_follow_up),
        cancel_requested=bool(cancel_requested),
        created_at=to_moment(created),
        started_at=to_optional_moment(started),
        finished_at=to_optional_moment(finished),
        tasks=[row_to_task(task) for task in tasks],
    )


def row_to_attempt(row: Sequence[Any]) -> TaskAttempt:
    """`row` holds `ATTEMPT_COLUMNS`."""
    task_id, claim_no, worker, started_at, finished_at, outcome, error = row
    return TaskAttempt(
        task_id=task_id,
        claim_no=claim_no,
        worker=worker,
        started_at=to_moment(started_at),
        finished_at=to_optional_moment(finished_at),
        outcome=None if outcome is None else AttemptOutcome(outcome),
        error=error,
    )


@lru_cache(maxsize=4096)
def _parsed(text: str) -> dict[str, Any]:
    """Most say the same: `{}`, `{"index_id": 7}`. What is returned is shared: copy it."""
    value: dict[str, Any] = json.loads(text)
    return value
