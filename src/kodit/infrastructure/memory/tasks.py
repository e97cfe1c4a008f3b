"""The queue in memory: every rule of the port in plain Python, without SQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from kodit.domain.claiming import ClaimRules, QueueOrder
from kodit.domain.entities import IndexRun, Task, TaskAttempt
from kodit.domain.errors import LeaseLost, no_such_run, no_such_task
from kodit.domain.ports.runtime import Clock
from kodit.domain.ports.tasks import NO_RUN_YET
from kodit.domain.retention import PrunableRuns, RunEnd
from kodit.domain.value_objects import (
    AttemptOutcome,
    Claim,
    ErrorAbout,
    RunState,
    TaskProgress,
    TaskState,
    TaskType,
)
from kodit.infrastructure.memory.indexes import MemoryIndexes
from kodit.infrastructure.memory.tables import Tables, copy_of, json_of

_BEFORE_ALL = RunEnd(datetime.min.replace(tzinfo=UTC), 0)


class MemoryTaskRepository:
    """Runs, tasks and attempts over the tables of one transaction. The database lets one writer in
    at a time, so that reading a run is enough to lock it.
    """

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    # Runs

    def add_run(self, run: IndexRun) -> IndexRun:
        run.id = self._tables.new_id("runs")
        self._tables.runs[run.id] = replace(run, tasks=[])
        for task in run.tasks:
            task.run_id = run.id
            task.id = self._tables.new_id("tasks")
            self._tables.tasks[task.id] = copy_of(task)
        return run

    def lock_run(self, run_id: int) -> IndexRun:
        if run_id not in self._tables.runs:
            raise no_such_run(run_id)
        return self._load([run_id])[0]

    def lock_runs_of(self, task_ids: Sequence[int]) -> list[IndexRun]:
        tasks = [self._tables.tasks[key] for key in task_ids if key in self._tables.tasks]
        runs = self._load(sorted({task.run_id or 0 for task in tasks}))
        for run in runs:
            run.tasks = [task for task in run.tasks if task.state is not TaskState.SUCCEEDED]
        return runs

    def save_runs(self, runs: Sequence[IndexRun]) -> None:
        for run in runs:
            self._save_run(run)

    def _save_run(self, run: IndexRun) -> None:
        stored = self._tables.runs[run.id]
        self._tables.runs[run.id] = replace(
            run, index_id=stored.index_id, created_at=stored.created_at, tasks=[]
        )
        for task in run.tasks:
            row = self._tables.tasks[task.id]
            self._tables.tasks[task.id] = replace(
                row,
                state=task.state,
                priority=task.priority,
                worker=task.worker,
                lease_expires_at=task.lease_expires_at,
                failures=task.failures,
                cancel_requested=task.cancel_requested,
                available_at=task.available_at,
                finished_at=task.finished_at,
                error=task.error,
                error_about=task.error_about,
            )

    def active_run(self, index_id: int) -> IndexRun | None:
        found = self._open_runs([index_id], is_follow_up=False)
        return found[0] if found else None

    def follow_ups(self, index_ids: Sequence[int]) -> list[IndexRun]:
        return self._open_runs(index_ids, is_follow_up=True)

    def _open_runs(self, index_ids: Sequence[int], *, is_follow_up: bool) -> list[IndexRun]:
        runs = [run for index_id in index_ids for run in self._of_index(index_id)]
        mine = [run for run in runs if run.is_follow_up is is_follow_up]
        return self._load(run.id for run in mine if not run.state.is_terminal)

    def failed_runs(self, index_id: int) -> list[IndexRun]:
        return self._load(
            run.id for run in self._of_index(index_id) if run.state is RunState.FAILED
        )

    def get_runs(self, run_ids: Sequence[int]) -> list[IndexRun]:
        return self._load(run_id for run_id in run_ids if run_id in self._tables.runs)

    def list_runs(
        self,
        *,
        states: Sequence[RunState] = (),
        index_ids: Sequence[int] = (),
        before: int = NO_RUN_YET,
        limit: int = 100,
    ) -> list[IndexRun]:
        wanted = (
            run
            for run in self._tables.runs.values()
            if (not states or run.state in states)
            and (not index_ids or run.index_id in index_ids)
            and run.id < before
        )
        return self._newest(wanted, limit)

    def unfinished_runs(self) -> dict[int, RunState]:
        runs = self._tables.runs.values()
        return {run.id: run.state for run in runs if not run.state.is_terminal}

    def unfinished_runs_of(self, index_ids: Sequence[int]) -> list[IndexRun]:
        active = self._open_runs(index_ids, is_follow_up=False)
        return active + self._open_runs(index_ids, is_follow_up=True)

    def runs_of(self, index_id: int, limit: int = 100) -> list[IndexRun]:
        return self._newest(self._of_index(index_id), limit)

    def _newest(self, runs: Iterable[IndexRun], limit: int) -> list[IndexRun]:
        return self._load(sorted((run.id for run in runs), reverse=True)[:limit])

    def successor(self, run_id: int, index_id: int) -> IndexRun | None:
        newer = [run for run in self._of_index(index_id) if run.id > run_id]
        done = [run for run in newer if run.state is RunState.SUCCEEDED]
        found = self._newest(done or newer, 1)
        return found[0] if found else None

    def latest_runs(self, index_ids: Sequence[int]) -> dict[int, IndexRun]:
        newest = {
            run.index_id: run.id
            for run in self._tables.runs.values()
            if run.index_id in index_ids and not run.is_follow_up
        }
        return {run.index_id: run for run in self._load(newest.values()) if run.index_id}

    def delete_runs(self, index_id: int, limit: int) -> bool:
        tasks = [task for task in self._tables.tasks.values() if task.index_id == index_id]
        run_ids = sorted({task.run_id for task in tasks if task.run_id is not None})
        self._forget(self._that_fit(run_ids, limit))
        return bool(run_ids)

    def prunable_runs(
        self,
        keep_per_index: int,
        ended_before: datetime,
        limit: int,
        looked_up_to: RunEnd | None = None,
    ) -> PrunableRuns:
        groups: dict[int | None, list[IndexRun]] = {}
        for run in self._tables.runs.values():
            groups.setdefault(run.index_id, []).append(run)
        kept = {
            run.id
            for group in groups.values()
            for run in sorted(group, key=lambda run: (run.is_follow_up, -run.id))[:keep_per_index]
        }
        ends = sorted(
            end
            for run in self._tables.runs.values()
            if run.finished_at is not None and run.finished_at < ended_before
            if (end := RunEnd(run.finished_at, run.id)) > (looked_up_to or _BEFORE_ALL)
        )[:limit]
        found = [end.run_id for end in ends if end.run_id not in kept]
        return PrunableRuns(found, ends[-1] if len(ends) == limit else None)

    def forget_runs(self, run_ids: Sequence[int], ended_before: datetime, limit: int) -> list[int]:
        ended = [
            run.id
            for run in self.get_runs(sorted(run_ids))
            if run.finished_at is not None and run.finished_at < ended_before
        ]
        chosen = self._that_fit(ended, limit)
        self._forget(chosen)
        return ended[len(chosen) :]

    def _that_fit(self, run_ids: Sequence[int], limit: int) -> Sequence[int]:
        """The first of these runs, as many as have at most `limit` rows; at least one."""
        rows = 0
        for place, run_id in enumerate(run_ids):
            mine = {task.id for task in self._tables.tasks.values() if task.run_id == run_id}
            attempts = sum(task_id in mine for task_id, _claim_no in self._tables.attempts)
            rows += 1 + len(mine) + attempts
            if rows > limit and place > 0:
                return run_ids[:place]
        return run_ids

    def _forget(self, run_ids: Iterable[int]) -> None:
        for run_id in list(run_ids):
            del self._tables.runs[run_id]
            for task in [row for row in self._tables.tasks.values() if row.run_id == run_id]:
                del self._tables.tasks[task.id]
                for key in [key for key in self._tables.attempts if key[0] == task.id]:
                    del self._tables.attempts[key]

    def _of_index(self, index_id: int) -> list[IndexRun]:
        return [run for run in self._tables.runs.values() if run.index_id == index_id]

    def _load(self, run_ids: Iterable[int]) -> list[IndexRun]:
        tasks: dict[int | None, list[Task]] = {}
        for task in self._tables.tasks.values():
            tasks.setdefault(task.run_id, []).append(copy_of(task))
        return [replace(self._tables.runs[key], tasks=tasks.get(key, [])) for key in run_ids]

    # Tasks

    def find_single(self, type_name: str, payload: Mapping[str, Any]) -> IndexRun | None:
        for task in self._tables.tasks.values():
            run = self._run_of(task)
            if (
                run.index_id is None
                and run.state is RunState.QUEUED
                and task.type_name == type_name
                and json_of(task.payload) == json_of(payload)
            ):
                return self.lock_run(run.id)
        return None

    def get_task(self, task_id: int) -> Task:
        if task_id not in self._tables.tasks:
            raise no_such_task(task_id)
        return copy_of(self._tables.tasks[task_id])

    def running_tasks(self, *, worker: str | None = None) -> list[Task]:
        return [
            copy_of(task)
            for task in self._in_state(TaskState.RUNNING)
            if worker is None or task.worker == worker
        ]

    def waiting_tasks(self, order: QueueOrder, limit: int = 100) -> list[Task]:
        ready = self._in_order(self._in_state(TaskState.READY), order)
        return [copy_of(task) for task in ready[:limit]]

    def _in_state(self, state: TaskState) -> list[Task]:
        return [task for task in self._tables.tasks.values() if task.state is state]

    # Claims

    def has_claimable(self, now: datetime, rules: ClaimRules) -> bool:
        return bool(self._claimable(now, rules, 1))

    def next_available_at(self, now: datetime) -> datetime | None:
        waiting = [task for task in self._in_state(TaskState.READY) if not task.is_due(now)]
        return min((_known(task.available_at) for task in waiting), default=None)

    def claim(
        self, worker: str, clock: Clock, lease: timedelta, rules: ClaimRules, count: int = 1
    ) -> list[Task]:
        now = clock.now()
        found = self._claimable(now, rules, count)
        return [self._take(task, worker, now, lease) for task in found]

    def _claimable(self, now: datetime, rules: ClaimRules, count: int) -> list[Task]:
        if self._tables.paused_since is not None:
            return []
        running = Counter(task.type for task in self._in_state(TaskState.RUNNING))
        come = [task for task in self._in_state(TaskState.READY) if task.is_due(now)]
        hosts = MemoryIndexes(self._tables).hosts()
        come = [task for task in come if rules.may_read(task, hosts)]
        chosen: list[Task] = []
        for task in self._in_order(come, rules.order):
            if len(chosen) < count and rules.has_capacity_for(task.type, running):
                chosen.append(task)
                running[task.type] += 1
        return chosen

    def _take(self, waiting: Task, worker: str, now: datetime, lease: timedelta) -> Task:
        task = replace(
            waiting,
            state=TaskState.RUNNING,
            claim_no=waiting.claim_no + 1,
            worker=worker,
            lease_expires_at=now + lease,
            started_at=now,
            progress=None,
        )
        self._tables.tasks[task.id] = task
        self._tables.attempts[(task.id, task.claim_no)] = TaskAttempt(
            task.id, task.claim_no, worker, now, None, None, None
        )
        run = self._run_of(task)
        if run.state is RunState.QUEUED:
            self._tables.runs[run.id] = replace(
                run, state=RunState.RUNNING, started_at=run.started_at or now
            )
        return copy_of(task)

    def _in_order(self, tasks: Iterable[Task], order: QueueOrder) -> list[Task]:
        def rank(task: Task) -> tuple[Any, ...]:
            plain = (
                -task.priority,
                not task.is_user_initiated,
                _known(task.created_at),
                task.id,
            )
            if order is QueueOrder.PRIORITY:
                return plain
            return (not task.is_user_initiated, self._run_of(task).started_at is None, *plain)

        return sorted(tasks, key=rank)

    def _run_of(self, task: Task) -> IndexRun:
        return self._tables.runs[task.run_id or 0]

    def paused_since(self) -> datetime | None:
        return self._tables.paused_since

    def set_paused(self, since: datetime | None) -> None:
        if since is None or self._tables.paused_since is None:
            self._tables.paused_since = since

    def fence(self, claim: Claim) -> Task:
        task = self._tables.tasks.get(claim.task_id)
        if task is None or task.claim != claim or task.state is not TaskState.RUNNING:
            raise LeaseLost(f"task {claim.task_id} is no longer held by claim {claim.claim_no}")
        return copy_of(task)

    def renew(self, claim: Claim, lease_until: datetime, progress: TaskProgress | None) -> Task:
        return self._replace_held(self.fence(claim), progress, lease_expires_at=lease_until)

    def record_batch(
        self,
        claim: Claim,
        work: Mapping[str, int],
        progress: TaskProgress | None,
        *,
        restores_budget: bool = True,
    ) -> Task:
        task = self.fence(claim)
        for name, count in work.items():
            task.work[name] = task.work.get(name, 0) + count
        return self._replace_held(task, progress, failures=0 if restores_budget else task.failures)

    def record_for(self, index_id: int, task_type: TaskType, work: Mapping[str, int]) -> None:
        for task in self._active_tasks(index_id):
            to_come = task.state in (TaskState.BLOCKED, TaskState.READY, TaskState.RUNNING)
            if task.type is task_type and to_come:
                counted = {name: task.work.get(name, 0) + count for name, count in work.items()}
                self._tables.tasks[task.id] = replace(task, work=task.work | counted)

    def taking_part(self, index_ids: Sequence[int], _task_type: TaskType) -> set[int]:
        return set(index_ids)

    def wanted_by_user(self, index_ids: Sequence[int]) -> set[int]:
        tasks = {one: self._active_tasks(one) for one in index_ids}
        return {one for one in tasks if any(task.is_user_initiated for task in tasks[one])}

    def _active_tasks(self, index_id: int) -> list[Task]:
        active = {run.id for run in self._open_runs([index_id], is_follow_up=False)}
        return [task for task in self._tables.tasks.values() if task.run_id in active]

    def _replace_held(self, task: Task, progress: TaskProgress | None, **values: Any) -> Task:
        row = replace(task, progress=progress or task.progress, **values)
        self._tables.tasks[task.id] = row
        return copy_of(row)

    # Attempts

    def close_attempts(
        self,
        claims: Sequence[Claim],
        now: datetime,
        outcome: AttemptOutcome,
        error: str | None,
        about: ErrorAbout | None = None,
    ) -> None:
        for claim in claims:
            key = (claim.task_id, claim.claim_no)
            attempt = self._tables.attempts.get(key)
            if attempt is not None and attempt.finished_at is None:
                self._tables.attempts[key] = replace(
                    attempt, finished_at=now, outcome=outcome, error=error, error_about=about
                )

    def attempts(self, task_id: int) -> list[TaskAttempt]:
        return [row for (owner, _), row in self._tables.attempts.items() if owner == task_id]


def _known(moment: datetime | None) -> datetime:
    """A time that every stored task of this state has."""
    if moment is None:
        raise ValueError("a task was stored without a moment that it must have")
    return moment
