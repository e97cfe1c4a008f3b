"""Forgetting runs that ended long ago."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, func, select

from kodit.domain.value_objects import RunState
from kodit.infrastructure.mappers.moments import to_microseconds
from kodit.infrastructure.sqlalchemy.chunks import in_chunks
from kodit.infrastructure.sqlalchemy.entities import INDEX_RUNS, TASK_ATTEMPTS, TASKS

_ENDED = tuple(state.value for state in RunState if state.is_terminal)


def prunable_runs(
    connection: Connection, keep_per_index: int, ended_before: datetime, limit: int
) -> list[int]:
    """Runs that ended before that time and are not among the newest of their index."""
    rank = (
        func.row_number()
        .over(
            partition_by=INDEX_RUNS.c.index_id,
            # A run that was cancelled while it still waited is not the latest of its index.
            order_by=(INDEX_RUNS.c.is_follow_up, INDEX_RUNS.c.id.desc()),
        )
        .label("rank")
    )
    ranked = select(INDEX_RUNS.c.id, INDEX_RUNS.c.state, INDEX_RUNS.c.finished_at, rank).subquery()
    query = (
        select(ranked.c.id)
        .where(
            ranked.c.rank > keep_per_index,
            ranked.c.state.in_(_ENDED),
            ranked.c.finished_at < to_microseconds(ended_before),
        )
        .order_by(ranked.c.id)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def forget_runs(connection: Connection, run_ids: Sequence[int]) -> int:
    """Delete those of these runs that have ended, with their tasks and attempts."""
    forgotten = 0
    for some in in_chunks(run_ids):
        ended = select(INDEX_RUNS.c.id).where(
            INDEX_RUNS.c.id.in_(some), INDEX_RUNS.c.state.in_(_ENDED)
        )
        tasks = select(TASKS.c.id).where(TASKS.c.run_id.in_(ended))
        connection.execute(delete(TASK_ATTEMPTS).where(TASK_ATTEMPTS.c.task_id.in_(tasks)))
        connection.execute(delete(TASKS).where(TASKS.c.run_id.in_(ended)))
        forgotten += connection.execute(
            delete(INDEX_RUNS).where(INDEX_RUNS.c.id.in_(some), INDEX_RUNS.c.state.in_(_ENDED))
        ).rowcount
    return forgotten
