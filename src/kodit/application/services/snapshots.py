"""The database and the keyword index as they were at one moment."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from kodit.domain.ports.database import Database, Transaction
from kodit.domain.ports.engines import KeywordIndex, KeywordReader
from kodit.domain.value_objects import Scope, SearchFilter

MOST_ATTEMPTS = 8
"""A change of the keyword index takes longer than it takes to begin a transaction."""

Answer = TypeVar("Answer")


def read_together(
    database: Database,
    keyword_index: KeywordIndex,
    search_filter: SearchFilter,
    answer: Callable[[Transaction, KeywordReader, Scope], Answer],
) -> Answer:
    """Answer by one transaction, by the keyword index as it was when that began, and within what
    the filter lets pass. Raises NotFoundError for an unknown index.

    Scores go by the snippets of the indexes that are searched, and change with no other.

    Were the keyword index of a later state, it could name snippets that the transaction does not
    have yet, in place of those that it has.
    """
    for attempt in range(1, MOST_ATTEMPTS + 1):
        keyword = keyword_index.reader()
        with database.read() as transaction:
            scope = transaction.search.resolve(search_filter)  # here the snapshot begins
            if keyword_index.reader() is keyword or attempt == MOST_ATTEMPTS:
                return answer(transaction, keyword.over(scope.index_ids), scope)
    raise AssertionError
