"""The queue's SQL, all of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from kodit.domain.errors import LeaseLost, NotFoundError
from kodit.domain.run import IndexRun, RunState
from kodit.domain.task import AttemptOutcome, Claim, Task, TaskAttempt, TaskProgress, TaskState
from kodit.infrastructure.mappers.task_mapper import (
    row_to_attempt,
    row_to_run,
    row_to_task,
    task_state_to_row,
    task_to_row,
    to_microseconds,
    to_moment,
    to_optional_microseconds,
)
from kodit.infrastructure.sqlalchemy.entities import IndexRunRow, TaskAttemptRow, TaskRow, table_of

_RUNS = table_of(IndexRunRow)
_TASKS = table_of(TaskRow)
_ATTEMPTS = table_of(TaskAttemptRow)

_UNFINISHED = (RunState.QUEUED.value, RunState.RUNNING.value)
_CLAIM_ORDER = (
    TaskRow.priority.desc(),
    TaskRow.is_user_initiated.desc(),
    TaskRow.created_at,
    TaskRow.id,
)
_CLAIMABLE = (
    select(TaskRow.id)
    .where(TaskRow.state == TaskState.READY.value, TaskRow.available_at <= bindparam("now"))
    .order_by(*_CLAIM_ORDER)
    .limit(1)
)
_CLAIM = (
    update(_TASKS)
    .where(TaskRow.id == _CLAIMABLE.with_for_update(skip_locked=True).scalar_subquery())
    .values(
        state=TaskState.RUNNING.value,
        claim_no=TaskRow.claim_no + 1,
        worker=bindparam("by"),
        lease_expires_at=bindparam("until"),
        started_at=bindparam("now"),
        finished_at=None,
        progress_operation=None,
        progress_current=0,
        progress_total=None,
    )
    .returning(*_TASKS.c)
)
_START_RUN = (
    update(_RUNS)
    .where(IndexRunRow.id == bindparam("run"), IndexRunRow.state == RunState.QUEUED.value)
    .values(
        state=RunState.RUNNING.value,
        started_at=func.coalesce(IndexRunRow.started_at, bindparam("now")),
    )
)


class SqlTaskRepository:
    """Runs, tasks and attempts over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # Runs

    def add_run(self, run: IndexRun) -> IndexRun:
        result = self._connection.execute(
            insert(_RUNS).returning(IndexRunRow.id),
            {"index_id": run.index_id, "created_at": to_optional_microseconds(run.created_at)}
            | _run_state(run),
        )
        run.id = result.scalar_one()
        for task in run.tasks:
            task.run_id = run.id
            inserted = self._connection.execute(
                insert(_TASKS).returning(TaskRow.id), task_to_row(task)
            )
            task.id = inserted.scalar_one()
        return run

    def lock_run(self, run_id: int) -> IndexRun:
        runs = self._load(select(_RUNS).where(IndexRunRow.id == run_id).with_for_update())
        if not runs:
            raise NotFoundError(f"there is no run {run_id}; `kodit queue list` shows the runs")
        return runs[0]

    def lock_run_of(self, task_id: int) -> IndexRun:
        run_id = self._connection.execute(
            select(TaskRow.run_id).where(TaskRow.id == task_id)
        ).scalar()
        if run_id is None:
            raise LeaseLost(f"task {task_id} is gone, with the index it belonged to")
        return self.lock_run(run_id)

    def save_run(self, run: IndexRun) -> None:
        self._connection.execute(
            update(_RUNS).where(IndexRunRow.id == run.id).values(_run_state(run))
        )
        for task in run.tasks:
            self._connection.execute(
                update(_TASKS).where(TaskRow.id == task.id).values(task_state_to_row(task))
            )

    def active_run(self, index_id: int) -> IndexRun | None:
        return self._unfinished_run(index_id, is_follow_up=False)

    def follow_up(self, index_id: int) -> IndexRun | None:
        return self._unfinished_run(index_id, is_follow_up=True)

    def _unfinished_run(self, index_id: int, *, is_follow_up: bool) -> IndexRun | None:
        runs = self._load(
            select(_RUNS)
            .where(
                IndexRunRow.index_id == index_id,
                IndexRunRow.state.in_(_UNFINISHED),
                IndexRunRow.is_follow_up.is_(is_follow_up),
            )
            .with_for_update()
        )
        return runs[0] if runs else None

    def failed_runs(self, index_id: int) -> list[IndexRun]:
        return self._load(
            select(_RUNS)
            .where(IndexRunRow.index_id == index_id, IndexRunRow.state == RunState.FAILED.value)
            .with_for_update()
        )

    def get_runs(self, run_ids: Sequence[int]) -> list[IndexRun]:
        return self._load(select(_RUNS).where(IndexRunRow.id.in_(run_ids)))

    def list_runs(
        self,
        *,
        index_id: int | None = None,
        states: Sequence[RunState] = (),
        limit: int = 100,
    ) -> list[IndexRun]:
        query = select(_RUNS).order_by(IndexRunRow.id.desc()).limit(limit)
        if index_id is not None:
            query = query.where(IndexRunRow.index_id == index_id)
        if states:
            query = query.where(IndexRunRow.state.in_([state.value for state in states]))
        return self._load(query)

    def latest_runs(self, index_ids: Sequence[int]) -> dict[int, IndexRun]:
        newest = (
            select(func.max(IndexRunRow.id))
            .where(IndexRunRow.index_id.in_(index_ids), IndexRunRow.is_follow_up.is_(False))
            .group_by(IndexRunRow.index_id)
        )
        runs = self._load(select(_RUNS).where(IndexRunRow.id.in_(newest)))
        return {run.index_id: run for run in runs if run.index_id is not None}

    def _load(self, query: Any) -> list[IndexRun]:
        rows = self._connection.execute(query).all()
        if not rows:
            return []
        tasks: dict[int, list[Any]] = {row.id: [] for row in rows}
        for task in self._connection.execute(
            select(_TASKS).where(TaskRow.run_id.in_(list(tasks))).order_by(TaskRow.id)
        ):
            tasks[task.run_id].append(task)
        return [row_to_run(row, tasks[row.id]) for row in rows]

    def delete_runs(self, index_id: int) -> None:
        mine = select(TaskRow.id).where(TaskRow.index_id == index_id)
        self._connection.execute(delete(_ATTEMPTS).where(TaskAttemptRow.task_id.in_(mine)))
        self._connection.execute(delete(_TASKS).where(TaskRow.index_id == index_id))
        self._connection.execute(delete(_RUNS).where(IndexRunRow.index_id == index_id))

    # Tasks

    def find_single(self, type_name: str, payload: Mapping[str, Any]) -> IndexRun | None:
        runs = self._load(
            select(_RUNS)
            .join(_TASKS, TaskRow.run_id == IndexRunRow.id)
            .where(
                IndexRunRow.index_id.is_(None),
                IndexRunRow.state == RunState.QUEUED.value,
                TaskRow.type == type_name,
                TaskRow.payload == json.dumps(dict(payload), sort_keys=True),
            )
            .with_for_update()
        )
        return runs[0] if runs else None

    def get_task(self, task_id: int) -> Task:
        row = self._connection.execute(select(_TASKS).where(TaskRow.id == task_id)).first()
        if row is None:
            raise NotFoundError(f"there is no task {task_id}; `kodit queue list` shows the tasks")
        return row_to_task(row)

    def running_tasks(
        self, *, worker: str | None = None, lease_before: datetime | None = None
    ) -> list[Task]:
        query = select(_TASKS).where(TaskRow.state == TaskState.RUNNING.value).order_by(TaskRow.id)
        if worker is not None:
            query = query.where(TaskRow.worker == worker)
        if lease_before is not None:
            query = query.where(TaskRow.lease_expires_at < to_microseconds(lease_before))
        return [row_to_task(row) for row in self._connection.execute(query)]

    def waiting_tasks(self, limit: int = 100) -> list[Task]:
        query = (
            select(_TASKS)
            .where(TaskRow.state == TaskState.READY.value)
            .order_by(*_CLAIM_ORDER)
            .limit(limit)
        )
        return [row_to_task(row) for row in self._connection.execute(query)]

    # Claims

    def has_claimable(self, now: datetime) -> bool:
        found = self._connection.execute(_CLAIMABLE, {"now": to_microseconds(now)})
        return found.first() is not None

    def next_available_at(self) -> datetime | None:
        moment = self._connection.execute(
            select(func.min(TaskRow.available_at)).where(TaskRow.state == TaskState.READY.value)
        ).scalar()
        return None if moment is None else to_moment(moment)

    def claim(self, worker: str, now: datetime, lease_until: datetime) -> Task | None:
        moment = to_microseconds(now)
        row = self._connection.execute(
            _CLAIM, {"by": worker, "now": moment, "until": to_microseconds(lease_until)}
        ).first()
        if row is None:
            return None
        self._connection.execute(
            insert(_ATTEMPTS),
            {
                "task_id": row.id,
                "claim_no": row.claim_no,
                "worker": worker,
                "started_at": moment,
            },
        )
        self._connection.execute(_START_RUN, {"run": row.run_id, "now": moment})
        return row_to_task(row)

    def fence(self, claim: Claim) -> Task:
        row = self._connection.execute(
            select(_TASKS).where(*_held_by(claim)).with_for_update()
        ).first()
        if row is None:
            raise LeaseLost(f"task {claim.task_id} is no longer held by claim {claim.claim_no}")
        return row_to_task(row)

    def renew(self, claim: Claim, lease_until: datetime, progress: TaskProgress | None) -> Task:
        return self._update_held(
            claim, {"lease_expires_at": to_microseconds(lease_until)} | _progress(progress)
        )

    def record_batch(
        self, claim: Claim, work: Mapping[str, int], progress: TaskProgress | None
    ) -> Task:
        counted = self.fence(claim).work
        for name, count in work.items():
            counted[name] = counted.get(name, 0) + count
        return self._update_held(
            claim, {"failures": 0, "work": json.dumps(counted)} | _progress(progress)
        )

    def _update_held(self, claim: Claim, values: Mapping[str, Any]) -> Task:
        row = self._connection.execute(
            update(_TASKS).where(*_held_by(claim)).values(values).returning(*_TASKS.c)
        ).first()
        if row is None:
            raise LeaseLost(f"task {claim.task_id} is no longer held by claim {claim.claim_no}")
        return row_to_task(row)

    # Attempts

    def close_attempt(
        self, claim: Claim, now: datetime, outcome: AttemptOutcome, error: str | None
    ) -> None:
        self._connection.execute(
            update(_ATTEMPTS)
            .where(
                TaskAttemptRow.task_id == claim.task_id,
                TaskAttemptRow.claim_no == claim.claim_no,
                TaskAttemptRow.finished_at.is_(None),
            )
            .values(finished_at=to_microseconds(now), outcome=outcome.value, error=error)
        )

    def attempts(self, task_id: int) -> list[TaskAttempt]:
        query = (
            select(_ATTEMPTS)
            .where(TaskAttemptRow.task_id == task_id)
            .order_by(TaskAttemptRow.claim_no)
        )
        return [row_to_attempt(row) for row in self._connection.execute(query)]


def _held_by(claim: Claim) -> tuple[Any, ...]:
    return (
        TaskRow.id == claim.task_id,
        TaskRow.claim_no == claim.claim_no,
        TaskRow.state == TaskState.RUNNING.value,
    )


def _progress(progress: TaskProgress | None) -> dict[str, Any]:
    if progress is None:
        return {}
    return {
        "progress_operation": progress.operation,
        "progress_current": progress.current,
        "progress_total": progress.total,
    }


def _run_state(run: IndexRun) -> dict[str, Any]:
    return {
        "state": run.state.value,
        "is_follow_up": run.is_follow_up,
        "cancel_requested": run.cancel_requested,
        "started_at": to_optional_microseconds(run.started_at),
        "finished_at": to_optional_microseconds(run.finished_at),
    }
