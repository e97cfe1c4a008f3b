"""The disk space of a SQLite database, and how it is released.

Deleting leaves empty pages. A database whose `auto_vacuum` is incremental moves other pages into
their place, a few at a time, and truncates the file. One that was created without that has to be
rewritten once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from kodit.domain.space import Sizes
from kodit.infrastructure.disk_usage import size_of, sizes_beside

# Sizes are read without SQLAlchemy.
if TYPE_CHECKING:
    from kodit.infrastructure.sql.readable import ReadableDatabase
    from kodit.infrastructure.sqlalchemy.database import SqliteDatabase

INCREMENTAL = 2
LONGEST_STEP_SECONDS = 0.02
"""How long other writers wait for a step, and then for its commit."""
MOST_PAGES = 1024
"""Pages per step: each page that replaces another is written by the commit."""


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
        database = (self._data_dir / f"kodit.db{end}" for end in ("", "-wal", "-shm"))
        return sizes_beside(self._data_dir, sum(map(size_of, database)))

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
