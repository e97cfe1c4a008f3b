"""Files, snippets, and the work that the stages still have to do on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    and_,
    cast,
    delete,
    exists,
    null,
    or_,
    select,
    tuple_,
    update,
)

from kodit.infrastructure.doctor.checks import RowCheck
from kodit.infrastructure.mappers.statuses import DELETED
from kodit.infrastructure.sqlalchemy.entities import (
    ENRICHMENTS,
    FILES,
    INDEXES,
    PENDING_SNIPPETS,
    SNIPPET_TEXTS,
    SNIPPETS,
    VERSIONS,
)
from kodit.infrastructure.sqlalchemy.file_statements import ADD_STALE_FILE, IS_STALE
from kodit.infrastructure.sqlalchemy.prepared import Driver
from kodit.infrastructure.sqlalchemy.snippet_texts import forget_texts
from kodit.infrastructure.sqlalchemy.unused import release
from kodit.infrastructure.sqlalchemy.version_statements import HIDE_VERSIONS


def _has_version(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(VERSIONS.c.id == FILES.c.version_id, *conditions)


_IS_EXTRACTED = _has_version(VERSIONS.c.content_hash.is_not(None))
_IS_EMPTIED = _has_version(VERSIONS.c.content_hash.is_(None))


def _is_behind() -> ColumnElement[bool]:
    """Whether a file's snippets are not from its current content, although it is not stale."""
    return or_(
        and_(FILES.c.status == DELETED, _IS_EXTRACTED),
        and_(FILES.c.status != DELETED, or_(FILES.c.version_id.is_(None), _IS_EMPTIED)),
    )


def _has_live_snippets() -> ColumnElement[bool]:
    return exists().where(SNIPPETS.c.version_id == FILES.c.version_id, SNIPPETS.c.state == "live")


def _holds_a_snippet_twice() -> ColumnElement[bool]:
    first, second = SNIPPETS.alias().c, SNIPPETS.alias().c
    return exists().where(
        first.version_id == FILES.c.version_id,
        first.state == "live",
        second.version_id == first.version_id,
        second.state == "live",
        second.id > first.id,
        second.start_line == first.start_line,
        second.content_hash == first.content_hash,
    )


def _lacks_a_text() -> ColumnElement[bool]:
    return exists().where(
        SNIPPETS.c.version_id == FILES.c.version_id,
        SNIPPETS.c.state == "live",
        SNIPPETS.c.text_id.is_not(None),
        ~exists().where(SNIPPET_TEXTS.c.id == SNIPPETS.c.text_id),
    )


def mark_stale(connection: Connection, files: Sequence[tuple[int, int]]) -> None:
    """Let these files, by index and path, be extracted again, whatever their content is."""
    ADD_STALE_FILE.run_many(
        Driver(connection),
        (
            {"index_id": index_id, "path_id": path_id, "content_hash": ""}
            for index_id, path_id in files
        ),
    )


def _stale_check(what: str, condition: ColumnElement[bool], remedy: str) -> RowCheck:
    broken = and_(
        ~IS_STALE,
        condition,
        exists().where(INDEXES.c.id == FILES.c.index_id, INDEXES.c.deleted_at == 0),
    )

    def repair(connection: Connection, limit: int) -> int:
        # A SYNC that finds its commit unchanged compares no files: clearing the commit makes it
        # compare them all.
        of_broken = INDEXES.c.id.in_(select(FILES.c.index_id).where(broken))
        connection.execute(update(INDEXES).where(of_broken).values(commit_id=None))
        columns = FILES.c.index_id, FILES.c.path_id, FILES.c.version_id, FILES.c.status
        some = connection.execute(select(*columns).where(broken).limit(limit)).all()
        # Nor may the file get the same version again, which it still seems to have.
        had = sorted({row.version_id for row in some if row.status != DELETED and row.version_id})
        HIDE_VERSIONS.run(Driver(connection), had)
        mark_stale(connection, [(row.index_id, row.path_id) for row in some])
        return len(some)

    return RowCheck(what, remedy, select(FILES.c.index_id).where(broken), repair, refresh=True)


_STRAY_SNIPPET = exists().where(
    VERSIONS.c.id == SNIPPETS.c.version_id, VERSIONS.c.index_id != SNIPPETS.c.index_id
)


def _delete_stray_snippets(connection: Connection, limit: int) -> int:
    some = select(SNIPPETS.c.id).where(_STRAY_SNIPPET).limit(limit)
    removed = connection.execute(
        delete(SNIPPETS)
        .where(SNIPPETS.c.id.in_(some))
        .returning(SNIPPETS.c.enrichment_id, SNIPPETS.c.text_id)
    ).all()
    driver = Driver(connection)
    release(driver, ENRICHMENTS, (row.enrichment_id for row in removed))
    forget_texts(driver, (row.text_id for row in removed))
    return len(removed)


_IDLE_PENDING = ~exists().where(
    SNIPPETS.c.id == PENDING_SNIPPETS.c.snippet_id,
    SNIPPETS.c.index_id == PENDING_SNIPPETS.c.index_id,
    SNIPPETS.c.state == "live",
)


def _delete_idle_pending(connection: Connection, limit: int) -> int:
    key: tuple[Any, ...] = (
        PENDING_SNIPPETS.c.index_id,
        PENDING_SNIPPETS.c.stage,
        PENDING_SNIPPETS.c.snippet_id,
    )
    some = select(*key).where(_IDLE_PENDING).limit(limit)
    return connection.execute(delete(PENDING_SNIPPETS).where(tuple_(*key).in_(some))).rowcount


_UNUSED_TEXT = ~exists().where(SNIPPETS.c.text_id == SNIPPET_TEXTS.c.id)


def _delete_unused_texts(connection: Connection, limit: int) -> int:
    some = select(SNIPPET_TEXTS.c.id).where(_UNUSED_TEXT).limit(limit)
    ids = connection.execute(some).scalars().all()
    forget_texts(Driver(connection), ids)
    return len(ids)


FILE_CHECKS = (
    RowCheck(
        "{count} snippets belong to a version of another index",
        "removes them",
        select(SNIPPETS.c.index_id).where(_STRAY_SNIPPET),
        _delete_stray_snippets,
    ),
    RowCheck(
        "{count} entries of unfinished work are for snippets that do not exist or are not current",
        "removes the entries",
        select(PENDING_SNIPPETS.c.index_id).where(_IDLE_PENDING),
        _delete_idle_pending,
    ),
    _stale_check(
        "{count} files have snippets that do not match their content, and are not marked as stale",
        _is_behind(),
        "marks them as stale and extracts them again",
    ),
    _stale_check(
        "{count} files have snippets although nothing was extracted from them",
        and_(FILES.c.status == DELETED, ~_IS_EXTRACTED, _has_live_snippets()),
        "marks them as stale and extracts them again",
    ),
    _stale_check(
        "{count} files contain the same snippet twice",
        _holds_a_snippet_twice(),
        "marks them as stale and extracts them again",
    ),
    _stale_check(
        "{count} files have snippets whose text is not stored",
        _lacks_a_text(),
        "marks them as stale and extracts them again",
    ),
    RowCheck(
        "{count} stored texts are of no snippet",
        "removes them",
        select(cast(null(), BigInteger)).select_from(SNIPPET_TEXTS).where(_UNUSED_TEXT),
        _delete_unused_texts,
    ),
)
