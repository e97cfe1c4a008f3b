"""The database file of a data directory."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from kodit.infrastructure.sql.sqlite import refuse_inherited, replaced
from kodit.infrastructure.sqlalchemy.sql_database import SqlDatabase, translated_errors
from kodit.infrastructure.sqlalchemy.sqlite_dialect import (
    MOST_READERS,
    SqliteDialect,
    open_sqlite,
)
from kodit.infrastructure.sqlalchemy.transaction import driver_of

__all__ = ["MOST_READERS", "SqliteDatabase", "open_sqlite"]


class SqliteDatabase(SqlDatabase):
    """Has what only a file offers."""

    dialect: SqliteDialect

    def __init__(self, engine: Engine, lock_path: Path) -> None:
        super().__init__(SqliteDialect(engine, lock_path, self._check_revision))

    @property
    def path(self) -> Path:
        return self.dialect.path

    @property
    def address(self) -> str:
        return str(self.path)

    def refuse_inherited(self) -> None:
        refuse_inherited(self.path)

    def pinned(self) -> AbstractContextManager[None]:
        """In the block, only the file that is there at its beginning is read and written."""
        return self.dialect.pinned()

    @contextmanager
    def alone(self) -> Iterator[sqlite3.Connection]:
        """The driver's connection, outside any transaction, while no other process writes."""
        self.dialect.check()
        with translated_errors(self.dialect), self.dialect.alone() as connection:
            yield driver_of(connection)

    def release_pages(self) -> None:
        """Return the cached and mapped pages of the connections that are not in use to the system,
        and close those whose last transaction failed, and all but one of those that no reader has
        needed since this was last called. Each maps the pages that it has read, and the process's
        resident memory counts every one of these maps.
        """
        with translated_errors(self.dialect):
            self.dialect.release_pages()

    def release_connections(self) -> None:
        """Close the connections that are not in use, except the writer's and one for the next
        reader.
        """
        with translated_errors(self.dialect):
            self.dialect.release_connections()

    def _check_revision(self) -> None:
        """Raises DatabaseReplacedError if a new file does not have this program's schema."""
        with translated_errors(self.dialect), self.engine.begin() as connection:
            try:
                stored = connection.execute(text("SELECT version_num FROM alembic_version"))
                revision = stored.scalar()
            except DBAPIError:
                revision = None
        if self.revision is not None and revision != self.revision:
            self.engine.dispose()
            raise replaced(self.path, "replaced by one of another version of Kodit")
