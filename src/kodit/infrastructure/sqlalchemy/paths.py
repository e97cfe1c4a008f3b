"""Paths, each stored once for all indexes, with the histories of the files there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, Exists, Table, delete, exists, select

from kodit.infrastructure.sqlalchemy.entities import FILE_HISTORIES, FILES, INDEXES, PATHS
from kodit.infrastructure.sqlalchemy.prepared import (
    Driver,
    InsertNew,
    PreparedForMany,
    insert_columns,
)

_ADD = insert_columns(PATHS, "path", kind=InsertNew)
# Rows are always locked in the order of the paths.
_HOLD = PreparedForMany(
    lambda paths: (
        select(PATHS.c.path, PATHS.c.id)
        .where(PATHS.c.path.in_(paths))
        .order_by(PATHS.c.path)
        .with_for_update(read=True, key_share=True)
    )
)
_SETTLE = PreparedForMany(
    lambda ids: (
        select(PATHS.c.id).where(PATHS.c.id.in_(ids)).order_by(PATHS.c.path).with_for_update()
    )
)


def _is_had(table: Table, *conditions: ColumnElement[bool]) -> Exists:
    """Whether an index has a file at a path. There are few indexes, and many files."""
    of_index = (
        select(FILES.c.path_id)
        .where(FILES.c.index_id == INDEXES.c.id, *conditions)
        .correlate(INDEXES, table)
    )
    return exists(select(INDEXES.c.id).where(exists(of_index)).correlate(table))


HAS_PATH = _is_had(PATHS, FILES.c.path_id == PATHS.c.id)
HAS_HISTORY = _is_had(
    FILE_HISTORIES,
    FILES.c.path_id == FILE_HISTORIES.c.path_id,
    FILES.c.history == FILE_HISTORIES.c.number,
)
_DROP_HISTORIES = PreparedForMany(
    lambda ids: delete(FILE_HISTORIES).where(FILE_HISTORIES.c.path_id.in_(ids), ~HAS_HISTORY)
)
_DROP_PATHS = PreparedForMany(lambda ids: delete(PATHS).where(PATHS.c.id.in_(ids), ~HAS_PATH))


def add_paths(driver: Driver, paths: Sequence[str]) -> dict[str, int]:
    """The numbers of paths, of new ones too. Until the transaction ends, no other removes them."""
    numbers = _numbers(driver, paths)
    missing = sorted({path for path in paths if path not in numbers})
    if missing:
        _ADD.run_many(driver, ({"path": path} for path in missing))
        numbers |= _numbers(driver, missing)
    return numbers


def _numbers(driver: Driver, paths: Sequence[str]) -> dict[str, int]:
    return dict(map(tuple, _HOLD.run(driver, paths)))


def forget_unused(driver: Driver, path_ids: Iterable[int]) -> None:
    """Remove those of these paths that no index has any more, and histories that no file has."""
    ids = sorted(set(path_ids))
    if ids and driver.is_concurrent:
        _SETTLE.run(driver, ids)  # what is read afterwards shows files that others were adding
    _DROP_HISTORIES.run(driver, ids)
    _DROP_PATHS.run(driver, ids)
