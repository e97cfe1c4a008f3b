"""Reads the database and the keyword index at the same moment."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol, TypeVar

from kodit.domain.keyword import KeywordPosition
from kodit.domain.value_objects import Scope, SearchFilter

# Imported where used, so that a command loads only what it needs.
if TYPE_CHECKING:
    from kodit.domain.ports.database import Database, Transaction
    from kodit.domain.ports.engines import KeywordIndex, KeywordReader

log = logging.getLogger(__name__)

MOST_ATTEMPTS = 8
"""More than enough: a change of the keyword index takes longer than starting a transaction."""

Answer = TypeVar("Answer")


class ReadableKeywords(Protocol):
    """A keyword index, or a view of its positions alone."""

    def reader(self) -> KeywordReader: ...


def read_together(
    database: Database,
    keyword_index: KeywordIndex,
    search_filter: SearchFilter,
    answer: Callable[[Transaction, KeywordReader, Scope], Answer],
) -> Answer:
    """Answer within one transaction, with the keyword index as it was when that started, and within
    the filter. Raises NotFoundError for an unknown index.

    Scores depend only on the snippets of the searched indexes. A later state of the keyword index
    could name snippets that the transaction does not see yet, in place of those that it sees.
    """

    def from_trusted(transaction: Transaction, keyword: KeywordReader, scope: Scope) -> Answer:
        trusted = _trusted(keyword_index, transaction, keyword, scope)
        return answer(transaction, trusted, scope)

    return _consistent_read(database, keyword_index, search_filter, from_trusted)


def without_keyword_index(
    database: Database, keyword_index: ReadableKeywords, search_filter: SearchFilter
) -> list[int]:
    """The indexes of a filter for which the keyword index finds nothing until they are indexed
    again. Raises NotFoundError for an unknown index."""

    def untrusted(transaction: Transaction, keyword: KeywordReader, scope: Scope) -> set[int]:
        return transaction.keyword_log.untrusted(keyword.positions(scope.store_ids))

    return sorted(_consistent_read(database, keyword_index, search_filter, untrusted))


def _consistent_read(
    database: Database,
    keyword_index: ReadableKeywords,
    search_filter: SearchFilter,
    answer: Callable[[Transaction, KeywordReader, Scope], Answer],
) -> Answer:
    for attempt in range(1, MOST_ATTEMPTS + 1):
        keyword = keyword_index.reader()
        with database.read() as transaction:
            scope = transaction.search.resolve(search_filter)  # the snapshot starts here
            if keyword_index.reader() is keyword or attempt == MOST_ATTEMPTS:
                return answer(transaction, keyword, scope)
    raise AssertionError


def _trusted(
    keyword_index: KeywordIndex, transaction: Transaction, keyword: KeywordReader, scope: Scope
) -> KeywordReader:
    """The keyword index without the indexes that it does not match: one of the two was restored
    from a copy or removed, or has lost its last writes."""
    positions = keyword.positions(scope.store_ids)
    untrusted = frozenset(transaction.keyword_log.untrusted(positions))
    if not untrusted:
        return keyword.over(scope)
    _tell(id(keyword_index), frozenset((index_id, positions[index_id]) for index_id in untrusted))
    return keyword.over(scope.within(scope.store_ids - untrusted)).without(untrusted)


@lru_cache(maxsize=64)
def _tell(_keyword_index: int, positions: frozenset[tuple[int, KeywordPosition | None]]) -> None:
    """Log it once for each state of an index."""
    log.warning(
        "the keyword index does not match the database: one of them was restored from a copy or "
        "damaged; these indexes are searched without it until their next runs",
        extra={
            "indexes": ",".join(str(index_id) for index_id in sorted(one[0] for one in positions))
        },
    )
