"""The durable queue's use cases: ask, claim, complete, fail, retry, cancel."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import TypeVar

from kodit.application.services.stage import in_thread
from kodit.domain.errors import LeaseLost, TransientError, UserError
from kodit.domain.ports.database import Database, Transaction
from kodit.domain.ports.runtime import Clock, WakeUp
from kodit.domain.ports.workers import WorkerRegistry
from kodit.domain.retry import RetryPolicy
from kodit.domain.run import IndexRun, RunState
from kodit.domain.task import (
    AttemptOutcome,
    Claim,
    QueuePriority,
    Task,
    TaskAttempt,
    TaskProgress,
)

T = TypeVar("T")

LEASE = timedelta(seconds=60)


class QueueService:
    """Every method is one transaction, run in a thread."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        wake_up: WakeUp,
        retry_policy: RetryPolicy | None = None,
        lease: timedelta = LEASE,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._database = database
        self._clock = clock
        self._wake_up = wake_up
        self._retry_policy = retry_policy or RetryPolicy()
        self._lease = lease
        self._jitter = jitter

    # Asking

    async def enqueue_task(self, task: Task) -> Task:
        """Queue a task that is a run by itself. One of the same type and payload that still waits
        is merged with it: it is returned, at the higher priority of both."""

        def enqueue(transaction: Transaction) -> Task:
            run = transaction.tasks.find_single(task.type_name, task.payload)
            if run is None:
                run = transaction.tasks.add_run(IndexRun.single(task, self._clock.now()))
            else:
                run.tasks[0].priority = max(run.tasks[0].priority, task.priority)
                transaction.tasks.save_run(run)
            return run.tasks[0]

        return await self._write(enqueue)

    async def request_run(self, index_id: int, base: QueuePriority) -> IndexRun:
        """Ask for an index to be brought up to date, and return the run that will do it.

        The request joins a run that has not started; while one is under way it becomes the
        follow-up, of which there is at most one. It never lowers a priority.
        """

        def request(transaction: Transaction) -> IndexRun:
            transaction.indexes.get(index_id)
            return self._request(transaction, index_id, base)

        return await self._write(request)

    def _request(self, transaction: Transaction, index_id: int, base: QueuePriority) -> IndexRun:
        tasks, now = transaction.tasks, self._clock.now()
        active = tasks.active_run(index_id)
        if active is None:
            for failed in tasks.failed_runs(index_id):
                failed.supersede()
                tasks.save_run(failed)
            return tasks.add_run(IndexRun.create(index_id, base, now))
        active.raise_priority(base)
        tasks.save_run(active)
        if active.state is RunState.QUEUED and not active.cancel_requested:
            return active
        follow_up = tasks.follow_up(index_id)
        if follow_up is None:
            return tasks.add_run(IndexRun.create(index_id, base, now, is_follow_up=True))
        follow_up.raise_priority(base)
        tasks.save_run(follow_up)
        return follow_up

    # Working

    async def claim(self, worker: str) -> Task | None:
        """The next task for a worker, if there is one. A plain read looks first, so that an idle
        worker never asks for the write lock."""

        def look() -> bool:
            with self._database.read() as transaction:
                return transaction.tasks.has_claimable(self._clock.now())

        if not await in_thread(look):
            return None
        return await self._write(lambda transaction: self._claim(transaction, worker))

    async def complete(
        self, claim: Claim, *, nothing_to_do: bool = False, next_for: str | None = None
    ) -> Task | None:
        """A task has succeeded. With `next_for`, that worker's next task is claimed in the same
        transaction and returned. Raises LeaseLost."""

        def complete(transaction: Transaction) -> Task | None:
            now = self._clock.now()
            self._end(
                transaction,
                claim,
                AttemptOutcome.SUCCEEDED,
                None,
                lambda run, task: run.complete(task, now, nothing_to_do=nothing_to_do),
            )
            return self._claim(transaction, next_for) if next_for is not None else None

        return await self._write(complete)

    async def fail(self, claim: Claim, error: str) -> None:
        """A task has failed in a way that trying again would not mend. Raises LeaseLost."""
        await self._write(lambda transaction: self._fail(transaction, claim, error))

    async def fail_in_passing(self, claim: Claim, error: TransientError) -> None:
        """A task has failed in a way that may pass: it waits for its back-off, or fails for good
        when its retry budget is spent. Raises LeaseLost."""
        await self._write(
            lambda transaction: self._try_again(
                transaction,
                claim,
                str(error),
                AttemptOutcome.RETRIED,
                lambda failures: self._retry_policy.delay(
                    failures, self._jitter(), error.retry_after_seconds
                ),
            )
        )

    async def release(self, claim: Claim) -> None:
        """A worker gives a task back at its own shutdown; the retry budget is not touched."""

        def release(transaction: Transaction) -> None:
            now = self._clock.now()
            self._end(
                transaction,
                claim,
                AttemptOutcome.RELEASED,
                None,
                lambda run, task: run.try_again(task, None, now, now),
            )

        await self._write(release)

    async def acknowledge_cancel(self, claim: Claim) -> None:
        """A running task has stopped because it was asked to. Raises LeaseLost."""

        def acknowledge(transaction: Transaction) -> None:
            now = self._clock.now()
            self._end(
                transaction,
                claim,
                AttemptOutcome.CANCELLED,
                None,
                lambda run, task: run.acknowledge_cancel(task, now),
            )

        await self._write(acknowledge)

    async def heartbeat(self, claim: Claim, progress: TaskProgress | None = None) -> bool:
        """Extend the lease. Returns whether the task is asked to stop. Raises LeaseLost."""

        def renew(transaction: Transaction) -> bool:
            until = self._clock.now() + self._lease
            return transaction.tasks.renew(claim, until, progress).cancel_requested

        return await self._write(renew)

    async def reclaim(self, registry: WorkerRegistry) -> int:
        """Take back what dead workers held and what lost its lease; returns how many tasks."""

        def find() -> list[tuple[Task, str]]:
            with self._database.read() as transaction:
                running = transaction.tasks.running_tasks()
                expired = {
                    task.id
                    for task in transaction.tasks.running_tasks(lease_before=self._clock.now())
                }
            dead = {
                worker: registry.is_dead(worker)
                for worker in {task.worker for task in running if task.worker is not None}
            }
            return [
                (task, "its worker died" if dead.get(task.worker or "") else "its lease ran out")
                for task in running
                if dead.get(task.worker or "") or task.id in expired
            ]

        lost = await in_thread(find)
        for task, why in lost:
            await self._write(partial(self._reclaim, task.claim, why))
        await in_thread(registry.sweep)
        return len(lost)

    async def seconds_to_next(self) -> float | None:
        """How long until the next task that waits for its back-off may be claimed."""

        def look() -> float | None:
            with self._database.read() as transaction:
                moment = transaction.tasks.next_available_at()
            return None if moment is None else (moment - self._clock.now()).total_seconds()

        return await in_thread(look)

    # Looking

    async def get_runs(self, run_ids: Sequence[int]) -> list[IndexRun]:
        """The runs as they are now, in the order asked for; those of a deleted index are gone."""

        def read() -> list[IndexRun]:
            with self._database.read() as transaction:
                runs = {run.id: run for run in transaction.tasks.get_runs(run_ids)}
            return [runs[run_id] for run_id in run_ids if run_id in runs]

        return await in_thread(read)

    async def list_runs(self, states: Sequence[RunState] = (), limit: int = 100) -> list[IndexRun]:
        """Runs in these states, or all, newest first."""

        def read() -> list[IndexRun]:
            with self._database.read() as transaction:
                return transaction.tasks.list_runs(states=states, limit=limit)

        return await in_thread(read)

    async def describe(self, run_id: int) -> tuple[IndexRun, dict[int, list[TaskAttempt]]]:
        """A run and the attempts of its tasks, by task. Raises NotFoundError."""

        def read() -> tuple[IndexRun, dict[int, list[TaskAttempt]]]:
            with self._database.read() as transaction:
                run = transaction.tasks.lock_run(run_id)
                return run, {task.id: transaction.tasks.attempts(task.id) for task in run.tasks}

        return await in_thread(read)

    # Steering

    async def cancel(self, run_id: int) -> IndexRun:
        """End a run: what waits at once, what runs at its next heartbeat or commit."""

        def cancel(transaction: Transaction) -> IndexRun:
            run = transaction.tasks.lock_run(run_id)
            if run.state.is_terminal:
                raise UserError(f"run {run_id} has already ended: it is {run.state}")
            run.cancel(self._clock.now())
            self._save(transaction, run)
            return run

        return await self._write(cancel)

    async def abandon(self, transaction_work: Callable[[Transaction], T], index_id: int) -> T:
        """End the runs of an index at once, void their claims, and do `transaction_work` in the
        same transaction."""

        def abandon(transaction: Transaction) -> T:
            now = self._clock.now()
            for run in (
                transaction.tasks.follow_up(index_id),
                transaction.tasks.active_run(index_id),
            ):
                if run is not None:
                    run.abandon(now)
                    transaction.tasks.save_run(run)
            return transaction_work(transaction)

        return await self._write(abandon)

    async def retry(self, run_id: int) -> IndexRun:
        """Run the failed or cancelled stages of a run again, and what follows them. Where another
        run of the index has taken its place, that is a new request."""

        def retry(transaction: Transaction) -> IndexRun:
            run = transaction.tasks.lock_run(run_id)
            if not run.state.is_terminal:
                raise UserError(f"run {run_id} is still {run.state}; there is nothing to retry")
            if run.state is RunState.SUCCEEDED:
                raise UserError(f"run {run_id} has succeeded; there is nothing to retry")
            if run.index_id is not None:
                newest = transaction.tasks.list_runs(index_id=run.index_id, limit=1)[0]
                if run.state is RunState.SUPERSEDED or newest.id != run.id:
                    return self._request(transaction, run.index_id, QueuePriority.USER_INITIATED)
            run.retry(self._clock.now())
            run.raise_priority(QueuePriority.USER_INITIATED)
            transaction.tasks.save_run(run)
            return run

        return await self._write(retry)

    # Inside a transaction

    def _claim(self, transaction: Transaction, worker: str) -> Task | None:
        now = self._clock.now()
        return transaction.tasks.claim(worker, now, now + self._lease)

    def _fail(self, transaction: Transaction, claim: Claim, error: str) -> None:
        now = self._clock.now()
        self._end(
            transaction,
            claim,
            AttemptOutcome.FAILED,
            error,
            lambda run, task: run.fail(task, error, now),
        )

    def _reclaim(self, claim: Claim, why: str, transaction: Transaction) -> None:
        try:
            self._try_again(
                transaction, claim, why, AttemptOutcome.LOST, lambda _failures: timedelta(0)
            )
        except LeaseLost:
            return  # somebody else was quicker, or the task ended after all

    def _try_again(
        self,
        transaction: Transaction,
        claim: Claim,
        error: str,
        outcome: AttemptOutcome,
        delay: Callable[[int], timedelta],
    ) -> None:
        now = self._clock.now()
        failures = transaction.tasks.fence(claim).failures + 1
        if self._retry_policy.is_spent(failures):
            self._fail(transaction, claim, f"{error} (tried {failures} times)")
            return

        def again(run: IndexRun, task: Task) -> None:
            task.failures = failures
            run.try_again(task, error, now + delay(failures), now)

        self._end(transaction, claim, outcome, error, again)

    def _end(
        self,
        transaction: Transaction,
        claim: Claim,
        outcome: AttemptOutcome,
        error: str | None,
        move: Callable[[IndexRun, Task], None],
    ) -> None:
        """Move a held task within its run, whose row is locked first."""
        run = transaction.tasks.lock_run_of(claim.task_id)
        transaction.tasks.fence(claim)
        move(run, run.task(claim.task_id))
        self._save(transaction, run)
        transaction.tasks.close_attempt(claim, self._clock.now(), outcome, error)

    def _save(self, transaction: Transaction, run: IndexRun) -> None:
        """Store a run; one that has ended lets its follow-up start."""
        transaction.tasks.save_run(run)
        if run.state.is_terminal and not run.is_follow_up and run.index_id is not None:
            follow_up = transaction.tasks.follow_up(run.index_id)
            if follow_up is not None:
                follow_up.stop_waiting(self._clock.now())
                transaction.tasks.save_run(follow_up)

    async def _write(self, work: Callable[[Transaction], T]) -> T:
        def write() -> T:
            with self._database.write() as transaction:
                return work(transaction)

        result = await in_thread(write)
        self._wake_up.notify()
        return result
