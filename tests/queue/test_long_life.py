"""A database with a long history is as fast as a new one, and does not grow."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from tests.queue.databases import sqlite_database
from tests.support.statements import Statements, statements_heard

from kodit.application.services.history_pruner import ROWS_PER_PIECE, HistoryPruner
from kodit.application.services.queue_service import QueueService
from kodit.domain.claiming import ClaimRules, QueueOrder
from kodit.domain.entities import Task
from kodit.domain.retention import Retention
from kodit.domain.value_objects import QueuePriority, RunState, Source, SourceKind, TaskType
from kodit.infrastructure.memory import ManualClock, MemoryWorkerRegistry
from kodit.infrastructure.sqlalchemy.database import SqliteDatabase
from kodit.infrastructure.wake_up import WakeUps

INDEXES = 4
SHOWN = 5
MOST_GROWTH = 1.02
"""The places of rows in their pages are not quite the same."""


class Life:
    """A queue with many requests, and the loop that its service runs in."""

    def __init__(
        self, database: SqliteDatabase, statements: Statements, runner: asyncio.Runner
    ) -> None:
        self.database = database
        self.statements = statements
        self.clock = ManualClock()
        self._runner = runner
        self.registry = MemoryWorkerRegistry()
        self.ada = self.registry.enter()
        self.queue = self.open(ClaimRules())
        with database.write() as transaction:
            self.index_ids = [
                transaction.indexes.add(
                    Source(SourceKind.FOLDER, f"/{number}"), self.clock.now()
                ).id
                for number in range(INDEXES)
            ]

    def open(self, rules: ClaimRules) -> QueueService:
        return QueueService(
            database=self.database, clock=self.clock, wake_up=WakeUps(), rules=rules
        )

    def do(self, work: Callable[[], Awaitable[object]]) -> None:
        async def main() -> None:
            await work()

        self._runner.run(main())

    def steps_of(self, work: Callable[[], Awaitable[object]]) -> int:
        with self.statements.steps_counted() as steps:
            self.do(work)
        return steps[0]

    async def round(self) -> None:
        """A run of each index, of which one fails and one is cancelled, and a single task."""
        await self.queue.enqueue_task(Task.create(TaskType.SYNC, 10, {"n": 1}))
        for index_id in self.index_ids:
            await self.queue.request_run(index_id, QueuePriority.BACKGROUND)
        for number, task in enumerate(await self.queue.claim_many(self.ada, INDEXES + 1)):
            if number == 0:
                await self.queue.fail(task.claim, "gone")
            else:
                await self.queue.complete(task.claim, nothing_to_do=True)
        cancelled = await self.queue.request_run(self.index_ids[-1], QueuePriority.BACKGROUND)
        await self.queue.cancel(cancelled.id)
        self.clock.advance(6 * 3600)

    def kept(self) -> int:
        with self.database.read() as transaction:
            return len(transaction.tasks.list_runs(limit=100_000))


@pytest.fixture
def life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Life]:
    with (
        statements_heard(monkeypatch) as statements,
        sqlite_database(tmp_path) as database,
        asyncio.Runner() as runner,
    ):
        yield Life(database, statements, runner)


def costs(life: Life) -> Mapping[str, int]:
    """Database steps of the daily operations of a worker and an operator."""
    first, *_others = life.index_ids

    async def work() -> None:
        run = await life.queue.request_run(first, QueuePriority.USER_INITIATED)
        task = await life.queue.claim(life.ada)
        assert task is not None
        await life.queue.heartbeat(task.claim)
        await life.queue.request_run(first, QueuePriority.BACKGROUND)
        await life.queue.fail(task.claim, "gone")
        task = await life.queue.claim(life.ada)
        assert task is not None
        await life.queue.complete(task.claim, nothing_to_do=True)
        await life.queue.get_runs([run.id])

    async def work_on_a_single_task() -> None:
        queued = Task.create(TaskType.SYNC, 10, {"n": 1})
        await life.queue.enqueue_task(queued)
        await life.queue.enqueue_task(queued)
        task = await life.queue.claim(life.ada)
        assert task is not None
        await life.queue.complete(task.claim)

    async def idle() -> None:
        await life.queue.claim_or_wait(life.ada, 2)
        await life.queue.reclaim(life.registry, life.ada)
        await life.open(ClaimRules(QueueOrder.RUN_FIRST)).claim_or_wait(life.ada, 2)
        await life.open(ClaimRules(limits={TaskType.SYNC: 1})).claim_or_wait(life.ada, 2)

    async def look() -> None:
        await life.queue.needing_attention(life.registry, SHOWN)
        for state in RunState:
            await life.queue.list_runs([state], SHOWN)
        runs = await life.queue.list_runs(limit=SHOWN)
        await life.queue.overview(life.registry, runs)
        for run in runs:
            await life.queue.other_unfinished_runs(run)

    async def latest() -> None:
        with life.database.read() as transaction:
            transaction.tasks.latest_runs(life.index_ids)

    async def prune() -> None:
        pruner = HistoryPruner(
            database=life.database, clock=life.clock, retention=Retention(20, timedelta(days=999))
        )
        await pruner.prune_some()

    parts = (work, work_on_a_single_task, idle, look, latest, prune)
    for part in parts:
        life.do(part)  # so that every statement is compiled, and every connection open
    return {part.__name__: life.steps_of(part) for part in parts}


def test_the_history_costs_nothing(life: Life) -> None:
    """Neither for a claim nor a look, of a worker or an operator."""
    for _ in range(2 * SHOWN):
        life.do(life.round)
    young = costs(life)
    for _ in range(10 * SHOWN):
        life.do(life.round)
    old = costs(life)
    assert min(young.values()) > 0
    grown = {name: steps for name, steps in old.items() if steps > MOST_GROWTH * young[name]}
    assert grown == {}, young


def test_pruning_keeps_the_history_as_large_as_it_may_be(life: Life) -> None:
    """For each index, the runs of the last days and the newest ones; each piece deletes a limited
    number of rows, and a few looks find all runs."""
    for _ in range(60):
        life.do(life.round)
    pruner = HistoryPruner(
        database=life.database, clock=life.clock, retention=Retention(4, timedelta(days=1))
    )
    kept = [life.kept()]
    has_more = True

    async def prune() -> None:
        nonlocal has_more
        has_more = await pruner.prune_some()

    life.statements.count = 0
    while has_more:
        life.do(prune)
        kept.append(life.kept())
    looks = life.statements.count
    rounds_of_a_day = 4
    runs_of_a_round = INDEXES + 2
    assert kept[0] == 60 * runs_of_a_round
    assert kept[-1] == rounds_of_a_day * runs_of_a_round
    pieces = [before - after for before, after in pairwise(kept)]
    assert max(pieces) * 6 <= ROWS_PER_PIECE
    forgotten = kept[0] - kept[-1]
    assert len(pieces) <= 2 + forgotten // (ROWS_PER_PIECE // 12)
    # Among these are two for each count of what is kept.
    assert looks <= 12 * len(pieces) + 2 * INDEXES
