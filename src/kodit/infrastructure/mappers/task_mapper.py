"""Conversion of tasks and runs between database rows and domain objects."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any

from kodit.domain.entities import IndexRun, Task, TaskAttempt
from kodit.domain.value_objects import (
    AttemptOutcome,
    ErrorAbout,
    RunState,
    TaskProgress,
    TaskState,
    TaskType,
)
from kodit.infrastructure.mappers.moments import (
    to_microseconds,
    to_moment,
    to_optional_microseconds,
    to_optional_moment,
)
from kodit.infrastructure.sql import task_types

TASK_TYPE_MAPPING: Mapping[task_types.TaskType, TaskType] = {
    task_types.TaskType.SYNC: TaskType.SYNC,
    task_types.TaskType.EXTRACT: TaskType.EXTRACT,
    task_types.TaskType.BM25_INDEX: TaskType.BM25_INDEX,
    task_types.TaskType.CODE_EMBEDDINGS: TaskType.CODE_EMBEDDINGS,
    task_types.TaskType.ENRICH: TaskType.ENRICH,
}
"""The database's task types and the domain's, which are numbers."""

_DOMAIN_TYPES: Mapping[str, TaskType] = {
    stored.value: domain for stored, domain in TASK_TYPE_MAPPING.items()
}
_STORED_TYPES: Mapping[TaskType, str] = {
    domain: stored.value for stored, domain in TASK_TYPE_MAPPING.items()
}
_TASK_STATES: Mapping[str, TaskState] = {state.value: state for state in TaskState}
_RUN_STATES: Mapping[str, RunState] = {state.value: state for state in RunState}

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
    "error_about",
)
ATTEMPT_COLUMNS = (
    "task_id",
    "claim_no",
    "worker",
    "started_at",
    "finished_at",
    "outcome",
    "error",
    "error_about",
)
"""The columns of the rows below, in order."""


def stored_type(task_type: TaskType | str) -> str:
    """The database's spelling; an unknown type keeps its own."""
    return _STORED_TYPES[task_type] if isinstance(task_type, TaskType) else task_type


def task_to_row(task: Task, run: IndexRun) -> dict[str, Any]:
    """All columns except the id."""
    return {
        "run_id": run.id,
        "index_id": task.index_id,
        "type": stored_type(task.type),
        "payload": json.dumps(task.payload, sort_keys=True),
        "claim_no": task.claim_no,
        "is_user_initiated": task.is_user_initiated,
        "run_has_started": run.started_at is not None,
        "created_at": to_optional_microseconds(task.created_at),
        "started_at": to_optional_microseconds(task.started_at),
        "progress_operation": None,
        "progress_current": 0,
        "progress_total": None,
        "work": json.dumps(task.work),
        **{column: _stored(getattr(task, column)) for column in _MOVABLE_OF_TASK},
    }


def run_to_row(run: IndexRun) -> dict[str, Any]:
    """All columns except the id."""
    return {
        "index_id": run.index_id,
        "created_at": to_optional_microseconds(run.created_at),
        **{column: _stored(getattr(run, column)) for column in _MOVABLE_OF_RUN},
    }


_MOVABLE_OF_TASK = (
    "state",
    "priority",
    "worker",
    "lease_expires_at",
    "failures",
    "cancel_requested",
    "available_at",
    "finished_at",
    "error",
    "error_about",
)
_MOVABLE_OF_RUN = ("state", "is_follow_up", "cancel_requested", "started_at", "finished_at")
"""What a state change may modify: columns and attributes of the same names."""

movable_of_task: Callable[[Task], tuple[Any, ...]] = attrgetter(*_MOVABLE_OF_TASK)
movable_of_run: Callable[[IndexRun], tuple[Any, ...]] = attrgetter(*_MOVABLE_OF_RUN)
"""The values of these attributes, for `task_changes` and `run_changes` to compare."""


def run_changes(run: IndexRun, before: tuple[Any, ...]) -> dict[str, Any]:
    """The columns of a run whose values differ from `before`."""
    now = movable_of_run(run)
    return {} if now == before else _changes(_MOVABLE_OF_RUN, now, before)


def task_changes(task: Task, run: IndexRun, before: tuple[Any, ...]) -> dict[str, Any]:
    """The columns of a task whose values differ from `before`, and those derived from them.
    `run_has_started` is not compared: the claim of another task may have started the run since.
    """
    now = movable_of_task(task)
    if now == before:
        return {}
    changed = _changes(_MOVABLE_OF_TASK, now, before)
    changed["run_has_started"] = run.started_at is not None
    if "priority" in changed:
        changed["is_user_initiated"] = task.is_user_initiated
    return changed


def _changes(
    columns: Sequence[str], now: tuple[Any, ...], before: tuple[Any, ...]
) -> dict[str, Any]:
    return {
        column: _stored(value)
        for column, value, known in zip(columns, now, before, strict=True)
        if value is not known and value != known
    }


def _stored(value: Any) -> Any:
    store = _STORED_FORMS.get(type(value))
    return value if store is None else store(value)


def row_to_task(row: Sequence[Any]) -> Task:
    """`row` has `TASK_COLUMNS`."""
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
        about,
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
        _to_about(about),
    )


def row_to_run(row: Sequence[Any]) -> IndexRun:
    """`row` has `RUN_COLUMNS`; the tasks are added later."""
    run_id, index_id, state, is_follow_up, cancel_requested, created, started, finished = row
    return IndexRun(
        index_id,
        _RUN_STATES[state],
        bool(is_follow_up),
        bool(cancel_requested),
        run_id,
        to_moment(created),
        to_optional_moment(started),
        to_optional_moment(finished),
    )


def row_to_attempt(row: Sequence[Any]) -> TaskAttempt:
    """`row` has `ATTEMPT_COLUMNS`."""
    task_id, claim_no, worker, started_at, finished_at, outcome, error, about = row
    return TaskAttempt(
        task_id=task_id,
        claim_no=claim_no,
        worker=worker,
        started_at=to_moment(started_at),
        finished_at=to_optional_moment(finished_at),
        outcome=None if outcome is None else AttemptOutcome(outcome),
        error=error,
        error_about=_to_about(about),
    )


def stored_about(about: ErrorAbout | None) -> str | None:
    """The code and fields of an error as JSON."""
    if about is None:
        return None
    return json.dumps({"code": about.code, "fields": about.fields}, sort_keys=True)


def _to_about(text: str | None) -> ErrorAbout | None:
    """None if an error has no code, as in older versions."""
    if text is None:
        return None
    stored = json.loads(text)
    return ErrorAbout(stored["code"], stored["fields"])


@lru_cache(maxsize=4096)
def _parsed(text: str) -> dict[str, Any]:
    """Cached, because most are equal: `{}`, `{"index_id": 7}`. The result is shared: copy it."""
    value: dict[str, Any] = json.loads(text)
    return value


_STORED_FORMS: Mapping[type, Callable[[Any], Any]] = {
    datetime: to_microseconds,
    ErrorAbout: stored_about,
    TaskState: attrgetter("value"),
    RunState: attrgetter("value"),
}
"""How values that the driver does not accept are stored. Every task has some ten values."""
