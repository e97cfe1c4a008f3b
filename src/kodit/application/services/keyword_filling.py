"""Filling the keyword index of a node that cannot continue with the log."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Protocol

from kodit.application.services.threads import in_thread
from kodit.domain.keyword import KeywordBatch, KeywordPosition
from kodit.domain.ports.database import Transaction
from kodit.domain.ports.engines import KeywordIndex

CHANGES_PER_BATCH = 2048
"""How many keyword changes go into one commit of the keyword index, which takes some 50 ms. With
8192, one commit carried seconds of work: a worker killed five times during it failed for good."""


class Read(Protocol):
    """Runs work in a read transaction."""

    def __call__(
        self, work: Callable[[Transaction], KeywordBatch | None], /
    ) -> Awaitable[KeywordBatch | None]: ...


async def fill(read: Read, keyword_index: KeywordIndex, store_id: int) -> bool:
    """Put all snippets of a store into a keyword index that needs them: those that it had at the
    position which the log has given this node. A fill that was interrupted continues. Returns
    whether anything was put there, so that the log can be followed from this position."""
    has_filled = is_refused = False

    def position() -> KeywordPosition | None:
        return keyword_index.positions([store_id])[store_id]

    at = await in_thread(position)
    while True:
        batch = await read(partial(_next_batch, store_id, at))
        if batch is None:
            return has_filled
        if is_refused:
            # The store was dropped here, and then read again from the database, which therefore was
            # put back to a time before its deletion.
            await keyword_index.drop(store_id, None)
        if not all(await keyword_index.apply([batch])):
            return has_filled
        has_filled, before = True, at
        at = await in_thread(position)
        is_refused = at == before


def _next_batch(
    store_id: int, position: KeywordPosition | None, transaction: Transaction
) -> KeywordBatch | None:
    return transaction.keyword_log.filling(store_id, position, CHANGES_PER_BATCH)
