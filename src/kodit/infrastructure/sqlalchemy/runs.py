"""Loading runs with their tasks, and storing their changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Table, bindparam, insert, select, update

from kodit.domain.entities import IndexRun
from kodit.domain.errors import ConflictError
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
from kodit.infrastructure.sql.runs import RUN_ID, TASKS_OF_RUNS
from kodit.infrastructure.sql.statements import StatementForMany
from kodit.infrastructure.sqlalchemy.entities import INDEX_RUNS, TASKS, UNFINISHED
from kodit.infrastructure.sqlalchemy.prepared import (
    Driver,
    InsertNew,
    Prepared,
    PreparedForMany,
    Row,
    constant,
)

SELECT_RUNS = select(*(INDEX_RUNS.c[name] for name in RUN_COLUMNS))
SELECT_TASKS = select(*(TASKS.c[name] for name in TASK_COLUMNS))

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
    """Returns no row where another transaction has just added an unfinished run."""
    values: dict[str, Any] = {column: bindparam(f"new_{column}") for column in columns}
    kind = InsertNew if table is INDEX_RUNS else Prepared
    return kind(insert(table).values(values).returning(table.c.id))


@cache
def _update(table: Table, columns: tuple[str, ...]) -> tuple[PreparedForMany, tuple[str, ...]]:
    """Sets these columns of many rows to the same values, and the names of its parameters."""
    statement = PreparedForMany(
        lambda ids: (
            update(table)
            .where(table.c.id.in_(ids))
            .values({column: bindparam(f"new_{column}") for column in columns})
        )
    )
    return statement, tuple(f"new_{column}" for column in columns)


class RunStore:
    """The runs of one transaction. It remembers the values it has read and writes only those that
    differ: on PostgreSQL another transaction may renew a lease meanwhile, which must not be undone.
    """

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._runs: dict[int, tuple[Any, ...]] = {}
        self._tasks: dict[int, tuple[Any, ...]] = {}

    def add(self, run: IndexRun) -> IndexRun:
        """Store a new run; the run and its tasks get their ids."""
        run.id = self._add(INDEX_RUNS, run_to_row(run))
        for task in run.tasks:
            task.run_id = run.id
            task.id = self._add(TASKS, task_to_row(task, run))
            self._tasks[task.id] = movable_of_task(task)
        self._runs[run.id] = movable_of_run(run)
        return run

    def _add(self, table: Table, row: dict[str, Any]) -> int:
        values = {f"new_{column}": value for column, value in row.items()}
        rows = _insert(table, tuple(row)).run(self._driver, values)
        if not rows:
            raise ConflictError("the index already has an unfinished run; try again")
        return int(rows[0][0])

    def lock(self, run_id: int) -> IndexRun | None:
        """The run, locked; None if there is none."""
        runs = self.load(_LOCKED_RUN.run(self._driver, {"id": run_id}))
        return runs[0] if runs else None

    def lock_of(self, task_ids: Sequence[int]) -> list[IndexRun]:
        """The runs of these tasks, each once, locked, without their succeeded tasks."""
        rows = _RUNS_OF_TASKS.run(self._driver, task_ids)
        return self._with_tasks(
            list({row[0]: row for row in rows}.values()), _MOVABLE_TASKS_OF_RUNS
        )

    def lock_unfinished(self, index_ids: Sequence[int], *, is_follow_up: bool) -> list[IndexRun]:
        """The active runs of these indexes, or their follow-ups, locked."""
        return self.load(_UNFINISHED_RUNS.run(self._driver, index_ids, {"waits": is_follow_up}))

    def lock_failed(self, index_id: int) -> list[IndexRun]:
        """The failed runs of this index that are not superseded, locked."""
        return self.load(_FAILED_RUNS.run(self._driver, {"of_index": index_id}))

    def load(self, rows: Sequence[Row]) -> list[IndexRun]:
        """The runs of these rows of `RUN_COLUMNS`, with their tasks."""
        return self._with_tasks(rows, TASKS_OF_RUNS)

    def _with_tasks(
        self, rows: Sequence[Row], tasks_of: PreparedForMany | StatementForMany
    ) -> list[IndexRun]:
        runs = {row[0]: row_to_run(row) for row in rows}
        for row in tasks_of.run(self._driver, list(runs)):
            task = row_to_task(row)
            runs[row[RUN_ID]].tasks.append(task)
            self._tasks[task.id] = movable_of_task(task)
        for run in runs.values():
            self._runs[run.id] = movable_of_run(run)
        return list(runs.values())

    def save(self, runs: Sequence[IndexRun]) -> None:
        """Store the changes of these runs and their tasks."""
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
            statement, names = _update(table, columns)
            statement.run(self._driver, keys, dict(zip(names, values, strict=True)))


_Changes = dict[tuple[Table, tuple[str, ...], tuple[Any, ...]], list[int]]
"""The rows of a table that get the same values: in a batch there are many."""


def _note(changes: _Changes, table: Table, key: int, changed: Mapping[str, Any]) -> None:
    if changed:
        which = (table, tuple(changed), tuple(changed.values()))
        changes.setdefault(which, []).append(key)
