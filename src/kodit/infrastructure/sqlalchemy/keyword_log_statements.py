"""The statements of the keyword log, compiled once."""

from __future__ import annotations

from typing import Any

from sqlalchemy import FromClause, Select, and_, bindparam, delete, exists, func, select, update

from kodit.domain.keyword import KeywordOperation
from kodit.infrastructure.sqlalchemy.entities import (
    INDEXES,
    KEYWORD_CHANGES,
    SNIPPET_TEXTS,
    SNIPPETS,
    VERSIONS,
)
from kodit.infrastructure.sqlalchemy.prepared import Prepared, PreparedForMany, insert_columns
from kodit.infrastructure.sqlalchemy.stored_snippets import KEYWORD_COLUMNS, OF_TEXT

LOG_CHANGE = insert_columns(
    KEYWORD_CHANGES, "index_id", "version_id", "change_set", "snippet_id", "op", "token"
)


def changes_in(log: FromClause) -> Select[Any]:
    """The changes in a table with the columns of `keyword_changes`: five of these, and those of a
    snippet."""
    return select(
        log.c.seq,
        log.c.change_set,
        log.c.snippet_id,
        log.c.op,
        log.c.token,
        *KEYWORD_COLUMNS,
    ).select_from(
        # Outer joins: a removal has no snippet, nor has an addition that was retired since.
        log.outerjoin(
            SNIPPETS,
            and_(
                SNIPPETS.c.id == log.c.snippet_id,
                SNIPPETS.c.state == "live",
                log.c.op == KeywordOperation.ADD.value,
            ),
        )
        .outerjoin(VERSIONS, VERSIONS.c.id == SNIPPETS.c.version_id)
        .outerjoin(INDEXES, INDEXES.c.id == SNIPPETS.c.index_id)
        .outerjoin(SNIPPET_TEXTS, OF_TEXT)
    )


CHANGES_OF_INDEX = (
    changes_in(KEYWORD_CHANGES)
    .where(KEYWORD_CHANGES.c.index_id == bindparam("of_index"))
    .order_by(KEYWORD_CHANGES.c.change_set, KEYWORD_CHANGES.c.seq)
)
CHANGES = Prepared(CHANGES_OF_INDEX.limit(bindparam("most")))
REST_OF_CHANGE_SET = Prepared(
    CHANGES_OF_INDEX.where(
        KEYWORD_CHANGES.c.change_set == bindparam("of_change_set"),
        KEYWORD_CHANGES.c.seq > bindparam("after"),
    )
)
NEXT_LOG = Prepared(
    select(KEYWORD_CHANGES.c.index_id)
    .where(KEYWORD_CHANGES.c.index_id > bindparam("after"))
    .order_by(KEYWORD_CHANGES.c.index_id)
    .limit(1)
)


COUNT_UP_TO = Prepared(
    select(func.count()).select_from(
        select(KEYWORD_CHANGES.c.seq)
        .where(KEYWORD_CHANGES.c.index_id == bindparam("of_index"))
        .limit(bindparam("most"))
        .subquery()
    )
)
FOLLOWED_LOGS = PreparedForMany(
    lambda ids: (
        select(INDEXES.c.id)
        .where(INDEXES.c.id.in_(ids), INDEXES.c.deleted_at == 0, INDEXES.c.keyword_generation != "")
        .order_by(INDEXES.c.id)
    )
)
REACH = Prepared(
    update(INDEXES)
    .where(
        INDEXES.c.id == bindparam("of_index"),
        INDEXES.c.keyword_generation == bindparam("of_generation"),
        exists().where(
            KEYWORD_CHANGES.c.index_id == bindparam("of_index"),
            KEYWORD_CHANGES.c.seq == bindparam("at"),
            KEYWORD_CHANGES.c.token == bindparam("with_token"),
        ),
    )
    .values(keyword_seq=bindparam("at"), keyword_token=bindparam("with_token"))
    .returning(INDEXES.c.id)
)
IS_WAITING = Prepared(
    select(KEYWORD_CHANGES.c.seq).where(
        KEYWORD_CHANGES.c.index_id == bindparam("of_index"),
        KEYWORD_CHANGES.c.seq == bindparam("at"),
        KEYWORD_CHANGES.c.token == bindparam("with_token"),
    )
)
CUT_LOG = Prepared(
    delete(KEYWORD_CHANGES).where(
        KEYWORD_CHANGES.c.index_id == bindparam("of_index"),
        KEYWORD_CHANGES.c.seq <= bindparam("at"),
    )
)
LAST_CHANGE_SET = Prepared(
    select(func.max(KEYWORD_CHANGES.c.change_set)).where(
        KEYWORD_CHANGES.c.index_id == bindparam("of_index")
    )
)
