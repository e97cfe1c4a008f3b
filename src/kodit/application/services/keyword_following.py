"""Continuing the log that the keyword index follows, outside a stage."""

from __future__ import annotations

import secrets
from functools import partial

from kodit.application.services.keyword_stage import CHANGES_PER_BATCH
from kodit.application.services.threads import Lane, in_thread
from kodit.application.services.transactions import written
from kodit.domain.keyword import KeywordBatch, KeywordLog, KeywordPosition
from kodit.domain.ports.database import Database, Transaction
from kodit.domain.ports.engines import KeywordIndex
from kodit.domain.services.bm25_service import BM25DomainService


def follow_log(database: Database, index_id: int, position: KeywordPosition | None) -> None:
    """Continue from the keyword index's position, or log every snippet again if it cannot
    continue."""
    is_new = written(
        database, lambda transaction: transaction.keyword_log.follow(index_id, position)
    )
    generation, after = secrets.token_hex(8), 0 if is_new else None
    while after is not None:
        after = written(database, partial(_log_some, index_id, generation, after))


def _log_some(index_id: int, generation: str, after: int, transaction: Transaction) -> int | None:
    return transaction.snippets.log_all(index_id, generation, after)


async def apply_log(database: Database, keyword_index: KeywordIndex, store_id: int) -> None:
    """Apply the log of a store to the keyword index without a run. A worker may do the same at the
    same time: applying a batch again changes nothing."""
    bm25 = BM25DomainService()

    def read() -> KeywordLog:
        with database.read() as transaction:
            return transaction.keyword_log.read(store_id, CHANGES_PER_BATCH)

    def restart() -> None:
        follow_log(database, store_id, keyword_index.positions([store_id])[store_id])

    while (log := await in_thread(read, Lane.READS)).changes:
        batch = bm25.fold(store_id, log)
        if all(await keyword_index.apply([batch])):
            acknowledge = partial(_acknowledge, batch)
            await in_thread(partial(written, database, acknowledge), Lane.WRITES)
        else:
            await in_thread(restart)


def _acknowledge(batch: KeywordBatch, transaction: Transaction) -> None:
    transaction.keyword_log.acknowledge(batch.index_id, batch.reached)
