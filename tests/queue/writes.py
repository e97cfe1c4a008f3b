"""All writes that a worker may do with its claim, and a zombie must not."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from kodit.application.services.queue_service import QueueService
from kodit.application.services.stage import Stage
from kodit.domain.entities import IndexedFile, ProgressTracker, Task
from kodit.domain.errors import TransientError
from kodit.domain.ports.database import Database, Transaction
from kodit.domain.value_objects import (
    Claim,
    FileProcessingStatus,
    TaskOperation,
    TaskProgress,
    TaskType,
)

Write = Callable[[QueueService, Claim], Coroutine[Any, Any, object]]

WRITES: dict[str, Write] = {
    "complete": lambda queue, claim: queue.complete(claim),
    "skip": lambda queue, claim: queue.complete(claim, nothing_to_do=True),
    "complete and claim": lambda queue, claim: queue.complete(claim, next_for="a zombie"),
    "complete many": lambda queue, claim: queue.complete_many([claim]),
    "fail": lambda queue, claim: queue.fail(claim, "from the grave"),
    "fail transiently": lambda queue, claim: queue.fail_transiently(claim, TransientError("moan")),
    "release": lambda queue, claim: queue.release(claim),
    "stop": lambda queue, claim: queue.acknowledge_cancel(claim),
    "heartbeat": lambda queue, claim: queue.heartbeat(claim, TaskProgress("SYNC", 1, 2)),
}


async def commit_batch(database: Database, claim: Claim, index_id: int | None, path: str) -> None:
    """Store a batch as a stage does: one file of an index, and one batch more in the counts."""

    def write(transaction: Transaction) -> tuple[None, dict[str, int]]:
        if index_id is not None:
            file = IndexedFile(0, path, "0" * 40, FileProcessingStatus.ADDED)
            transaction.indexes.add_files(index_id, [file])
        return None, {"batches": 1}

    task = Task(TaskType.SYNC, 0, {}, id=claim.task_id, claim_no=claim.claim_no)
    step = ProgressTracker(TaskOperation.EXTRACT_SNIPPETS)
    await Stage(database, task, step).commit(write, step)
