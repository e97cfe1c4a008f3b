"""Runs and tasks that would never proceed by themselves."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from sqlalchemy import exists, select

from kodit.application.services.queue_service import QueueService
from kodit.application.services.threads import in_thread
from kodit.domain.diagnosis import Area, Problem
from kodit.domain.entities import IndexRun, Task
from kodit.domain.errors import NotFoundError
from kodit.domain.ports.runtime import Clock
from kodit.domain.ports.workers import WorkerRegistry
from kodit.domain.value_objects import RunState, TaskState
from kodit.infrastructure.sqlalchemy.entities import INDEX_RUNS, TASKS
from kodit.infrastructure.sqlalchemy.sql_database import SqlDatabase
from kodit.infrastructure.sqlalchemy.transaction import SqlTransaction

_MOST_RUNS = 1_000_000
_UNFINISHED = (RunState.QUEUED, RunState.RUNNING)
_OPEN = (TaskState.READY, TaskState.RUNNING)
_ENDED_WITH_OPEN_TASKS = select(INDEX_RUNS.c.id).where(
    INDEX_RUNS.c.state.not_in([state.value for state in _UNFINISHED]),
    exists().where(
        TASKS.c.run_id == INDEX_RUNS.c.id, TASKS.c.state.in_([state.value for state in _OPEN])
    ),
)

Move = Callable[[SqlTransaction, IndexRun], bool]
"""Moves a locked run on if it is still in the state it was found in; returns whether it did."""


class QueueExaminer:
    """Compares the states of runs with those of their tasks, and workers with the living
    processes.
    """

    area = Area.QUEUE

    def __init__(
        self,
        database: SqlDatabase,
        queue: QueueService,
        registry: WorkerRegistry,
        clock: Clock,
    ) -> None:
        self._database = database
        self._queue = queue
        self._registry = registry
        self._clock = clock

    def examine(self) -> list[Problem]:
        with self._database.read() as transaction:
            unfinished = transaction.tasks.list_runs(states=_UNFINISHED, limit=_MOST_RUNS)
            ended = transaction.tasks.get_runs(
                list(transaction.connection.execute(_ENDED_WITH_OPEN_TASKS).scalars())
            )
        active = {run.index_id for run in unfinished if not run.is_follow_up}
        problems = []
        for run in unfinished:
            problems += [self._orphaned(run, task) for task in run.tasks if self._is_lost(task)]
            if run.is_follow_up and run.index_id not in active:
                problems.append(
                    self._problem(
                        run, "waits for a run that does not exist", "starts it", self._let_start
                    )
                )
            elif not run.is_follow_up and not _can_move(run):
                problems.append(
                    self._problem(
                        run,
                        f"is {run.state} and none of its tasks can start",
                        "starts what can start, or ends the run",
                        self._settle,
                    )
                )
        return problems + [
            self._problem(
                run,
                f"has {run.state} with tasks that have not ended",
                "ends these tasks",
                self._end,
            )
            for run in ended
        ]

    def _problem(self, run: IndexRun, what: str, remedy: str, move: Move) -> Problem:
        return Problem(
            self.area,
            f"run {run.id} {what}",
            remedy,
            run.index_id,
            partial(in_thread, partial(self._repair, run.id, move)),
        )

    def _repair(self, run_id: int, move: Move) -> None:
        with self._database.write() as transaction:
            try:
                run = transaction.tasks.lock_run(run_id)
            except NotFoundError:
                return
            if move(transaction, run):
                transaction.tasks.save_runs([run])

    def _is_lost(self, task: Task) -> bool:
        """Whether a running task has no living worker. A running worker would reclaim it within
        seconds; here there may be none.
        """
        if task.state is not TaskState.RUNNING:
            return False
        if task.worker is None or self._registry.is_dead(task.worker):
            return True
        return task.lease_expires_at is None or task.lease_expires_at < self._clock.now()

    def _orphaned(self, run: IndexRun, task: Task) -> Problem:
        return Problem(
            self.area,
            f"task {task.id} ({task.type_name}) of run {run.id} is held by a worker that has died "
            "or lost it",
            "returns it to the queue",
            run.index_id,
            self._reclaim,
        )

    async def _reclaim(self) -> None:
        await self._queue.reclaim(self._registry)

    def _let_start(self, transaction: SqlTransaction, run: IndexRun) -> bool:
        if not run.is_follow_up or run.index_id is None:
            return False
        if transaction.tasks.active_run(run.index_id) is not None:
            return False
        run.stop_waiting()
        return True

    def _settle(self, _transaction: SqlTransaction, run: IndexRun) -> bool:
        if run.state.is_terminal or run.is_follow_up or _can_move(run):
            return False
        run.settle(self._clock.now())
        return True

    def _end(self, _transaction: SqlTransaction, run: IndexRun) -> bool:
        if not (run.state.is_terminal and _can_move(run)):
            return False
        for task in run.tasks:
            if task.state in _OPEN:
                task.end(TaskState.CANCELLED, self._clock.now())
        return True


def _can_move(run: IndexRun) -> bool:
    return any(task.state in _OPEN for task in run.tasks)
