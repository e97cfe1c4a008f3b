"""Files, snippets, and what the stages still have to do with them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    delete,
    exists,
    or_,
    select,
    tuple_,
    update,
)

from kodit.domain.source import FileProcessingStatus
from kodit.infrastructure.doctor.checks import RowCheck
from kodit.infrastructure.sqlalchemy.entities import (
    FileRow,
    IndexRow,
    PendingSnippetRow,
    SnippetRow,
    table_of,
)

_FILES = table_of(FileRow)
_INDEXES = table_of(IndexRow)
_DELETED = FileProcessingStatus.DELETED.value


def _is_behind() -> ColumnElement[bool]:
    """Whether a file's snippets are not those of its content, whatever its flag says."""
    return or_(
        and_(FileRow.status == _DELETED, FileRow.extracted_hash.is_not(None)),
        and_(
            FileRow.status != _DELETED,
            FileRow.extracted_hash.is_distinct_from(FileRow.content_hash),
        ),
    )


def _has_live_snippets() -> ColumnElement[bool]:
    return exists().where(SnippetRow.file_id == FileRow.id, SnippetRow.state == "live")


def _holds_a_snippet_twice() -> ColumnElement[bool]:
    first, second = table_of(SnippetRow).alias().c, table_of(SnippetRow).alias().c
    return exists().where(
        first.file_id == FileRow.id,
        first.state == "live",
        second.file_id == first.file_id,
        second.state == "live",
        second.id > first.id,
        second.start_line == first.start_line,
        second.content_hash == first.content_hash,
    )


def _stale_check(what: str, condition: ColumnElement[bool], remedy: str) -> RowCheck:
    broken = and_(
        ~FileRow.stale,
        condition,
        exists().where(IndexRow.id == FileRow.index_id, IndexRow.deleted_at == 0),
    )

    def mend(connection: Connection, limit: int) -> int:
        # A file's flag may be as wrong as its snippets are, and a SYNC that finds its commit
        # unchanged compares no file: it forgets the commit, and compares them all.
        of_broken = IndexRow.id.in_(select(FileRow.index_id).where(broken))
        connection.execute(update(_INDEXES).where(of_broken).values(commit_id=None))
        some = select(FileRow.id).where(broken).limit(limit)
        return connection.execute(
            update(_FILES).where(FileRow.id.in_(some)).values(stale=True)
        ).rowcount

    return RowCheck(what, remedy, select(FileRow.index_id).where(broken), mend, refresh=True)


_STRAY_SNIPPET = exists().where(
    FileRow.id == SnippetRow.file_id, FileRow.index_id != SnippetRow.index_id
)


def _delete_stray_snippets(connection: Connection, limit: int) -> int:
    some = select(SnippetRow.id).where(_STRAY_SNIPPET).limit(limit)
    return connection.execute(delete(SnippetRow).where(SnippetRow.id.in_(some))).rowcount


_IDLE_PENDING = ~exists().where(
    SnippetRow.id == PendingSnippetRow.snippet_id,
    SnippetRow.index_id == PendingSnippetRow.index_id,
    SnippetRow.state == "live",
)


def _delete_idle_pending(connection: Connection, limit: int) -> int:
    key: tuple[Any, ...] = (
        PendingSnippetRow.index_id,
        PendingSnippetRow.stage,
        PendingSnippetRow.snippet_id,
    )
    some = select(*key).where(_IDLE_PENDING).limit(limit)
    return connection.execute(delete(PendingSnippetRow).where(tuple_(*key).in_(some))).rowcount


FILE_CHECKS = (
    RowCheck(
        "{count} snippets belong to a file of another index",
        "removes them",
        select(SnippetRow.index_id).where(_STRAY_SNIPPET),
        _delete_stray_snippets,
    ),
    RowCheck(
        "{count} entries of unfinished work are for snippets that are not there or not current",
        "removes the entries",
        select(PendingSnippetRow.index_id).where(_IDLE_PENDING),
        _delete_idle_pending,
    ),
    _stale_check(
        "{count} files have other snippets than their content and are not marked as stale",
        _is_behind(),
        "marks them as stale and extracts them again",
    ),
    _stale_check(
        "{count} files have snippets though nothing was extracted from them",
        and_(FileRow.extracted_hash.is_(None), _has_live_snippets()),
        "marks them as stale and extracts them again",
    ),
    _stale_check(
        "{count} files hold the same snippet twice",
        _holds_a_snippet_twice(),
        "marks them as stale and extracts them again",
    ),
)
