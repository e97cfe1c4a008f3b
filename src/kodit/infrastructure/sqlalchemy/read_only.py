"""A database that this user, or the file system, does not allow to be written."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kodit.domain.errors import UserError
from kodit.infrastructure.sqlalchemy.database import SqliteDatabase, open_sqlite
from kodit.infrastructure.sqlalchemy.transaction import SqlTransaction


class ReadOnlyDatabase(SqliteDatabase):
    """Reads like any other; nothing can be changed in it."""

    def __init__(self, path: Path) -> None:
        super().__init__(open_sqlite(path, read_only=True), path.with_name("write.lock"))

    def check_writable(self) -> None:
        raise self._refused()

    @contextmanager
    def write(self) -> Iterator[SqlTransaction]:
        raise self._refused()
        yield

    @contextmanager
    def alone(self) -> Iterator[sqlite3.Connection]:
        raise self._refused()
        yield

    def _refused(self) -> UserError:
        folder = self.path.parent
        return UserError(
            f"the data directory {folder} cannot be written by this user: its contents can be "
            "read, but not changed or migrated to another version of Kodit",
            code="data_dir_read_only",
            data_dir=str(folder),
        )
