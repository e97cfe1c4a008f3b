"""Finding and taking the next tasks: the statements that decide who works on what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Select,
    Update,
    bindparam,
    exists,
    func,
    insert,
    select,
    update,
)

from kodit.domain.claiming import ClaimRules, QueueOrder
from kodit.domain.run import RunState
from kodit.domain.task import TaskState
from kodit.infrastructure.mappers.task_mapper import stored_type, to_microseconds
from kodit.infrastructure.sqlalchemy.entities import (
    IndexRunRow,
    QueuePauseRow,
    TaskAttemptRow,
    TaskRow,
    table_of,
)

_RUNS = table_of(IndexRunRow)
_TASKS = table_of(TaskRow)
_ATTEMPTS = table_of(TaskAttemptRow)

ORDERS: Mapping[QueueOrder, tuple[Any, ...]] = {
    QueueOrder.PRIORITY: (
        TaskRow.priority.desc(),
        TaskRow.is_user_initiated.desc(),
        TaskRow.created_at,
        TaskRow.id,
    ),
    QueueOrder.RUN_FIRST: (
        TaskRow.is_user_initiated.desc(),
        TaskRow.run_has_started.desc(),
        TaskRow.priority.desc(),
        TaskRow.created_at,
        TaskRow.id,
    ),
}
"""Each is answered by an index of its own, so that the next task is found without sorting."""


def _claimable(order: QueueOrder, *, limited: bool) -> Select[Any]:
    query = (
        select(TaskRow.id)
        .where(
            TaskRow.state == TaskState.READY.value,
            TaskRow.available_at <= bindparam("now"),
            ~exists(select(QueuePauseRow.id)),
        )
        .order_by(*ORDERS[order])
        .limit(bindparam("count"))
    )
    if limited:
        query = query.where(TaskRow.type.not_in(bindparam("full", expanding=True)))
    return query


def _claim(order: QueueOrder, *, limited: bool) -> Update:
    chosen = _claimable(order, limited=limited).with_for_update(skip_locked=True).cte("chosen")
    return (
        update(_TASKS)
        .where(TaskRow.id.in_(select(chosen.c.id)))
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


_KINDS = [(order, limited) for order in QueueOrder for limited in (False, True)]
_CLAIMABLE = {kind: _claimable(kind[0], limited=kind[1]) for kind in _KINDS}
_CLAIM = {kind: _claim(kind[0], limited=kind[1]) for kind in _KINDS}
_RUNNING_BY_TYPE = (
    select(TaskRow.type, func.count())
    .where(TaskRow.state == TaskState.RUNNING.value)
    .group_by(TaskRow.type)
)
_START_RUN = (
    update(_RUNS)
    .where(IndexRunRow.id == bindparam("run"), IndexRunRow.state == RunState.QUEUED.value)
    .values(
        state=RunState.RUNNING.value,
        started_at=func.coalesce(IndexRunRow.started_at, bindparam("now")),
    )
)


def has_claimable(connection: Connection, now: datetime, rules: ClaimRules) -> bool:
    """Whether a claim would find something."""
    parameters = {"now": to_microseconds(now), "count": 1} | _limits(connection, rules)
    query = _CLAIMABLE[rules.order, bool(rules.limits)]
    return connection.execute(query, parameters).first() is not None


def claim(
    connection: Connection,
    worker: str,
    now: datetime,
    lease_until: datetime,
    rules: ClaimRules,
    *,
    count: int,
) -> list[Any]:
    """Take at most `count` tasks; their rows, in the order in which they were taken."""
    statement = _CLAIM[rules.order, bool(rules.limits)]
    parameters = {
        "by": worker,
        "now": to_microseconds(now),
        "until": to_microseconds(lease_until),
        # Every task taken may fill the limit of its type, so a limited queue is asked one by one.
        "count": 1 if rules.limits else count,
    }
    rows: list[Any] = []
    while len(rows) < count:
        found = connection.execute(statement, parameters | _limits(connection, rules)).all()
        rows += found
        if not found or not rules.limits:
            break
    if rows:
        _open_attempts(connection, rows)
        _start_runs(connection, rows, parameters["now"])
    return sorted(rows, key=_SORT_KEYS[rules.order])


def _limits(connection: Connection, rules: ClaimRules) -> dict[str, Any]:
    """The types that have as many running as they may."""
    if not rules.limits:
        return {}
    running = {row[0]: row[1] for row in connection.execute(_RUNNING_BY_TYPE)}
    return {
        "full": [
            stored_type(task_type)
            for task_type, limit in rules.limits.items()
            if running.get(stored_type(task_type), 0) >= limit
        ]
    }


def _open_attempts(connection: Connection, rows: Sequence[Any]) -> None:
    connection.execute(
        insert(_ATTEMPTS),
        [
            {
                "task_id": row.id,
                "claim_no": row.claim_no,
                "worker": row.worker,
                "started_at": row.started_at,
            }
            for row in rows
        ],
    )


def _start_runs(connection: Connection, rows: Sequence[Any], now: Any) -> None:
    """Mark the runs as running. A task whose run has started before finds it so already, but for
    a run that is tried again."""
    connection.execute(_START_RUN, [{"run": row.run_id, "now": now} for row in rows])


def _by_priority(row: Any) -> tuple[Any, ...]:
    return (-row.priority, not row.is_user_initiated, row.created_at, row.id)


def _by_run(row: Any) -> tuple[Any, ...]:
    return (not row.is_user_initiated, not row.run_has_started, *_by_priority(row))


_SORT_KEYS = {QueueOrder.PRIORITY: _by_priority, QueueOrder.RUN_FIRST: _by_run}
