"""Reading runs, their tasks and the tasks' attempts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from operator import itemgetter

from kodit.domain.claiming import QueueOrder
from kodit.domain.entities import IndexRun, Task, TaskAttempt
from kodit.domain.errors import no_such_task
from kodit.domain.ports.tasks import NO_RUN_YET
from kodit.domain.value_objects import RunState
from kodit.infrastructure.mappers.moments import to_optional_moment
from kodit.infrastructure.mappers.task_mapper import (
    ATTEMPT_COLUMNS,
    RUN_COLUMNS,
    TASK_COLUMNS,
    row_to_attempt,
    row_to_run,
    row_to_task,
)
from kodit.infrastructure.sql.statements import (
    Cursors,
    Row,
    Statement,
    StatementForMany,
    columns,
)

RUN_ID = TASK_COLUMNS.index("run_id")
"""The position of the run's id in a row of `TASK_COLUMNS`."""

_RUNS = f"SELECT {columns('index_runs', RUN_COLUMNS)} FROM index_runs "
_TASKS = f"SELECT {columns('tasks', TASK_COLUMNS)} FROM tasks "

TASKS_OF_RUNS = StatementForMany(
    f"{_TASKS} WHERE tasks.run_id IN :ids ORDER BY tasks.run_id, tasks.id"
)
_TASK = Statement(f"{_TASKS} WHERE tasks.id = :id")
_RUNS_BY_ID = StatementForMany(f"{_RUNS} WHERE index_runs.id IN :ids")
_NEWEST_BEFORE = (
    f"{_RUNS} WHERE index_runs.id < :before {{}} ORDER BY index_runs.id DESC LIMIT :most"
)
_NEWEST = Statement(_NEWEST_BEFORE.format(""))
_NEWEST_IN_STATE = Statement(_NEWEST_BEFORE.format("AND index_runs.state = :in_state"))
_NEWEST_OF_INDEX_AND_ANY_STATE = Statement(
    _NEWEST_BEFORE.format("AND index_runs.index_id = :of_index")
)
_NEWEST_OF_INDEX_IN_STATE = Statement(
    # Not by the index of states, which would scan the runs of all other indexes.
    _NEWEST_BEFORE.format(
        "AND index_runs.index_id = :of_index AND coalesce(index_runs.state, '') = :in_state"
    )
)
_UNFINISHED_STATES = Statement(
    "SELECT index_runs.id, index_runs.state FROM index_runs WHERE state IN ('queued', 'running')"
)
_UNFINISHED_OF_INDEXES = StatementForMany(
    # By the index of unfinished runs: another one would scan all runs of these indexes.
    f"{_RUNS} WHERE index_runs.index_id IN :ids AND state IN ('queued', 'running') "
    "AND index_runs.is_follow_up = :waits"
)
_NEWEST_OF_INDEX = Statement(
    f"{_RUNS} WHERE index_runs.index_id = :of_index ORDER BY index_runs.id DESC LIMIT :most"
)
_NEWER = (
    f"{_RUNS} WHERE index_runs.index_id = :of_index AND index_runs.id > :since {{}} "
    "ORDER BY index_runs.id DESC LIMIT 1"
)
_SUCCESSORS = (
    # Not by the index of states, which would scan the runs of all other indexes.
    Statement(_NEWER.format("AND coalesce(index_runs.state, '') = 'succeeded'")),
    Statement(_NEWER.format("")),
)
_LATEST = Statement(
    "SELECT index_runs.id FROM index_runs "
    "WHERE index_runs.index_id = :of_index AND index_runs.is_follow_up = :waits "
    "ORDER BY index_runs.id DESC LIMIT 1"
)
_RUNNING_TASKS = Statement(f"{_TASKS} WHERE tasks.state = 'running'")
_READY = f"{_TASKS} WHERE tasks.state = 'ready' ORDER BY {{}} LIMIT :most"
_WAITING_TASKS = {
    QueueOrder.PRIORITY: Statement(
        _READY.format(
            "tasks.priority DESC, tasks.is_user_initiated DESC, tasks.created_at, tasks.id"
        )
    ),
    QueueOrder.RUN_FIRST: Statement(
        _READY.format(
            "tasks.is_user_initiated DESC, tasks.run_has_started DESC, tasks.priority DESC, "
            "tasks.created_at, tasks.id"
        )
    ),
}
"""The order in which they are claimed (`claiming.ORDERS`)."""
_PAUSED = Statement("SELECT queue_pauses.paused_at FROM queue_pauses")
_ATTEMPTS = Statement(
    f"SELECT {columns('task_attempts', ATTEMPT_COLUMNS)} FROM task_attempts "
    "WHERE task_attempts.task_id = :of_task ORDER BY task_attempts.claim_no"
)


