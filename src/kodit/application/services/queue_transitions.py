"""The transitions of the queue, within a transaction.

Every change of a run's state locks the run first; a claim is checked on the locked run, so that
nothing can happen between the check and the change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from kodit.application.services.queue_events import record_event
from kodit.domain.claiming import ClaimRules
from kodit.domain.endpoints import LONGEST_POSTPONEMENT
from kodit.domain.entities import IndexRun, Task
from kodit.domain.errors import (
    CommitGoneError,
    LeaseLost,
    NotFoundError,
    PausedError,
    TransientError,
    UserError,
)
from kodit.domain.retry import RetryPolicy
from kodit.domain.task import AT_ONCE
from kodit.domain.value_objects import (
    AttemptOutcome,
    Claim,
    ErrorAbout,
    QueuePriority,
    RunState,
    TaskProgress,
    TaskState,
    TaskType,
    task_priority,
)

# Imported where used, so that a command loads only what it needs.
if TYPE_CHECKING:
    from kodit.domain.ports.database import Transaction
    from kodit.domain.ports.runtime import Clock
    from kodit.domain.ports.tasks import TaskRepository

LEASE = timedelta(seconds=60)
LOOK_AGAIN_SECONDS = 0.01
"""How soon to look again for a task that could not be had."""


def any_share() -> float:
    """A random number from 0 to 1."""
    import random  # noqa: PLC0415 - not needed to look at the queue

    return random.random()  # noqa: S311 - a waiting time, not a secret


class QueueTransitions:
    """The transitions of the queue's state machine, each within a transaction that the caller
    opens."""

    def __init__(
        self,
        *,
        clock: Clock,
        retry_policy: RetryPolicy,
        lease: timedelta = LEASE,
        jitter: Callable[[], float] = any_share,
    ) -> None:
        self._clock = clock
        self._retry_policy = retry_policy
        self._lease = lease
        self._jitter = jitter

    # Requests

    def enqueue(self, transaction: Transaction, task: Task) -> Task:
        """Queue a task that is a run by itself, or merge it with a waiting one like it. A stage of
        an index is not one: it becomes a request for the index, and part of its run."""
        if isinstance(task.type, TaskType) and task.index_id is not None:
            with suppress(NotFoundError):
                whole = self.request(transaction, task.index_id, _base_of(task.type, task.priority))
                return next(one for one in whole.tasks if one.type is task.type)
        run = transaction.tasks.find_single(task.type_name, task.payload)
        if run is None:
            run = transaction.tasks.add_run(IndexRun.single(task, self._clock.now()))
            record_event("run requested", run, request="new", type=task.type_name)
        else:
            run.tasks[0].priority = max(run.tasks[0].priority, task.priority)
            transaction.tasks.save_runs([run])
            record_event("run requested", run, request="joined", type=task.type_name)
        return run.tasks[0]

    def request(self, transaction: Transaction, index_id: int, base: QueuePriority) -> IndexRun:
        """The run that meets a request for an index. Raises NotFoundError for a deleted index."""
        run, how = self._meet(transaction, index_id, base)
        record_event("run requested", run, request=how, by=base.name.lower())
        return run

    def _meet(
        self, transaction: Transaction, index_id: int, base: QueuePriority
    ) -> tuple[IndexRun, str]:
        """The run that meets a request, and whether it is new, joined or a follow-up."""
        transaction.indexes.get(index_id)
        tasks = transaction.tasks
        active = tasks.active_run(index_id)
        now = self._clock.now()
        if active is None:
            self._supersede(tasks, index_id)
            return tasks.add_run(IndexRun.create(index_id, base, now)), "new"
        active.raise_priority(base)
        tasks.save_runs([active])
        if active.can_be_joined:
            return active, "joined"
        waiting = tasks.follow_ups([index_id])
        if not waiting:
            run = IndexRun.create(index_id, base, now, is_follow_up=True)
            return tasks.add_run(run), "follow_up"
        waiting[0].raise_priority(base)
        tasks.save_runs(waiting)
        return waiting[0], "joined"

    # Work

    def claim(
        self, transaction: Transaction, worker: str, count: int, rules: ClaimRules
    ) -> list[Task]:
        """The next tasks for a worker, at most `count`."""
        return transaction.tasks.claim(worker, self._clock, self._lease, rules, count)

    def complete(
        self, transaction: Transaction, claims: Sequence[Claim], *, nothing_to_do: bool = False
    ) -> None:
        """These tasks have succeeded. Raises LeaseLost, and changes nothing, if any is lost."""
        held = self._hold(transaction.tasks, claims)
        now = self._clock.now()
        for run, task in held:
            run.complete(task, now, nothing_to_do=nothing_to_do)
        self._end_claims(transaction.tasks, held, AttemptOutcome.SUCCEEDED)

    def fail(
        self,
        transaction: Transaction,
        claim: Claim,
        error: str,
        about: ErrorAbout | None = None,
    ) -> None:
        """A task has failed for good. Raises LeaseLost."""
        [(run, task)] = held = self._hold(transaction.tasks, [claim])
        run.fail(task, error, self._clock.now(), about)
        self._end_claims(transaction.tasks, held, AttemptOutcome.FAILED, error, about)

    def fail_transiently(
        self,
        transaction: Transaction,
        claim: Claim,
        error: TransientError,
    ) -> TaskState:
        """A task has failed with a transient error; returns what became of it. Raises LeaseLost."""
        if isinstance(error, PausedError):
            self._postpone(transaction, claim, error)
            return TaskState.READY
        return self._try_again(
            transaction,
            claim,
            str(error),
            AttemptOutcome.RETRIED,
            lambda failures: self._retry_policy.delay(
                failures, self._jitter(), error.retry_after_seconds
            ),
            about=ErrorAbout.of(error),
            needs_scan=isinstance(error, CommitGoneError),
        )

    def _postpone(self, transaction: Transaction, claim: Claim, error: PausedError) -> None:
        """A task waits for something outside and is then tried again; its retry budget is not
        touched. Raises LeaseLost."""
        about = ErrorAbout.of(error)
        wait = min(timedelta(seconds=error.retry_after_seconds or 0.0), LONGEST_POSTPONEMENT)
        [(run, task)] = held = self._hold(transaction.tasks, [claim])
        now = self._clock.now()
        run.try_again(task, str(error), now + wait, now, about)
        self._end_claims(transaction.tasks, held, AttemptOutcome.RETRIED, str(error), about)

    def end_waits(self, transaction: Transaction, task_ids: Sequence[int]) -> None:
        """Tasks that wait for search nodes may be claimed at once."""
        runs = transaction.tasks.lock_runs_of(task_ids)
        for run in runs:
            run.end_waits()
        transaction.tasks.save_runs(runs)

    def reclaim(self, transaction: Transaction, seen: Task, why: str) -> TaskState | None:
        """Return the task of a dead worker to the queue; returns what became of it, None if its
        lease has been renewed or its claim has ended meanwhile."""
        claim = seen.claim
        try:
            self._hold(transaction.tasks, [claim])
            # Its worker may be alive, and storing a batch: that one ends first.
            task = transaction.tasks.fence(claim)
            if task.lease_expires_at != seen.lease_expires_at:
                return None
            return self._try_again(
                transaction,
                claim,
                why,
                AttemptOutcome.LOST,
                lambda _failures: timedelta(0),
                about=ErrorAbout("worker_lost"),
            )
        except LeaseLost:
            return None

    def release(self, transaction: Transaction, claims: Sequence[Claim]) -> None:
        """A worker returns tasks; their retry budget is not touched. Raises LeaseLost."""
        held = self._hold(transaction.tasks, claims)
        now = self._clock.now()
        for run, task in held:
            run.try_again(task, None, AT_ONCE, now)
        self._end_claims(transaction.tasks, held, AttemptOutcome.RELEASED)

    def acknowledge_cancel(self, transaction: Transaction, claim: Claim) -> None:
        """A running task has stopped because of a cancellation. Raises LeaseLost."""
        [(run, task)] = held = self._hold(transaction.tasks, [claim])
        run.acknowledge_cancel(task, self._clock.now())
        self._end_claims(transaction.tasks, held, AttemptOutcome.CANCELLED)

    def renew(self, transaction: Transaction, claim: Claim, progress: TaskProgress | None) -> bool:
        """Extend a lease; returns whether the task is asked to stop. Raises LeaseLost."""
        until = self._clock.now() + self._lease
        return transaction.tasks.renew(claim, until, progress).cancel_requested

    # Cancel and retry

    def cancel(self, transaction: Transaction, run_id: int) -> IndexRun:
        """End the waiting tasks of a run at once; ask its running tasks to stop."""
        run = transaction.tasks.lock_run(run_id)
        if run.state.is_terminal:
            raise UserError(
                f"run {run_id} has already ended: {run.state}",
                code="run_has_ended",
                run=run_id,
                state=run.state.value,
            )
        run.cancel(self._clock.now())
        record_event("cancel requested", run)
        self._save(transaction.tasks, [run])
        return run

    def abandon(self, transaction: Transaction, index_id: int) -> None:
        """End the runs of an index at once and void their claims."""
        tasks = transaction.tasks
        active = tasks.active_run(index_id)
        runs = tasks.follow_ups([index_id]) + ([] if active is None else [active])
        held = [task.claim for run in runs for task in run.tasks if task.state is TaskState.RUNNING]
        for claim in held:
            tasks.fence(claim)  # a batch that is being stored ends first
        now = self._clock.now()
        for run in runs:
            run.abandon(now)
        tasks.save_runs(runs)
        tasks.close_attempts(
            held,
            now,
            AttemptOutcome.CANCELLED,
            "its index was deleted",
            ErrorAbout("index_deleted"),
        )
        for run in runs:
            record_event("run ended", run, outcome=run.state, reason="its index was deleted")

    def retry(self, transaction: Transaction, run_id: int) -> IndexRun:
        """Retry the failed or cancelled stages of a run, and the later stages. If another run of
        the index has superseded it, that is a new request."""
        tasks = transaction.tasks
        run = tasks.lock_run(run_id)
        if not run.state.is_terminal:
            raise UserError(
                f"run {run_id} is still {run.state}; it can be retried when it has ended",
                code="run_under_way",
                run=run_id,
                state=run.state.value,
            )
        if run.state is RunState.SUCCEEDED:
            raise UserError(
                f"run {run_id} has succeeded; there is nothing to retry",
                code="run_has_succeeded",
                run=run_id,
            )
        if run.index_id is not None:
            transaction.indexes.get(run.index_id)
            newest = tasks.runs_of(run.index_id, limit=1)[0]
            # A failed run that was not superseded is still the latest result of its index: a newer
            # run was cancelled before it started.
            is_last = run.state is RunState.FAILED or newest.id == run.id
            if not is_last or tasks.active_run(run.index_id) is not None:
                return self.request(transaction, run.index_id, QueuePriority.USER_INITIATED)
        run.retry()
        run.raise_priority(QueuePriority.USER_INITIATED)
        tasks.save_runs([run])
        record_event("run retried", run)
        return run

    # Shared

    def _try_again(
        self,
        transaction: Transaction,
        claim: Claim,
        error: str,
        outcome: AttemptOutcome,
        delay: Callable[[int], timedelta],
        *,
        about: ErrorAbout,
        needs_scan: bool = False,
    ) -> TaskState:
        """With `needs_scan`, an EXTRACT waits for another SYNC of its run."""
        [(run, task)] = held = self._hold(transaction.tasks, [claim])
        if needs_scan and task.type is TaskType.EXTRACT:
            run = transaction.tasks.lock_run(run.id)  # with the SYNC that has succeeded
            task = run.held(claim)
            held = [(run, task)]
        now = self._clock.now()
        task.failures += 1
        if self._retry_policy.is_spent(task.failures):
            outcome = AttemptOutcome.FAILED
            error = f"{error} (tried {task.failures} times)"
            run.fail(task, error, now, about)
        else:
            wait = delay(task.failures)
            available_at = now + wait if wait else AT_ONCE
            if needs_scan and task.type is TaskType.EXTRACT:
                run.scan_again(task, error, available_at, now, about)
            else:
                run.try_again(task, error, available_at, now, about)
        self._end_claims(transaction.tasks, held, outcome, error, about)
        return task.state

    def _hold(self, tasks: TaskRepository, claims: Sequence[Claim]) -> list[tuple[IndexRun, Task]]:
        """The tasks that these claims hold, and their runs, locked, without the succeeded tasks.
        Raises LeaseLost."""
        runs = tasks.lock_runs_of([claim.task_id for claim in claims])
        run_of = {task.id: run for run in runs for task in run.tasks}
        held = []
        for claim in claims:
            run = run_of.get(claim.task_id)
            if run is None:
                raise LeaseLost(f"task {claim.task_id} has ended, or was deleted with its index")
            held.append((run, run.held(claim)))
        return held

    def _end_claims(
        self,
        tasks: TaskRepository,
        moved: Sequence[tuple[IndexRun, Task]],
        outcome: AttemptOutcome,
        error: str | None = None,
        about: ErrorAbout | None = None,
    ) -> None:
        """Store what became of held tasks, and how their claims ended."""
        self._save(tasks, list({run.id: run for run, _task in moved}.values()))
        tasks.close_attempts(
            [task.claim for _run, task in moved], self._clock.now(), outcome, error, about
        )

    def _save(self, tasks: TaskRepository, runs: Sequence[IndexRun]) -> None:
        """Store runs; one that has ended lets its follow-up start, which supersedes it if it has
        failed."""
        tasks.save_runs(runs)
        ended = [run for run in runs if run.state.is_terminal]
        for run in ended:
            record_event("run ended", run, outcome=run.state)
        freed = [run.index_id for run in ended if run.index_id is not None]
        if freed:
            waiting = tasks.follow_ups(freed)
            for run in waiting:
                run.stop_waiting()
                record_event("follow-up queued", run)
                self._supersede(tasks, run.index_id)
            tasks.save_runs(waiting)

    def _supersede(self, tasks: TaskRepository, index_id: int | None) -> None:
        """Mark the failed runs of an index as superseded."""
        failed = [] if index_id is None else tasks.failed_runs(index_id)
        for run in failed:
            run.supersede()
        tasks.save_runs(failed)


def _base_of(task_type: TaskType, priority: int) -> QueuePriority:
    """The lowest class of requests with at least this priority for the stage."""
    is_more = priority > task_priority(task_type, QueuePriority.BACKGROUND)
    return QueuePriority.USER_INITIATED if is_more else QueuePriority.BACKGROUND
