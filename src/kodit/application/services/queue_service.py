"""The use cases of the durable queue: request, claim, complete, fail, retry, cancel, pause."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from kodit.application.services.declined_sources import DeclinedSources
from kodit.application.services.queue_events import events_logged_on_success, record_event
from kodit.application.services.queue_overview import QueueOverview, read_overview, rules_in_force
from kodit.application.services.queue_transitions import (
    LEASE,
    LOOK_AGAIN_SECONDS,
    QueueTransitions,
    any_share,
)
from kodit.application.services.threads import Lane, in_thread
from kodit.application.services.transactions import repeated
from kodit.domain.claiming import ClaimRules
from kodit.domain.entities import IndexRun, Task, TaskAttempt
from kodit.domain.errors import KoditError, TransientError, no_such_run
from kodit.domain.ports.tasks import NO_RUN_YET
from kodit.domain.retry import RetryPolicy
from kodit.domain.value_objects import (
    Claim,
    ErrorAbout,
    QueuePriority,
    RunState,
    TaskProgress,
    TaskState,
)

# Imported where used, so that a command loads only what it needs.
if TYPE_CHECKING:
    from kodit.domain.ports.database import Database, Transaction
    from kodit.domain.ports.runtime import Clock, Notified
    from kodit.domain.ports.workers import WorkerRegistry

T = TypeVar("T")


class QueueService:
    """Every method that changes something is one transaction, run in a thread."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        wake_up: Notified,
        rules: ClaimRules | None = None,
        retry_policy: RetryPolicy | None = None,
        lease: timedelta = LEASE,
        jitter: Callable[[], float] = any_share,
    ) -> None:
        self._database = database
        self._clock = clock
        self._wake_up = wake_up
        self.rules = rules or ClaimRules()
        self.declined = DeclinedSources()
        self._transitions = QueueTransitions(
            clock=clock,
            retry_policy=retry_policy or RetryPolicy(),
            lease=lease,
            jitter=jitter,
        )

    # Requests

    async def enqueue_task(self, task: Task) -> Task:
        """Queue a task that is a run by itself. It is merged with a waiting task of the same type
        and payload, which is returned with the higher priority of both.

        A stage of an index never runs outside a run of the index: `index_id` in the payload
        requests all stages, like `request_run`, and the returned task belongs to that run.
        """
        return await self._write(lambda transaction: self._transitions.enqueue(transaction, task))

    async def request_run(self, index_id: int, base: QueuePriority) -> IndexRun:
        """Request that an index be brought up to date, and return the run that will do it.

        The request joins a run that has not started; while one is running, it becomes the
        follow-up, of which there is at most one. It never lowers a priority. Raises NotFoundError.
        """
        return await self._write(
            lambda transaction: self._transitions.request(transaction, index_id, base)
        )

    # Work

    async def claim(self, worker: str) -> Task | None:
        """The next task for a worker, if there is one."""
        return next(iter(await self.claim_many(worker, 1)), None)

    async def claim_many(self, worker: str, count: int) -> list[Task]:
        """The next tasks for a worker, at most `count`, in one transaction."""
        return (await self.claim_or_wait(worker, count))[0]

    async def claim_or_wait(self, worker: str, count: int) -> tuple[list[Task], float | None]:
        """The next tasks for a worker, at most `count`; if there is none, how many seconds until a
        task in back-off may be claimed. A plain read comes first, so that an idle worker never
        takes the write lock."""

        def claim() -> tuple[list[Task], float | None]:
            now = self._clock.now()
            with self._database.read() as transaction:
                if not transaction.tasks.has_claimable(now, self.declined.within(self.rules)):
                    moment = transaction.tasks.next_available_at(now)
                    return [], None if moment is None else (moment - now).total_seconds()
            tasks = self._written(lambda open_: self._next(open_, worker, count))
            # None if another worker was faster, or is just changing that task's run.
            return tasks, None if tasks else LOOK_AGAIN_SECONDS

        return await in_thread(claim, Lane.WRITES)

    async def complete(
        self, claim: Claim, *, nothing_to_do: bool = False, next_for: str | None = None
    ) -> Task | None:
        """A task has succeeded. With `next_for`, that worker's next task is claimed in the same
        transaction and returned. Raises LeaseLost."""

        def complete(transaction: Transaction) -> list[Task]:
            self._transitions.complete(transaction, [claim], nothing_to_do=nothing_to_do)
            return self._next(transaction, next_for, 1)

        return next(iter(await self._write(complete)), None)

    async def complete_many(
        self, claims: Sequence[Claim], *, next_for: str | None = None, count: int = 0
    ) -> list[Task]:
        """Tasks have succeeded, and `next_for` claims its next ones, at most `count`, all in one
        transaction. Raises LeaseLost, and changes nothing, if any of the tasks is lost."""

        def complete(transaction: Transaction) -> list[Task]:
            self._transitions.complete(transaction, claims)
            return self._next(transaction, next_for, count)

        return await self._write(complete)

    def _next(self, transaction: Transaction, worker: str | None, count: int) -> list[Task]:
        rules = self.declined.within(self.rules)
        return [] if worker is None else self._transitions.claim(transaction, worker, count, rules)

    async def fail(self, claim: Claim, error: KoditError | str) -> None:
        """A task has failed with a permanent error; a plain sentence has no code. Raises
        LeaseLost."""
        about = ErrorAbout.of(error) if isinstance(error, KoditError) else None
        await self._write(
            lambda transaction: self._transitions.fail(transaction, claim, str(error), about)
        )

    async def fail_transiently(self, claim: Claim, error: TransientError) -> TaskState:
        """A task has failed with a transient error: it waits for its back-off (`ready`), or fails
        for good when its retry budget is spent (`failed`). Raises LeaseLost."""
        return await self._write(
            lambda transaction: self._transitions.fail_transiently(transaction, claim, error)
        )

    async def release(self, claim: Claim) -> None:
        """A worker returns a task; the retry budget is not touched. Raises LeaseLost."""
        await self._write(lambda transaction: self._transitions.release(transaction, [claim]))

    async def release_all(self, worker: str) -> int:
        """A worker returns all its tasks at its own shutdown; returns how many."""

        def release(transaction: Transaction) -> int:
            held = [task.claim for task in transaction.tasks.running_tasks(worker=worker)]
            self._transitions.release(transaction, held)
            return len(held)

        return await self._write(release)

    async def acknowledge_cancel(self, claim: Claim) -> None:
        """A running task has stopped because of a cancellation. Raises LeaseLost."""
        await self._write(
            lambda transaction: self._transitions.acknowledge_cancel(transaction, claim)
        )

    async def heartbeat(self, claim: Claim, progress: TaskProgress | None = None) -> bool:
        """Extend the lease. Returns whether the task is asked to stop. Raises LeaseLost."""
        return await self._write(
            lambda transaction: self._transitions.renew(transaction, claim, progress),
            Lane.HEARTBEATS,
            wakes=False,
        )

    async def reclaim(
        self, registry: WorkerRegistry, worker: str | None = None, *, by_lease: bool = True
    ) -> list[tuple[Task, str]]:
        """Take back tasks of dead workers and tasks with an expired lease. Returns the tasks as
        they were held, and why each was taken.

        The calling `worker`'s own tasks are left to its own watch; with `by_lease` off, tasks of
        any living worker are left alone.
        """

        def find() -> list[tuple[Task, str]]:
            with self._database.read() as transaction:
                running = transaction.tasks.running_tasks()
            dead = {
                worker
                for worker in {task.worker for task in running}
                if worker is not None and registry.is_dead(worker)
            }
            now = self._clock.now()
            return [
                (task, "its worker died" if task.worker in dead else "its lease expired")
                for task in running
                if task.worker in dead
                or (by_lease and task.worker != worker and _has_run_out(task, now))
            ]

        found = await in_thread(find, Lane.READS)
        return [(task, why) for task, why in found if await self._reclaim(task, why)]

    async def end_waits(self, task_ids: Sequence[int]) -> None:
        """Let tasks that wait for search nodes go on."""
        await self._write(lambda transaction: self._transitions.end_waits(transaction, task_ids))

    def wall_clock(self) -> datetime:
        """The time by which leases and back-offs are measured."""
        return self._clock.now()

    async def _reclaim(self, seen: Task, why: str) -> bool:
        reclaim = self._transitions.reclaim
        return await self._write(lambda transaction: reclaim(transaction, seen, why)) is not None

    # Queries

    async def get_runs(self, run_ids: Sequence[int]) -> list[IndexRun]:
        """The runs as they are now, in the given order; those of a deleted index are left out."""

        def read(transaction: Transaction) -> list[IndexRun]:
            runs = {run.id: run for run in transaction.tasks.get_runs(run_ids)}
            return [runs[run_id] for run_id in run_ids if run_id in runs]

        return await self._read(read)

    async def under_way(self, runs: Sequence[IndexRun]) -> list[IndexRun]:
        """For each run, the run itself or, while it is a follow-up, the run that it waits for."""

        def read(transaction: Transaction) -> list[IndexRun]:
            waiting = [run.index_id for run in runs if run.is_follow_up and run.index_id]
            found = transaction.tasks.unfinished_runs_of(waiting)
            active = {run.index_id: run for run in found if not run.is_follow_up}
            return [active.get(run.index_id, run) if run.is_follow_up else run for run in runs]

        return await self._read(read)

    async def other_unfinished_runs(self, run: IndexRun) -> list[IndexRun]:
        """The other unfinished runs of the same index, newest first."""

        def read(transaction: Transaction) -> list[IndexRun]:
            of_index = [] if run.index_id is None else [run.index_id]
            found = transaction.tasks.unfinished_runs_of(of_index)
            return [other for other in reversed(found) if other.id != run.id]

        return await self._read(read)

    async def list_runs(
        self,
        states: Sequence[RunState] = (),
        limit: int = 100,
        *,
        index_ids: Sequence[int] = (),
        before: int = NO_RUN_YET,
    ) -> list[IndexRun]:
        """Runs in these states and of these indexes, or all, newest first; only those with smaller
        identifiers than `before`."""
        return await self._read(
            lambda transaction: transaction.tasks.list_runs(
                states=states, index_ids=index_ids, before=before, limit=limit
            )
        )

    async def count_runs(self) -> Counter[RunState]:
        """The number of waiting and running runs, by state."""
        states = await self._read(lambda transaction: transaction.tasks.unfinished_runs())
        return Counter(states.values())

    async def needing_attention(self, registry: WorkerRegistry, limit: int = 100) -> list[IndexRun]:
        """Running runs, then waiting ones in queue order, then failed ones, newest first; at most
        `limit` of each."""

        def read(transaction: Transaction) -> list[IndexRun]:
            tasks = transaction.tasks
            rules, _differ = rules_in_force(registry, self.rules)
            running = tasks.list_runs(states=[RunState.RUNNING], limit=limit)
            waiting = tasks.waiting_tasks(rules.order, limit)
            queued = list(dict.fromkeys(task.run_id for task in waiting if task.run_id is not None))
            found = {run.id: run for run in tasks.get_runs(queued)}
            found |= {run.id: run for run in tasks.list_runs(states=[RunState.QUEUED], limit=limit)}
            in_order = [found.pop(run_id) for run_id in queued if run_id in found]
            next_up = [run for run in in_order if run.state is RunState.QUEUED]
            follow_ups = sorted(found.values(), key=lambda run: run.id)
            failed = tasks.list_runs(states=[RunState.FAILED], limit=limit)
            return running + (next_up + follow_ups)[:limit] + failed

        return await self._read(read)

    async def overview(
        self, registry: WorkerRegistry, runs: Sequence[IndexRun] = ()
    ) -> QueueOverview:
        """What determines the next claim now, and the successors of those of `runs` that were
        superseded."""
        return await self._read(
            lambda transaction: read_overview(
                transaction, registry, self.rules, self._clock.now(), runs
            )
        )

    async def describe(self, run_id: int) -> tuple[IndexRun, dict[int, list[TaskAttempt]]]:
        """A run and the attempts of its tasks, by task. Raises NotFoundError."""

        def read(transaction: Transaction) -> tuple[IndexRun, dict[int, list[TaskAttempt]]]:
            for run in transaction.tasks.get_runs([run_id]):
                return run, {task.id: transaction.tasks.attempts(task.id) for task in run.tasks}
            raise no_such_run(run_id)

        return await self._read(read)

    async def paused_since(self) -> datetime | None:
        """When the queue was paused; None if it is not paused."""
        return await self._read(lambda transaction: transaction.tasks.paused_since())

    # Cancel, retry and pause

    async def cancel(self, run_id: int) -> IndexRun:
        """Cancel a run: waiting tasks at once, running ones at their next heartbeat or commit."""
        return await self._write(lambda transaction: self._transitions.cancel(transaction, run_id))

    async def abandon(self, transaction_work: Callable[[Transaction], T], index_id: int) -> T:
        """End the runs of an index at once, void their claims, and do `transaction_work` in the
        same transaction."""

        def abandon(transaction: Transaction) -> T:
            self._transitions.abandon(transaction, index_id)
            return transaction_work(transaction)

        return await self._write(abandon)

    async def retry(self, run_id: int) -> IndexRun:
        """Retry the failed or cancelled stages of a run, and the later stages. If another run of
        the index has superseded it, that is a new request. Raises NotFoundError."""
        return await self._write(lambda transaction: self._transitions.retry(transaction, run_id))

    async def pause(self) -> bool:
        """Let no task be claimed, in any process, until `resume`; running tasks finish their stage.
        Returns False if the queue was already paused."""
        return await self._set_paused(self._clock.now())

    async def resume(self) -> bool:
        """Let tasks be claimed again. Returns whether the queue was paused."""
        return await self._set_paused(None)

    async def _set_paused(self, since: datetime | None) -> bool:
        def set_pause(transaction: Transaction) -> bool:
            before = transaction.tasks.paused_since()
            transaction.tasks.set_paused(since)
            if is_news := (before is None) != (since is None):
                record_event("queue resumed" if since is None else "queue paused")
            return is_news

        return await self._write(set_pause)

    # Calls into a thread

    async def _read(self, work: Callable[[Transaction], T]) -> T:
        def read() -> T:
            with self._database.read() as transaction:
                return work(transaction)

        return await in_thread(read, Lane.READS)

    async def _write(
        self, work: Callable[[Transaction], T], lane: Lane = Lane.WRITES, *, wakes: bool = True
    ) -> T:
        """Run `work` in a write transaction; `wakes` if tasks may have become claimable."""
        try:
            return await in_thread(partial(self._written, work), lane)
        except Exception:
            wakes = False
            raise
        finally:  # also for a caller that was cancelled meanwhile: the transaction was not
            if wakes:
                self._wake_up.notify()

    def _written(self, work: Callable[[Transaction], T]) -> T:
        def write() -> T:
            with events_logged_on_success(), self._database.write() as transaction:
                return work(transaction)

        return repeated(write)


def _has_run_out(task: Task, now: datetime) -> bool:
    return task.lease_expires_at is not None and task.lease_expires_at < now
