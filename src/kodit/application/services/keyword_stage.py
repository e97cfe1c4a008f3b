"""The stage that applies the log of changes to the keyword index."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable, Sequence
from functools import partial

from kodit.application.services.keyword_filling import CHANGES_PER_BATCH, fill
from kodit.application.services.stage import Stage, commit_in_steps
from kodit.application.services.threads import in_thread
from kodit.domain.batches import MOST_PER_READ, size_of
from kodit.domain.entities import ProgressTracker
from kodit.domain.keyword import KeywordBatch, KeywordLog, KeywordPosition
from kodit.domain.ports.database import Transaction
from kodit.domain.ports.engines import KeywordIndex
from kodit.domain.services.bm25_service import BM25DomainService
from kodit.domain.value_objects import TaskType

CHANGES_PER_GROUP = 256
"""A smaller batch is filled up to this with the changes of other indexes: a commit costs as much as
indexing a hundred snippets, and each acknowledgement some 0.1 ms of a write transaction."""


def new_generation() -> str:
    """The random name of a log."""
    return secrets.token_hex(8)


class KeywordStage:
    """Follows the logs of all indexes, one at a time, except that those with few changes share
    commits."""

    def __init__(self, keyword_index: KeywordIndex) -> None:
        self._keyword_index = keyword_index
        self._bm25 = BM25DomainService()
        self._turn = asyncio.Lock()
        """The second of two stages often finds that the first has applied its changes too."""

    async def index(self, stage: Stage, step: ProgressTracker) -> None:
        """Apply the logs of an index's stores: its own up to its end, those of other indexes up to
        the last version that the index has."""
        index_id = stage.index_id
        for store_id in await stage.read(lambda transaction: transaction.versions.stores(index_id)):
            await self._index(stage, step, store_id)

    async def _index(self, stage: Stage, step: ProgressTracker, store_id: int) -> None:
        position = await self._position(store_id)
        counted = partial(_count, stage.index_id, store_id)

        def look(transaction: Transaction) -> tuple[bool, int]:
            return bool(transaction.keyword_log.untrusted({store_id: position})), counted(
                transaction
            )

        is_untrusted, count = await stage.read(look)
        if is_untrusted:
            await self.follow(stage, step, store_id)
            count = await stage.read(counted)
        step.set_total((step.total or 0) + count)
        while count and await self._apply_some(stage, step, store_id):
            if store_id != stage.index_id:
                count = await stage.read(counted)

    async def follow_stores(self, stage: Stage, step: ProgressTracker) -> None:
        """Do `follow` for each store of an index."""
        index_id = stage.index_id
        for store_id in await stage.read(lambda transaction: transaction.versions.stores(index_id)):
            await self.follow(stage, step, store_id)

    async def follow(self, stage: Stage, step: ProgressTracker, store_id: int) -> None:
        """Continue from the keyword index's position in the log of a store, or restart the log if
        it cannot continue."""
        while True:
            position = await self._position(store_id)
            await restart_log(stage, step, store_id, position, new_generation())
            if not await fill(stage.read, self._keyword_index, store_id):
                return

    async def apply(self, stage: Stage, step: ProgressTracker, store_ids: Iterable[int]) -> None:
        """Apply the logs of stores up to their ends."""
        for store_id in store_ids:
            while await self._apply_some(stage, step, store_id):
                pass

    async def _position(self, store_id: int) -> KeywordPosition | None:
        return (await in_thread(lambda: self._keyword_index.positions([store_id])))[store_id]

    async def _apply_some(self, stage: Stage, step: ProgressTracker, store_id: int) -> bool:
        """Apply the oldest changes of a store; returns whether there were any."""
        async with self._turn:
            logs = await stage.read(partial(_logs, stage, store_id))
            if not logs:
                return False
            batches = [self._bm25.fold(one, log) for one, log in logs]
            applied = await self._keyword_index.apply(batches)
            if applied[0]:
                reached = step.current + len(logs[0][1].changes)
                # Others that were refused start again in stages of their own.
                done = [batch for batch, is_done in zip(batches, applied, strict=True) if is_done]
                await stage.commit(partial(_acknowledge, done), step, reached)
        if not applied[0]:
            await self.follow(stage, step, store_id)
        return True


async def restart_log(
    stage: Stage,
    step: ProgressTracker,
    store_id: int,
    position: KeywordPosition | None,
    generation: str,
) -> None:
    """Log every snippet of a store again, unless a keyword index can continue from its position, or
    be filled."""
    if await stage.commit(partial(_follow, store_id, position), step):
        await commit_in_steps(stage, step, partial(_start_log, store_id, generation))


def _count(index_id: int, store_id: int, transaction: Transaction) -> int:
    return transaction.keyword_log.count(store_id, None if store_id == index_id else index_id)


def _logs(stage: Stage, store_id: int, transaction: Transaction) -> list[tuple[int, KeywordLog]]:
    """The log of the store, and those of others that fit into the same commit; none if it has
    none."""
    log = transaction.keyword_log
    own = log.read(store_id, CHANGES_PER_BATCH)
    if not own.changes:
        return []
    logs = [(store_id, own)]
    room, size = CHANGES_PER_GROUP - len(own.changes), _size(own)
    if room > 0 and stage.is_first_attempt:
        for other in stage.as_urgent(log.small(store_id, room), transaction):
            if size >= MOST_PER_READ.size:
                break
            logs.append((other, log.read(other, room)))
            size += _size(logs[-1][1])
    return logs


def _size(log: KeywordLog) -> int:
    return sum(size_of(change.snippet.text) for change in log.changes if change.snippet)


def _acknowledge(
    batches: Sequence[KeywordBatch], transaction: Transaction
) -> tuple[None, dict[str, int]]:
    """The first batch is of the store whose turn it is."""
    counts: dict[str, int] = {}
    own, *others = (batch.index_id for batch in batches)
    chosen = {own} | transaction.tasks.taking_part(others, TaskType.BM25_INDEX)
    for batch in batches:
        # What is applied and not acknowledged is seen by the stage of the other index.
        if batch.index_id not in chosen:
            continue
        if not transaction.keyword_log.acknowledge(batch.index_id, batch.reached):
            continue
        counted = {"keywords_indexed": len(batch.additions)}
        if batch is batches[0]:
            counts = counted
        else:
            transaction.tasks.record_for(batch.index_id, TaskType.BM25_INDEX, counted)
    return None, counts


def _follow(
    store_id: int, position: KeywordPosition | None, transaction: Transaction
) -> tuple[bool, dict[str, int]]:
    return transaction.keyword_log.follow(store_id, position), {}


def _start_log(
    index_id: int, generation: str, after: int, transaction: Transaction
) -> tuple[int | None, dict[str, int]]:
    return transaction.snippets.log_all(index_id, generation, after), {}
