"""The stage that applies the log of changes to the keyword index."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from functools import partial

from kodit.application.services.stage import Stage, commit_in_steps
from kodit.application.services.threads import in_thread
from kodit.domain.batches import MOST_PER_READ, size_of
from kodit.domain.entities import ProgressTracker
from kodit.domain.keyword import KeywordBatch, KeywordLog, KeywordPosition
from kodit.domain.ports.database import Transaction
from kodit.domain.ports.engines import KeywordIndex
from kodit.domain.services.bm25_service import BM25DomainService
from kodit.domain.value_objects import TaskType

CHANGES_PER_BATCH = 2048
"""How many keyword changes go into one commit of the keyword index, which takes some 50 ms. With
8192, one commit carried seconds of work: a worker killed five times during it failed for good."""
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
        """Apply the log of an index up to its end."""
        index_id = stage.index_id
        position = await self._position(index_id)

        def look(transaction: Transaction) -> tuple[bool, int]:
            log = transaction.keyword_log
            return bool(log.untrusted({index_id: position})), log.count(index_id)

        is_untrusted, count = await stage.read(look)
        if is_untrusted:
            await self.follow(stage, step)
            count = await stage.read(lambda transaction: transaction.keyword_log.count(index_id))
        step.set_total(count)
        while count and await self._apply_some(stage, step):
            pass

    async def follow(self, stage: Stage, step: ProgressTracker) -> None:
        """Continue from the keyword index's position, or restart the log if it cannot continue."""
        index_id = stage.index_id
        position = await self._position(index_id)

        def follow(transaction: Transaction) -> tuple[bool, dict[str, int]]:
            return transaction.keyword_log.follow(index_id, position), {}

        if await stage.commit(follow, step):
            start = partial(_start_log, index_id, new_generation())
            await commit_in_steps(stage, step, start)

    async def _position(self, index_id: int) -> KeywordPosition | None:
        return (await in_thread(lambda: self._keyword_index.positions([index_id])))[index_id]

    async def _apply_some(self, stage: Stage, step: ProgressTracker) -> bool:
        """Apply the oldest changes of the index; returns whether there were any."""
        async with self._turn:
            logs = await stage.read(partial(_logs, stage))
            if not logs:
                return False
            batches = [self._bm25.fold(index_id, log) for index_id, log in logs]
            applied = await self._keyword_index.apply(batches)
            if applied[0]:
                reached = step.current + len(logs[0][1].changes)
                # Others that were refused start again in stages of their own.
                done = [batch for batch, is_done in zip(batches, applied, strict=True) if is_done]
                await stage.commit(partial(_acknowledge, done), step, reached)
        if not applied[0]:
            await self.follow(stage, step)
        return True


def _logs(stage: Stage, transaction: Transaction) -> list[tuple[int, KeywordLog]]:
    """The log of the index, and those of others that fit into the same commit; none if it has
    none."""
    log, index_id = transaction.keyword_log, stage.index_id
    own = log.read(index_id, CHANGES_PER_BATCH)
    if not own.changes:
        return []
    logs = [(index_id, own)]
    room, size = CHANGES_PER_GROUP - len(own.changes), _size(own)
    if room > 0 and stage.is_first_attempt:
        for other in stage.as_urgent(log.small(index_id, room), transaction):
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
    """The first batch is of the index whose stage this is."""
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


def _start_log(
    index_id: int, generation: str, after: int, transaction: Transaction
) -> tuple[int | None, dict[str, int]]:
    return transaction.snippets.log_all(index_id, generation, after), {}
