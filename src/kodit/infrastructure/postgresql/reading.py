"""A database that is only read, through the driver alone: for commands that answer a question."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg

from kodit.infrastructure.postgresql.address import DatabaseAddress
from kodit.infrastructure.postgresql.connections import PipelinedConnection, connect
from kodit.infrastructure.postgresql.errors import meaning_of
from kodit.infrastructure.postgresql.transactions import BEGIN_TO_READ
from kodit.infrastructure.sql.reading_transaction import ReadingTransaction
from kodit.infrastructure.sql.revision import HEAD

if TYPE_CHECKING:
    from kodit.domain.ports.database import Database, Transaction

_HAS_REVISION = "SELECT to_regclass('alembic_version') IS NOT NULL"
_REVISION = "SELECT version_num FROM alembic_version"


class _Open(NamedTuple):
    """A connection, and values cached with it."""

    connection: PipelinedConnection
    info: dict[str, Any]


class ServerCursors:
    """Cursors of a PostgreSQL connection."""

    names_with_percent = True

    def __init__(self, connection: PipelinedConnection) -> None:
        self._connection = connection
        self.cursor = connection.cursor()

    def another_cursor(self) -> psycopg.Cursor[Any]:
        return self._connection.cursor()

    def streaming_cursor(self) -> psycopg.ServerCursor[Any]:
        return self._connection.streaming_cursor()


class ServerReadingDatabase:
    """A database with this program's schema, for any number of threads; each reads over a
    connection of its own. For a process that ends soon: a lost connection is not replaced.
    """

    def __init__(self, address: DatabaseAddress, *, to_write: Callable[[], Database]) -> None:
        """`to_write` returns the database for the rare writes."""
        self._address = address
        self._to_write = to_write
        self._idle: list[_Open] = []
        self._lock = threading.Lock()

    @property
    def address(self) -> str:
        """Where another process finds the database: a URL, which may hold a password."""
        return self._address.url

    def is_current(self) -> bool:
        """Whether the database has this program's schema. Otherwise use `PostgresqlDatabase`, which
        migrates it or reports the problem. Raises TransientError if it cannot be reached."""
        with self.read() as transaction:
            cursor = transaction.cursors.cursor
            (has_revision,) = cursor.execute(_HAS_REVISION).fetchone()
            row = cursor.execute(_REVISION).fetchone() if has_revision else None
        return row is not None and row[0] == HEAD

    @contextmanager
    def read(self) -> Iterator[ReadingTransaction]:
        """Yields one snapshot. Raises TransientError and PermanentError for a database that cannot
        be read."""
        try:
            opened = self._take()
            try:
                opened.connection.execute(BEGIN_TO_READ)
                yield ReadingTransaction(ServerCursors(opened.connection), None, opened.info)
            finally:
                self._give_back(opened)
        except psycopg.Error as error:
            meaning = meaning_of(self._address.place, error)
            if meaning is None:
                raise
            raise meaning from error

    def write(self) -> AbstractContextManager[Transaction]:
        return self._to_write().write()

    def close(self) -> None:
        """Close the idle connections."""
        with self._lock:
            idle, self._idle = self._idle, []
        for opened in idle:
            opened.connection.close()

    def _take(self) -> _Open:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return _Open(connect(self._address, "kodit"), {})

    def _give_back(self, opened: _Open) -> None:
        if opened.connection.closed:
            return
        opened.connection.rollback()  # nothing was written
        with self._lock:
            self._idle.append(opened)


@contextmanager
def snapshot_on_server(url: str) -> Iterator[ServerCursors]:
    """One snapshot, over a connection of its own."""
    address = DatabaseAddress("the database", url)
    try:
        with connect(address, "kodit") as connection:
            connection.execute(BEGIN_TO_READ)
            yield ServerCursors(connection)
    except psycopg.Error as error:
        raise meaning_of(address.place, error) or error from error