class TaskReads:
    """Reads runs, tasks and attempts over one connection."""

    def __init__(self, driver: Cursors) -> None:
        self._driver = driver

    def load(self, rows: Sequence[Row]) -> list[IndexRun]:
        """The runs of these rows of `RUN_COLUMNS`, with their tasks."""
        runs = {row[0]: row_to_run(row) for row in rows}
        for row in TASKS_OF_RUNS.run(self._driver, list(runs)):
            runs[row[RUN_ID]].tasks.append(row_to_task(row))
        return list(runs.values())

    def get_runs(self, run_ids: Sequence[int]) -> list[IndexRun]:
        return self.load(_RUNS_BY_ID.run(self._driver, run_ids))

    def list_runs(
        self,
        *,
        states: Sequence[RunState] = (),
        index_ids: Sequence[int] = (),
        before: int = NO_RUN_YET,
        limit: int = 100,
    ) -> list[IndexRun]:
        rows: list[Row] = []
        # One state after the other: an index yields each in order, but not all of them together.
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

    def unfinished_runs(self) -> dict[int, RunState]:
        return {row[0]: RunState(row[1]) for row in _UNFINISHED_STATES.run(self._driver)}

    def unfinished_runs_of(self, index_ids: Sequence[int]) -> list[IndexRun]:
        rows: list[Row] = []
        for waits in (False, True):
            rows += _UNFINISHED_OF_INDEXES.run(self._driver, index_ids, {"waits": waits})
        return self.load(rows)

    def runs_of(self, index_id: int, limit: int = 100) -> list[IndexRun]:
        return self.load(_NEWEST_OF_INDEX.run(self._driver, {"of_index": index_id, "most": limit}))

    def successor(self, run_id: int, index_id: int) -> IndexRun | None:
        for statement in _SUCCESSORS:
            rows = statement.run(self._driver, {"of_index": index_id, "since": run_id})
            if rows:
                return self.load(rows)[0]
        return None

    def latest_runs(self, index_ids: Sequence[int]) -> dict[int, IndexRun]:
        latest: list[int] = []
        for index_id in index_ids:
            of_index = {"of_index": index_id, "waits": False}
            latest += [row[0] for row in _LATEST.run(self._driver, of_index)]
        return {run.index_id: run for run in self.get_runs(latest) if run.index_id is not None}

    def get_task(self, task_id: int) -> Task:
        rows = _TASK.run(self._driver, {"id": task_id})
        if not rows:
            raise no_such_task(task_id)
        return row_to_task(rows[0])

    def running_tasks(self, *, worker: str | None = None) -> list[Task]:
        # Sorted here: for the order of ids a database might read all existing tasks.
        rows = sorted(_RUNNING_TASKS.run(self._driver), key=itemgetter(0))
        tasks = [row_to_task(row) for row in rows]
        return [task for task in tasks if worker is None or task.worker == worker]

    def waiting_tasks(self, order: QueueOrder, limit: int = 100) -> list[Task]:
        rows = _WAITING_TASKS[order].run(self._driver, {"most": limit})
        return [row_to_task(row) for row in rows]

    def paused_since(self) -> datetime | None:
        rows = _PAUSED.run(self._driver)
        return to_optional_moment(rows[0][0]) if rows else None

    def attempts(self, task_id: int) -> list[TaskAttempt]:
        return [row_to_attempt(row) for row in _ATTEMPTS.run(self._driver, {"of_task": task_id})]
