"""The queue's SQL, all of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Update, bindparam, delete, func, insert, literal, select, update

from kodit.domain.claiming import ClaimRules, QueueOrder
from kodit.domain.errors import LeaseLost, NotFoundError
from kodit.domain.run import IndexRun, RunState
from kodit.domain.task import AttemptOutcome, Claim, Task, TaskAttempt, TaskProgress, TaskState
from kodit.infrastructure.mappers.task_mapper import (
    row_to_attempt,
    row_to_run,
    row_to_task,
    run_state_to_row,
    task_state_to_row,
    task_to_row,
    to_microseconds,
    to_optional_microseconds,
    to_optional_moment,
)
from kodit.infrastructure.sqlalchemy import claiming, history
from kodit.infrastructure.sqlalchemy.chunks import in_chunks
from kodit.infrastructure.sqlalchemy.entities import (
    Base,
    IndexRunRow,
    QueuePauseRow,
    TaskAttemptRow,
    TaskRow,
    table_of,
)

_RUNS = table_of(IndexRunRow)
_TASKS = table_of(TaskRow)
_ATTEMPTS = table_of(TaskAttemptRow)
_PAUSES = table_of(QueuePauseRow)

_UNFINISHED = (RunState.QUEUED.value, RunState.RUNNING.value)
_TASKS_OF_RUNS = (
    select(_TASKS).where(TaskRow.run_id.in_(bindparam("runs", expanding=True))).order_by(TaskRow.id)
)
_ADD_TASKS = insert(_TASKS).returning(TaskRow.id, sort_by_parameter_order=True)
_CLOSE_ATTEMPT = (
    update(_ATTEMPTS)
    .where(
        TaskAttemptRow.task_id == bindparam("task"),
        TaskAttemptRow.claim_no == bindparam("no"),
        TaskAttemptRow.finished_at.is_(None),
    )
    .values(finished_at=bindparam("now"), outcome=bindparam("how"), error=bindparam("why"))
)


@cache
def _update_columns(row: type[Base], columns: tuple[str, ...]) -> Update:
    """The statement that sets these columns of the row whose identifier is `key`."""
    table = table_of(row)
    return (
        update(table)
        .where(table.c.id == bindparam("key"))
        .values({column: bindparam(f"new_{column}") for column in columns})
    )


class SqlTaskRepository:
    """Runs, tasks and attempts over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stored: dict[tuple[type[Base], int], Any] = {}
        """The rows as this transaction knows them: only what differs is written."""

    # Runs

    def add_run(self, run: IndexRun) -> IndexRun:
        result = self._connection.execute(
            insert(_RUNS).returning(IndexRunRow.id),
            {"index_id": run.index_id, "created_at": to_optional_microseconds(run.created_at)}
            | run_state_to_row(run),
        )
        run.id = result.scalar_one()
        keys = self._connection.execute(_ADD_TASKS, [task_to_row(task, run) for task in run.tasks])
        for task, key in zip(run.tasks, keys.scalars(), strict=True):
            task.run_id = run.id
            task.id = key
        return run

    def lock_run(self, run_id: int) -> IndexRun:
        runs = self._load(select(_RUNS).where(IndexRunRow.id == run_id).with_for_update())
        if not runs:
            raise NotFoundError(f"there is no run {run_id}; `kodit queue list` shows the runs")
        return runs[0]

    def lock_runs_of(self, task_ids: Sequence[int]) -> list[IndexRun]:
        return [
            run
            for some in in_chunks(task_ids)
            for run in self._load(
                select(_RUNS)
                .where(IndexRunRow.id.in_(select(TaskRow.run_id).where(TaskRow.id.in_(some))))
                .with_for_update()
            )
        ]

    def save_runs(self, runs: Sequence[IndexRun]) -> None:
        changed: dict[tuple[type[Base], tuple[str, ...]], list[dict[str, Any]]] = {}
        for run in runs:
            states: list[tuple[type[Base], int, dict[str, Any]]] = [
                (IndexRunRow, run.id, run_state_to_row(run)),
                *((TaskRow, task.id, task_state_to_row(task, run)) for task in run.tasks),
            ]
            for row, key, state in states:
                stored = self._stored.get((row, key))
                new = tuple(
                    column
                    for column, value in state.items()
                    if stored is None or stored[column] != value
                )
                if new:
                    self._stored[row, key] = state
                    values = {f"new_{column}": state[column] for column in new}
                    changed.setdefault((row, new), []).append({"key": key} | values)
        for (table, columns), rows in changed.items():
            self._connection.execute(_update_columns(table, columns), rows)

    def active_run(self, index_id: int) -> IndexRun | None:
        runs = self._unfinished_runs([index_id], is_follow_up=False)
        return runs[0] if runs else None

    def follow_ups(self, index_ids: Sequence[int]) -> list[IndexRun]:
        return self._unfinished_runs(index_ids, is_follow_up=True)

    def _unfinished_runs(self, index_ids: Sequence[int], *, is_follow_up: bool) -> list[IndexRun]:
        return [
            run
            for some in in_chunks(index_ids)
            for run in self._load(
                select(_RUNS)
                .where(
                    IndexRunRow.index_id.in_(some),
                    IndexRunRow.state.in_(_UNFINISHED),
                    IndexRunRow.is_follow_up.is_(is_follow_up),
                )
                .with_for_update()
            )
        ]

    def failed_runs(self, index_id: int) -> list[IndexRun]:
        return self._load(
            select(_RUNS)
            .where(IndexRunRow.index_id == index_id, IndexRunRow.state == RunState.FAILED.value)
            .with_for_update()
        )

    def get_runs(self, run_ids: Sequence[int]) -> list[IndexRun]:
        return [
            run
            for some in in_chunks(run_ids)
            for run in self._load(select(_RUNS).where(IndexRunRow.id.in_(some)))
        ]

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
        newest: list[int] = []
        for some in in_chunks(index_ids):
            query = (
                select(func.max(IndexRunRow.id))
                .where(IndexRunRow.index_id.in_(some), IndexRunRow.is_follow_up.is_(False))
                .group_by(IndexRunRow.index_id)
            )
            newest += self._connection.execute(query).scalars()
        runs = self.get_runs(newest)
        return {run.index_id: run for run in runs if run.index_id is not None}

    def _load(self, query: Any) -> list[IndexRun]:
        rows = self._connection.execute(query).all()
        tasks: dict[int, list[Any]] = {row.id: [] for row in rows}
        for some in in_chunks(list(tasks)):
            for task in self._connection.execute(_TASKS_OF_RUNS, {"runs": some}):
                tasks[task.run_id].append(task)
                self._stored[TaskRow, task.id] = task._mapping
        self._stored.update(((IndexRunRow, row.id), row._mapping) for row in rows)
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

    def waiting_tasks(self, order: QueueOrder, limit: int = 100) -> list[Task]:
        query = (
            select(_TASKS)
            .where(TaskRow.state == TaskState.READY.value)
            .order_by(*claiming.ORDERS[order])
            .limit(limit)
        )
        return [row_to_task(row) for row in self._connection.execute(query)]

    # Claims

    def has_claimable(self, now: datetime, rules: ClaimRules) -> bool:
        return claiming.has_claimable(self._connection, now, rules)

    def next_available_at(self, now: datetime) -> datetime | None:
        moment = self._connection.execute(
            select(func.min(TaskRow.available_at)).where(
                TaskRow.state == TaskState.READY.value,
                TaskRow.available_at > to_microseconds(now),
            )
        ).scalar()
        return to_optional_moment(moment)

    def claim(
        self, worker: str, now: datetime, lease_until: datetime, rules: ClaimRules, count: int = 1
    ) -> list[Task]:
        rows = claiming.claim(self._connection, worker, now, lease_until, rules, count=count)
        return [row_to_task(row) for row in rows]

    def paused_since(self) -> datetime | None:
        return to_optional_moment(self._connection.execute(select(_PAUSES.c.paused_at)).scalar())

    def set_paused(self, since: datetime | None) -> None:
        if since is None:
            self._connection.execute(delete(_PAUSES))
            return
        pause = select(literal(1), literal(to_microseconds(since))).where(
            ~select(_PAUSES.c.id).exists()
        )
        self._connection.execute(insert(_PAUSES).from_select(["id", "paused_at"], pause))

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

    def close_attempts(
        self, claims: Sequence[Claim], now: datetime, outcome: AttemptOutcome, error: str | None
    ) -> None:
        if claims:
            ending: dict[str, int | str | None] = {
                "now": to_microseconds(now),
                "how": outcome.value,
                "why": error,
            }
            self._connection.execute(
                _CLOSE_ATTEMPT,
                [ending | {"task": claim.task_id, "no": claim.claim_no} for claim in claims],
            )

    def attempts(self, task_id: int) -> list[TaskAttempt]:
        query = (
            select(_ATTEMPTS)
            .where(TaskAttemptRow.task_id == task_id)
            .order_by(TaskAttemptRow.claim_no)
        )
        return [row_to_attempt(row) for row in self._connection.execute(query)]

    def prunable_runs(self, keep_per_index: int, ended_before: datetime, limit: int) -> list[int]:
        return history.prunable_runs(self._connection, keep_per_index, ended_before, limit)

    def forget_runs(self, run_ids: Sequence[int]) -> int:
        return history.forget_runs(self._connection, run_ids)


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
