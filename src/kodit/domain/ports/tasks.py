"""The durable queue, as its use cases need it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from kodit.domain.claiming import ClaimRules, QueueOrder
from kodit.domain.ports.runtime import Clock
from kodit.domain.retention import PrunableRuns, RunEnd
from kodit.domain.run import IndexRun, RunState
from kodit.domain.task import (
    AttemptOutcome,
    Claim,
    ErrorAbout,
    Task,
    TaskAttempt,
    TaskProgress,
    TaskType,
)

NO_RUN_YET = 2**62
"""Larger than the identifier of any run."""


class TaskRepository(Protocol):
    """Runs, tasks and attempts within one transaction.

    To change the state of a run, lock it first, change the returned run, and store it with
    `save_runs`. Nothing can be locked in a read transaction.
    """

    def add_run(self, run: IndexRun) -> IndexRun:
        """Store a new run and its tasks; the result carries their identifiers. Raises ConflictError
        if another transaction has just added such a run for the index."""
        ...

    def lock_run(self, run_id: int) -> IndexRun:
        """The run with its tasks, locked until the transaction ends. Raises NotFoundError."""
        ...

    def lock_runs_of(self, task_ids: Sequence[int]) -> list[IndexRun]:
        """The runs of these tasks, each once, locked in the same way, with those of their tasks
        that have not succeeded, since the others no longer change. A task that was deleted with its
        index has no run."""
        ...

    def save_runs(self, runs: Sequence[IndexRun]) -> None:
        """Store the states of locked runs and of their tasks."""
        ...

    def active_run(self, index_id: int) -> IndexRun | None:
        """The queued or running run of an index that waits for no other, locked."""
        ...

    def follow_ups(self, index_ids: Sequence[int]) -> list[IndexRun]:
        """The follow-up runs of these indexes, which wait for the active run to end, locked."""
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
        states: Sequence[RunState] = (),
        index_ids: Sequence[int] = (),
        before: int = NO_RUN_YET,
        limit: int = 100,
    ) -> list[IndexRun]:
        """Runs with their tasks, newest first: those in these states, of these indexes, and with
        smaller identifiers than `before`; empty sequences do not restrict."""
        ...

    def unfinished_runs(self) -> dict[int, RunState]:
        """The states of all runs that have not ended, by identifier."""
        ...

    def unfinished_runs_of(self, index_ids: Sequence[int]) -> list[IndexRun]:
        """The active runs of these indexes, then their follow-ups: a plain read."""
        ...

    def runs_of(self, index_id: int, limit: int = 100) -> list[IndexRun]:
        """Runs of an index with their tasks, newest first."""
        ...

    def successor(self, run_id: int, index_id: int) -> IndexRun | None:
        """The newest run of the index that succeeded after this one was requested; if none has, the
        newest."""
        ...

    def latest_runs(self, index_ids: Sequence[int]) -> dict[int, IndexRun]:
        """The newest run of each index that has one; a waiting follow-up does not count."""
        ...

    def find_single(self, type_name: str, payload: Mapping[str, Any]) -> IndexRun | None:
        """The run of a single task of this type and payload that has not started, locked."""
        ...

    def get_task(self, task_id: int) -> Task:
        """Raises NotFoundError."""
        ...

    def has_claimable(self, now: datetime, rules: ClaimRules) -> bool:
        """Whether `claim` would find something: a plain read."""
        ...

    def next_available_at(self, now: datetime) -> datetime | None:
        """When the first ready task in back-off becomes available, at most `LONGEST_WAIT` ahead: a
        longer wait only comes from a clock that was set back."""
        ...

    def claim(
        self, worker: str, clock: Clock, lease: timedelta, rules: ClaimRules, count: int = 1
    ) -> list[Task]:
        """Take the next tasks, at most `count`, in the order of the rules, among the ready tasks
        whose `available_at` has come or lies more than `LONGEST_WAIT` ahead; none while the queue
        is paused.

        Claims under limits wait for each other, and then ask for the time, so that no claim is
        older than what it finds.

        A task is skipped if its type has reached its limit of running tasks; they are counted at
        each claim, so that no crash can leak a slot. Increments each `claim_no`, opens an attempt
        and marks a queued run as running.
        """
        ...

    def paused_since(self) -> datetime | None:
        """When the queue was paused; None if it is not paused."""
        ...

    def set_paused(self, since: datetime | None) -> None:
        """Pause the queue, or resume it with None. An existing pause keeps its time."""
        ...

    def fence(self, claim: Claim) -> Task:
        """The task, if this claim still holds it; raises LeaseLost otherwise."""
        ...

    def renew(self, claim: Claim, lease_until: datetime, progress: TaskProgress | None) -> Task:
        """Extend the lease and store the progress. Raises LeaseLost."""
        ...

    def record_batch(
        self,
        claim: Claim,
        work: Mapping[str, int],
        progress: TaskProgress | None,
        *,
        restores_budget: bool = True,
    ) -> Task:
        """Count what a batch did, in the transaction that stores the batch, and restore the task's
        retry budget, unless the batch made no progress. Raises LeaseLost."""
        ...

    def record_for(self, index_id: int, task_type: TaskType, work: Mapping[str, int]) -> None:
        """Count what a task of another index did for this one. It is added to the unfinished task
        of that type in its active run; if there is none, it is not counted."""
        ...

    def taking_part(self, index_ids: Sequence[int], task_type: TaskType) -> set[int]:
        """Those of these other indexes in whose work of this type the transaction may take part.
        Where several transactions write at a time, these are the ones with such a task to come that
        no other transaction is writing, and none does until this one ends."""
        ...

    def wanted_by_user(self, index_ids: Sequence[int]) -> set[int]:
        """Those of these indexes whose active run was requested by a user."""
        ...

    def close_attempts(
        self,
        claims: Sequence[Claim],
        now: datetime,
        outcome: AttemptOutcome,
        error: str | None,
        about: ErrorAbout | None = None,
    ) -> None:
        """Record how these claims ended."""
        ...

    def attempts(self, task_id: int) -> list[TaskAttempt]:
        """Every claim of a task, oldest first."""
        ...

    def running_tasks(self, *, worker: str | None = None) -> list[Task]:
        """Running tasks, of all workers or of one, by identifier."""
        ...

    def waiting_tasks(self, order: QueueOrder, limit: int = 100) -> list[Task]:
        """Ready tasks in the order in which they would be claimed, ignoring back-off, limits and
        pause."""
        ...

    def delete_runs(self, index_id: int, limit: int) -> bool:
        """Delete at most `limit` rows of the runs, tasks and attempts of an index, and of single
        tasks that name it; False if none was left. A run is deleted as a whole, so that one with
        more rows is deleted alone."""
        ...

    def prunable_runs(
        self,
        keep_per_index: int,
        ended_before: datetime,
        limit: int,
        looked_up_to: RunEnd | None = None,
    ) -> PrunableRuns:
        """Among the first `limit` runs that ended before that time, and after `looked_up_to`, those
        that are not among the newest `keep_per_index` of their index: a plain read.

        Runs without an index count as one group. A run that ended while it was a follow-up ranks
        after the others, so that the latest run of an index is always kept.
        """
        ...

    def forget_runs(self, run_ids: Sequence[int], ended_before: datetime, limit: int) -> list[int]:
        """Delete those of these runs that ended before that time, with their tasks and attempts: at
        most `limit` rows, and at least one run. Returns the runs that are left to delete."""
        ...
