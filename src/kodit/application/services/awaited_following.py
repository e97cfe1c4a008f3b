"""The keyword stage of a node that does not search: others follow the log."""

from __future__ import annotations

from functools import partial

from kodit.application.services.keyword_stage import (
    KeywordStage,
    new_generation,
    restart_log,
)
from kodit.application.services.queue_service import QueueService
from kodit.application.services.stage import Stage
from kodit.application.services.threads import Lane, in_thread
from kodit.domain.entities import ProgressTracker
from kodit.domain.errors import SearchNodeAwaitedError
from kodit.domain.ports.database import Transaction
from kodit.domain.ports.engines import KeywordIndex
from kodit.domain.ports.nodes import Nodes

MOST_SECONDS = 600.0
"""A search node that has followed, or a worker that sees that there is none, ends the wait; this is
for the case that nothing does."""


class AwaitedFollowing:
    """Leaves the log to the search nodes. The task waits in the queue, and not in a worker."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes

    async def index(self, stage: Stage, _step: ProgressTracker) -> None:
        """Succeeds if some node has followed the logs of all stores of the index as far as it
        needs, or if no node that is alive does. Raises SearchNodeAwaitedError otherwise."""
        if not await stage.read(partial(_has_unled, stage.index_id)):
            return
        hosts = await in_thread(self._nodes.searching, Lane.READS)
        if hosts:
            raise SearchNodeAwaitedError(
                f"waits until a search node has followed ({', '.join(hosts)})",
                retry_after_seconds=MOST_SECONDS,
            )

    async def follow_stores(self, stage: Stage, step: ProgressTracker) -> None:
        """Start the logs that are lost; search nodes then follow them anew."""
        index_id = stage.index_id
        for store_id in await stage.read(lambda transaction: transaction.versions.stores(index_id)):
            generation = await stage.read(
                lambda transaction, one=store_id: transaction.keyword_log.generation(one)  # type: ignore[misc]
            )
            if not generation:
                await restart_log(stage, step, store_id, None, new_generation())


def make_keyword_stage(
    keyword_index: KeywordIndex | None, nodes: Nodes | None
) -> KeywordStage | AwaitedFollowing:
    """The stage over the keyword index of this node or, if it has none, over the other nodes."""
    if keyword_index is not None:
        return KeywordStage(keyword_index)
    if nodes is None:
        raise ValueError("there is neither a keyword index nor a node that may have one")
    return AwaitedFollowing(nodes)


def _has_unled(index_id: int, transaction: Transaction) -> bool:
    log = transaction.keyword_log
    return any(
        log.count(store_id, None if store_id == index_id else index_id)
        for store_id in transaction.versions.stores(index_id)
    )


async def end_vain_waits(nodes: Nodes, queue: QueueService) -> bool:
    """Let tasks go on that wait for search nodes, if there is none any more. There is never more to
    do."""
    awaiting = await in_thread(nodes.awaiting, Lane.READS)
    if awaiting and not await in_thread(nodes.searching, Lane.READS):
        await queue.end_waits([task.id for task in awaiting])
    return False
