"""The queue's SQL, all of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, func, insert, literal, select, update

from kodit.domain.claiming import ClaimRules, QueueOrder
from kodit.domain.entities import IndexRun, Task, TaskAttempt
from kodit.domain.errors import LeaseLost, no_such_run, no_such_task
from kodit.domain.retry import LONGEST_WAIT
from kodit.domain.value_objects import AttemptOutcome, Claim, RunState, TaskProgress, TaskState
from kodit.infrastructure.mappers.moments import to_microseconds, to_optional_moment
from kodit.infrastructure.mappers.task_mapper import (
    ATTEMPT_COLUMNS,
    TASK_COLUMNS,
    row_to_attempt,
    row_to_task,
)
from kodit.infrastructure.sqlalchemy import claiming, history
from kodit.infrastructure.sqlalchemy.chunks import in_chunks
from kodit.infrastructure.sqlalchemy.entities import (
    INDEX_RUNS,
    QUEUE_PAUSES,
    TASK_ATTEMPTS,
    TASKS,
)
from kodit.infrastructure.sqlalchemy.prepared import (
    Driver,
    Prepared,
    PreparedForMany,
    Row,
    constant,
)
from kodit.infrastructure.sqlalchemy.runs import SELECT_RUNS, SELECT_TASKS, RunStore

_HELD = (
    TASKS.c.id == bindparam("held_task"),
    TASKS.c.claim_no == bindparam("held_claim"),
    TASKS.c.state == constant(TaskState.RUNNING),
)
_FENCE = Prepared(SELECT_TASKS.where(*_HELD).with_for_update())
_CLOSE_ATTEMPTS = PreparedForMany(
    lambda ids: (
        update(TASK_ATTEMPTS)
        .where(
            TASK_ATTEMPTS.c.task_id.in_(ids),
            TASK_ATTEMPTS.c.claim_no == bindparam("no"),
            TASK_ATTEMPTS.c.finished_at.is_(None),
        )
        .values(finished_at=bindparam("now"), outcome=bindparam("how"), error=bindparam("why"))
    )
)


@cache
def _update_held(columns: tuple[str, ...]) -> Prepared:
    """Sets these columns of a task, if a claim still holds it."""
    return Prepared(
        update(TASKS)
        .where(*_HELD)
        .values({column: bindparam(f"new_{column}") for column in columns})
        .returning(*(TASKS.c[name] for name in TASK_COLUMNS))
    )


class SqlTaskRepository:
    """Runs, tasks and attempts over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._driver = Driver(connection)
        self._store = RunStore(self._driver)

    # Runs

    def add_run(self, run: IndexRun) -> IndexRun:
        return self._store.add(run)

    def lock_run(self, run_id: int) -> IndexRun:
        run = self._store.lock(run_id)
        if run is None:
            raise no_such_run(run_id)
        return run

    def lock_runs_of(self, task_ids: Sequence[int]) -> list[IndexRun]:
        return self._store.lock_of(task_ids)

    def save_runs(self, runs: Sequence[IndexRun]) -> None:
        self._store.save(runs)

    def active_run(self, index_id: int) -> IndexRun | None:
        runs = self._store.lock_unfinished([index_id], is_follow_up=False)
        return runs[0] if runs else None

    def follow_ups(self, index_ids: Sequence[int]) -> list[IndexRun]:
        return self._store.lock_unfinished(index_ids, is_follow_up=True)

    def failed_runs(self, index_id: int) -> list[IndexRun]:
        return self._load(
            SELECT_RUNS.where(
                INDEX_RUNS.c.index_id == index_id, INDEX_RUNS.c.state == constant(RunState.FAILED)
            ).with_for_update()
        )

    def get_runs(self, run_ids: Sequence[int]) -> list[IndexRun]:
        return self._store.get(run_ids)

    def list_runs(
        self,
        *,
        index_id: int | None = None,
        states: Sequence[RunState] = (),
        limit: int = 100,
    ) -> list[IndexRun]:
        query = SELECT_RUNS.order_by(INDEX_RUNS.c.id.desc()).limit(limit)
        if index_id is not None:
            query = query.where(INDEX_RUNS.c.index_id == index_id)
        if states:
            query = query.where(INDEX_RUNS.c.state.in_([state.value for state in states]))
        return self._load(query)

    def latest_runs(self, index_ids: Sequence[int]) -> dict[int, IndexRun]:
        newest: list[int] = []
        for some in in_chunks(index_ids):
            query = (
                select(func.max(INDEX_RUNS.c.id))
                .where(INDEX_RUNS.c.index_id.in_(some), INDEX_RUNS.c.is_follow_up.is_(False))
                .group_by(INDEX_RUNS.c.index_id)
            )
            newest += self._connection.execute(query).scalars()
        runs = self.get_runs(newest)
        return {run.index_id: run for run in runs if run.index_id is not None}

    def _load(self, query: Select[Any]) -> list[IndexRun]:
        return self._store.load(self._connection.execute(query).all())

    def delete_runs(self, index_id: int) -> None:
        mine = select(TASKS.c.id).where(TASKS.c.index_id == index_id)
        runs = select(TASKS.c.run_id).where(TASKS.c.index_id == index_id).distinct()
        run_ids = list(self._connection.execute(runs).scalars())
        self._connection.execute(delete(TASK_ATTEMPTS).where(TASK_ATTEMPTS.c.task_id.in_(mine)))
        self._connection.execute(delete(TASKS).where(TASKS.c.index_id == index_id))
        self._connection.execute(delete(INDEX_RUNS).where(INDEX_RUNS.c.index_id == index_id))
        for some in in_chunks(run_ids):
            self._connection.execute(delete(INDEX_RUNS).where(INDEX_RUNS.c.id.in_(some)))

    # Tasks

    def find_single(self, type_name: str, payload: Mapping[str, Any]) -> IndexRun | None:
        runs = self._load(
            SELECT_RUNS.join(TASKS, TASKS.c.run_id == INDEX_RUNS.c.id)
            .where(
                INDEX_RUNS.c.index_id.is_(None),
                INDEX_RUNS.c.state == constant(RunState.QUEUED),
                TASKS.c.type == type_name,
                TASKS.c.payload == json.dumps(dict(payload), sort_keys=True),
            )
            .with_for_update()
        )
        return runs[0] if runs else None

    def get_task(self, task_id: int) -> Task:
        row = self._connection.execute(SELECT_TASKS.where(TASKS.c.id == task_id)).first()
        if row is None:
            raise no_such_task(task_id)
        return row_to_task(row)

    def running_tasks(
        self, *, worker: str | None = None, lease_before: datetime | None = None
    ) -> list[Task]:
        query = SELECT_TASKS.where(TASKS.c.state == constant(TaskState.RUNNING)).order_by(
            TASKS.c.id
        )
        if worker is not None:
            query = query.where(TASKS.c.worker == worker)
        if lease_before is not None:
            query = query.where(TASKS.c.lease_expires_at < to_microseconds(lease_before))
        return [row_to_task(row) for row in self._connection.execute(query)]

    def waiting_tasks(self, order: QueueOrder, limit: int = 100) -> list[Task]:
        query = (
            SELECT_TASKS.where(TASKS.c.state == constant(TaskState.READY))
            .order_by(*claiming.ORDERS[order])
            .limit(limit)
        )
        return [row_to_task(row) for row in self._connection.execute(query)]

    # Claims

    def has_claimable(self, now: datetime, rules: ClaimRules) -> bool:
        return claiming.has_claimable(self._driver, now, rules)

    def next_available_at(self, now: datetime) -> datetime | None:
        moment = self._connection.execute(
            select(func.min(TASKS.c.available_at)).where(
                TASKS.c.state == constant(TaskState.READY),
                TASKS.c.available_at > to_microseconds(now),
                TASKS.c.available_at <= to_microseconds(now + LONGEST_WAIT),
            )
        ).scalar()
        return to_optional_moment(moment)

    def claim(
        self, worker: str, now: datetime, lease_until: datetime, rules: ClaimRules, count: int = 1
    ) -> list[Task]:
        return claiming.claim(self._driver, worker, now, lease_until, rules, count=count)

    def paused_since(self) -> datetime | None:
        return to_optional_moment(
            self._connection.execute(select(QUEUE_PAUSES.c.paused_at)).scalar()
        )

    def set_paused(self, since: datetime | None) -> None:
        if since is None:
            self._connection.execute(delete(QUEUE_PAUSES))
            return
        pause = select(literal(1), literal(to_microseconds(since))).where(
            ~select(QUEUE_PAUSES.c.id).exists()
        )
        self._connection.execute(insert(QUEUE_PAUSES).from_select(["id", "paused_at"], pause))

    def fence(self, claim: Claim) -> Task:
        return _only(claim, _FENCE.run(self._driver, _held_by(claim)))

    def renew(self, claim: Claim, lease_until: datetime, progress: TaskProgress | None) -> Task:
        return self._update_held(
            claim, {"lease_expires_at": to_microseconds(lease_until)} | _progress(progress)
        )

    def record_batch(
        self,
        claim: Claim,
        work: Mapping[str, int],
        progress: TaskProgress | None,
        *,
        restores_budget: bool = True,
    ) -> Task:
        counted = self.fence(claim).work
        for name, count in work.items():
            counted[name] = counted.get(name, 0) + count
        values: dict[str, Any] = {"work": json.dumps(counted)}
        if restores_budget:
            values["failures"] = 0
        return self._update_held(claim, values | _progress(progress))

    def _update_held(self, claim: Claim, values: Mapping[str, Any]) -> Task:
        parameters = {f"new_{column}": value for column, value in values.items()}
        update_held = _update_held(tuple(values))
        return _only(claim, update_held.run(self._driver, parameters | _held_by(claim)))

    # Attempts

    def close_attempts(
        self, claims: Sequence[Claim], now: datetime, outcome: AttemptOutcome, error: str | None
    ) -> None:
        ending: dict[str, int | str | None] = {
            "now": to_microseconds(now),
            "how": outcome.value,
            "why": error,
        }
        tasks: dict[int, list[int]] = {}
        for claim in claims:
            tasks.setdefault(claim.claim_no, []).append(claim.task_id)
        for claim_no, task_ids in tasks.items():
            _CLOSE_ATTEMPTS.run(self._driver, task_ids, ending | {"no": claim_no})

    def attempts(self, task_id: int) -> list[TaskAttempt]:
        query = (
            select(*(TASK_ATTEMPTS.c[name] for name in ATTEMPT_COLUMNS))
            .where(TASK_ATTEMPTS.c.task_id == task_id)
            .order_by(TASK_ATTEMPTS.c.claim_no)
        )
        return [row_to_attempt(row) for row in self._connection.execute(query)]

    def prunable_runs(self, keep_per_index: int, ended_before: datetime, limit: int) -> list[int]:
        return history.prunable_runs(self._connection, keep_per_index, ended_before, limit)

    def forget_runs(self, run_ids: Sequence[int]) -> int:
        return history.forget_runs(self._connection, run_ids)


def _held_by(claim: Claim) -> dict[str, int]:
    return {"held_task": claim.task_id, "held_claim": claim.claim_no}


def _only(claim: Claim, rows: Sequence[Row]) -> Task:
    if not rows:
        raise LeaseLost(f"task {claim.task_id} is no longer held by claim {claim.claim_no}")
    return row_to_task(rows[0])


def _progress(progress: TaskProgress | None) -> dict[str, Any]:
    if progress is None:
        return {}
    return {
        "progress_operation": progress.operation,
        "progress_current": progress.current,
        "progress_total": progress.total,
    }
