"""Finding and claiming the next tasks: the statements that decide which worker gets what.

SQLite has one writer, so that one statement finds tasks and claims them. Elsewhere the runs of the
tasks are locked first, as by every other change of a run; those that another transaction has locked
are skipped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    bindparam,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from kodit.domain.claiming import ClaimRules, QueueOrder
from kodit.domain.entities import Task
from kodit.domain.retry import LONGEST_WAIT
from kodit.domain.value_objects import RunState, TaskState
from kodit.infrastructure.mappers.moments import to_microseconds
from kodit.infrastructure.mappers.task_mapper import TASK_COLUMNS, row_to_task, stored_type
from kodit.infrastructure.sqlalchemy.entities import (
    INDEX_RUNS,
    QUEUE_PAUSES,
    TASK_ATTEMPTS,
    TASKS,
)
from kodit.infrastructure.sqlalchemy.locking import lock_name
from kodit.infrastructure.sqlalchemy.prepared import (
    Driver,
    Prepared,
    PreparedForMany,
    Row,
    constant,
)

_ORDERING = ("is_user_initiated", "run_has_started")
_IS_USER_INITIATED, _RUN_HAS_STARTED, _RUN_STATE = range(len(TASK_COLUMNS), len(TASK_COLUMNS) + 3)
_RUN_ID = TASK_COLUMNS.index("run_id")
_PRIORITY = TASK_COLUMNS.index("priority")
_CREATED_AT = TASK_COLUMNS.index("created_at")

ORDERS: Mapping[QueueOrder, tuple[Any, ...]] = {
    QueueOrder.PRIORITY: (
        TASKS.c.priority.desc(),
        TASKS.c.is_user_initiated.desc(),
        TASKS.c.created_at,
        TASKS.c.id,
    ),
    QueueOrder.RUN_FIRST: (
        TASKS.c.is_user_initiated.desc(),
        TASKS.c.run_has_started.desc(),
        TASKS.c.priority.desc(),
        TASKS.c.created_at,
        TASKS.c.id,
    ),
}
"""The index `claim_order` yields the first order without sorting. The second reads all of that
index, some 2 ms for 10,000 ready tasks: less, overall, than a second index that every change
writes.
"""


def _claimable(order: QueueOrder, full: Sequence[str]) -> Select[Any]:
    query = (
        select(TASKS.c.id)
        .where(
            TASKS.c.state == constant(TaskState.READY),
            or_(
                TASKS.c.available_at <= bindparam("now"),
                TASKS.c.available_at > bindparam("longest"),
            ),
            ~exists(select(QUEUE_PAUSES.c.id)),
        )
        .order_by(*ORDERS[order])
        .limit(bindparam("count"))
    )
    return query.where(*(TASKS.c.type != name for name in full))


@cache
def _probe(order: QueueOrder, full: tuple[str, ...]) -> Prepared:
    return Prepared(_claimable(order, full))


# Where transactions are concurrent, the run is locked by now.
_STATE_OF_RUN = (
    select(INDEX_RUNS.c.state)
    .where(INDEX_RUNS.c.id == TASKS.c.run_id)
    .correlate(TASKS)
    .scalar_subquery()
)


@cache
def _take(order: QueueOrder, full: tuple[str, ...], *, only_one: bool) -> Prepared:
    """The claim: one statement that finds tasks and claims them."""
    found = _claimable(order, full)
    chosen = (
        TASKS.c.id == found.scalar_subquery()
        if only_one
        else TASKS.c.id.in_(select(found.cte("chosen").c.id))
    )
    return Prepared(_taken(chosen))


def _taken(chosen: ColumnElement[bool]) -> ReturningUpdate[Any]:
    return (
        update(TASKS)
        .where(chosen)
        .values(
            state=TaskState.RUNNING.value,
            claim_no=TASKS.c.claim_no + 1,
            worker=bindparam("by"),
            lease_expires_at=bindparam("until"),
            started_at=bindparam("now"),
            progress_operation=None,
        )
        .returning(*(TASKS.c[name] for name in (*TASK_COLUMNS, *_ORDERING)), _STATE_OF_RUN)
    )


@cache
def _lock(order: QueueOrder, full: tuple[str, ...]) -> Prepared:
    """Finds tasks and locks their runs."""
    found = _claimable(order, full).join(INDEX_RUNS, INDEX_RUNS.c.id == TASKS.c.run_id)
    return Prepared(found.with_for_update(of=INDEX_RUNS, skip_locked=True))


_TAKE_LOCKED = PreparedForMany(
    # Another transaction may have taken some of them before their runs were locked.
    lambda ids: _taken(and_(TASKS.c.id.in_(ids), TASKS.c.state == constant(TaskState.READY)))
)

_RUNNING_BY_TYPE = Prepared(
    select(TASKS.c.type, func.count())
    .where(TASKS.c.state == constant(TaskState.RUNNING))
    .group_by(TASKS.c.type)
)
_START_RUNS = PreparedForMany(
    lambda ids: (
        update(INDEX_RUNS)
        .where(INDEX_RUNS.c.id.in_(ids), INDEX_RUNS.c.state == constant(RunState.QUEUED))
        .values(
            state=RunState.RUNNING.value,
            started_at=func.coalesce(INDEX_RUNS.c.started_at, bindparam("now")),
        )
    )
)
_QUEUED = RunState.QUEUED.value
_OPEN_ATTEMPT = Prepared(
    insert(TASK_ATTEMPTS).values(
        task_id=bindparam("task_id"),
        claim_no=bindparam("claim_no"),
        worker=bindparam("by"),
        started_at=bindparam("now"),
    )
)


def has_claimable(driver: Driver, now: datetime, rules: ClaimRules) -> bool:
    """Whether a claim would find a task."""
    probe = _probe(rules.order, _full(driver, rules))
    return bool(probe.run(driver, {**_moments(now), "count": 1}))


def claim(
    driver: Driver,
    worker: str,
    now: datetime,
    lease_until: datetime,
    rules: ClaimRules,
    *,
    count: int,
) -> list[Task]:
    """Claim at most `count` tasks, returned in the order in which they were claimed."""
    moment = to_microseconds(now)
    parameters = {"by": worker, "until": to_microseconds(lease_until), **_moments(now)}
    rows: list[Row] = []
    if rules.limits:
        lock_name(driver, "claims with limits")
    while len(rows) < count:
        # Every claimed task may fill the limit of its type, so with limits tasks are claimed one by
        # one.
        wanted = 1 if rules.limits else count
        find = _take_locked if driver.is_concurrent else _take_found
        found = find(driver, rules, parameters, wanted)
        rows += found if len(found) < 2 else sorted(found, key=_SORT_KEYS[rules.order])
        if not found or not rules.limits:
            break
    tasks = [row_to_task(row[: len(TASK_COLUMNS)]) for row in rows]
    if rows:
        _OPEN_ATTEMPT.run_many(
            driver,
            [
                {"task_id": task.id, "claim_no": task.claim_no, "by": worker, "now": moment}
                for task in tasks
            ],
        )
        queued = {row[_RUN_ID] for row in rows if row[_RUN_STATE] == _QUEUED}
        if queued:
            _START_RUNS.run(driver, list(queued), {"now": moment})
    return tasks


def _take_found(
    driver: Driver, rules: ClaimRules, parameters: Mapping[str, Any], wanted: int
) -> Sequence[Row]:
    take = _take(rules.order, _full(driver, rules), only_one=wanted == 1)
    return take.run(driver, {**parameters, "count": wanted})


def _take_locked(
    driver: Driver, rules: ClaimRules, parameters: Mapping[str, Any], wanted: int
) -> Sequence[Row]:
    lock = _lock(rules.order, _full(driver, rules))
    moments = {"now": parameters["now"], "longest": parameters["longest"], "count": wanted}
    while ids := [row[0] for row in lock.run(driver, moments)]:
        taken = _TAKE_LOCKED.run(
            driver, ids, {name: parameters[name] for name in ("by", "until", "now")}
        )
        if taken:
            return taken
    return []


def _moments(now: datetime) -> dict[str, int]:
    return {"now": to_microseconds(now), "longest": to_microseconds(now + LONGEST_WAIT)}


def _full(driver: Driver, rules: ClaimRules) -> tuple[str, ...]:
    """The types with as many running tasks as their limit allows."""
    if not rules.limits:
        return ()
    running = {row[0]: row[1] for row in _RUNNING_BY_TYPE.run(driver)}
    return tuple(
        stored_type(task_type)
        for task_type, limit in sorted(rules.limits.items())
        if running.get(stored_type(task_type), 0) >= limit
    )


def _by_priority(row: Row) -> tuple[Any, ...]:
    return (-row[_PRIORITY], not row[_IS_USER_INITIATED], row[_CREATED_AT], row[0])


def _by_run(row: Row) -> tuple[Any, ...]:
    return (not row[_IS_USER_INITIATED], not row[_RUN_HAS_STARTED], *_by_priority(row))


_SORT_KEYS = {QueueOrder.PRIORITY: _by_priority, QueueOrder.RUN_FIRST: _by_run}
"""RETURNING does not preserve the order."""
