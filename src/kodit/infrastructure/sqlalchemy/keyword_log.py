"""The log that the keyword index follows, in SQL, and its position."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

from sqlalchemy import Connection, exists, func, select, update

from kodit.domain.batches import MOST_PER_READ, Weight, size_of
from kodit.domain.keyword import (
    KeywordBatch,
    KeywordChange,
    KeywordLog,
    KeywordOperation,
    KeywordPosition,
)
from kodit.infrastructure.sql.keyword_log import UNKNOWN_GENERATION, KeywordLogReads
from kodit.infrastructure.sql.state_cache import Caches
from kodit.infrastructure.sql.stored_snippets import to_stored
from kodit.infrastructure.sqlalchemy.entities import FILES, INDEXES, KEYWORD_CHANGES
from kodit.infrastructure.sqlalchemy.keyword_log_statements import (
    CHANGES,
    COUNT_UP_TO,
    CUT_LOG,
    FOLLOWED_LOGS,
    IS_WAITING,
    LAST_CHANGE_SET,
    NEXT_LOG,
    REACH,
    REST_OF_CHANGE_SET,
)
from kodit.infrastructure.sqlalchemy.locking import lock_name
from kodit.infrastructure.sqlalchemy.prepared import Driver, Prepared
from kodit.infrastructure.sqlalchemy.snippet_statements import others

_TOKEN_BITS = 63
"""The bits of a signed 64-bit column."""


def new_token() -> int:
    """A random number that identifies the changes of one transaction."""
    return secrets.randbits(_TOKEN_BITS)


def next_change_set(driver: Driver, store_id: int) -> int:
    """The number of the next change set of a store. Until this transaction ends, no other one gets
    a number for it: numbers are given in the order of commits, since whoever has applied the log up
    to one of them removes all before it."""
    lock_name(driver, "keyword log", str(store_id))
    [(last,)] = LAST_CHANGE_SET.run(driver, {"of_index": store_id})
    return (last or 0) + 1


class SqlKeywordLogRepository(KeywordLogReads):
    """The log over one connection."""

    _driver: Driver

    def __init__(self, connection: Connection, caches: Caches) -> None:
        super().__init__(Driver(connection), caches)
        self._connection = connection

    def read(
        self,
        index_id: int,
        limit: int,
        most_bytes: int = MOST_PER_READ.size,
        *,
        only_led: bool = False,
    ) -> KeywordLog:
        generation, follows = self._standing(index_id)
        if only_led:  # there is no other node
            return KeywordLog(generation or "", follows, ())
        bounds = Weight(limit, most_bytes)
        changes = self._changes(CHANGES, REST_OF_CHANGE_SET, {"of_index": index_id}, bounds)
        return KeywordLog(generation or "", follows, changes)

    def _changes(
        self, query: Prepared, rest: Prepared, wanted: Mapping[str, int], most: Weight
    ) -> list[KeywordChange]:
        """As many of the changes that `query` finds, and those that `rest` finds of the last change
        set."""
        changes: list[KeywordChange] = []
        size, change_set = 0, None
        with closing(query.stream(self._driver, {**wanted, "most": most.rows})) as rows:
            for row in rows:
                if size >= most.size and row[1] != change_set:
                    return changes
                changes.append(_to_change(row))
                change_set = row[1]
                size += _size_of_change(changes[-1])
        if changes:
            of_set = {**wanted, "of_change_set": change_set, "after": changes[-1].seq}
            changes += map(_to_change, rest.run(self._driver, of_set))
        return changes

    def count(self, index_id: int, of_index: int | None = None) -> int:
        mine = KEYWORD_CHANGES.c.index_id == index_id
        if of_index is not None:
            mine &= exists().where(
                FILES.c.version_id == KEYWORD_CHANGES.c.version_id, FILES.c.index_id == of_index
            )
        return self._connection.execute(select(func.count()).where(mine)).scalar_one()

    def small(self, beside: int, most: int) -> list[int]:
        counts: dict[int, int] = {}
        for index_id in others(self._driver, NEXT_LOG, beside):
            if most <= 0:
                break
            [(count,)] = COUNT_UP_TO.run(self._driver, {"of_index": index_id, "most": most + 1})
            if count <= most:
                counts[index_id] = count
                most -= count
        return [row[0] for row in FOLLOWED_LOGS.run(self._driver, list(counts))]

    def leads(self, reached: KeywordPosition, index_id: int) -> bool:
        at = {"of_index": index_id, "at": reached.seq, "with_token": reached.token}
        return bool(IS_WAITING.run(self._driver, at))

    def acknowledge(self, index_id: int, reached: KeywordPosition) -> bool:
        at = {
            "of_index": index_id,
            "of_generation": reached.generation,
            "at": reached.seq,
            "with_token": reached.token,
        }
        if not REACH.run(self._driver, at):
            return False
        CUT_LOG.run(self._driver, {"of_index": index_id, "at": reached.seq})
        return True

    def follow(self, index_id: int, position: KeywordPosition | None) -> bool:
        generation, acknowledged = self._standing(index_id)
        if generation:
            is_started = position is not None and position.generation == generation
            if acknowledged is None and not is_started:
                return False  # the first batch replaces everything the engine holds of the index
            if not self.untrusted({index_id: position}):
                if position is not None:
                    self.acknowledge(index_id, position)
                return False
        forgotten = None if generation is None else UNKNOWN_GENERATION
        self._connection.execute(
            update(INDEXES)
            .where(INDEXES.c.id == index_id)
            .values(keyword_generation=forgotten, keyword_seq=None, keyword_token=None)
        )
        return True

    def filling(
        self, index_id: int, position: KeywordPosition | None, limit: int
    ) -> KeywordBatch | None:
        del index_id, position, limit
        return None  # the log itself is restarted

    def behind(self) -> Sequence[int]:
        return ()

    def unled(self) -> Sequence[int]:
        return ()


def _to_change(row: Sequence[Any]) -> KeywordChange:
    """A row of `CHANGES`: five columns of the log, then those of a snippet, if there is one."""
    seq, _change_set, snippet_id, operation, token = row[:5]
    snippet = None if row[5] is None else to_stored(row[5:])
    return KeywordChange(seq, snippet_id, KeywordOperation(operation), snippet, token)


def _size_of_change(change: KeywordChange) -> int:
    return 0 if change.snippet is None else size_of(change.snippet.text)
