"""Deleting runs: those that ended long ago, and those of a deleted index."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Select, bindparam, delete, func, select, tuple_

from kodit.domain.retention import PrunableRuns, RunEnd
from kodit.infrastructure.mappers.moments import to_microseconds, to_moment
from kodit.infrastructure.sqlalchemy.entities import ENDED, INDEX_RUNS, TASK_ATTEMPTS, TASKS
from kodit.infrastructure.sqlalchemy.prepared import Driver, Prepared, PreparedForMany

ROWS_OF_A_RUN = 6
"""The run and its five tasks; attempts are counted separately."""

_ENDED_BEFORE = Prepared(
    select(
        INDEX_RUNS.c.finished_at, INDEX_RUNS.c.id, INDEX_RUNS.c.index_id, INDEX_RUNS.c.is_follow_up
    )
    .where(
        ENDED,
        INDEX_RUNS.c.finished_at < bindparam("before"),
        tuple_(INDEX_RUNS.c.finished_at, INDEX_RUNS.c.id)
        > tuple_(bindparam("last_end"), bindparam("last_id")),
    )
    .order_by(INDEX_RUNS.c.finished_at, INDEX_RUNS.c.id)
    .limit(bindparam("most"))
)


def _by_rank(index: Select[bool, int]) -> Prepared:
    """The run at a given offset from the newest of its index. A run that was cancelled while it was
    queued is never the newest.
    """
    ranked = index.order_by(INDEX_RUNS.c.is_follow_up, INDEX_RUNS.c.id.desc())
    return Prepared(ranked.limit(1).offset(bindparam("behind")))


_RANKED = select(INDEX_RUNS.c.is_follow_up, INDEX_RUNS.c.id)
_RANK_OF_INDEX = _by_rank(_RANKED.where(INDEX_RUNS.c.index_id == bindparam("of_index")))
_RANK_OF_SINGLES = _by_rank(_RANKED.where(INDEX_RUNS.c.index_id.is_(None)))

_STILL_ENDED = PreparedForMany(
    lambda ids: (
        select(INDEX_RUNS.c.id)
        .where(INDEX_RUNS.c.id.in_(ids), INDEX_RUNS.c.finished_at < bindparam("before"))
        .order_by(INDEX_RUNS.c.id)
        .with_for_update()
    )
)
"""A run that is tried again meanwhile is not deleted."""
_ATTEMPTS_OF_RUNS = PreparedForMany(
    lambda ids: (
        select(TASKS.c.run_id, func.count())
        .join(TASK_ATTEMPTS, TASK_ATTEMPTS.c.task_id == TASKS.c.id)
        .where(TASKS.c.run_id.in_(ids))
        .group_by(TASKS.c.run_id)
    )
)
_DELETE = (
    PreparedForMany(
        lambda ids: delete(TASK_ATTEMPTS).where(
            TASK_ATTEMPTS.c.task_id.in_(select(TASKS.c.id).where(TASKS.c.run_id.in_(ids)))
        )
    ),
    PreparedForMany(lambda ids: delete(TASKS).where(TASKS.c.run_id.in_(ids))),
    PreparedForMany(lambda ids: delete(INDEX_RUNS).where(INDEX_RUNS.c.id.in_(ids))),
)
_RUNS_BY_TASK = Prepared(
    select(TASKS.c.run_id)
    .where(TASKS.c.index_id == bindparam("of_index"))
    .order_by(TASKS.c.id)
    .limit(bindparam("most"))
)
_RUNS_OF_INDEX = Prepared(
    select(INDEX_RUNS.c.id)
    .where(INDEX_RUNS.c.index_id == bindparam("of_index"))
    .order_by(INDEX_RUNS.c.id)
    .limit(bindparam("most"))
)


def prunable_runs(
    driver: Driver,
    keep_per_index: int,
    ended_before: datetime,
    limit: int,
    looked_up_to: RunEnd | None,
) -> PrunableRuns:
    """Runs that ended before that time and are not among the newest of their index, of the next
    `limit` in the order of their ends. The many kept runs that ended later cost nothing.
    """
    rows = _ENDED_BEFORE.run(
        driver,
        {
            "before": to_microseconds(ended_before),
            "last_end": 0 if looked_up_to is None else to_microseconds(looked_up_to.ended_at),
            "last_id": 0 if looked_up_to is None else looked_up_to.run_id,
            "most": limit,
        },
    )
    last_kept = {index_id: _rank(driver, index_id, keep_per_index) for index_id in _distinct(rows)}
    prunable = []
    for _ended_at, run_id, index_id, is_follow_up in rows:
        last = last_kept[index_id]
        if keep_per_index == 0 or (last is not None and (is_follow_up, -run_id) > last):
            prunable.append(run_id)
    if len(rows) < limit:
        return PrunableRuns(prunable, None)
    return PrunableRuns(prunable, RunEnd(to_moment(rows[-1][0]), rows[-1][1]))


def _distinct(rows: Sequence[Sequence[int]]) -> Iterable[int | None]:
    return {row[2] for row in rows}


def _rank(driver: Driver, index_id: int | None, place: int) -> tuple[int, int] | None:
    """The sort key of the run at this place of its index, counted from 1; None if there are
    fewer.
    """
    if place == 0:
        return None
    behind = {"behind": place - 1}
    rows = (
        _RANK_OF_SINGLES.run(driver, behind)
        if index_id is None
        else _RANK_OF_INDEX.run(driver, {"of_index": index_id, **behind})
    )
    return (rows[0][0], -rows[0][1]) if rows else None


def forget_runs(
    driver: Driver, run_ids: Sequence[int], ended_before: datetime, limit: int
) -> list[int]:
    """Delete those of these runs that ended before that time, at most `limit` rows but at least one
    run; returns those not processed yet.
    """
    moment = {"before": to_microseconds(ended_before)}
    ended = sorted(row[0] for row in _STILL_ENDED.run(driver, run_ids, moment))
    return _delete_some(driver, list(dict.fromkeys(ended)), limit)


def delete_runs(driver: Driver, index_id: int, limit: int) -> bool:
    """Delete at most `limit` rows of the runs of an index, but at least one run; False when none is
    left. Includes single tasks whose payload names the index.
    """
    of_index = {"of_index": index_id, "most": limit}
    rows = _RUNS_BY_TASK.run(driver, of_index) or _RUNS_OF_INDEX.run(driver, of_index)
    run_ids = list(dict.fromkeys(row[0] for row in rows))
    _delete_some(driver, run_ids, limit)
    return bool(run_ids)


def _delete_some(driver: Driver, run_ids: Sequence[int], limit: int) -> list[int]:
    """Delete the first of these runs with all their rows; returns the others."""
    some = run_ids[: max(1, limit // ROWS_OF_A_RUN)]
    attempts = {row[0]: row[1] for row in _ATTEMPTS_OF_RUNS.run(driver, some)} if some else {}
    chosen = _that_fit(some, attempts, limit)
    if chosen:
        for statement in _DELETE:
            statement.run(driver, chosen)
    return list(run_ids[len(chosen) :])


def _that_fit(run_ids: Sequence[int], attempts: Mapping[int, int], limit: int) -> Sequence[int]:
    """As many of these runs as have at most `limit` rows; a larger one by itself."""
    rows = 0
    for place, run_id in enumerate(run_ids):
        rows += ROWS_OF_A_RUN + attempts.get(run_id, 0)
        if rows > limit and place > 0:
            return run_ids[:place]
    return run_ids
