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
    has_filled = False

    def position() -> KeywordPosition | None:
        return keyword_index.positions([store_id])[store_id]

    while True:
        next_batch = partial(_next_batch, store_id, await in_thread(position))
        batch = await read(next_batch)
        if batch is None or not all(await keyword_index.apply([batch])):
            return has_filled
        has_filled = True


def _next_batch(
    store_id: int, position: KeywordPosition | None, transaction: Transaction
) -> KeywordBatch | None:
    return transaction.keyword_log.filling(store_id, position, CHANGES_PER_BATCH)
