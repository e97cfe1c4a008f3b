"""The log that the keyword index follows, in SQL, and where it stands."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

from sqlalchemy import Connection, bindparam, delete, exists, func, select, update

from kodit.domain.batches import MOST_PER_READ, size_of
from kodit.domain.keyword import (
    KeywordChange,
    KeywordLog,
    KeywordOperation,
    KeywordPosition,
)
from kodit.infrastructure.sqlalchemy.entities import INDEXES, KEYWORD_CHANGES
from kodit.infrastructure.sqlalchemy.prepared import Driver, PreparedForMany
from kodit.infrastructure.sqlalchemy.snippet_statements import (
    CHANGES,
    REST_OF_CHANGE_SET,
)
from kodit.infrastructure.sqlalchemy.stored_snippets import to_stored

UNKNOWN_GENERATION = ""
"""The generation of an index whose log was lost: a migration leaves it so."""
_TOKEN_BITS = 63
"""What a signed 64-bit column holds."""

_STANDINGS = PreparedForMany(
    lambda ids: select(
        INDEXES.c.id, INDEXES.c.keyword_generation, INDEXES.c.keyword_seq, INDEXES.c.keyword_token
    ).where(INDEXES.c.id.in_(ids))
)
_WAITING = PreparedForMany(
    lambda ids: select(KEYWORD_CHANGES.c.seq).where(
        KEYWORD_CHANGES.c.seq.in_(ids),
        KEYWORD_CHANGES.c.index_id == bindparam("of_index"),
        KEYWORD_CHANGES.c.token == bindparam("with_token"),
    )
)


def new_token() -> int:
    """A random number by which the changes of one transaction are known again."""
    return secrets.randbits(_TOKEN_BITS)


class SqlKeywordLogRepository:
    """The log over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._driver = Driver(connection)

    def read(self, index_id: int, limit: int, most_bytes: int = MOST_PER_READ.size) -> KeywordLog:
        generation, follows = self._standing(index_id)
        return KeywordLog(generation or "", follows, self._changes(index_id, limit, most_bytes))

    def _changes(self, index_id: int, limit: int, most_bytes: int) -> list[KeywordChange]:
        changes: list[KeywordChange] = []
        size, change_set = 0, None
        with closing(CHANGES.stream(self._driver, {"of_index": index_id, "most": limit})) as rows:
            for row in rows:
                if size >= most_bytes and row[1] != change_set:
                    return changes
                changes.append(_to_change(row))
                change_set = row[1]
                size += _size_of_change(changes[-1])
        if changes:
            of_set = {"of_index": index_id, "of_change_set": change_set, "after": changes[-1].seq}
            changes += map(_to_change, REST_OF_CHANGE_SET.run(self._driver, of_set))
        return changes

    def count(self, index_id: int) -> int:
        mine = KEYWORD_CHANGES.c.index_id == index_id
        return self._connection.execute(select(func.count()).where(mine)).scalar_one()

    def generation(self, index_id: int) -> str | None:
        return self._standing(index_id)[0]

    def acknowledge(self, index_id: int, reached: KeywordPosition) -> None:
        mine = KEYWORD_CHANGES.c.index_id == index_id
        is_waiting = exists().where(
            mine, KEYWORD_CHANGES.c.seq == reached.seq, KEYWORD_CHANGES.c.token == reached.token
        )
        moved = self._connection.execute(
            update(INDEXES)
            .where(
                INDEXES.c.id == index_id,
                INDEXES.c.keyword_generation == reached.generation,
                is_waiting,
            )
            .values(keyword_seq=reached.seq, keyword_token=reached.token)
        ).rowcount
        if moved:
            self._connection.execute(
                delete(KEYWORD_CHANGES).where(mine, KEYWORD_CHANGES.c.seq <= reached.seq)
            )

    def untrusted(self, positions: Mapping[int, KeywordPosition | None]) -> set[int]:
        """Those of the indexes whose part of the keyword index, which stands at these positions,
        is not made from what this database holds."""
        found = _STANDINGS.run(self._driver, list(positions))
        standings = {row[0]: _to_standing(row) for row in found}
        return {
            index_id
            for index_id, position in positions.items()
            if not self._is_trusted(index_id, standings.get(index_id, (None, None)), position)
        }

    def _is_trusted(
        self,
        index_id: int,
        standing: tuple[str | None, KeywordPosition | None],
        position: KeywordPosition | None,
    ) -> bool:
        generation, acknowledged = standing
        if position == acknowledged:
            return generation != UNKNOWN_GENERATION
        if position is None or position.generation != generation:
            return False
        of_change = {"of_index": index_id, "with_token": position.token}
        return bool(_WAITING.run(self._driver, [position.seq], of_change))

    def follow(self, index_id: int, position: KeywordPosition | None) -> bool:
        generation, acknowledged = self._standing(index_id)
        if generation:
            is_begun = position is not None and position.generation == generation
            if acknowledged is None and not is_begun:
                return False  # whatever the engine holds of the index goes with the first batch
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

    def _standing(self, index_id: int) -> tuple[str | None, KeywordPosition | None]:
        rows = _STANDINGS.run(self._driver, [index_id])
        return _to_standing(rows[0]) if rows else (None, None)


def _to_standing(row: Sequence[object]) -> tuple[str | None, KeywordPosition | None]:
    """The generation of an index's log, and the last change that was acknowledged."""
    generation, seq, token = row[1:]
    if isinstance(generation, str) and isinstance(seq, int) and isinstance(token, int):
        return generation, KeywordPosition(generation, seq, token)
    return generation if isinstance(generation, str) else None, None


def _to_change(row: Sequence[Any]) -> KeywordChange:
    """A row of `CHANGES`: five columns of the log, then those of a snippet, if there is one."""
    seq, _change_set, snippet_id, operation, token = row[:5]
    snippet = None if row[5] is None else to_stored(row[5:])
    return KeywordChange(seq, snippet_id, KeywordOperation(operation), snippet, token)


def _size_of_change(change: KeywordChange) -> int:
    return 0 if change.snippet is None else size_of(change.snippet.text)
