"""The disk space of a SQLite database, and how it is released.

Deleting leaves empty pages. A database whose `auto_vacuum` is incremental moves other pages into
their place, a few at a time, and truncates the file. One that was created without that has to be
rewritten once.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from kodit.domain.space import Sizes
from kodit.infrastructure.files import entries_of

# Sizes are read without SQLAlchemy.
if TYPE_CHECKING:
    from kodit.infrastructure.sql.readable import ReadableDatabase
    from kodit.infrastructure.sqlalchemy.database import SqliteDatabase

INCREMENTAL = 2
LONGEST_STEP_SECONDS = 0.02
"""How long other writers wait for a step, and then for its commit."""
MOST_PAGES = 1024
"""Pages per step: each page that replaces another is written by the commit."""
_BLOCK = 512


class SqliteSpace:
    """The disk space of a data directory and its database."""

    def __init__(
        self, reading: ReadableDatabase, database: Callable[[], SqliteDatabase], data_dir: Path
    ) -> None:
        """`database` is called by the operations that free space."""
        self._reading = reading
        self._database = database
        self._data_dir = data_dir

    def sizes(self) -> Sizes:
        by_index: dict[int, int] = {}
        vectors = clones = 0
        for path in _files_in(self._data_dir / "vectors"):
            size = _size_of(path)
            vectors += size
            _count(by_index, path.name.partition("-")[0], size)
        for folder in entries_of(self._data_dir / "clones"):
            size = sum(map(_size_of, _files_in(Path(folder.path))))
            clones += size
            _count(by_index, folder.name.removesuffix(".git"), size)
        database = (self._data_dir / f"kodit.db{end}" for end in ("", "-wal", "-shm"))
        return Sizes(
            database=sum(map(_size_of, database)),
            keyword=sum(map(_size_of, _files_in(self._data_dir / "keyword"))),
            vectors=vectors,
            clones=clones,
            by_index=by_index,
        )

    def freeable(self) -> int:
        return self._ask("freelist_count") * self._ask("page_size")

    def is_rewritten_for(self) -> bool:
        return self._ask("auto_vacuum") != INCREMENTAL

    def release_some_space(self) -> bool:
        with self._database().write() as transaction:
            driver = transaction.driver
            (left,) = driver.execute("PRAGMA freelist_count").fetchone()
            end = time.monotonic() + LONGEST_STEP_SECONDS
            for _ in range(min(left, MOST_PAGES)):
                # However many pages are requested, the driver frees only one per step.
                driver.execute("PRAGMA incremental_vacuum(1)")
                left -= 1
                if time.monotonic() > end:
                    break
        return bool(left)

    def shrink(self) -> None:
        with self._database().alone() as driver:
            driver.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def rewrite(self) -> None:
        with self._database().alone() as driver:
            # The second file may be as large as the first, so it must not be in memory.
            driver.execute("PRAGMA temp_store = FILE")
            try:
                driver.execute("PRAGMA auto_vacuum = INCREMENTAL")
                driver.execute("VACUUM")
                driver.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            finally:
                driver.execute("PRAGMA temp_store = MEMORY")

    def _ask(self, pragma: str) -> int:
        with self._reading.read() as transaction:
            row = transaction.cursors.cursor.execute(f"PRAGMA {pragma}").fetchone()
        return int(row[0])


def _files_in(folder: Path) -> Iterator[Path]:
    """All files below a folder, without following links."""
    for entry in entries_of(folder):
        if entry.is_dir(follow_symlinks=False):
            yield from _files_in(Path(entry.path))
        elif entry.is_file(follow_symlinks=False):
            yield Path(entry.path)


def _size_of(path: Path) -> int:
    """The disk space of a file; 0 if it is gone."""
    try:
        return os.lstat(path).st_blocks * _BLOCK
    except FileNotFoundError:
        return 0


def _count(by_index: dict[int, int], name: str, size: int) -> None:
    if name.isdecimal():
        by_index[int(name)] = by_index.get(int(name), 0) + size
