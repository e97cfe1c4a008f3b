"""Loading runs with their tasks, and storing what has changed of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from kodit.domain.run import IndexRun, RunState
from kodit.infrastructure.mappers.task_mapper import (
    RUN_COLUMNS,
    TASK_COLUMNS,
    is_as_stored,
    row_to_run,
    run_state_to_row,
    run_to_row,
    task_state_to_row,
    task_to_row,
)
from kodit.infrastructure.sqlalchemy.entities import Base, IndexRunRow, TaskRow, table_of
from kodit.infrastructure.sqlalchemy.prepared import (
    Driver,
    Prepared,
    PreparedForMany,
    Row,
    constant,
)

_RUNS = table_of(IndexRunRow)
_TASKS = table_of(TaskRow)

SELECT_RUNS = select(*(_RUNS.c[name] for name in RUN_COLUMNS))
SELECT_TASKS = select(*(_TASKS.c[name] for name in TASK_COLUMNS))

_UNFINISHED = (RunState.QUEUED, RunState.RUNNING)
_RUN_ID = TASK_COLUMNS.index("run_id")

_TASKS_OF_RUNS = PreparedForMany(
    lambda ids: SELECT_TASKS.where(TaskRow.run_id.in_(ids)).order_by(TaskRow.run_id, TaskRow.id)
)
_RUNS_OF_TASKS = PreparedForMany(
    lambda ids: (
        SELECT_RUNS.where(IndexRunRow.id.in_(select(TaskRow.run_id).where(TaskRow.id.in_(ids))))
        .order_by(IndexRunRow.id)
        .with_for_update()
    )
)
_RUNS_BY_ID = PreparedForMany(lambda ids: SELECT_RUNS.where(IndexRunRow.id.in_(ids)))
_LOCKED_RUN = Prepared(SELECT_RUNS.where(IndexRunRow.id == bindparam("id")).with_for_update())
_UNFINISHED_RUNS = PreparedForMany(
    lambda ids: (
        SELECT_RUNS.where(
            IndexRunRow.index_id.in_(ids),
            IndexRunRow.state.in_([constant(state) for state in _UNFINISHED]),
            IndexRunRow.is_follow_up == bindparam("waits"),
        )
        .order_by(IndexRunRow.id)
        .with_for_update()
    )
)


@cache
def _insert(table: type[Base], columns: tuple[str, ...]) -> Prepared:
    return Prepared(
        insert(table_of(table))
        .values({column: bindparam(f"new_{column}") for column in columns})
        .returning(table_of(table).c.id)
    )


@cache
def _update(table: type[Base], columns: tuple[str, ...]) -> PreparedForMany:
    """Sets these columns of many rows to the same values."""
    return PreparedForMany(
        lambda ids: (
            update(table_of(table))
            .where(table_of(table).c.id.in_(ids))
            .values({column: bindparam(f"new_{column}") for column in columns})
        )
    )


class RunStore:
    """The runs of one transaction. It remembers what it has read, to write only what differs: on
    a server another transaction may renew a lease meanwhile, and must not be undone."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._run_rows: dict[int, Row] = {}
        self._task_rows: dict[int, Row] = {}

    def add(self, run: IndexRun) -> IndexRun:
        """Store a new run; it and its tasks are given their identifiers."""
        run.id = self._add(IndexRunRow, run_to_row(run))
        for task in run.tasks:
            task.run_id = run.id
            task.id = self._add(TaskRow, task_to_row(task, run))
        return run

    def _add(self, table: type[Base], row: dict[str, Any]) -> int:
        values = {f"new_{column}": value for column, value in row.items()}
        [(key,)] = _insert(table, tuple(row)).run(self._driver, values)
        return int(key)

    def lock(self, run_id: int) -> IndexRun | None:
        """The run, locked."""
        runs = self.load(_LOCKED_RUN.run(self._driver, {"id": run_id}))
        return runs[0] if runs else None

    def lock_of(self, task_ids: Sequence[int]) -> list[IndexRun]:
        """The runs of these tasks, each once, locked."""
        rows = _RUNS_OF_TASKS.run(self._driver, task_ids)
        return self.load(list({row[0]: row for row in rows}.values()))

    def lock_unfinished(self, index_ids: Sequence[int], *, is_follow_up: bool) -> list[IndexRun]:
        """The active runs of these indexes, or those that wait for one, locked."""
        return self.load(_UNFINISHED_RUNS.run(self._driver, index_ids, {"waits": is_follow_up}))

    def get(self, run_ids: Sequence[int]) -> list[IndexRun]:
        """These runs, as far as they are there."""
        return self.load(_RUNS_BY_ID.run(self._driver, run_ids))

    def load(self, rows: Sequence[Row]) -> list[IndexRun]:
        """The runs of these rows of `RUN_COLUMNS`, with their tasks."""
        tasks: dict[int, list[Row]] = {row[0]: [] for row in rows}
        for task in _TASKS_OF_RUNS.run(self._driver, list(tasks)):
            tasks[task[_RUN_ID]].append(task)
            self._task_rows[task[0]] = task
        for row in rows:
            self._run_rows[row[0]] = row
        return [row_to_run(row, tasks[row[0]]) for row in rows]

    def save(self, runs: Sequence[IndexRun]) -> None:
        """Store what has changed of these runs and their tasks."""
        changes: _Changes = {}
        for run in runs:
            run_row = self._run_rows.pop(run.id, None)
            known = {} if run_row is None else dict(zip(RUN_COLUMNS, run_row, strict=True))
            _note(changes, IndexRunRow, run.id, known, run_state_to_row(run))
            for task in run.tasks:
                row = self._task_rows.get(task.id)
                if row is not None and is_as_stored(task, row):
                    continue
                self._task_rows.pop(task.id, None)
                known = {} if row is None else dict(zip(TASK_COLUMNS, row, strict=True))
                if known.get("priority") == task.priority:
                    known["is_user_initiated"] = task.is_user_initiated
                _note(changes, TaskRow, task.id, known, task_state_to_row(task, run))
        for (table, columns, values), keys in changes.items():
            new = {f"new_{column}": value for column, value in zip(columns, values, strict=True)}
            _update(table, columns).run(self._driver, keys, new)


_Changes = dict[tuple[type[Base], tuple[str, ...], tuple[Any, ...]], list[int]]
"""Which rows of which table get which values: in a batch many get the same."""


def _note(
    changes: _Changes,
    table: type[Base],
    key: int,
    known: Mapping[str, Any],
    state: Mapping[str, Any],
) -> None:
    """Note the columns that differ from what is known, or of which nothing is: `run_has_started`
    is not read, as a claim of the task may have changed it since."""
    columns = tuple(
        column for column, value in state.items() if column not in known or known[column] != value
    )
    if columns:
        values = tuple(state[column] for column in columns)
        changes.setdefault((table, columns, values), []).append(key)
