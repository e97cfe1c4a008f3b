"""Keeping the packed vectors up to date with the database: runs in a child process."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

from kodit.domain.value_objects import VectorKind
from kodit.infrastructure.vectors.pack_file import (
    Pack,
    PackColumns,
    open_pack,
    to_columns,
    write_columns,
    write_pack,
)

FEWEST_CHANGES = 2_000
LARGEST_SHARE = 0.05
"""A pack is rewritten when more rows than both of these were added or removed since: a search reads
added rows from the database, and skips removed ones.
"""
FEWEST_AT_END = 500
"""At the end of a stage, this many added rows are worth copying a pack."""

_ROWS_BEYOND = """
    SELECT vectors.snippet_id, vectors.version_id, vectors.code, embeddings.vector
    FROM vectors JOIN embeddings ON embeddings.id = vectors.embedding_id
    WHERE vectors.index_id = ? AND vectors.kind = ? AND vectors.model = ?
        AND vectors.snippet_id > ?
    ORDER BY vectors.snippet_id
"""


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
    for leftover in path.parent.glob(f"{path.name}.*.tmp"):  # of a writer that was killed
        leftover.unlink(missing_ok=True)
    with contextlib.closing(_connect(database)) as connection:
        if not _has_fallen_behind(connection, path, index_id, kind, model):
            return _extend(database, path, (index_id, kind, model), FEWEST_AT_END)
        rows = connection.execute(_ROWS_BEYOND, (index_id, kind, model, 0)).fetchall()
    report(0, len(rows))
    token = write_pack(path, model, rows) if rows else None
    if not rows or _is_deleted(database, index_id):
        path.unlink(missing_ok=True)
    return token


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
    token = _extend(database, path, (index_id, kind, model), fewest)
    report(1, 1)
    return token


def _extend(database: str, path: Path, of: tuple[int, str, str], fewest: int) -> str | None:
    """Add the new rows of an index, kind and model, if there are at least `fewest`, or enough for a
    first pack; returns the token of a new one.
    """
    index_id, kind, model = of
    with contextlib.closing(_connect(database)) as connection:
        connection.execute("BEGIN")
        pack = _own_pack(connection, path, index_id, kind, model)
        if pack is None:
            fewest = max(fewest, FEWEST_CHANGES)
        mine = (*of, 0 if pack is None else int(pack.snippet_ids[-1]))
        (added,) = connection.execute(
            "SELECT count(*) FROM vectors "
            "WHERE index_id = ? AND kind = ? AND model = ? AND snippet_id > ?",
            mine,
        ).fetchone()
        if added < fewest:
            return None
        rows = connection.execute(_ROWS_BEYOND, mine).fetchall()
    parts = [to_columns(rows)]
    if pack is not None:
        columns = (pack.snippet_ids, pack.file_ids, pack.codes.T, pack.scales, pack.values)
        parts.insert(0, PackColumns(*columns))
    token = write_columns(path, model, parts)
    if _is_deleted(database, index_id):
        path.unlink(missing_ok=True)
    return token


def _own_pack(
    connection: sqlite3.Connection, path: Path, index_id: int, kind: str, model: str
) -> Pack | None:
    """The pack, if it is intact, of this model, and made from this database."""
    pack = open_pack(path)
    if pack is None or pack.model != model:
        return None
    noted = connection.execute(
        "SELECT code_pack, text_pack FROM indexes WHERE id = ?", (index_id,)
    ).fetchone()
    is_own = noted is not None and noted[0 if kind == VectorKind.CODE else 1] == pack.token
    return pack if is_own else None


def _is_deleted(database: str, index_id: int) -> bool:
    """Whether the index has been deleted, perhaps while its pack was being written. A deletion
    first marks the index and then removes the pack, so that one of the two processes removes it
    last.
    """
    with contextlib.closing(_connect(database)) as connection:
        query = "SELECT 1 FROM indexes WHERE id = ? AND deleted_at = 0"
        return connection.execute(query, (index_id,)).fetchone() is None


def _connect(database: str) -> sqlite3.Connection:
    return sqlite3.connect(f"{Path(database).as_uri()}?mode=ro", uri=True)


def _has_fallen_behind(
    connection: sqlite3.Connection, path: Path, index_id: int, kind: str, model: str
) -> bool:
    pack = _own_pack(connection, path, index_id, kind, model)
    newest = int(pack.snippet_ids[-1]) if pack is not None else 0
    kept, added = connection.execute(
        """
        SELECT count(*) FILTER (WHERE snippet_id <= ?), count(*) FILTER (WHERE snippet_id > ?)
        FROM vectors WHERE index_id = ? AND kind = ? AND model = ?
        """,
        (newest, newest, index_id, kind, model),
    ).fetchone()
    if pack is None:
        return int(added) > FEWEST_CHANGES
    changes = added + len(pack) - kept
    return bool(changes > max(FEWEST_CHANGES, LARGEST_SHARE * len(pack)))
