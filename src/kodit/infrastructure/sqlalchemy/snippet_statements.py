"""The statements of `snippets.py` that a batch runs, compiled once."""

from __future__ import annotations

from sqlalchemy import BigInteger, String, bindparam, delete, insert, select, update

from kodit.domain.keyword import KeywordOperation
from kodit.infrastructure.sqlalchemy.entities import (
    FileRow,
    KeywordChangeRow,
    PendingSnippetRow,
    SnippetRow,
    VectorRow,
    table_of,
)
from kodit.infrastructure.sqlalchemy.prepared import (
    Prepared,
    PreparedForMany,
    constant,
    insert_columns,
)
from kodit.infrastructure.sqlalchemy.stored_snippets import select_stored

ADD_SNIPPET = insert_columns(
    SnippetRow,
    *("index_id", "file_id", "state", "start_line", "end_line", "language"),
    *("symbol", "kind", "scope", "content_hash", "text", "also_defines"),
)
LOG_CHANGE = insert_columns(
    KeywordChangeRow, "index_id", "file_id", "change_set", "snippet_id", "op"
)
OLD_OF_FILES = PreparedForMany(
    lambda ids: (
        select(SnippetRow.id, SnippetRow.file_id, SnippetRow.state)
        .where(SnippetRow.file_id.in_(ids), SnippetRow.state != "removed")
        .order_by(SnippetRow.file_id, SnippetRow.id)
    )
)
SET_STATE = PreparedForMany(
    lambda ids: (
        update(table_of(SnippetRow))
        .where(SnippetRow.id.in_(ids))
        .values(state=bindparam("new_state"))
    )
)
FORGET_PENDING = PreparedForMany(
    lambda ids: delete(table_of(PendingSnippetRow)).where(PendingSnippetRow.snippet_id.in_(ids))
)
DROP_VECTORS = PreparedForMany(
    lambda ids: delete(table_of(VectorRow)).where(VectorRow.snippet_id.in_(ids))
)
LOG_LIVE_OF_FILES = PreparedForMany(
    lambda ids: insert(table_of(KeywordChangeRow)).from_select(
        ["index_id", "file_id", "change_set", "snippet_id", "op"],
        select(
            SnippetRow.index_id,
            SnippetRow.file_id,
            bindparam("of_change_set", type_=BigInteger),
            SnippetRow.id,
            constant(KeywordOperation.ADD),
        )
        .where(SnippetRow.file_id.in_(ids), SnippetRow.state == "live")
        .order_by(SnippetRow.id),
    )
)
PEND_LIVE_OF_FILES = PreparedForMany(
    lambda ids: insert(table_of(PendingSnippetRow)).from_select(
        ["index_id", "stage", "snippet_id"],
        select(SnippetRow.index_id, bindparam("of_stage", type_=String), SnippetRow.id)
        .where(SnippetRow.file_id.in_(ids), SnippetRow.state == "live")
        .order_by(SnippetRow.id),
    )
)
NOTE_EXTRACTION = Prepared(
    update(table_of(FileRow))
    .where(FileRow.id == bindparam("file"))
    .values(
        stale=False,
        content_hash=bindparam("hash"),
        extracted_hash=bindparam("hash"),
        extractor_version=bindparam("version"),
        problem=bindparam("what"),
        language=bindparam("spoken"),
    )
)
CHANGES_OF_INDEX = (
    select(
        KeywordChangeRow.seq,
        KeywordChangeRow.change_set,
        KeywordChangeRow.snippet_id,
        KeywordChangeRow.op,
    )
    .where(KeywordChangeRow.index_id == bindparam("of_index"))
    .order_by(KeywordChangeRow.change_set, KeywordChangeRow.seq)
)
CHANGES = Prepared(CHANGES_OF_INDEX.limit(bindparam("most")))
REST_OF_CHANGE_SET = Prepared(
    CHANGES_OF_INDEX.where(
        KeywordChangeRow.change_set == bindparam("of_change_set"),
        KeywordChangeRow.seq > bindparam("after"),
    )
)
LIVE_BY_ID = PreparedForMany(
    lambda ids: (
        select_stored()
        .where(SnippetRow.id.in_(ids), SnippetRow.state == "live")
        .order_by(SnippetRow.id)
    )
)
PENDING = Prepared(
    select_stored()
    .where(
        SnippetRow.id.in_(
            select(PendingSnippetRow.snippet_id)
            .where(
                PendingSnippetRow.index_id == bindparam("of_index"),
                PendingSnippetRow.stage == bindparam("of_stage"),
            )
            .order_by(PendingSnippetRow.snippet_id)
            .limit(bindparam("most"))
        )
    )
    .order_by(SnippetRow.id)
)
