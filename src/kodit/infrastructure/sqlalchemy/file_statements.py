"""The statements on the files of an index that every run makes, compiled once."""

from __future__ import annotations

from sqlalchemy import bindparam, case, delete, func, select, update

from kodit.domain.value_objects import FileProcessingStatus
from kodit.infrastructure.sqlalchemy.entities import (
    FILES,
    INDEXES,
    STALE,
    UNCLEAN,
    WITHOUT_HISTORY,
)
from kodit.infrastructure.sqlalchemy.prepared import (
    Prepared,
    PreparedForMany,
    constant,
    insert_columns,
)

_DELETED = constant(FileProcessingStatus.DELETED)
FILE_COLUMNS = (
    *("id", "path", "content_hash", "status", "extracted_hash", "extractor_version", "problem"),
    *("size", "mtime_ns", "ctime_ns", "inode"),
)
"""The columns of a file that `indexes._to_file` reads, in order."""
STATE_COLUMNS = ("content_hash", "status", "size", "mtime_ns", "ctime_ns", "inode")
"""Those that a scan writes."""
_SELECT_FILES = select(*(FILES.c[name] for name in FILE_COLUMNS))

FILES_BY_PATH = PreparedForMany(
    lambda paths: _SELECT_FILES.where(
        FILES.c.index_id == bindparam("of_index"), FILES.c.path.in_(paths)
    )
)
ADD_FILE = insert_columns(FILES, "index_id", "path", "stale", *STATE_COLUMNS)
UPDATE_FILE = Prepared(
    update(FILES)
    .where(FILES.c.id == bindparam("file"))
    .values(
        {name: bindparam(name) for name in STATE_COLUMNS}
        | {
            "stale": bindparam("outdated"),
            # A deleted file that comes back gets the history of that time.
            "author": case((bindparam("is_gone"), None), else_=FILES.c.author),
        }
    )
)
STALE_FILES = Prepared(
    _SELECT_FILES.where(FILES.c.index_id == bindparam("of_index"), STALE)
    .order_by(FILES.c.id)
    .limit(bindparam("most"))
)
COUNT_STALE_FILES = Prepared(
    select(func.count()).select_from(FILES).where(FILES.c.index_id == bindparam("of_index"), STALE)
)
FILES_WITHOUT_HISTORY = Prepared(
    select(FILES.c.path)
    .where(FILES.c.index_id == bindparam("of_index"), WITHOUT_HISTORY, FILES.c.status != _DELETED)
    .limit(bindparam("most"))
)
EXTRACTIONS = Prepared(
    select(FILES.c.language, FILES.c.extractor_version)
    .where(FILES.c.index_id == bindparam("of_index"), FILES.c.extractor_version.is_not(None))
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
    select(FILES.c.id)
    .where(FILES.c.index_id == bindparam("of_index"), UNCLEAN)
    .limit(bindparam("most"))
)
FORGET_DELETED_FILES = PreparedForMany(
    lambda ids: (
        delete(FILES)
        .where(FILES.c.id.in_(ids), FILES.c.status == _DELETED)
        .returning(FILES.c.version_id)
    )
)
CLEAN_FILES = PreparedForMany(
    lambda ids: (
        update(FILES).where(FILES.c.id.in_(ids)).values(status=constant(FileProcessingStatus.CLEAN))
    )
)
FINISH = Prepared(
    update(INDEXES).where(INDEXES.c.id == bindparam("of_index")).values(updated_at=bindparam("now"))
)
