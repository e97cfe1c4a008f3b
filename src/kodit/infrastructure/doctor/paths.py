"""The paths and histories that the files of all indexes share."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Connection,
    Select,
    and_,
    cast,
    exists,
    null,
    select,
    tuple_,
    update,
)

from kodit.infrastructure.doctor.checks import RowCheck
from kodit.infrastructure.sqlalchemy.entities import (
    FILE_HISTORIES,
    FILES,
    INDEXES,
    NO_HISTORY,
    PATHS,
)
from kodit.infrastructure.sqlalchemy.file_statements import DELETE_FILES, SETTLE_FILES
from kodit.infrastructure.sqlalchemy.paths import HAS_HISTORY, HAS_PATH, forget_unused
from kodit.infrastructure.sqlalchemy.prepared import Driver
from kodit.infrastructure.sqlalchemy.versions import SqlVersionRepository

_WITHOUT_PATH = ~exists().where(PATHS.c.id == FILES.c.path_id)
_WITHOUT_HISTORY = and_(
    FILES.c.history != NO_HISTORY,
    ~exists().where(
        FILE_HISTORIES.c.path_id == FILES.c.path_id, FILE_HISTORIES.c.number == FILES.c.history
    ),
)
_UNUSED_PATH = ~HAS_PATH
_UNUSED_HISTORY = ~HAS_HISTORY


def _of_no_index() -> Select[int]:
    return select(cast(null(), BigInteger))


def _remove_files(connection: Connection, limit: int) -> int:
    driver = Driver(connection)
    rows = connection.execute(
        select(FILES.c.index_id, FILES.c.path_id).where(_WITHOUT_PATH).limit(limit)
    ).all()
    by_index: dict[int, list[int]] = {}
    for index_id, path_id in rows:
        by_index.setdefault(index_id, []).append(path_id)
    for index_id, path_ids in by_index.items():
        of_index = {"of_index": index_id}
        SETTLE_FILES.run(driver, path_ids, of_index)
        gone = DELETE_FILES.run(driver, path_ids, of_index)
        versions = SqlVersionRepository(connection)
        versions.release({row[0] for row in gone if row[0] is not None})
        versions.note_change(index_id, shares=True)
        # A scan of an unchanged commit would compare no files.
        connection.execute(update(INDEXES).where(INDEXES.c.id == index_id).values(commit_id=None))
    return len(rows)


def _read_again(connection: Connection, limit: int) -> int:
    key = FILES.c.index_id, FILES.c.path_id
    some = connection.execute(select(*key).where(_WITHOUT_HISTORY).limit(limit)).all()
    connection.execute(
        update(FILES).where(tuple_(*key).in_([tuple(row) for row in some])).values(history=None)
    )
    return len(some)


def _forget_paths(connection: Connection, limit: int) -> int:
    return _forget(connection, select(PATHS.c.id).where(_UNUSED_PATH).limit(limit))


def _forget_histories(connection: Connection, limit: int) -> int:
    some = select(FILE_HISTORIES.c.path_id).where(_UNUSED_HISTORY).limit(limit)
    return _forget(connection, some)


def _forget(connection: Connection, some: Select[int]) -> int:
    path_ids = connection.execute(some).scalars().all()
    forget_unused(Driver(connection), path_ids)
    return len(path_ids)


PATH_CHECKS = (
    RowCheck(
        "{count} files have paths that are not stored",
        "removes their entries and scans again",
        select(FILES.c.index_id).where(_WITHOUT_PATH),
        _remove_files,
        refresh=True,
    ),
    RowCheck(
        "{count} files have a history that is not stored",
        "reads it again",
        select(FILES.c.index_id).where(_WITHOUT_HISTORY),
        _read_again,
        refresh=True,
    ),
    RowCheck(
        "{count} stored paths are of no file",
        "removes them",
        _of_no_index().where(PATHS.c.id.is_not(None), _UNUSED_PATH),
        _forget_paths,
    ),
    RowCheck(
        "{count} stored histories are of no file",
        "removes them",
        _of_no_index().where(FILE_HISTORIES.c.path_id.is_not(None), _UNUSED_HISTORY),
        _forget_histories,
    ),
)
