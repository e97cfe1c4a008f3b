"""Daily use by people and workers, for tests that record statements."""

from __future__ import annotations

import asyncio
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.support.sources import commit_all, git, write_file, write_tree

from kodit import Kodit
from kodit.application.services.history_pruner import HistoryPruner
from kodit.application.services.queue_service import QueueService
from kodit.application.services.source_service import IndexRequest
from kodit.application.services.sync_scheduler import SyncScheduler
from kodit.composition import Application
from kodit.domain.claiming import ClaimRules, QueueOrder
from kodit.domain.entities import Task
from kodit.domain.errors import TransientError
from kodit.domain.retention import Retention
from kodit.domain.value_objects import (
    QueuePriority,
    RunState,
    SearchMode,
    SymbolKind,
    TaskProgress,
    TaskType,
)
from kodit.infrastructure.memory import MemoryWorkerRegistry
from kodit.infrastructure.wake_up import WakeUps
from kodit.settings import Settings

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def index_and_search(folder: Path) -> None:
    """Index a repository and a folder, again after changes, and run every kind of query."""
    repository, plain = folder / "repository", folder / "plain"
    write_tree(repository, files=8)
    git(repository, "init", "-q")
    commit_all(repository)
    write_tree(plain, files=8, seed=2)
    with Kodit(folder / "data") as kodit:
        kodit.index(repository, plain)
        write_tree(repository, files=8, seed=3)
        shutil.rmtree(repository / "docs")
        commit_all(repository)
        write_file(plain / "new.py", "def beacon():\n    return 1\n" * 9)
        kodit.index(repository, plain)
        _ask(kodit, repository)
        kodit.status()
        kodit.delete(plain)
    write_tree(repository, files=8, seed=4)
    commit_all(repository)
    # What is replaced is removed at once.
    settings = Settings(data_dir=folder / "data", keep_unused_days=0.0)
    with Application(settings) as application:
        asyncio.run(application.source_indexing.index(IndexRequest([str(repository)])))


def _ask(kodit: Kodit, repository: Path) -> None:
    for mode in SearchMode:
        kodit.search("carry the anchor past the basket", mode=mode)
    kodit.search(
        "anchor",
        languages=["python"],
        paths=["src/**"],
        authors=["ada"],
        kinds=list(SymbolKind),
        created_after=LONG_AGO,
        created_before=datetime.now(UTC) + timedelta(days=1),
        index_ids=[1],
    )
    (file, *_) = kodit.list_files(repository, languages=["python"])
    text = kodit.read(repository, file.path)
    name = next(line for line in text.text.splitlines() if line.startswith("def "))[4:].split("(")[
        0
    ]
    kodit.read(repository, f"{file.path}:1-3")
    kodit.grep("anchor", paths=["src/**"])
    kodit.symbols(name, kinds=["function"])
    kodit.related(repository, f"{file.path}:12", everywhere=True)


def work_through_the_queue(data_dir: Path) -> None:
    """Everything that can happen to runs and tasks, in either order and with limits."""
    with Application(Settings.load({}, data_dir=data_dir)) as application:
        for rules in (
            ClaimRules(),
            ClaimRules(QueueOrder.RUN_FIRST),
            ClaimRules(limits={TaskType.SYNC: 2}),
        ):
            asyncio.run(_work_through(application, rules))


async def _work_through(application: Application, rules: ClaimRules) -> None:
    queue = QueueService(
        database=application.database,
        clock=application.clock,
        wake_up=WakeUps(),
        rules=rules,
    )
    registry = MemoryWorkerRegistry()
    ada, bob = registry.enter(), registry.enter()
    (index,) = await application.indexes.status()
    scheduler = SyncScheduler(
        database=application.database,
        indexing=application.indexing,
        clock=application.clock,
        interval=0.0,
    )
    await scheduler.queue_some()
    run = await queue.request_run(index.id, QueuePriority.USER_INITIATED)
    for _twice in range(2):
        await queue.enqueue_task(Task.create(TaskType.SYNC, 10, {"index_id": None}))
    (first, *others) = await queue.claim_many(ada, 2)
    follow_up = await queue.request_run(index.id, QueuePriority.USER_INITIATED)
    await queue.heartbeat(first.claim, TaskProgress("SYNC", 1, 2))
    await _look_at(queue, registry, run.id)
    await queue.fail_transiently(first.claim, TransientError("503", 0.0))
    await queue.claim_or_wait(ada, 1)
    await queue.release_all(ada)
    lost = await queue.claim(bob)
    assert lost is not None
    registry.kill(bob)
    await queue.reclaim(registry, ada)
    await queue.pause()
    await queue.claim_or_wait(ada, 1)
    await queue.resume()
    await queue.cancel(follow_up.id)
    failed = await queue.claim(ada)
    assert failed is not None
    await queue.fail(failed.claim, "gone")
    await _drain(queue, ada)
    ended = [one for one in await queue.list_runs([RunState.FAILED]) if one.index_id is not None]
    for one in ended:
        await queue.retry(one.id)
    tasks = await queue.claim_many(ada, 8)
    await queue.complete_many([task.claim for task in tasks], next_for=ada, count=8)
    await queue.release_all(ada)
    await _drain(queue, ada)
    await queue.request_run(index.id, QueuePriority.BACKGROUND)
    await queue.abandon(lambda transaction: None, index.id)
    del others
    for age, batch in ((timedelta(0), 0), (timedelta(days=1), 3)):
        pruner = HistoryPruner(
            database=application.database,
            clock=application.clock,
            retention=Retention(runs=1 + batch, age=age),
        )
        while await pruner.prune_some():
            pass


async def _look_at(queue: QueueService, registry: MemoryWorkerRegistry, run_id: int) -> None:
    (run,) = await queue.get_runs([run_id])
    await queue.under_way([run])
    await queue.other_unfinished_runs(run)
    await queue.needing_attention(registry)
    await queue.overview(registry, await queue.list_runs(list(RunState)))
    await queue.list_runs()
    for states in ((), (RunState.QUEUED, RunState.FAILED)):
        await queue.list_runs(states, 3, index_ids=[1, 2], before=100)
    await queue.count_runs()
    await queue.describe(run_id)
    await queue.paused_since()


async def _drain(queue: QueueService, worker: str) -> None:
    while task := await queue.claim(worker):
        while task is not None:
            task = await queue.complete(task.claim, next_for=worker)
