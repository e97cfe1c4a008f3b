"""The keyword log of a database that several nodes follow, each with a cursor of its own.

What no node has applied yet is in `keyword_changes`, as on SQLite, so that a run is finished once
any node has followed it. The first node to acknowledge a change moves it to `keyword_history` if
others are behind, and the last one removes it there. Sequence numbers of a store are in the order
of commits (`next_change_set`).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from itertools import count
from typing import Any

from sqlalchemy import Select, bindparam, exists, or_, select, union_all

from kodit.domain.batches import MOST_PER_READ, Weight, first_batch, size_of
from kodit.domain.keyword import KeywordBatch, KeywordLog, KeywordPosition
from kodit.infrastructure.sql.followed_log import (
    ADVANCE_CURSOR,
    BEHIND,
    COLUMNS,
    COUNT,
    COUNT_FOR,
    CUT,
    FORGET_HISTORY,
    IS_FIRST,
    LOCK,
    MOVE,
    NOTE_FILLED,
    START_OVER,
    UNLED,
    WAS_LED,
)
from kodit.infrastructure.sql.stored_snippets import to_stored
from kodit.infrastructure.sqlalchemy.entities import (
    INDEXES,
    KEYWORD_CHANGES,
    KEYWORD_HISTORY,
    SNIPPET_TEXTS,
    SNIPPETS,
    VERSIONS,
)
from kodit.infrastructure.sqlalchemy.keyword_log import SqlKeywordLogRepository
from kodit.infrastructure.sqlalchemy.keyword_log_statements import REACH, changes_in
from kodit.infrastructure.sqlalchemy.prepared import Prepared
from kodit.infrastructure.sqlalchemy.stored_snippets import KEYWORD_COLUMNS, OF_TEXT


def _both(*, only_led: bool) -> Any:
    """The changes after a position: those that some node has applied, and all others."""
    tables = (KEYWORD_HISTORY,) if only_led else (KEYWORD_HISTORY, KEYWORD_CHANGES)
    return union_all(
        *(
            select(*(table.c[name] for name in COLUMNS)).where(
                table.c.index_id == bindparam("of_index"), table.c.seq > bindparam("behind")
            )
            for table in tables
        )
    ).subquery("log")


def _prepared_changes(*, only_led: bool = False) -> tuple[Prepared, Prepared]:
    log = _both(only_led=only_led)
    query: Select[Any] = changes_in(log).order_by(log.c.seq)
    rest = query.where(
        log.c.change_set == bindparam("of_change_set"), log.c.seq > bindparam("after")
    )
    return Prepared(query.limit(bindparam("most"))), Prepared(rest)


_CHANGES, _REST_OF_CHANGE_SET = _prepared_changes()
_LED_CHANGES, _REST_OF_LED_CHANGE_SET = _prepared_changes(only_led=True)


def _logged(table: Any, operation: str) -> Any:
    return exists().where(
        table.c.snippet_id == SNIPPETS.c.id,
        table.c.index_id == bindparam("of_index"),
        table.c.seq > bindparam("behind"),
        table.c.op == operation,
    )


_AT_POSITION = Prepared(
    select(*KEYWORD_COLUMNS)
    .join(VERSIONS, VERSIONS.c.id == SNIPPETS.c.version_id)
    .join(INDEXES, INDEXES.c.id == SNIPPETS.c.index_id)
    .outerjoin(SNIPPET_TEXTS, OF_TEXT)
    .where(
        SNIPPETS.c.index_id == bindparam("of_index"),
        SNIPPETS.c.id > bindparam("after"),
        ~_logged(KEYWORD_CHANGES, "add"),
        ~_logged(KEYWORD_HISTORY, "add"),
        or_(
            SNIPPETS.c.state == "live",
            _logged(KEYWORD_CHANGES, "remove"),
            _logged(KEYWORD_HISTORY, "remove"),
        ),
    )
    .order_by(SNIPPETS.c.id)
    .limit(bindparam("most"))
)
"""The snippets that were in the index at a position of the log, by id."""
_DYING = Prepared(
    select(INDEXES.c.id).where(
        INDEXES.c.id == bindparam("of_index"), INDEXES.c.deleted_at != 0, ~INDEXES.c.is_store
    )
)


class FollowedKeywordLog(SqlKeywordLogRepository):
    """The log, as the node of this connection follows it."""

    def read(
        self,
        index_id: int,
        limit: int,
        most_bytes: int = MOST_PER_READ.size,
        *,
        only_led: bool = False,
    ) -> KeywordLog:
        generation, follows = self._standing(index_id)
        wanted = {"of_index": index_id, "behind": 0 if follows is None else follows.seq}
        query, rest = (
            (_LED_CHANGES, _REST_OF_LED_CHANGE_SET) if only_led else (_CHANGES, _REST_OF_CHANGE_SET)
        )
        changes = self._changes(query, rest, wanted, Weight(limit, most_bytes))
        return KeywordLog(generation or "", follows, changes)

    def count(self, index_id: int, of_index: int | None = None) -> int:
        _generation, follows = self._standing(index_id)
        wanted = {"of_index": index_id, "behind": 0 if follows is None else follows.seq}
        statement = COUNT if of_index is None else COUNT_FOR
        [(count,)] = statement.run(
            self._driver, wanted if of_index is None else wanted | {"had_by": of_index}
        )
        return int(count)

    def acknowledge(self, index_id: int, reached: KeywordPosition) -> bool:
        at = {
            "of_index": index_id,
            "of_generation": reached.generation,
            "at": reached.seq,
            "with_token": reached.token,
        }
        if NOTE_FILLED.run(self._driver, at):
            return False
        LOCK.run(self._driver, at)  # against a node that starts here at the same time
        is_led = REACH.run(self._driver, at)
        if not is_led and not self._may_acknowledge(at):
            return False
        has_advanced = bool(ADVANCE_CURSOR.run(self._driver, at))
        if is_led:
            MOVE.run(self._driver, at)
        CUT.run(self._driver, at)
        return has_advanced

    def _may_acknowledge(self, at: dict[str, Any]) -> bool:
        return bool(WAS_LED.run(self._driver, at) or IS_FIRST.run(self._driver, at))

    def follow(self, index_id: int, position: KeywordPosition | None) -> bool:
        generation, acknowledged = self._standing(index_id)
        if generation and acknowledged is not None and self.untrusted({index_id: position}):
            LOCK.run(self._driver, {"of_index": index_id})
            if START_OVER.run(self._driver, {"of_index": index_id}):
                CUT.run(self._driver, {"of_index": index_id})
                return False  # this node is filled from the snippets: see `filling`
        is_restarted = super().follow(index_id, position)
        if is_restarted:
            FORGET_HISTORY.run(self._driver, {"of_index": index_id})
        return is_restarted

    def filling(
        self, index_id: int, position: KeywordPosition | None, limit: int
    ) -> KeywordBatch | None:
        generation, start = self._standing(index_id)
        if not generation or start is None or not self.untrusted({index_id: position}):
            return None
        if _DYING.run(self._driver, {"of_index": index_id}):
            return None
        has_started = position is not None and (position.generation, position.token) == (
            generation,
            start.token,
        )
        after = -position.seq if has_started and position is not None and position.seq < 0 else 0
        wanted = {"of_index": index_id, "after": after, "behind": start.seq, "most": limit}
        rows_read = count()
        with closing(_AT_POSITION.stream(self._driver, wanted)) as rows:
            snippets = first_batch(
                (to_stored(row) for row, _ in zip(rows, rows_read, strict=False)),
                Weight(limit, MOST_PER_READ.size),
                lambda snippet: Weight(1, size_of(snippet.text)),
            )
        is_last = len(snippets) < limit and next(rows_read) == len(snippets)
        reached = start.seq if is_last else -snippets[-1].id
        return KeywordBatch(
            index_id=index_id,
            seq=reached,
            deletions=[],
            additions=list(snippets),
            generation=generation,
            follows=position if after else None,
            tokens={reached: start.token},
            replaces=not after,
        )

    def behind(self) -> Sequence[int]:
        return [row[0] for row in BEHIND.run(self._driver)]

    def unled(self) -> Sequence[int]:
        return [row[0] for row in UNLED.run(self._driver)]
