"""The database and the keyword index as they were at one moment."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol, TypeVar

from kodit.domain.keyword import KeywordPosition
from kodit.domain.value_objects import Scope, SearchFilter

# A command imports what it uses.
if TYPE_CHECKING:
    from kodit.domain.ports.database import Database, Transaction
    from kodit.domain.ports.engines import KeywordIndex, KeywordReader

log = logging.getLogger(__name__)

MOST_ATTEMPTS = 8
"""A change of the keyword index takes longer than it takes to begin a transaction."""

Answer = TypeVar("Answer")


class ReadableKeywords(Protocol):
    """A keyword index, or what knows its positions alone."""

    def reader(self) -> KeywordReader: ...


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

    def from_trusted(transaction: Transaction, keyword: KeywordReader, scope: Scope) -> Answer:
        trusted = _trusted(keyword_index, transaction, keyword, scope)
        return answer(transaction, trusted, scope)

    return _at_one_moment(database, keyword_index, search_filter, from_trusted)


def without_keyword_index(
    database: Database, keyword_index: ReadableKeywords, search_filter: SearchFilter
) -> list[int]:
    """The indexes that a search of these finds nothing in by the keyword index until they are
    indexed again. Raises NotFoundError for an unknown index."""

    def untrusted(transaction: Transaction, keyword: KeywordReader, scope: Scope) -> set[int]:
        return transaction.keyword_log.untrusted(keyword.positions(scope.index_ids))

    return sorted(_at_one_moment(database, keyword_index, search_filter, untrusted))


def _at_one_moment(
    database: Database,
    keyword_index: ReadableKeywords,
    search_filter: SearchFilter,
    answer: Callable[[Transaction, KeywordReader, Scope], Answer],
) -> Answer:
    for attempt in range(1, MOST_ATTEMPTS + 1):
        keyword = keyword_index.reader()
        with database.read() as transaction:
            scope = transaction.search.resolve(search_filter)  # here the snapshot begins
            if keyword_index.reader() is keyword or attempt == MOST_ATTEMPTS:
                return answer(transaction, keyword, scope)
    raise AssertionError


def _trusted(
    keyword_index: KeywordIndex, transaction: Transaction, keyword: KeywordReader, scope: Scope
) -> KeywordReader:
    """The keyword index without those indexes of which it does not hold what the database has
    logged: one of the two was restored from a copy or removed, or has lost its last writes."""
    positions = keyword.positions(scope.index_ids)
    untrusted = frozenset(transaction.keyword_log.untrusted(positions))
    if not untrusted:
        return keyword.over(scope.index_ids)
    _tell(id(keyword_index), frozenset((index_id, positions[index_id]) for index_id in untrusted))
    return keyword.over(scope.index_ids - untrusted).without(untrusted)


@lru_cache(maxsize=64)
def _tell(_keyword_index: int, positions: frozenset[tuple[int, KeywordPosition | None]]) -> None:
    """Say it once of each state of an index."""
    log.warning(
        "the keyword index does not match the database: one of them was restored from a copy or "
        "damaged; these indexes are searched without it until their next runs",
        extra={
            "indexes": ",".join(str(index_id) for index_id in sorted(one[0] for one in positions))
        },
    )
