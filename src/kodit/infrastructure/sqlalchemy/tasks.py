"""The SQL of the queue."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Connection, bindparam, delete, exists, func, insert, select, update

from kodit.domain.claiming import ClaimRules
from kodit.domain.entities import IndexRun, Task
from kodit.domain.errors import LeaseLost, no_such_run
from kodit.domain.ports.runtime import Clock
from kodit.domain.retention import PrunableRuns, RunEnd
from kodit.domain.retry import LONGEST_WAIT
from kodit.domain.value_objects import (
    AttemptOutcome,
    Claim,
    ErrorAbout,
    RunState,
    TaskProgress,
    TaskState,
    TaskType,
)
from kodit.infrastructure.mappers.moments import to_microseconds, to_optional_moment
from kodit.infrastructure.mappers.task_mapper import (
    TASK_COLUMNS,
    row_to_task,
    stored_about,
)
from kodit.infrastructure.sql.runs import TaskReads
from kodit.infrastructure.sqlalchemy import claiming, history
from kodit.infrastructure.sqlalchemy.entities import (
    BACKED_OFF,
    INDEX_RUNS,
    QUEUE_PAUSES,
    TASK_ATTEMPTS,
    TASKS,
    UNFINISHED,
)
from kodit.infrastructure.sqlalchemy.locking import lock_name
from kodit.infrastructure.sqlalchemy.prepared import (
    Driver,
    InsertNew,
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
_TO_COME = (TaskState.BLOCKED, TaskState.READY, TaskState.RUNNING)
_FENCE = Prepared(SELECT_TASKS.where(*_HELD).with_for_update())
_FIND_SINGLE = Prepared(
    SELECT_RUNS.where(
        INDEX_RUNS.c.index_id.is_(None),
        INDEX_RUNS.c.is_follow_up == bindparam("waits"),
        UNFINISHED,
        INDEX_RUNS.c.state != constant(RunState.RUNNING),
        exists().where(
            TASKS.c.run_id == INDEX_RUNS.c.id,
            TASKS.c.type == bindparam("of_type"),
            TASKS.c.payload == bindparam("with_payload"),
        ),
    ).with_for_update()
)
_NEXT_AVAILABLE = Prepared(
    select(func.min(TASKS.c.available_at)).where(
        BACKED_OFF,
        TASKS.c.available_at > bindparam("now"),
        TASKS.c.available_at <= bindparam("longest"),
    )
)
_CLOSE_ATTEMPTS = PreparedForMany(
    lambda ids: (
        update(TASK_ATTEMPTS)
        .where(
            TASK_ATTEMPTS.c.task_id.in_(ids),
            TASK_ATTEMPTS.c.claim_no == bindparam("no"),
            TASK_ATTEMPTS.c.finished_at.is_(None),
        )
        .values(
            finished_at=bindparam("now"),
            outcome=bindparam("how"),
            error=bindparam("why"),
            error_about=bindparam("about"),
        )
    )
)


_TASK_TO_COME = Prepared(
    select(TASKS.c.id, TASKS.c.work)
    .where(
        TASKS.c.run_id.in_(
            select(INDEX_RUNS.c.id).where(
                INDEX_RUNS.c.index_id == bindparam("of_index"),
                INDEX_RUNS.c.is_follow_up == bindparam("waits"),
                UNFINISHED,
            )
        ),
        TASKS.c.type == bindparam("of_type"),
        TASKS.c.state.in_([constant(state) for state in _TO_COME]),
    )
    .with_for_update()
)
_TAKE_PART = PreparedForMany(
    lambda ids: (
        select(TASKS.c.index_id)
        .where(
            TASKS.c.run_id.in_(
                select(INDEX_RUNS.c.id).where(
                    INDEX_RUNS.c.index_id.in_(ids),
                    INDEX_RUNS.c.is_follow_up == bindparam("waits"),
                    UNFINISHED,
                )
            ),
            TASKS.c.type == bindparam("of_type"),
            TASKS.c.state.in_([constant(state) for state in _TO_COME]),
        )
        .with_for_update(skip_locked=True)
    )
)
"""Not waiting for a task: its own stage may wait for rows that this transaction changes."""
_WANTED_BY_USER = PreparedForMany(
    lambda ids: (
        select(TASKS.c.index_id)
        .where(
            TASKS.c.run_id.in_(
                select(INDEX_RUNS.c.id).where(
                    INDEX_RUNS.c.index_id.in_(ids),
                    INDEX_RUNS.c.is_follow_up == bindparam("waits"),
                    UNFINISHED,
                )
            ),
            TASKS.c.is_user_initiated,
        )
        .distinct()
    )
)
_SET_WORK = Prepared(
    update(TASKS).where(TASKS.c.id == bindparam("task")).values(work=bindparam("counted"))
)


_PAUSE = InsertNew(insert(QUEUE_PAUSES).values(id=1, paused_at=bindparam("since")))


@cache
def _update_held(columns: tuple[str, ...]) -> Prepared:
    """Sets these columns of a task, if a claim still holds it."""
    return Prepared(
        update(TASKS)
        .where(*_HELD)
        .values({column: bindparam(f"new_{column}") for column in columns})
        .returning(*(TASKS.c[name] for name in TASK_COLUMNS))
    )


class SqlTaskRepository(TaskReads):
    """Runs, tasks and attempts over one connection."""

    _driver: Driver

    def __init__(self, connection: Connection) -> None:
        super().__init__(Driver(connection))
        self._connection = connection
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
        return self._store.lock_failed(index_id)

    def load(self, rows: Sequence[Row]) -> list[IndexRun]:
        return self._store.load(rows)

    def delete_runs(self, index_id: int, limit: int) -> bool:
        return history.delete_runs(self._driver, index_id, limit)

    # Tasks

    def find_single(self, type_name: str, payload: Mapping[str, Any]) -> IndexRun | None:
        which: dict[str, Any] = {
            "of_type": type_name,
            "with_payload": json.dumps(dict(payload), sort_keys=True),
            "waits": False,
        }
        # Otherwise two that ask at the same time would each add one.
        lock_name(self._driver, "single task", type_name, which["with_payload"])
        runs = self._store.load(_FIND_SINGLE.run(self._driver, which))
        return runs[0] if runs else None

    # Claims

    def has_claimable(self, now: datetime, rules: ClaimRules) -> bool:
        return claiming.has_claimable(self._driver, now, rules)

    def next_available_at(self, now: datetime) -> datetime | None:
        moments = {"now": to_microseconds(now), "longest": to_microseconds(now + LONGEST_WAIT)}
        [(moment,)] = _NEXT_AVAILABLE.run(self._driver, moments)
        return to_optional_moment(moment)

    def claim(
        self, worker: str, clock: Clock, lease: timedelta, rules: ClaimRules, count: int = 1
    ) -> list[Task]:
        return claiming.claim(self._driver, worker, clock, lease, rules, count=count)

    def set_paused(self, since: datetime | None) -> None:
        if since is None:
            self._connection.execute(delete(QUEUE_PAUSES))
            return
        _PAUSE.run(self._driver, {"since": to_microseconds(since)})

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

    def record_for(self, index_id: int, task_type: TaskType, work: Mapping[str, int]) -> None:
        wanted = {"of_index": index_id, "waits": False, "of_type": task_type.name}
        for task_id, stored in _TASK_TO_COME.run(self._driver, wanted):
            counted = json.loads(stored)
            for name, count in work.items():
                counted[name] = counted.get(name, 0) + count
            _SET_WORK.run(self._driver, {"task": task_id, "counted": json.dumps(counted)})

    def taking_part(self, index_ids: Sequence[int], task_type: TaskType) -> set[int]:
        if not self._driver.is_concurrent:
            return set(index_ids)
        of_type = {"waits": False, "of_type": task_type.name}
        return {row[0] for row in _TAKE_PART.run(self._driver, index_ids, of_type)}

    def wanted_by_user(self, index_ids: Sequence[int]) -> set[int]:
        return {row[0] for row in _WANTED_BY_USER.run(self._driver, index_ids, {"waits": False})}

    def _update_held(self, claim: Claim, values: Mapping[str, Any]) -> Task:
        parameters = {f"new_{column}": value for column, value in values.items()}
        update_held = _update_held(tuple(values))
        return _only(claim, update_held.run(self._driver, parameters | _held_by(claim)))

    # Attempts

    def close_attempts(
        self,
        claims: Sequence[Claim],
        now: datetime,
        outcome: AttemptOutcome,
        error: str | None,
        about: ErrorAbout | None = None,
    ) -> None:
        ending: dict[str, int | str | None] = {
            "now": to_microseconds(now),
            "how": outcome.value,
            "why": error,
            "about": stored_about(about),
        }
        tasks: dict[int, list[int]] = {}
        for claim in claims:
            tasks.setdefault(claim.claim_no, []).append(claim.task_id)
        for claim_no, task_ids in tasks.items():
            _CLOSE_ATTEMPTS.run(self._driver, task_ids, ending | {"no": claim_no})

    def prunable_runs(
        self,
        keep_per_index: int,
        ended_before: datetime,
        limit: int,
        looked_up_to: RunEnd | None = None,
    ) -> PrunableRuns:
        return history.prunable_runs(
            self._driver, keep_per_index, ended_before, limit, looked_up_to
        )

    def forget_runs(self, run_ids: Sequence[int], ended_before: datetime, limit: int) -> list[int]:
        return history.forget_runs(self._driver, run_ids, ended_before, limit)


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
