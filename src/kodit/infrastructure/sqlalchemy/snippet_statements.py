"""The statements that `snippets.py` runs for a batch, compiled once."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    String,
    bindparam,
    delete,
    exists,
    func,
    insert,
    select,
    update,
)

from kodit.domain.keyword import KeywordOperation
from kodit.domain.value_objects import TaskType
from kodit.infrastructure.mappers.statuses import DELETED
from kodit.infrastructure.sqlalchemy.entities import (
    FILES,
    INDEXES,
    KEYWORD_CHANGES,
    KEYWORD_HISTORY,
    PENDING_SNIPPETS,
    SNIPPET_TEXTS,
    SNIPPETS,
    STALE_FILES,
    UNCLEAN,
    VECTORS,
)
from kodit.infrastructure.sqlalchemy.prepared import (
    Driver,
    Prepared,
    PreparedForMany,
    constant,
    insert_columns,
)
from kodit.infrastructure.sqlalchemy.stored_snippets import OF_TEXT, TEXT, select_texts

MOST_LOOKED_AT = 512
"""How many other indexes are looked at in order to find some with little work left."""

ADD_SNIPPET = insert_columns(
    SNIPPETS,
    *("index_id", "version_id", "state", "start_line", "end_line", "language"),
    *("symbol", "kind", "scope", "content_hash", "text", "also_defines", "minor_symbols"),
    *("mentions", "extents", "text_id"),
)
_COPIED = (
    *("state", "start_line", "end_line", "language", "symbol", "kind", "scope", "content_hash"),
    *("text", "also_defines", "minor_symbols", "mentions", "extents", "text_id"),
)
COPY_SNIPPETS = Prepared(
    insert(SNIPPETS).from_select(
        ["index_id", "version_id", *_COPIED],
        select(
            bindparam("of_index", type_=BigInteger),
            bindparam("of_version", type_=BigInteger),
            *(SNIPPETS.c[name] for name in _COPIED),
        )
        .where(SNIPPETS.c.version_id == bindparam("alike"), SNIPPETS.c.state == "live")
        .order_by(SNIPPETS.c.id),
        include_defaults=False,
    )
)
SET_STATE = PreparedForMany(
    lambda ids: update(SNIPPETS).where(SNIPPETS.c.id.in_(ids)).values(state=bindparam("new_state"))
)
FORGET_PENDING = PreparedForMany(
    lambda ids: delete(PENDING_SNIPPETS).where(PENDING_SNIPPETS.c.snippet_id.in_(ids))
)
DROP_VECTORS = PreparedForMany(
    lambda ids: (
        delete(VECTORS).where(VECTORS.c.snippet_id.in_(ids)).returning(VECTORS.c.embedding_id)
    )
)
KINDS_OF_VECTORS = PreparedForMany(
    lambda ids: select(VECTORS.c.kind).where(VECTORS.c.snippet_id.in_(ids)).distinct()
)
DROP_VECTORS_OF_KIND = PreparedForMany(
    lambda ids: (
        delete(VECTORS)
        .where(VECTORS.c.snippet_id.in_(ids), VECTORS.c.kind == bindparam("of_kind"))
        .returning(VECTORS.c.embedding_id)
    )
)
DELETE_SNIPPETS = PreparedForMany(
    lambda ids: (
        delete(SNIPPETS)
        .where(SNIPPETS.c.id.in_(ids))
        .returning(SNIPPETS.c.enrichment_id, SNIPPETS.c.version_id, SNIPPETS.c.text_id)
    )
)
LOG_LIVE_OF_VERSIONS = PreparedForMany(
    lambda ids: insert(KEYWORD_CHANGES).from_select(
        ["index_id", "version_id", "change_set", "snippet_id", "op", "token"],
        select(
            SNIPPETS.c.index_id,
            SNIPPETS.c.version_id,
            bindparam("of_change_set", type_=BigInteger),
            SNIPPETS.c.id,
            constant(KeywordOperation.ADD),
            bindparam("with_token", type_=BigInteger),
        )
        .where(SNIPPETS.c.version_id.in_(ids), SNIPPETS.c.state == "live")
        .order_by(SNIPPETS.c.id),
    )
)
PEND_LIVE_OF_VERSIONS = PreparedForMany(
    lambda ids: insert(PENDING_SNIPPETS).from_select(
        ["index_id", "stage", "snippet_id"],
        select(SNIPPETS.c.index_id, bindparam("of_stage", type_=String), SNIPPETS.c.id)
        .where(SNIPPETS.c.version_id.in_(ids), SNIPPETS.c.state == "live")
        .order_by(SNIPPETS.c.id),
    )
)
NOTE_EXTRACTION = Prepared(
    update(FILES)
    .where(FILES.c.index_id == bindparam("of_index"), FILES.c.path_id == bindparam("at"))
    .values(problem=bindparam("what"), version_id=bindparam("made"))
)
NOTE_DELETION = PreparedForMany(
    lambda ids: (
        update(FILES)
        .where(FILES.c.index_id == bindparam("of_index"), FILES.c.path_id.in_(ids))
        .values(status=constant(DELETED))
    )
)
DROP_VERSION = PreparedForMany(
    lambda ids: (
        update(FILES)
        .where(FILES.c.index_id == bindparam("of_index"), FILES.c.path_id.in_(ids))
        .values(version_id=None)
    )
)


def others(driver: Driver, next_one: Prepared, beside: int) -> Iterator[int]:
    """The other indexes that `next_one` finds: first those after `beside`, because the stages of
    many indexes run in their order, and those before have little left to find.
    """
    looked_at = 0
    for first, until in ((beside, None), (0, beside)):
        after = first
        while looked_at < MOST_LOOKED_AT:
            rows = next_one.run(driver, {"after": after})
            if not rows or (until is not None and rows[0][0] >= until):
                break
            after = rows[0][0]
            looked_at += 1
            yield after


def _pending(*conditions: ColumnElement[bool]) -> Prepared:
    wanted = (
        select(PENDING_SNIPPETS.c.snippet_id)
        .where(
            PENDING_SNIPPETS.c.index_id == bindparam("of_index"),
            PENDING_SNIPPETS.c.stage == bindparam("of_stage"),
            PENDING_SNIPPETS.c.snippet_id > bindparam("after"),
            *conditions,
        )
        .order_by(PENDING_SNIPPETS.c.snippet_id)
        .limit(bindparam("most"))
    )
    return Prepared(select_texts().where(SNIPPETS.c.id.in_(wanted)).order_by(SNIPPETS.c.id))


def _count_pending(*conditions: ColumnElement[bool]) -> Prepared:
    return Prepared(
        select(func.count())
        .select_from(PENDING_SNIPPETS)
        .where(
            PENDING_SNIPPETS.c.index_id == bindparam("of_index"),
            PENDING_SNIPPETS.c.stage == bindparam("of_stage"),
            *conditions,
        )
    )


_OF_PENDING = SNIPPETS.alias().c
_HAD = exists().where(
    _OF_PENDING.id == PENDING_SNIPPETS.c.snippet_id,
    FILES.c.version_id == _OF_PENDING.version_id,
    FILES.c.index_id == bindparam("had_by"),
)
"""Whether a pending snippet is of a version that an index has."""
PENDING = _pending()
PENDING_FOR = _pending(_HAD)
COUNT_PENDING = _count_pending()
COUNT_PENDING_FOR = _count_pending(_HAD)
_LOGGED = KEYWORD_CHANGES.alias()
LOG_LIVE = Prepared(
    insert(KEYWORD_CHANGES).from_select(
        ["index_id", "version_id", "change_set", "snippet_id", "op", "token"],
        select(
            SNIPPETS.c.index_id,
            SNIPPETS.c.version_id,
            bindparam("last_change_set", type_=BigInteger) + SNIPPETS.c.id - bindparam("after"),
            SNIPPETS.c.id,
            constant(KeywordOperation.ADD),
            bindparam("with_token", type_=BigInteger),
        )
        .where(
            SNIPPETS.c.index_id == bindparam("of_index"),
            SNIPPETS.c.state == "live",
            SNIPPETS.c.id > bindparam("after"),
            SNIPPETS.c.id <= bindparam("until"),
            ~exists().where(_LOGGED.c.snippet_id == SNIPPETS.c.id),
        )
        .order_by(SNIPPETS.c.id),
    )
)
PEND_LIVE = Prepared(
    insert(PENDING_SNIPPETS).from_select(
        ["index_id", "stage", "snippet_id"],
        select(SNIPPETS.c.index_id, bindparam("of_stage", type_=String), SNIPPETS.c.id)
        .where(
            SNIPPETS.c.index_id == bindparam("of_index"),
            SNIPPETS.c.state == "live",
            SNIPPETS.c.id > bindparam("after"),
            SNIPPETS.c.id <= bindparam("until"),
            ~exists().where(
                PENDING_SNIPPETS.c.index_id == bindparam("of_index"),
                PENDING_SNIPPETS.c.stage == bindparam("of_stage", type_=String),
                PENDING_SNIPPETS.c.snippet_id == SNIPPETS.c.id,
            ),
        )
        .order_by(SNIPPETS.c.id),
    )
)
LIVE_AFTER = Prepared(
    select(SNIPPETS.c.id)
    .where(
        SNIPPETS.c.index_id == bindparam("of_index"),
        SNIPPETS.c.state == "live",
        SNIPPETS.c.id > bindparam("after"),
    )
    .order_by(SNIPPETS.c.id)
    .limit(bindparam("most"))
)
COUNT_PENDING_UP_TO = Prepared(
    select(func.count()).select_from(
        select(PENDING_SNIPPETS.c.snippet_id)
        .where(
            PENDING_SNIPPETS.c.index_id == bindparam("of_index"),
            PENDING_SNIPPETS.c.stage == bindparam("of_stage"),
        )
        .limit(bindparam("most"))
        .subquery()
    )
)
NEXT_PENDING = Prepared(
    select(PENDING_SNIPPETS.c.index_id)
    .where(PENDING_SNIPPETS.c.index_id > bindparam("after"))
    .order_by(PENDING_SNIPPETS.c.index_id)
    .limit(1)
)
STILL_PENDING = PreparedForMany(
    lambda ids: select(PENDING_SNIPPETS.c.snippet_id).where(
        PENDING_SNIPPETS.c.index_id == bindparam("of_index"),
        PENDING_SNIPPETS.c.stage == bindparam("of_stage"),
        PENDING_SNIPPETS.c.snippet_id.in_(ids),
    )
)


def _with_model(column: ColumnElement[str | None]) -> PreparedForMany:
    return PreparedForMany(
        lambda ids: (
            select(INDEXES.c.id)
            .where(
                INDEXES.c.id.in_(ids), INDEXES.c.deleted_at == 0, column == bindparam("of_model")
            )
            .order_by(INDEXES.c.id)
        )
    )


WITH_MODEL = {
    TaskType.CODE_EMBEDDINGS: _with_model(INDEXES.c.code_model),
    TaskType.ENRICH: _with_model(INDEXES.c.text_model),
}
_OF_INDEX = INDEXES.c.id == bindparam("of_index")
_FOLLOWERS = (INDEXES.c.keyword_generation, INDEXES.c.code_model, INDEXES.c.text_model)
NOTED = {column.name: Prepared(select(column).where(_OF_INDEX)) for column in _FOLLOWERS}
"""What an index was followed with, by the column that has it."""
NOTE = {
    column.name: Prepared(update(INDEXES).where(_OF_INDEX).values({column: bindparam("wanted")}))
    for column in _FOLLOWERS
}
FOLLOWED = Prepared(select(*_FOLLOWERS).where(_OF_INDEX))
UNFINISHED_WORK = tuple(
    Prepared(select(column).where(*conditions).limit(1))
    for column, *conditions in (
        (KEYWORD_CHANGES.c.seq, KEYWORD_CHANGES.c.index_id == bindparam("of_index")),
        (PENDING_SNIPPETS.c.stage, PENDING_SNIPPETS.c.index_id == bindparam("of_index")),
        (STALE_FILES.c.path_id, STALE_FILES.c.index_id == bindparam("of_index")),
        (FILES.c.path_id, FILES.c.index_id == bindparam("of_index"), UNCLEAN),
        (INDEXES.c.id, _OF_INDEX, INDEXES.c.updated_at.is_(None)),
    )
)
"""An index is finished if none of these finds anything."""
UNFINISHED_ELSEWHERE = (
    Prepared(
        select(KEYWORD_CHANGES.c.seq)
        .join(FILES, FILES.c.version_id == KEYWORD_CHANGES.c.version_id)
        .where(FILES.c.index_id == bindparam("of_index"))
        .limit(1)
    ),
    Prepared(
        select(PENDING_SNIPPETS.c.stage)
        .join(SNIPPETS, SNIPPETS.c.id == PENDING_SNIPPETS.c.snippet_id)
        .join(FILES, FILES.c.version_id == SNIPPETS.c.version_id)
        .where(FILES.c.index_id == bindparam("of_index"))
        .limit(1)
    ),
)
"""The same for versions in the stores of other indexes."""
DEAD = Prepared(
    select(SNIPPETS.c.id, func.length(TEXT))
    .outerjoin(SNIPPET_TEXTS, OF_TEXT)
    .where(
        SNIPPETS.c.index_id == bindparam("of_index"),
        SNIPPETS.c.state.in_([constant(state) for state in ("superseded", "removed")]),
        ~exists().where(VECTORS.c.snippet_id == SNIPPETS.c.id),
        ~exists().where(KEYWORD_CHANGES.c.snippet_id == SNIPPETS.c.id),
        ~exists().where(KEYWORD_HISTORY.c.snippet_id == SNIPPETS.c.id),
    )
    .limit(bindparam("most"))
)
