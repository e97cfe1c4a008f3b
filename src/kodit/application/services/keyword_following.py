"""Continuing the log that the keyword index follows, outside a stage."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Collection, Sequence
from functools import partial
from typing import TypeVar

from kodit.application.services.keyword_filling import CHANGES_PER_BATCH, fill
from kodit.application.services.threads import Lane, in_thread
from kodit.application.services.transactions import written
from kodit.domain.batches import MOST_PER_READ, size_of
from kodit.domain.keyword import KeywordBatch, KeywordLog, KeywordPosition
from kodit.domain.ports.database import Database, Transaction
from kodit.domain.ports.engines import KeywordIndex
from kodit.domain.services.bm25_service import BM25DomainService
from kodit.domain.value_objects import TaskType

T = TypeVar("T")


def follow_log(database: Database, index_id: int, position: KeywordPosition | None) -> None:
    """Continue from the keyword index's position, or log every snippet again if it cannot
    continue and no other node has."""
    is_new = written(
        database, lambda transaction: transaction.keyword_log.follow(index_id, position)
    )
    generation, after = secrets.token_hex(8), 0 if is_new else None
    while after is not None:
        after = written(database, partial(_log_some, index_id, generation, after))


def _log_some(index_id: int, generation: str, after: int, transaction: Transaction) -> int | None:
    return transaction.snippets.log_all(index_id, generation, after)


async def apply_log(database: Database, keyword_index: KeywordIndex, store_id: int) -> None:
    """Apply the log of a store to the keyword index without a run."""
    if await fill(partial(_read, database), keyword_index, store_id):
        await continue_log(database, keyword_index, store_id)
    await _apply_logs(database, keyword_index, [store_id])


async def follow_stores(
    database: Database, keyword_index: KeywordIndex, store_ids: Collection[int], *, leads: bool
) -> None:
    """Continue with the logs of stores, and apply them, as far as another node has unless this one
    `leads`. What no other node has done is then counted as the work of the store's run."""
    for store_id in store_ids:
        await continue_log(database, keyword_index, store_id)
    await _apply_logs(database, keyword_index, store_ids, only_led=not leads, counts=leads)


async def _apply_logs(
    database: Database,
    keyword_index: KeywordIndex,
    store_ids: Collection[int],
    *,
    only_led: bool = False,
    counts: bool = False,
) -> None:
    """Apply the logs of stores, several in one commit. A worker may do the same at the same time:
    applying a batch again changes nothing."""
    bm25 = BM25DomainService()
    left = sorted(store_ids)
    while left:
        logs, is_full = await in_thread(
            partial(_read_logs, database, left, only_led=only_led), Lane.READS
        )
        # Only the last one may have more.
        unfinished = {left[len(logs) - 1]} if is_full else set()
        batches = [bm25.fold(one, log) for one, log in zip(left, logs, strict=False) if log.changes]
        applied = await keyword_index.apply(batches) if batches else []
        done = [batch for batch, is_done in zip(batches, applied, strict=True) if is_done]
        if done:
            acknowledge = partial(_acknowledge, done, counts=counts)
            await in_thread(partial(written, database, acknowledge), Lane.WRITES)
        for batch, is_done in zip(batches, applied, strict=True):
            if not is_done:
                await continue_log(database, keyword_index, batch.index_id)
                unfinished.add(batch.index_id)
        left = [*sorted(unfinished), *left[len(logs) :]]


def _read_logs(
    database: Database, store_ids: Sequence[int], *, only_led: bool
) -> tuple[list[KeywordLog], bool]:
    """The logs of the first of these stores, as many as go into one commit, and whether the last
    of them may have more."""
    logs: list[KeywordLog] = []
    room, most_bytes = CHANGES_PER_BATCH, MOST_PER_READ.size
    with database.read() as transaction:
        for store_id in store_ids:
            log = transaction.keyword_log.read(store_id, room, most_bytes, only_led=only_led)
            logs.append(log)
            room -= len(log.changes)
            most_bytes -= sum(size_of(one.snippet.text) for one in log.changes if one.snippet)
            if room <= 0 or most_bytes <= 0:
                return logs, True
    return logs, False


async def continue_log(database: Database, keyword_index: KeywordIndex, store_id: int) -> None:
    """Let the keyword index continue with the log of a store, from its position or from nothing."""

    def follow() -> None:
        follow_log(database, store_id, keyword_index.positions([store_id])[store_id])

    while True:
        await in_thread(follow)
        if not await fill(partial(_read, database), keyword_index, store_id):
            return


def _read(database: Database, work: Callable[[Transaction], T]) -> Awaitable[T]:
    def read() -> T:
        with database.read() as transaction:
            return work(transaction)

    return in_thread(read, Lane.READS)


def _acknowledge(
    batches: Sequence[KeywordBatch], transaction: Transaction, *, counts: bool
) -> None:
    # The tasks are locked first, so that of two nodes only one finds that it leads.
    stage_type = TaskType.BM25_INDEX
    stores = [batch.index_id for batch in batches]
    counted = transaction.tasks.taking_part(stores, stage_type) if counts else ()
    for batch in batches:
        store_id = batch.index_id
        if store_id in counted and transaction.keyword_log.leads(batch.reached, store_id):
            about = {"keywords_indexed": len(batch.additions)}
            transaction.tasks.record_for(store_id, stage_type, about)
        transaction.keyword_log.acknowledge(store_id, batch.reached)
