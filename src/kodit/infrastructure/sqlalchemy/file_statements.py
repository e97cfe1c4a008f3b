"""The statements on the files of an index that every run makes, compiled once."""

from __future__ import annotations

from sqlalchemy import Boolean, bindparam, case, delete, exists, func, insert, select, update

from kodit.infrastructure.mappers.statuses import DELETED
from kodit.infrastructure.sqlalchemy.entities import (
    FILES,
    INDEXES,
    PATHS,
    SNIPPETS,
    STALE_FILES,
    UNCLEAN,
    VERSIONS,
    WITHOUT_HISTORY,
)
from kodit.infrastructure.sqlalchemy.prepared import (
    Prepared,
    PreparedForMany,
    constant,
    insert_columns,
)

_DELETED = constant(DELETED)
_OF_INDEX = FILES.c.index_id == bindparam("of_index")
_AT = FILES.c.path_id == bindparam("at")
_STALE_OF_INDEX = STALE_FILES.c.index_id == bindparam("of_index")
IS_STALE = exists().where(
    STALE_FILES.c.index_id == FILES.c.index_id, STALE_FILES.c.path_id == FILES.c.path_id
)

# The columns that `indexes._to_file` reads.
_FILE = (
    FILES.c.path_id,
    PATHS.c.path,
    func.coalesce(STALE_FILES.c.content_hash, VERSIONS.c.content_hash, ""),
    FILES.c.status,
    VERSIONS.c.content_hash,
    VERSIONS.c.extractor_version,
    FILES.c.problem,
    FILES.c.size,
    FILES.c.stamp,
)
STATE_COLUMNS = ("status", "size", "stamp")
"""Those that a scan writes."""

FILES_BY_PATH = PreparedForMany(
    lambda paths: (
        select(*_FILE)
        .select_from(PATHS)
        .join(FILES, FILES.c.path_id == PATHS.c.id)
        .outerjoin(VERSIONS, VERSIONS.c.id == FILES.c.version_id)
        .outerjoin(
            STALE_FILES,
            (STALE_FILES.c.index_id == FILES.c.index_id)
            & (STALE_FILES.c.path_id == FILES.c.path_id),
        )
        .where(_OF_INDEX, PATHS.c.path.in_(paths))
    )
)
ADD_FILE = insert_columns(FILES, "index_id", "path_id", *STATE_COLUMNS)
UPDATE_FILE = Prepared(
    update(FILES)
    .where(_OF_INDEX, _AT)
    .values(
        {name: bindparam(name) for name in STATE_COLUMNS}
        # A deleted file that comes back gets the history of that time.
        | {"history": case((bindparam("is_gone", type_=Boolean), None), else_=FILES.c.history)}
    )
)
ADD_STALE_FILE = insert_columns(STALE_FILES, "index_id", "path_id", "content_hash")
SETTLE_FILES = PreparedForMany(
    lambda ids: delete(STALE_FILES).where(_STALE_OF_INDEX, STALE_FILES.c.path_id.in_(ids))
)
MARK_STALE = PreparedForMany(
    lambda ids: insert(STALE_FILES).from_select(
        ["index_id", "path_id", "content_hash"],
        select(FILES.c.index_id, FILES.c.path_id, VERSIONS.c.content_hash)
        .join(VERSIONS, VERSIONS.c.id == FILES.c.version_id)
        .where(
            _OF_INDEX, FILES.c.path_id.in_(ids), VERSIONS.c.content_hash.is_not(None), ~IS_STALE
        ),
    )
)
STALE = Prepared(
    select(*_FILE)
    .select_from(STALE_FILES)
    .join(
        FILES,
        (FILES.c.index_id == STALE_FILES.c.index_id) & (FILES.c.path_id == STALE_FILES.c.path_id),
    )
    .join(PATHS, PATHS.c.id == FILES.c.path_id)
    .outerjoin(VERSIONS, VERSIONS.c.id == FILES.c.version_id)
    .where(_STALE_OF_INDEX)
    .order_by(STALE_FILES.c.path_id)
    .limit(bindparam("most"))
)
COUNT_STALE_FILES = Prepared(select(func.count()).select_from(STALE_FILES).where(_STALE_OF_INDEX))
REMEMBER_FILES = PreparedForMany(
    lambda ids: (
        update(FILES)
        .where(
            _OF_INDEX,
            FILES.c.path_id.in_(ids),
            exists().where(SNIPPETS.c.version_id == FILES.c.version_id),
        )
        .values(status=_DELETED, history=None)
        .returning(FILES.c.path_id)
    )
)
DELETE_FILES = PreparedForMany(
    lambda ids: (
        delete(FILES).where(_OF_INDEX, FILES.c.path_id.in_(ids)).returning(FILES.c.version_id)
    )
)
DELETE_SOME_FILES = Prepared(
    delete(FILES)
    .where(
        _OF_INDEX,
        FILES.c.path_id.in_(
            select(FILES.c.path_id)
            .where(_OF_INDEX)
            .order_by(FILES.c.path_id)
            .limit(bindparam("most"))
            .correlate(None)
        ),
    )
    .returning(FILES.c.path_id, FILES.c.version_id)
)
FILES_WITHOUT_HISTORY = Prepared(
    select(PATHS.c.path)
    .join(FILES, FILES.c.path_id == PATHS.c.id)
    .where(_OF_INDEX, WITHOUT_HISTORY, FILES.c.status != _DELETED)
    .limit(bindparam("most"))
)
EXTRACTIONS = Prepared(
    select(VERSIONS.c.language, VERSIONS.c.extractor_version)
    .join(FILES, FILES.c.version_id == VERSIONS.c.id)
    .where(_OF_INDEX, VERSIONS.c.extractor_version.is_not(None))
    .distinct()
)
FINISH_SCAN = Prepared(
    update(INDEXES)
    .where(INDEXES.c.id == bindparam("of_index"))
    .values(
        commit_id=bindparam("commit"),
        history_commit_id=bindparam("history"),
        scanned_at_ns=bindparam("scanned_at"),
        skipped=bindparam("left_out"),
    )
)
UNCLEAN_FILES = Prepared(
    select(FILES.c.path_id, FILES.c.status).where(_OF_INDEX, UNCLEAN).limit(bindparam("most"))
)
CLEAN_FILES = PreparedForMany(
    lambda ids: update(FILES).where(_OF_INDEX, FILES.c.path_id.in_(ids)).values(status="")
)
FINISH = Prepared(
    update(INDEXES).where(INDEXES.c.id == bindparam("of_index")).values(updated_at=bindparam("now"))
)
