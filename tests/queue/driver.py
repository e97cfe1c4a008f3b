"""Drives the queue's service from a test, without a visible event loop and in words of the
domain."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, TypeVar

from tests.queue.invariants import check_change, check_queue
from tests.queue.view import QueueView, view_queue
from tests.queue.writes import commit_batch

from kodit.application.services.history_pruner import HistoryPruner
from kodit.application.services.queue_service import QueueService
from kodit.domain.claiming import ClaimRules
from kodit.domain.entities import IndexRun, Task, TaskAttempt
from kodit.domain.errors import TransientError
from kodit.domain.ports.database import Database
from kodit.domain.retention import Retention
from kodit.domain.retry import RetryPolicy
from kodit.domain.value_objects import Claim, QueuePriority, Source, SourceKind, TaskType
from kodit.infrastructure.memory import ManualClock, MemoryWorkerRegistry
from kodit.infrastructure.wake_up import WakeUps

T = TypeVar("T")

LEASE = timedelta(seconds=60)
MAX_FAILURES = 3


class WatchedRegistry(MemoryWorkerRegistry):
    """Counts the checks whether a worker is dead."""

    def __init__(self) -> None:
        super().__init__()
        self.questions = 0

    def is_dead(self, worker: str) -> bool:
        self.questions += 1
        return super().is_dead(worker)


class QueueDriver:
    """A queue with two indexes; `ada` and `bob` are workers. The invariants of the queue are
    checked after every call."""

    def __init__(self, database: Database, runner: asyncio.Runner) -> None:
        self.database = database
        self.clock = ManualClock()
        self.registry = WatchedRegistry()
        self.ada, self.bob = self.registry.enter(), self.registry.enter()
        self._runner = runner
        with database.write() as transaction:
            self.first, self.second = (
                transaction.indexes.add(Source(SourceKind.FOLDER, path), self.clock.now()).id
                for path in ("/first", "/second")
            )
        self.service = self.open()
        self._before = self.view()

    def open(self, rules: ClaimRules | None = None) -> QueueService:
        """Use other rules from here on."""
        self.service = QueueService(
            database=self.database,
            clock=self.clock,
            wake_up=WakeUps(),
            rules=rules,
            retry_policy=RetryPolicy(MAX_FAILURES, first_delay_seconds=2.0),
            lease=LEASE,
            jitter=lambda: 1.0,
        )
        return self.service

    def ask(self, question: Coroutine[Any, Any, T], *, retried: int | None = None) -> T:
        """Run a call, and check the queue."""
        try:
            return self._runner.run(question)
        finally:
            after = self.view()
            check_queue(after)
            check_change(self._before, after, retried=retried)
            self._before = after

    def view(self) -> QueueView:
        return view_queue(self.database, [self.first, self.second])

    def prune(self, retention: Retention) -> None:
        """Prune everything that may be pruned, piece by piece."""
        pruner = HistoryPruner(database=self.database, clock=self.clock, retention=retention)
        while self.ask(pruner.prune_some()):
            pass

    # Asking and steering

    def request(self, index_id: int | None = None, *, user: bool = False) -> IndexRun:
        base = QueuePriority.USER_INITIATED if user else QueuePriority.BACKGROUND
        return self.ask(self.service.request_run(index_id or self.first, base))

    def retry(self, run_id: int) -> IndexRun:
        return self.ask(self.service.retry(run_id), retried=run_id)

    def cancel(self, run_id: int) -> IndexRun:
        return self.ask(self.service.cancel(run_id))

    # Working

    def claim(self, worker: str | None = None) -> Task | None:
        return self.ask(self.service.claim(worker or self.ada))

    def take(self, task_type: TaskType, worker: str | None = None) -> Claim:
        """Claim the next task, which must be of this type."""
        task = self.claim(worker)
        assert task is not None, f"there was nothing to claim, not even {task_type.name}"
        assert task.type is task_type
        return task.claim

    def complete(self, claim: Claim, *, nothing_to_do: bool = False) -> None:
        self.ask(self.service.complete(claim, nothing_to_do=nothing_to_do))

    def run_stages(self, *task_types: TaskType) -> None:
        """Claim and complete these stages, which must come in this order."""
        for task_type in task_types:
            self.complete(self.take(task_type))

    def fail(self, claim: Claim, error: str = "the source is gone") -> None:
        self.ask(self.service.fail(claim, error))

    def fail_transiently(self, claim: Claim, retry_after: float | None = None) -> None:
        self.ask(self.service.fail_transiently(claim, TransientError("503", retry_after)))

    def lose(self, worker: str | None = None) -> None:
        """A worker dies, and its tasks are reclaimed."""
        self.registry.kill(worker or self.ada)
        self.reclaim()
        if worker in (None, self.ada):
            self.ada = self.registry.enter()

    def reclaim(self) -> list[tuple[int, str]]:
        """Reclaim lost tasks; returns which, and why."""
        found = self.ask(self.service.reclaim(self.registry))
        return [(task.id, why) for task, why in found]

    def commit(self, claim: Claim, path: str) -> None:
        """Write a file of the first index as its stage would."""
        self.ask(commit_batch(self.database, claim, self.first, path))

    # Looking

    def run(self, run_id: int) -> IndexRun:
        [run] = self.ask(self.service.get_runs([run_id]))
        return run

    def states(self, run_id: int) -> list[str]:
        """The states of a run's tasks, in the order of the stages."""
        return [task.state.value for task in self.run(run_id).tasks]

    def task(self, claim: Claim) -> Task:
        with self.database.read() as transaction:
            return transaction.tasks.get_task(claim.task_id)

    def attempts(self, claim: Claim) -> list[TaskAttempt]:
        with self.database.read() as transaction:
            return transaction.tasks.attempts(claim.task_id)

    def outcomes(self, claim: Claim) -> list[str | None]:
        """How the claims of a task ended, oldest first."""
        return [
            None if attempt.outcome is None else attempt.outcome.value
            for attempt in self.attempts(claim)
        ]
