"""Continuing the log that the keyword index follows, outside a stage."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from kodit.application.services.keyword_filling import CHANGES_PER_BATCH, fill
from kodit.application.services.threads import Lane, in_thread
from kodit.application.services.transactions import written
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


async def apply_log(
    database: Database,
    keyword_index: KeywordIndex,
    store_id: int,
    *,
    only_led: bool = False,
    counts: bool = False,
) -> None:
    """Apply the log of a store to the keyword index without a run; with `only_led`, as far as
    another node has. With `counts`, what no other node has done is counted as the work of the
    store's run. A worker may do the same at the same time: applying a batch again changes
    nothing."""
    bm25 = BM25DomainService()
    if await fill(partial(_read, database), keyword_index, store_id):
        await continue_log(database, keyword_index, store_id)

    def read() -> KeywordLog:
        with database.read() as transaction:
            return transaction.keyword_log.read(store_id, CHANGES_PER_BATCH, only_led=only_led)

    while (log := await in_thread(read, Lane.READS)).changes:
        batch = bm25.fold(store_id, log)
        if all(await keyword_index.apply([batch])):
            acknowledge = partial(_acknowledge, batch, counts=counts)
            await in_thread(partial(written, database, acknowledge), Lane.WRITES)
        else:
            await continue_log(database, keyword_index, store_id)


async def follow_store(
    database: Database, keyword_index: KeywordIndex, store_id: int, *, leads: bool
) -> None:
    """Continue with the log of a store, and apply it, as far as another node has unless this one
    `leads`."""
    await continue_log(database, keyword_index, store_id)
    await apply_log(database, keyword_index, store_id, only_led=not leads, counts=leads)


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


def _acknowledge(batch: KeywordBatch, transaction: Transaction, *, counts: bool) -> None:
    index_id, stage_type = batch.index_id, TaskType.BM25_INDEX
    # The task is locked first, so that of two nodes only one finds that it leads.
    if (
        counts
        and transaction.tasks.taking_part([index_id], stage_type)
        and transaction.keyword_log.leads(batch.reached, index_id)
    ):
        counted = {"keywords_indexed": len(batch.additions)}
        transaction.tasks.record_for(index_id, stage_type, counted)
    transaction.keyword_log.acknowledge(index_id, batch.reached)
