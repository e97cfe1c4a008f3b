"""Every database that the queue's tests run against: one line in `DATABASES` each."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from pathlib import Path

from tests.support.postgresql_databases import postgresql_database

from kodit.domain.ports.database import Database
from kodit.infrastructure.memory import MemoryDatabase
from kodit.infrastructure.sqlalchemy.database import SqliteDatabase, open_sqlite
from kodit.infrastructure.sqlalchemy.migrate import migrate


@contextmanager
def memory_database(_folder: Path) -> Iterator[Database]:
    """An empty database of dictionaries."""
    yield MemoryDatabase()


@contextmanager
def sqlite_database(folder: Path) -> Iterator[SqliteDatabase]:
    """An empty database file in the folder, at the newest revision."""
    (folder / "kodit.db").write_bytes(_migrated_file())
    database = SqliteDatabase(open_sqlite(folder / "kodit.db"), folder / "write.lock")
    try:
        yield database
    finally:
        database.close()


@cache
def _migrated_file() -> bytes:
    """Migrations run once; every later database is a copy of what they made."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "kodit.db")
        database = SqliteDatabase(open_sqlite(path), Path(folder, "write.lock"))
        try:
            migrate(database)
        finally:
            database.close()
        return path.read_bytes()


OpenDatabase = Callable[[Path], AbstractContextManager[Database]]
"""Opens an empty database that may keep its files in a folder of its own."""

DATABASES: Mapping[str, OpenDatabase] = {
    "memory": memory_database,
    "sqlite": sqlite_database,
    "postgresql": lambda _folder: postgresql_database(),
}
