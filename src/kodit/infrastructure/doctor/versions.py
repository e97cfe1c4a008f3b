"""Which versions belong to which indexes, and which to none."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, and_, exists, not_, or_, select, update

from kodit.infrastructure.doctor.checks import RowCheck
from kodit.infrastructure.doctor.files import mark_stale
from kodit.infrastructure.sqlalchemy.entities import FILES, FORMER_VERSIONS, INDEXES, VERSIONS
from kodit.infrastructure.sqlalchemy.file_statements import IS_STALE
from kodit.infrastructure.sqlalchemy.prepared import Driver
from kodit.infrastructure.sqlalchemy.version_statements import IS_USED, RELEASE_VERSIONS, UNDATED

_WITHOUT_VERSION = and_(
    FILES.c.version_id.is_not(None), ~exists().where(VERSIONS.c.id == FILES.c.version_id)
)
_UNMARKED = and_(VERSIONS.c.unused_since.is_(None), VERSIONS.c.content_key.is_not(None), ~IS_USED)
_MARKED = and_(VERSIONS.c.unused_since.is_not(None), IS_USED)


def _had_by(index: ColumnElement[int]) -> ColumnElement[bool]:
    return or_(
        exists().where(FILES.c.version_id == VERSIONS.c.id, FILES.c.index_id == index),
        exists().where(
            FORMER_VERSIONS.c.version_id == VERSIONS.c.id, FORMER_VERSIONS.c.index_id == index
        ),
    )


_SHARING_UNNOTED = and_(
    not_(INDEXES.c.shares),
    INDEXES.c.deleted_at == 0,
    or_(
        exists().where(
            FILES.c.index_id == INDEXES.c.id,
            VERSIONS.c.id == FILES.c.version_id,
            VERSIONS.c.index_id != INDEXES.c.id,
        ),
        exists().where(
            VERSIONS.c.index_id == INDEXES.c.id,
            VERSIONS.c.unused_since.is_(None),
            IS_USED,
            ~_had_by(INDEXES.c.id),
        ),
    ),
)


def _extract_again(connection: Connection, limit: int) -> int:
    columns = FILES.c.index_id, FILES.c.path_id, IS_STALE.label("is_stale")
    broken = connection.execute(select(*columns).where(_WITHOUT_VERSION).limit(limit)).all()
    mark_stale(connection, [(row[0], row[1]) for row in broken if not row.is_stale])
    for index_id, path_id, _ in broken:
        connection.execute(
            update(FILES)
            .where(FILES.c.index_id == index_id, FILES.c.path_id == path_id)
            .values(version_id=None)
        )
    return len(broken)


def _mark(connection: Connection, limit: int) -> int:
    ids = connection.execute(select(VERSIONS.c.id).where(_UNMARKED).limit(limit)).scalars().all()
    RELEASE_VERSIONS.run(Driver(connection), ids, {"since": UNDATED})
    return len(ids)


def _unmark(connection: Connection, limit: int) -> int:
    some = select(VERSIONS.c.id).where(_MARKED).limit(limit)
    return connection.execute(
        update(VERSIONS).where(VERSIONS.c.id.in_(some)).values(unused_since=None, unused_bytes=None)
    ).rowcount


def _note_sharing(connection: Connection, limit: int) -> int:
    some = select(INDEXES.c.id).where(_SHARING_UNNOTED).limit(limit)
    return connection.execute(
        update(INDEXES)
        .where(INDEXES.c.id.in_(some))
        .values(shares=True, members=INDEXES.c.members + 1)
    ).rowcount


VERSION_CHECKS = (
    RowCheck(
        "{count} files have contents that are not stored",
        "extracts them again",
        select(FILES.c.index_id).where(_WITHOUT_VERSION),
        _extract_again,
        refresh=True,
    ),
    RowCheck(
        "{count} contents that it has brought belong to no index and are not marked as unused",
        "marks them, so that they are removed later",
        select(VERSIONS.c.index_id).where(_UNMARKED),
        _mark,
    ),
    RowCheck(
        "{count} contents that it has brought are marked as unused but are in use",
        "removes the mark",
        select(VERSIONS.c.index_id).where(_MARKED),
        _unmark,
    ),
    RowCheck(
        "{count} note is missing: it has contents of other indexes, or they have its own",
        "notes it, so that searches tell them apart",
        select(INDEXES.c.id).where(_SHARING_UNNOTED),
        _note_sharing,
    ),
)
