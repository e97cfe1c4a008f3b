"""A plain model of the queue, written from the design and sharing no code with it.

Strings and numbers, no transactions, no SQL, no classes of the domain. Tests ask it what must
happen, and compare it with the database after every step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import chain

from tests.queue.model_state import (
    AFTER,
    AT_ONCE,
    OFFSETS,
    STAGES,
    USER,
    ModelRun,
    ModelTask,
    view_run,
)
from tests.queue.view import QueueView


class Refused(Exception):  # noqa: N818 - what the model says where the queue raises UserError
    """The request is refused."""


class QueueModel:
    """The expected state and answers of the queue."""

    def __init__(
        self,
        now: Callable[[], datetime],
        *,
        max_failures: int,
        lease: timedelta,
        first_delay: timedelta,
        longest_delay: timedelta,
        limits: dict[str, int],
        run_first: bool = False,
    ) -> None:
        self.now = now
        self.max_failures = max_failures
        self.lease = lease
        self.first_delay = first_delay
        self.longest_delay = longest_delay
        self.limits = limits
        self.run_first = run_first
        self.paused = False
        self.runs: dict[int, ModelRun] = {}
        self.data: dict[int, set[str]] = {}

    # Asking

    def request(self, index_id: int, base: int, run_id: int, task_ids: Sequence[int]) -> None:
        """A request was made and answered with this run."""
        active = self.active(index_id)
        if active is None:
            self._supersede(index_id)
            self._add(index_id, base, run_id, task_ids, waits=False)
            return
        self._raise_class(active, base)
        if not active.started and not active.cancelled and active.tasks[0].state != "succeeded":
            assert run_id == active.id
            return
        waiting = self.follow_up(index_id)
        if waiting is not None:
            self._raise_class(waiting, base)
            assert run_id == waiting.id
            return
        self._add(index_id, base, run_id, task_ids, waits=True)

    def _supersede(self, index_id: int | None) -> None:
        for run in self.runs.values():
            if run.index_id == index_id and run.outcome == "failed":
                run.outcome = "superseded"

    def _add(
        self, index_id: int, base: int, run_id: int, task_ids: Sequence[int], *, waits: bool
    ) -> None:
        assert run_id > max(self.runs, default=0), "a new run was expected"
        now = self.now()
        tasks = [
            ModelTask(task_id, stage, base + OFFSETS[stage], now, AT_ONCE)
            for task_id, stage in zip(task_ids, STAGES, strict=True)
        ]
        self.runs[run_id] = ModelRun(run_id, index_id, tasks, waits=waits)
        self._settle(self.runs[run_id])

    def single(self, task_type: str, priority: int, task_id: int, run_id: int) -> None:
        """A task was queued by itself; every payload of the model names its type only."""
        for run in self.runs.values():
            if run.index_id is None and run.state == "queued" and run.tasks[0].type == task_type:
                assert (run_id, task_id) == (run.id, run.tasks[0].id)
                run.tasks[0].priority = max(run.tasks[0].priority, priority)
                return
        assert run_id > max(self.runs, default=0), "a new run was expected"
        now = self.now()
        task = ModelTask(task_id, task_type, priority, now, AT_ONCE, state="ready")
        self.runs[run_id] = ModelRun(run_id, None, [task])

    def _raise_class(self, run: ModelRun, base: int) -> None:
        for task in run.tasks:
            if not task.ended:
                if task.type in OFFSETS:
                    task.priority = max(task.priority, base + OFFSETS[task.type])
                if base == USER and task.state == "ready":
                    task.available_at = AT_ONCE

    # Working

    def next_tasks(self, count: int = 1) -> list[ModelTask]:
        """The tasks that a claim must return, in order."""
        if self.paused:
            return []
        taken: list[ModelTask] = []
        for task in sorted(self._waiting(), key=self._rank):
            running = sum(
                other.type == task.type for other in chain(self.all_tasks("running"), taken)
            )
            if len(taken) < count and running < self.limits.get(task.type, running + 1):
                taken.append(task)
        return taken

    def _waiting(self) -> list[ModelTask]:
        def wait(task: ModelTask) -> timedelta:
            return task.available_at - self.now()

        ready = self.all_tasks("ready")
        return [task for task in ready if not timedelta(0) < wait(task) <= timedelta(days=1)]

    def _rank(self, task: ModelTask) -> tuple[object, ...]:
        age = (task.created_at, task.id)
        if self.run_first:
            started = self.run_of(task).ever_started
            return (not task.is_users, not started, -task.priority, *age)
        return (-task.priority, not task.is_users, *age)

    def claim(self, worker: str, count: int = 1) -> list[tuple[int, int]]:
        """Take the next tasks; their identifiers and claim numbers."""
        taken = self.next_tasks(count)
        for task in taken:
            task.state = "running"
            task.lease = self.now() + self.lease
            task.claims.append([worker, None])
            run = self.run_of(task)
            run.started = run.ever_started = True
        return [(task.id, len(task.claims)) for task in taken]

    def held_claims(self, task_type: str | None = None) -> list[tuple[int, int]]:
        """The claims that hold their tasks: identifier and claim number."""
        running = self.all_tasks("running")
        return [(task.id, len(task.claims)) for task in running if task_type in (None, task.type)]

    def stale_claims(self) -> list[tuple[int, int]]:
        """Earlier claims that no longer hold a task."""
        given = [
            (task.id, number)
            for run in self.runs.values()
            for task in run.tasks
            for number in range(1, len(task.claims) + 1)
        ]
        held = set(self.held_claims())
        return [claim for claim in given if claim not in held]

    def complete(self, task_id: int, *, nothing_to_do: bool = False) -> None:
        task = self._end(task_id, "succeeded", "succeeded")
        if nothing_to_do:
            for other in self.run_of(task).tasks:
                if not other.ended:
                    other.state = "skipped"
        self._settle(self.run_of(task))

    def fail(self, task_id: int) -> None:
        task = self._end(task_id, "failed", "failed")
        self._settle(self.run_of(task))

    def fail_transiently(self, task_id: int, asked_for: float | None) -> None:
        task = self.task(task_id)
        step = min(self.first_delay * 2**task.failures, self.longest_delay)
        self._stumble(task, "retried", max(step, timedelta(seconds=asked_for or 0)))

    def lose(self, task_id: int) -> None:
        """Its worker died, or let the lease expire."""
        self._stumble(self.task(task_id), "lost", timedelta(0))

    def _stumble(self, task: ModelTask, outcome: str, delay: timedelta) -> None:
        task.failures += 1
        if task.failures == self.max_failures:
            self.fail(task.id)
        else:
            self._put_back(task, outcome, delay)

    def release(self, task_id: int) -> None:
        self._put_back(self.task(task_id), "released", timedelta(0))

    def _put_back(self, task: ModelTask, outcome: str, delay: timedelta) -> None:
        self._end(task.id, "ready", outcome)
        task.available_at = self.now() + delay if delay else AT_ONCE
        self._settle(self.run_of(task))

    def stop(self, task_id: int) -> None:
        """A task that was asked to stop has stopped."""
        task = self._end(task_id, "cancelled", "cancelled")
        self._settle(self.run_of(task))

    def heartbeat(self, task_id: int) -> bool:
        task = self.task(task_id)
        task.lease = self.now() + self.lease
        return task.asked_to_stop

    def commit_batch(self, task_id: int, index_id: int | None, path: str) -> bool:
        task = self.task(task_id)
        if index_id is not None:
            self.data.setdefault(index_id, set()).add(path)
        task.batches += 1
        task.failures = 0
        return task.asked_to_stop

    def lost_tasks(self, dead: Iterable[str]) -> list[ModelTask]:
        """Running tasks whose worker is dead or whose lease has run out."""
        gone = set(dead)
        return [
            task
            for task in self.all_tasks("running")
            if task.claims[-1][0] in gone or (task.lease is not None and task.lease < self.now())
        ]

    def _end(self, task_id: int, state: str, outcome: str) -> ModelTask:
        task = self.task(task_id)
        assert task.state == "running"
        task.state = state
        task.lease = None
        task.claims[-1][1] = outcome
        return task

    # Steering

    def cancel(self, run_id: int) -> None:
        run = self.runs[run_id]
        if run.outcome is not None:
            raise Refused
        run.cancelled = True
        for task in run.tasks:
            task.asked_to_stop = task.state == "running"
        self._settle(run)

    def abandon(self, index_id: int) -> None:
        for run in (self.follow_up(index_id), self.active(index_id)):
            if run is not None:
                run.cancelled = True
                for task in run.tasks:
                    if task.state == "running":
                        self._end(task.id, "cancelled", "cancelled")
                self._settle(run)

    def retries_in_place(self, run_id: int) -> bool:
        """Whether a retry runs this very run again, instead of being a new request. Refuses."""
        run = self.runs[run_id]
        if run.outcome in (None, "succeeded"):
            raise Refused
        if run.index_id is None:
            return True
        if self.active(run.index_id) is not None:
            return False
        return run.outcome == "failed" or (
            run.outcome == "cancelled" and run is self.of_index(run.index_id)[-1]
        )

    def retry(self, run_id: int) -> None:
        run = self.runs[run_id]
        run.outcome = None
        run.started = run.cancelled = run.waits = False
        for task in run.tasks:
            if task.state in ("failed", "cancelled"):
                task.state = "blocked"
                task.failures = 0
        self._settle(run)
        self._raise_class(run, USER)

    # Rules

    def _settle(self, run: ModelRun) -> None:
        """Apply the rules that follow from a change of one task."""
        done = {task.type for task in run.tasks if task.state == "succeeded"}
        in_run = {task.type for task in run.tasks}
        for task in run.tasks:
            if run.cancelled and task.state in ("blocked", "ready"):
                task.state = "cancelled"
            elif (
                task.state == "blocked"
                and not run.waits
                and AFTER.get(task.type, set()) & in_run <= done
            ):
                task.state = "ready"
                task.available_at = AT_ONCE
            if task.state != "running":
                task.asked_to_stop = False
        if run.waits and not run.cancelled:
            return
        states = {task.state for task in run.tasks}
        if states & {"ready", "running"}:
            return
        if states <= {"succeeded", "skipped"}:
            run.outcome = "succeeded"
        else:
            run.outcome = "cancelled" if run.cancelled else "failed"
        follow_up = None if run.index_id is None or run.waits else self.follow_up(run.index_id)
        if follow_up is not None:
            follow_up.waits = False
            self._supersede(run.index_id)
            self._settle(follow_up)

    # Looking

    def active(self, index_id: int) -> ModelRun | None:
        return self._open(index_id, waits=False)

    def follow_up(self, index_id: int) -> ModelRun | None:
        return self._open(index_id, waits=True)

    def _open(self, index_id: int, *, waits: bool) -> ModelRun | None:
        found = [
            run for run in self.of_index(index_id) if run.outcome is None and run.waits is waits
        ]
        assert len(found) < 2
        return found[0] if found else None

    def of_index(self, index_id: int) -> list[ModelRun]:
        return [run for _, run in sorted(self.runs.items()) if run.index_id == index_id]

    def all_tasks(self, state: str) -> list[ModelTask]:
        return [task for run in self.runs.values() for task in run.tasks if task.state == state]

    def find(self, task_id: int) -> ModelTask | None:
        tasks = (task for run in self.runs.values() for task in run.tasks)
        return next((task for task in tasks if task.id == task_id), None)

    def task(self, task_id: int) -> ModelTask:
        found = self.find(task_id)
        assert found is not None
        return found

    def run_of(self, task: ModelTask) -> ModelRun:
        return next(run for run in self.runs.values() if task in run.tasks)

    def view(self, index_ids: Iterable[int]) -> QueueView:
        """The model in the form of a database view."""
        return QueueView(
            {run.id: view_run(run) for _, run in sorted(self.runs.items())},
            {key: frozenset(self.data.get(key, ())) for key in index_ids},
            self.paused,
        )
