"""Continuing the log that the keyword index follows, outside a stage."""

from __future__ import annotations

import secrets
from functools import partial

from kodit.application.services.transactions import written
from kodit.domain.keyword import KeywordPosition
from kodit.domain.ports.database import Database, Transaction


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
