"""The durable queue, as its use cases need it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from kodit.domain.run import IndexRun, RunState
from kodit.domain.task import AttemptOutcome, Claim, Task, TaskAttempt, TaskProgress


class TaskRepository(Protocol):
    """Runs, tasks and attempts within one transaction.

    Whoever changes the state of a run calls `lock_run` first, moves the run it returns, and
    stores it with `save_run`.
    """

    def add_run(self, run: IndexRun) -> IndexRun:
        """Store a new run and its tasks; the result carries their identifiers."""
        ...

    def lock_run(self, run_id: int) -> IndexRun:
        """The run with its tasks, locked until the transaction ends. Raises NotFoundError."""
        ...

    def lock_run_of(self, task_id: int) -> IndexRun:
        """The run of a task, locked likewise. Raises LeaseLost where the task is gone, with the
        index that it belonged to."""
        ...

    def save_run(self, run: IndexRun) -> None:
        """Store the states of a locked run and of its tasks."""
        ...

    def active_run(self, index_id: int) -> IndexRun | None:
        """The queued or running run of an index that waits for no other, locked."""
        ...

    def follow_up(self, index_id: int) -> IndexRun | None:
        """The run that waits for the active run of an index to end, locked."""
        ...

    def failed_runs(self, index_id: int) -> list[IndexRun]:
        """The failed runs of an index that no newer run has superseded, locked."""
        ...

    def get_runs(self, run_ids: Sequence[int]) -> list[IndexRun]:
        """In any order; unknown identifiers are left out."""
        ...

    def list_runs(
        self,
        *,
        index_id: int | None = None,
        states: Sequence[RunState] = (),
        limit: int = 100,
    ) -> list[IndexRun]:
        """Runs with their tasks, newest first."""
        ...

    def latest_runs(self, index_ids: Sequence[int]) -> dict[int, IndexRun]:
        """The newest run of each index that has one; a follow-up that still waits is not it."""
        ...

    def find_single(self, type_name: str, payload: Mapping[str, Any]) -> IndexRun | None:
        """The run of a single task of this type and payload that has not started, locked."""
        ...

    def get_task(self, task_id: int) -> Task:
        """Raises NotFoundError."""
        ...

    def has_claimable(self, now: datetime) -> bool:
        """Whether `claim` would find something: a plain read."""
        ...

    def next_available_at(self) -> datetime | None:
        """When the first task that waits for its back-off becomes claimable."""
        ...

    def claim(self, worker: str, now: datetime, lease_until: datetime) -> Task | None:
        """Take the next task: `priority DESC`, user-initiated first, `created_at`, `id`, of those
        ready whose `available_at` has come. Raises its `claim_no`, opens an attempt and marks a
        queued run running."""
        ...

    def fence(self, claim: Claim) -> Task:
        """The task, if this claim still holds it; raises LeaseLost otherwise."""
        ...

    def renew(self, claim: Claim, lease_until: datetime, progress: TaskProgress | None) -> Task:
        """Extend the lease and store the progress. Raises LeaseLost."""
        ...

    def record_batch(
        self, claim: Claim, work: Mapping[str, int], progress: TaskProgress | None
    ) -> Task:
        """Count what a batch did, in the transaction that stores the batch, and give the task
        its whole retry budget back. Raises LeaseLost."""
        ...

    def close_attempt(
        self, claim: Claim, now: datetime, outcome: AttemptOutcome, error: str | None
    ) -> None:
        """Write down how a claim ended."""
        ...

    def attempts(self, task_id: int) -> list[TaskAttempt]:
        """Every claim of a task, oldest first."""
        ...

    def running_tasks(
        self, *, worker: str | None = None, lease_before: datetime | None = None
    ) -> list[Task]:
        """Running tasks, of one worker or with a lease that ended before a time."""
        ...

    def waiting_tasks(self, limit: int = 100) -> list[Task]:
        """Ready tasks in the order in which they would be claimed, back-off aside."""
        ...

    def delete_runs(self, index_id: int) -> None:
        """Forget the runs, tasks and attempts of an index."""
        ...
