"""Loading runs with their tasks, and storing what has changed of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Table, bindparam, func, insert, select, update

from kodit.domain.entities import IndexRun
from kodit.domain.value_objects import RunState, TaskState
from kodit.infrastructure.mappers.task_mapper import (
    RUN_COLUMNS,
    TASK_COLUMNS,
    movable_of_run,
    movable_of_task,
    row_to_run,
    row_to_task,
    run_changes,
    run_to_row,
    task_changes,
    task_to_row,
)
from kodit.infrastructure.sqlalchemy.entities import INDEX_RUNS, TASKS, UNFINISHED
from kodit.infrastructure.sqlalchemy.prepared import (
    Driver,
    Prepared,
    PreparedForMany,
    Row,
    constant,
)

SELECT_RUNS = select(*(INDEX_RUNS.c[name] for name in RUN_COLUMNS))
SELECT_TASKS = select(*(TASKS.c[name] for name in TASK_COLUMNS))

_RUN_ID = TASK_COLUMNS.index("run_id")

_TASKS_OF_RUNS = PreparedForMany(
    lambda ids: SELECT_TASKS.where(TASKS.c.run_id.in_(ids)).order_by(TASKS.c.run_id, TASKS.c.id)
)
_MOVABLE_TASKS_OF_RUNS = PreparedForMany(
    lambda ids: SELECT_TASKS.where(
        TASKS.c.run_id.in_(ids), TASKS.c.state != constant(TaskState.SUCCEEDED)
    ).order_by(TASKS.c.run_id, TASKS.c.id)
)
_RUNS_OF_TASKS = PreparedForMany(
    lambda ids: (
        SELECT_RUNS.where(INDEX_RUNS.c.id.in_(select(TASKS.c.run_id).where(TASKS.c.id.in_(ids))))
        .order_by(INDEX_RUNS.c.id)
        .with_for_update()
    )
)
_RUNS_BY_ID = PreparedForMany(lambda ids: SELECT_RUNS.where(INDEX_RUNS.c.id.in_(ids)))
_NEWEST_BEFORE = (
    SELECT_RUNS.where(INDEX_RUNS.c.id < bindparam("before"))
    .order_by(INDEX_RUNS.c.id.desc())
    .limit(bindparam("most"))
)
_NEWEST = Prepared(_NEWEST_BEFORE)
_NEWEST_IN_STATE = Prepared(_NEWEST_BEFORE.where(INDEX_RUNS.c.state == bindparam("in_state")))
_NEWEST_OF_INDEX_BEFORE = _NEWEST_BEFORE.where(INDEX_RUNS.c.index_id == bindparam("of_index"))
_NEWEST_OF_INDEX_AND_ANY_STATE = Prepared(_NEWEST_OF_INDEX_BEFORE)
_NEWEST_OF_INDEX_IN_STATE = Prepared(
    # Not by the index of states, which would go through the runs of all others.
    _NEWEST_OF_INDEX_BEFORE.where(func.coalesce(INDEX_RUNS.c.state, "") == bindparam("in_state"))
)
_UNFINISHED_STATES = Prepared(select(INDEX_RUNS.c.id, INDEX_RUNS.c.state).where(UNFINISHED))
_NEWEST_OF_INDEX = Prepared(
    SELECT_RUNS.where(INDEX_RUNS.c.index_id == bindparam("of_index"))
    .order_by(INDEX_RUNS.c.id.desc())
    .limit(bindparam("most"))
)
_NEWER = (
    SELECT_RUNS.where(
        INDEX_RUNS.c.index_id == bindparam("of_index"), INDEX_RUNS.c.id > bindparam("since")
    )
    .order_by(INDEX_RUNS.c.id.desc())
    .limit(1)
)
_SUCCESSORS = (
    # Not by the index of states, which would go through the runs of all others.
    Prepared(_NEWER.where(func.coalesce(INDEX_RUNS.c.state, "") == constant(RunState.SUCCEEDED))),
    Prepared(_NEWER),
)
_LATEST = Prepared(
    select(INDEX_RUNS.c.id)
    .where(
        INDEX_RUNS.c.index_id == bindparam("of_index"),
        INDEX_RUNS.c.is_follow_up == bindparam("waits"),
    )
    .order_by(INDEX_RUNS.c.id.desc())
    .limit(1)
)
_FAILED_RUNS = Prepared(
    SELECT_RUNS.where(
        INDEX_RUNS.c.index_id == bindparam("of_index"),
        INDEX_RUNS.c.state == constant(RunState.FAILED),
    ).with_for_update()
)
_LOCKED_RUN = Prepared(SELECT_RUNS.where(INDEX_RUNS.c.id == bindparam("id")).with_for_update())
_UNFINISHED_RUNS = PreparedForMany(
    lambda ids: (
        SELECT_RUNS.where(
            INDEX_RUNS.c.index_id.in_(ids),
            UNFINISHED,
            INDEX_RUNS.c.is_follow_up == bindparam("waits"),
        )
        .order_by(INDEX_RUNS.c.id)
        .with_for_update()
    )
)


@cache
def _insert(table: Table, columns: tuple[str, ...]) -> Prepared:
    return Prepared(
        insert(table)
        .values({column: bindparam(f"new_{column}") for column in columns})
        .returning(table.c.id)
    )


@cache
def _update(table: Table, columns: tuple[str, ...]) -> PreparedForMany:
    """Sets these columns of many rows to the same values."""
    return PreparedForMany(
        lambda ids: (
            update(table)
            .where(table.c.id.in_(ids))
            .values({column: bindparam(f"new_{column}") for column in columns})
        )
    )


class RunStore:
    """The runs of one transaction. It remembers what it has read, to write only what differs: on
    a server another transaction may renew a lease meanwhile, and must not be undone."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._runs: dict[int, tuple[Any, ...]] = {}
        self._tasks: dict[int, tuple[Any, ...]] = {}

    def add(self, run: IndexRun) -> IndexRun:
        """Store a new run; it and its tasks are given their identifiers."""
        run.id = self._add(INDEX_RUNS, run_to_row(run))
        for task in run.tasks:
            task.run_id = run.id
            task.id = self._add(TASKS, task_to_row(task, run))
            self._tasks[task.id] = movable_of_task(task)
        self._runs[run.id] = movable_of_run(run)
        return run

    def _add(self, table: Table, row: dict[str, Any]) -> int:
        values = {f"new_{column}": value for column, value in row.items()}
        [(key,)] = _insert(table, tuple(row)).run(self._driver, values)
        return int(key)

    def lock(self, run_id: int) -> IndexRun | None:
        """The run, locked."""
        runs = self.load(_LOCKED_RUN.run(self._driver, {"id": run_id}))
        return runs[0] if runs else None

    def lock_of(self, task_ids: Sequence[int]) -> list[IndexRun]:
        """The runs of these tasks, each once, locked, without those tasks that have succeeded."""
        rows = _RUNS_OF_TASKS.run(self._driver, task_ids)
        return self._with_tasks(
            list({row[0]: row for row in rows}.values()), _MOVABLE_TASKS_OF_RUNS
        )

    def lock_unfinished(self, index_ids: Sequence[int], *, is_follow_up: bool) -> list[IndexRun]:
        """The active runs of these indexes, or those that wait for one, locked."""
        return self.load(_UNFINISHED_RUNS.run(self._driver, index_ids, {"waits": is_follow_up}))

    def lock_failed(self, index_id: int) -> list[IndexRun]:
        """The failed runs of this index that are not superseded, locked."""
        return self.load(_FAILED_RUNS.run(self._driver, {"of_index": index_id}))

    def newest(
        self, states: Sequence[RunState], index_ids: Sequence[int], before: int, limit: int
    ) -> list[IndexRun]:
        """The newest runs in these states, or of all, and of these indexes, or of all."""
        rows: list[Row] = []
        # One after the other: an index gives each in order, but not all of them.
        for state in dict.fromkeys(states) or (None,):
            for index_id in dict.fromkeys(index_ids) or (None,):
                rows += self._newest_of(state, index_id, before, limit)
        return self.load(sorted(rows, key=itemgetter(0), reverse=True)[:limit])

    def _newest_of(
        self, state: RunState | None, index_id: int | None, before: int, limit: int
    ) -> Sequence[Row]:
        page = {"before": before, "most": limit}
        if state is None and index_id is None:
            return _NEWEST.run(self._driver, page)
        if state is None:
            of_index = {"of_index": index_id, **page}
            return _NEWEST_OF_INDEX_AND_ANY_STATE.run(self._driver, of_index)
        if index_id is None:
            return _NEWEST_IN_STATE.run(self._driver, {"in_state": state.value, **page})
        both = {"in_state": state.value, "of_index": index_id, **page}
        return _NEWEST_OF_INDEX_IN_STATE.run(self._driver, both)

    def unfinished(self) -> dict[int, RunState]:
        """The states of the runs that have not ended."""
        return {row[0]: RunState(row[1]) for row in _UNFINISHED_STATES.run(self._driver)}

    def newest_of(self, index_id: int, limit: int) -> list[IndexRun]:
        """The newest runs of an index."""
        return self.load(_NEWEST_OF_INDEX.run(self._driver, {"of_index": index_id, "most": limit}))

    def successor(self, run_id: int, index_id: int) -> IndexRun | None:
        """The newer run of this index that has done what this one should have, or is to do it."""
        for statement in _SUCCESSORS:
            rows = statement.run(self._driver, {"of_index": index_id, "since": run_id})
            if rows:
                return self.load(rows)[0]
        return None

    def latest(self, index_ids: Sequence[int]) -> list[IndexRun]:
        """The latest run of each of these indexes that has one; follow-ups that wait aside."""
        latest: list[int] = []
        for index_id in index_ids:
            of_index = {"of_index": index_id, "waits": False}
            latest += [row[0] for row in _LATEST.run(self._driver, of_index)]
        return self.get(latest)

    def get(self, run_ids: Sequence[int]) -> list[IndexRun]:
        """Those of these runs that exist."""
        return self.load(_RUNS_BY_ID.run(self._driver, run_ids))

    def load(self, rows: Sequence[Row]) -> list[IndexRun]:
        """The runs of these rows of `RUN_COLUMNS`, with their tasks."""
        return self._with_tasks(rows, _TASKS_OF_RUNS)

    def _with_tasks(self, rows: Sequence[Row], tasks_of: PreparedForMany) -> list[IndexRun]:
        runs = {row[0]: row_to_run(row) for row in rows}
        for row in tasks_of.run(self._driver, list(runs)):
            task = row_to_task(row)
            runs[row[_RUN_ID]].tasks.append(task)
            self._tasks[task.id] = movable_of_task(task)
        for run in runs.values():
            self._runs[run.id] = movable_of_run(run)
        return list(runs.values())

    def save(self, runs: Sequence[IndexRun]) -> None:
        """Store what has changed of these runs and their tasks."""
        changes: _Changes = {}
        for run in runs:
            _note(changes, INDEX_RUNS, run.id, run_changes(run, self._runs[run.id]))
            self._runs[run.id] = movable_of_run(run)
            for task in run.tasks:
                changed = task_changes(task, run, self._tasks[task.id])
                if changed:
                    _note(changes, TASKS, task.id, changed)
                    self._tasks[task.id] = movable_of_task(task)
        for (table, columns, values), keys in changes.items():
            new = {f"new_{column}": value for column, value in zip(columns, values, strict=True)}
            _update(table, columns).run(self._driver, keys, new)


_Changes = dict[tuple[Table, tuple[str, ...], tuple[Any, ...]], list[int]]
"""Which rows of which table get which values: in a batch many get the same."""


def _note(changes: _Changes, table: Table, key: int, changed: Mapping[str, Any]) -> None:
    if changed:
        which = (table, tuple(changed), tuple(changed.values()))
        changes.setdefault(which, []).append(key)
