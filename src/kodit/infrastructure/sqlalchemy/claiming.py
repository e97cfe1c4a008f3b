"""Finding and claiming the next tasks: the statements that decide which worker gets what.

SQLite has one writer, so that one statement finds tasks and claims them. Elsewhere the runs of the
tasks are locked first, as by every other change of a run; those that another transaction has locked
are skipped. All of that is one statement too, because each one waits for the server.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Insert,
    Select,
    Update,
    and_,
    bindparam,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from kodit.domain.claiming import ClaimRules, QueueOrder
from kodit.domain.entities import Task
from kodit.domain.ports.runtime import Clock
from kodit.domain.retry import LONGEST_WAIT
from kodit.domain.value_objects import RunState, TaskState
from kodit.infrastructure.mappers.moments import to_microseconds
from kodit.infrastructure.mappers.task_mapper import TASK_COLUMNS, row_to_task, stored_type
from kodit.infrastructure.sqlalchemy.entities import (
    INDEX_RUNS,
    INDEXES,
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

_MOST_STATEMENTS = 64


class _Rules(NamedTuple):
    """What a statement depends on: the order, the types with as many running tasks as their limit
    allows, the types that are claimed only for sources of the host, if there are several, and the
    indexes for which they are not."""

    order: QueueOrder
    full: tuple[str, ...]
    reading: tuple[str, ...]
    declined: tuple[int, ...]


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


# Looked up for one task after the other: PostgreSQL would read all indexes first for an EXISTS.
_HOST_OF_SOURCE = func.coalesce(
    select(INDEXES.c.host)
    .where(INDEXES.c.id == TASKS.c.index_id)
    .correlate(TASKS)
    .scalar_subquery(),
    constant(""),
)


def _claimable(rules: _Rules) -> Select[Any]:
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
        .order_by(*ORDERS[rules.order])
        .limit(bindparam("count"))
    )
    if rules.reading:
        reads_no_source = and_(*(TASKS.c.type != constant(name) for name in rules.reading))
        is_here = _HOST_OF_SOURCE.in_((constant(""), bindparam("host")))
        query = query.where(or_(reads_no_source, is_here))
        for index_id in rules.declined:  # few, and seldom any
            is_another = TASKS.c.index_id != literal_column(str(index_id))
            query = query.where(or_(reads_no_source, is_another))
    return query.where(*(TASKS.c.type != name for name in rules.full))


@lru_cache(_MOST_STATEMENTS)
def _probe(rules: _Rules) -> Prepared:
    return Prepared(_claimable(rules))


_STATE_OF_RUN = (
    select(INDEX_RUNS.c.state)
    .where(INDEX_RUNS.c.id == TASKS.c.run_id)
    .correlate(TASKS)
    .scalar_subquery()
)


@lru_cache(_MOST_STATEMENTS)
def _take(rules: _Rules, *, only_one: bool) -> Prepared:
    """The claim: one statement that finds tasks and claims them."""
    found = _claimable(rules)
    chosen = (
        TASKS.c.id == found.scalar_subquery()
        if only_one
        else TASKS.c.id.in_(select(found.cte("chosen").c.id))
    )
    return Prepared(_taken(chosen).returning(_STATE_OF_RUN))


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
        .returning(*(TASKS.c[name] for name in (*TASK_COLUMNS, *_ORDERING)))
    )


@lru_cache(_MOST_STATEMENTS)
def _claim_locked(rules: _Rules) -> Prepared:
    """Finds tasks, locks their runs, claims the tasks, opens their attempts and starts the runs."""
    found = (
        _claimable(rules)
        .join(INDEX_RUNS, INDEX_RUNS.c.id == TASKS.c.run_id)
        .with_for_update(of=INDEX_RUNS, skip_locked=True)
        .cte("found")
    )
    # Another transaction may have taken some of them before their runs were locked.
    is_still_ready = TASKS.c.state == constant(TaskState.READY)
    taken = _taken(and_(TASKS.c.id == found.c.id, is_still_ready)).cte("taken")
    opened = _open_attempts(select(*(taken.c[name] for name in _TAKEN))).cte("opened")
    started = _start_runs(INDEX_RUNS.c.id.in_(select(taken.c.run_id))).cte("started")
    return Prepared(select(*taken.c).add_cte(opened, started))


def _open_attempts(taken: Select[Any]) -> Insert:
    return insert(TASK_ATTEMPTS).from_select(_ATTEMPT, taken)


def _start_runs(chosen: ColumnElement[bool]) -> Update:
    return (
        update(INDEX_RUNS)
        .where(chosen, INDEX_RUNS.c.state == constant(RunState.QUEUED))
        .values(
            state=RunState.RUNNING.value,
            started_at=func.coalesce(INDEX_RUNS.c.started_at, bindparam("now")),
        )
    )


_ATTEMPT = ("task_id", "claim_no", "worker", "started_at")
_TAKEN = ("id", "claim_no", "worker", "started_at")
"""The columns of an attempt, and those of its task."""
_START_RUNS = PreparedForMany(lambda ids: _start_runs(INDEX_RUNS.c.id.in_(ids)))
_QUEUED = RunState.QUEUED.value
_OPEN_ATTEMPTS = PreparedForMany(
    lambda ids: _open_attempts(
        select(*(TASKS.c[name] for name in _TAKEN)).where(TASKS.c.id.in_(ids))
    )
)
_RUNNING_BY_TYPE = Prepared(
    select(TASKS.c.type, func.count())
    .where(TASKS.c.state == constant(TaskState.RUNNING))
    .group_by(TASKS.c.type)
)


def has_claimable(driver: Driver, now: datetime, rules: ClaimRules) -> bool:
    """Whether a claim would find a task."""
    probe = _probe(_in_force(driver, rules))
    return bool(probe.run(driver, {**_moments(now), **_host(rules), "count": 1}))


def claim(
    driver: Driver,
    worker: str,
    clock: Clock,
    lease: timedelta,
    rules: ClaimRules,
    *,
    count: int,
) -> list[Task]:
    """Claim at most `count` tasks, returned in the order in which they were claimed."""
    if rules.limits:
        lock_name(driver, "claims with limits")
    now = clock.now()
    parameters = {"by": worker, "until": to_microseconds(now + lease)}
    parameters |= {**_moments(now), **_host(rules)}
    rows: list[Row] = []
    while len(rows) < count:
        # Every claimed task may fill the limit of its type, so with limits tasks are claimed one by
        # one.
        wanted = 1 if rules.limits else count
        in_force = _in_force(driver, rules)
        if driver.is_concurrent:
            take = _claim_locked(in_force)
        else:
            take = _take(in_force, only_one=wanted == 1)
        found = take.run(driver, {**parameters, "count": wanted})
        rows += found if len(found) < 2 else sorted(found, key=_SORT_KEYS[rules.order])
        if not found or not rules.limits:
            break
    tasks = [row_to_task(row[: len(TASK_COLUMNS)]) for row in rows]
    if tasks and not driver.is_concurrent:
        _OPEN_ATTEMPTS.run(driver, [task.id for task in tasks])
        queued = {row[_RUN_ID] for row in rows if row[_RUN_STATE] == _QUEUED}
        if queued:
            _START_RUNS.run(driver, list(queued), {"now": to_microseconds(now)})
    return tasks


def _in_force(driver: Driver, rules: ClaimRules) -> _Rules:
    reading = rules.reading if rules.host else ()
    return _Rules(
        rules.order,
        _full(driver, rules),
        tuple(map(stored_type, reading)),
        tuple(sorted(rules.declined)),
    )


def _host(rules: ClaimRules) -> dict[str, str]:
    return {"host": rules.host} if rules.host else {}


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
