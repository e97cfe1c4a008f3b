"""The five tasks of one indexing of one index, and all transitions of their states.

Nothing here reads a clock or a database: a repository loads the run under a lock, one of these
methods changes it, and the repository stores the changes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from kodit.domain.errors import LeaseLost
from kodit.domain.task import (
    AT_ONCE,
    PREDECESSORS,
    Claim,
    ErrorAbout,
    QueuePriority,
    Task,
    TaskState,
    TaskType,
    task_priority,
)

BUDGET_SPENT = "budget_spent"
"""The code of the error of a task that waits for a budget."""
SEARCH_NODE_AWAITED = "search_node_awaited"
"""That of a task that waits until a node has followed the log."""
WAITING_CODES = ("endpoint_paused", BUDGET_SPENT, SEARCH_NODE_AWAITED)
"""The codes of errors that say what a task waits for, and until when."""


class RunState(StrEnum):
    """The state of a run; the last four are terminal."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"

    @property
    def is_terminal(self) -> bool:
        return self not in (RunState.QUEUED, RunState.RUNNING)


@dataclass(slots=True)
class IndexRun:
    """One indexing of one index.

    `is_follow_up` is set while the run waits for the active run of its index to end; at most one
    run of an index is active and at most one waits. A run without an index holds a single task that
    was queued by itself.
    """

    index_id: int | None
    state: RunState = RunState.QUEUED
    is_follow_up: bool = False
    cancel_requested: bool = False
    id: int = 0
    created_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    tasks: list[Task] = field(default_factory=list)

    @classmethod
    def create(
        cls, index_id: int, base: QueuePriority, now: datetime, *, is_follow_up: bool = False
    ) -> IndexRun:
        """A new run: SYNC ready, unless the run has to wait, and the rest blocked."""
        tasks = [
            Task.create(task_type, task_priority(task_type, base), {"index_id": index_id})
            for task_type in TaskType
        ]
        for task in tasks:
            task.created_at, task.available_at = now, AT_ONCE
            task.state = TaskState.BLOCKED
        run = cls(index_id=index_id, is_follow_up=is_follow_up, created_at=now, tasks=tasks)
        if not is_follow_up:
            run._unblock()
        return run

    @classmethod
    def single(cls, task: Task, now: datetime) -> IndexRun:
        """A run of one task, ready at once."""
        task.created_at, task.available_at = now, AT_ONCE
        return cls(index_id=None, created_at=now, tasks=[task])

    @property
    def is_user_initiated(self) -> bool:
        return any(task.is_user_initiated for task in self.tasks)

    def task(self, task_id: int) -> Task:
        return next(task for task in self.tasks if task.id == task_id)

    @property
    def waits_for_budget(self) -> Task | None:
        """The task that waits for a budget, if nothing else of the run is under way. After a
        request of a user it does not wait, but is tried again at once."""
        if any(task.state is TaskState.RUNNING for task in self.tasks):
            return None
        ready = [task for task in self.tasks if task.state is TaskState.READY]
        waiting = [
            task
            for task in ready
            if task.error_about is not None
            and task.error_about.code == BUDGET_SPENT
            and task.available_at not in (None, AT_ONCE)
        ]
        return waiting[0] if waiting and len(waiting) == len(ready) else None

    @property
    def can_be_joined(self) -> bool:
        """Whether a new request can be merged into this run: all of its stages are still to come. A
        run that is retried after its SYNC would not look at the source again."""
        return (
            self.state is RunState.QUEUED
            and not self.cancel_requested
            and not any(task.state.is_terminal for task in self.tasks)
        )

    def held(self, claim: Claim) -> Task:
        """The running task that this claim holds; raises LeaseLost otherwise."""
        for task in self.tasks:
            if task.is_held_by(claim):
                return task
        raise LeaseLost(f"task {claim.task_id} is no longer held by claim {claim.claim_no}")

    def raise_priority(self, base: QueuePriority) -> None:
        """Raise the tasks that have not ended to `base`'s class, including running ones, as they
        may return to the queue. A user's request also ends a back-off, since somebody is waiting
        now. It does not renew the retry budget: repeated requests would keep a run alive that
        cannot succeed, and its follow-ups waiting."""
        for task in self.tasks:
            if not task.state.is_terminal:
                task.raise_priority(base)
                if task.state is TaskState.READY and base is QueuePriority.USER_INITIATED:
                    task.make_ready()

    def stop_waiting(self) -> None:
        """The active run before this one has ended, so this one becomes active."""
        self.is_follow_up = False
        self._unblock()

    def complete(self, task: Task, now: datetime, *, nothing_to_do: bool = False) -> None:
        """A running task has succeeded; with `nothing_to_do`, the rest of the run is skipped."""
        task.end(TaskState.SUCCEEDED, now)
        if nothing_to_do:
            for other in self.tasks:
                if not other.state.is_terminal:
                    other.end(TaskState.SKIPPED, now)
        self.settle(now)

    def fail(self, task: Task, error: str, now: datetime, about: ErrorAbout | None = None) -> None:
        """A running task has failed for good; its successors stay blocked."""
        task.end(TaskState.FAILED, now, error, about)
        self.settle(now)

    def try_again(
        self,
        task: Task,
        error: str | None,
        available_at: datetime,
        now: datetime,
        about: ErrorAbout | None = None,
    ) -> None:
        """A running task returns to the queue; `error` is the reason, None after a release."""
        task.error, task.error_about = error, about
        task.make_ready(available_at)
        self.settle(now)

    def end_waits(self) -> None:
        """What tasks have waited for search nodes for is there, or comes no more."""
        for task in self.tasks:
            about = task.error_about
            is_waiting = task.state is TaskState.READY and about is not None
            if is_waiting and about is not None and about.code == SEARCH_NODE_AWAITED:
                task.make_ready()

    def scan_again(
        self, task: Task, error: str, available_at: datetime, now: datetime, about: ErrorAbout
    ) -> None:
        """A running EXTRACT cannot read what SYNC has found, so that both are done again."""
        task.error, task.error_about = error, about
        task.make_ready()
        task.state = TaskState.BLOCKED
        for other in self.tasks:
            if other.type is TaskType.SYNC:
                other.make_ready(available_at)
                other.finished_at = None
        self.settle(now)

    def cancel(self, now: datetime) -> None:
        """Cancel waiting tasks at once; running tasks are asked to stop, and the run ends when they
        have."""
        self.cancel_requested = True
        for task in self.tasks:
            if task.state is TaskState.RUNNING:
                task.cancel_requested = True
        self.settle(now)

    def abandon(self, now: datetime) -> None:
        """End everything at once, running tasks included: their claims are void from here on."""
        self.cancel_requested = True
        for task in self.tasks:
            if task.state is TaskState.RUNNING:
                task.end(TaskState.CANCELLED, now)
        self.settle(now)

    def acknowledge_cancel(self, task: Task, now: datetime) -> None:
        """A running task has stopped because of the cancellation."""
        task.end(TaskState.CANCELLED, now)
        self.settle(now)

    def retry(self) -> None:
        """Run the failed or cancelled stages again, and their successors."""
        for task in self.tasks:
            if task.state in (TaskState.FAILED, TaskState.CANCELLED):
                task.restart()
        self.state = RunState.QUEUED
        self.is_follow_up = False
        self.cancel_requested = False
        self.finished_at = None
        self._unblock()

    def supersede(self) -> None:
        """A newer run has taken the place of this failed one."""
        self.state = RunState.SUPERSEDED

    def _unblock(self) -> None:
        """Make ready the tasks whose predecessors have succeeded; a single task has none."""
        missing = {task.type for task in self.tasks if task.state is not TaskState.SUCCEEDED}
        for task in self.tasks:
            if task.state is not TaskState.BLOCKED:
                continue
            predecessors = PREDECESSORS[task.type] if isinstance(task.type, TaskType) else ()
            if missing.isdisjoint(predecessors):
                task.make_ready()

    def settle(self, now: datetime) -> None:
        """Update the rest of the run after the state of one task has changed."""
        if self.cancel_requested:
            for task in self.tasks:
                if task.state in (TaskState.BLOCKED, TaskState.READY):
                    task.end(TaskState.CANCELLED, now)
        elif not self.is_follow_up:
            self._unblock()
        states = {task.state for task in self.tasks}
        if states & {TaskState.READY, TaskState.RUNNING}:
            return
        if states <= {TaskState.SUCCEEDED, TaskState.SKIPPED}:
            self.state = RunState.SUCCEEDED
        elif self.cancel_requested:
            self.state = RunState.CANCELLED
        else:
            self.state = RunState.FAILED
        self.finished_at = now
