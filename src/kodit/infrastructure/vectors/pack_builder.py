"""Keeping the packed vectors up to date with the database: runs in a child process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from kodit.domain.value_objects import VectorKind
from kodit.infrastructure.sql.nodes import NOTED_PACKS
from kodit.infrastructure.sql.opening import snapshot_of
from kodit.infrastructure.sql.statements import Cursors, Statement
from kodit.infrastructure.vectors.pack_file import (
    Pack,
    PackColumns,
    open_pack,
    to_columns,
    write_columns,
    write_pack,
)

_OfModel = dict[str, Any]
"""The index, kind and model of vectors, as parameters of statements."""

FEWEST_CHANGES = 2_000
LARGEST_SHARE = 0.05
"""A pack is rewritten when more rows than both of these were added or removed since: a search reads
added rows from the database, and skips removed ones.
"""
FEWEST_AT_END = 500
"""At the end of a stage, this many added rows are worth copying a pack."""

_OF_MODEL = "WHERE vectors.index_id = :index AND vectors.kind = :kind AND vectors.model = :model"
_BEYOND = f"{_OF_MODEL} AND vectors.snippet_id > :newest"
_ROWS_BEYOND = Statement(
    "SELECT vectors.snippet_id, vectors.version_id, vectors.code, embeddings.vector "
    "FROM vectors JOIN embeddings ON embeddings.id = vectors.embedding_id "
    f"{_BEYOND} ORDER BY vectors.snippet_id"
)
_COUNT_BEYOND = Statement(f"SELECT count(*) FROM vectors {_BEYOND}")
_COUNT_BOTH = Statement(
    "SELECT count(*) FILTER (WHERE snippet_id <= :newest), "
    f"count(*) FILTER (WHERE snippet_id > :newest) FROM vectors {_OF_MODEL}"
)
_NOTED = Statement(
    "SELECT id, code_pack, text_pack FROM indexes WHERE id = :index",
    postgresql=f"{NOTED_PACKS} indexes.id = :index",
)
_IS_THERE = Statement("SELECT 1 FROM indexes WHERE id = :index AND deleted_at = 0")


def pack_path(folder: Path, index_id: int, kind: str) -> Path:
    """The path of the pack of an index and kind."""
    return folder / f"{index_id}-{kind}.pack"


def refresh_pack(
    database: str, folder: str, index_id: int, kind: str, model: str, *, report: Any
) -> str | None:
    """Rewrite the pack if it is far enough behind, or was not made from this database; returns the
    token of a new one, or None.
    """
    path = pack_path(Path(folder), index_id, kind)
    for leftover in _left_by_killed_writers(path):
        leftover.unlink(missing_ok=True)
    of_model = {"index": index_id, "kind": kind, "model": model}
    with snapshot_of(database) as driver:
        has_fallen_behind = _has_fallen_behind(driver, path, of_model)
        rows = _ROWS_BEYOND.run(driver, of_model | {"newest": 0}) if has_fallen_behind else []
    if not has_fallen_behind:
        return _extend(database, path, of_model, FEWEST_AT_END)
    report(0, len(rows))
    token = write_pack(path, model, rows) if rows else None
    if not rows or _is_deleted(database, index_id):
        path.unlink(missing_ok=True)
    return token


def is_near(driver: Cursors, folder: Path, index_id: int, kind: VectorKind, model: str) -> bool:
    """Whether `refresh_pack` would leave an existing pack as it is."""
    path = pack_path(folder, index_id, kind.value)
    if any(_left_by_killed_writers(path)):
        return False
    behind = _behind(driver, path, {"index": index_id, "kind": kind.value, "model": model})
    return behind is not None and not behind.is_far and behind.added < FEWEST_AT_END


def _left_by_killed_writers(path: Path) -> Iterator[Path]:
    return path.parent.glob(f"{path.name}.*.tmp")


def extend_pack(
    database: str, folder: str, index_id: int, kind: str, model: str, *, report: Any
) -> str | None:
    """Add the new rows to the pack, if there are enough; returns the token of a new one, or None.

    For a stage in progress. Removed rows stay in the pack, because a search skips them; so only the
    new rows are read, and the pack itself is copied unchanged.
    """
    path = pack_path(Path(folder), index_id, kind)
    pack = open_pack(path)
    packed = 0 if pack is None else len(pack)
    fewest = int(max(FEWEST_CHANGES, LARGEST_SHARE * packed))
    of_model = {"index": index_id, "kind": kind, "model": model}
    token = _extend(database, path, of_model, fewest)
    report(1, 1)
    return token


def _extend(database: str, path: Path, of_model: _OfModel, fewest: int) -> str | None:
    """Add the new rows of an index, kind and model, if there are at least `fewest`, or enough for a
    first pack; returns the token of a new one.
    """
    with snapshot_of(database) as driver:
        pack = _own_pack(driver, path, of_model)
        if pack is None:
            fewest = max(fewest, FEWEST_CHANGES)
        beyond = of_model | {"newest": 0 if pack is None else int(pack.snippet_ids[-1])}
        ((added,),) = _COUNT_BEYOND.run(driver, beyond)
        if added < fewest:
            return None
        rows = _ROWS_BEYOND.run(driver, beyond)
    parts = [to_columns(rows)]
    if pack is not None:
        columns = (pack.snippet_ids, pack.file_ids, pack.codes.T, pack.scales, pack.values)
        parts.insert(0, PackColumns(*columns))
    token = write_columns(path, of_model["model"], parts)
    if _is_deleted(database, of_model["index"]):
        path.unlink(missing_ok=True)
    return token


def _own_pack(driver: Cursors, path: Path, of_model: _OfModel) -> Pack | None:
    """The pack, if it is intact, of this model, and made from this database."""
    pack = open_pack(path)
    if pack is None or pack.model != of_model["model"]:
        return None
    noted = _NOTED.first(driver, {"index": of_model["index"]})
    column = 1 if of_model["kind"] == VectorKind.CODE else 2
    return pack if noted is not None and noted[column] == pack.token else None


def _is_deleted(database: str, index_id: int) -> bool:
    """Whether the index has been deleted, perhaps while its pack was being written. A deletion
    first marks the index and then removes the pack, so that one of the two processes removes it
    last.
    """
    with snapshot_of(database) as driver:
        return _IS_THERE.first(driver, {"index": index_id}) is None


class _Behind(NamedTuple):
    """How many rows a pack lacks, and whether it is to be rewritten."""

    added: int
    is_far: bool


def _behind(driver: Cursors, path: Path, of_model: _OfModel) -> _Behind | None:
    """How far a pack is behind the database; None if there is no intact one of this database."""
    pack = _own_pack(driver, path, of_model)
    if pack is None:
        return None
    ((kept, added),) = _COUNT_BOTH.run(driver, of_model | {"newest": int(pack.snippet_ids[-1])})
    changes = added + len(pack) - kept
    return _Behind(added, changes > max(FEWEST_CHANGES, LARGEST_SHARE * len(pack)))


def _has_fallen_behind(driver: Cursors, path: Path, of_model: _OfModel) -> bool:
    behind = _behind(driver, path, of_model)
    if behind is not None:
        return behind.is_far
    ((_kept, added),) = _COUNT_BOTH.run(driver, of_model | {"newest": 0})
    return int(added) > FEWEST_CHANGES
