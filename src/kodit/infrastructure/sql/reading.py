"""A database that is only read, through the driver alone: for commands that answer a question."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from kodit.infrastructure.sql.reading_transaction import ReadingTransaction
from kodit.infrastructure.sql.revision import HEAD
from kodit.infrastructure.sql.sqlite import (
    WRITE_TIMEOUT_SECONDS,
    FileId,
    Mode,
    connect,
    count_connection,
    file_id,
    meaning_of,
    prepare,
    refuse_inherited,
    replaced,
)

if TYPE_CHECKING:
    from kodit.domain.ports.database import Database, Transaction

_REVISION = "SELECT version_num FROM alembic_version"


class _Open(NamedTuple):
    """A connection, the file that it has opened, and values cached for it."""

    connection: sqlite3.Connection
    origin: FileId | None
    info: dict[str, Any]


class DriverCursors:
    """Cursors of a SQLite connection."""

    names_with_percent = False

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.cursor = connection.cursor()

    def another_cursor(self) -> sqlite3.Cursor:
        return self._connection.cursor()

    def streaming_cursor(self) -> sqlite3.Cursor:
        return self._connection.cursor()


class ReadingDatabase:
    """A database file with this program's schema, for any number of threads; each reads over a
    connection of its own.

    Every transaction first checks whether the file is still the one that was opened, and opens the
    new one if not: SQLite would go on with a file that was replaced or removed.
    """

    def __init__(
        self,
        path: Path,
        *,
        read_only: bool,
        to_write: Callable[[], Database],
    ) -> None:
        """`read_only` means that no file beside the database may be written either; `to_write`
        returns the database for the rare writes.
        """
        self.path = path
        self._to_write = to_write
        self._read_only = read_only
        self._file: FileId | None = None
        self._idle: list[_Open] = []
        self._lock = threading.Lock()

    @property
    def address(self) -> str:
        """Where another process finds the database."""
        return str(self.path)

    @property
    def is_current(self) -> bool:
        """Whether the database can be read, and has this program's schema. Otherwise use
        `SqliteDatabase`, which migrates it or reports the problem.
        """
        refuse_inherited(self.path)
        self._file = file_id(self.path)
        if self._file is None:
            return False
        try:
            opened = self._connect()
        except sqlite3.Error:
            return False
        is_current = _revision_of(opened.connection) == HEAD
        self._give_back(opened)
        if not is_current:
            self.close()
        return is_current

    @contextmanager
    def read(self) -> Iterator[ReadingTransaction]:
        """Yields one snapshot. Raises TransientError and PermanentError for a file that cannot be
        read, and DatabaseReplacedError for one that is gone, or has another schema.
        """
        refuse_inherited(self.path)
        try:
            opened = self._take()
            try:
                opened.connection.execute("BEGIN")
                yield ReadingTransaction(
                    DriverCursors(opened.connection), opened.origin, opened.info
                )
            finally:
                with suppress(sqlite3.Error):  # nothing was written
                    opened.connection.rollback()
                self._give_back(opened)
        except sqlite3.Error as error:
            meaning = meaning_of(self.path, error)
            if meaning is None:
                raise
            raise meaning from error

    def write(self) -> AbstractContextManager[Transaction]:
        return self._to_write().write()

    def close(self) -> None:
        """Close the idle connections."""
        self._change_to(self._file)

    def _change_to(self, file: FileId | None) -> None:
        """Close the idle connections, and keep only those to this file from now on."""
        with self._lock:
            self._file = file
            idle, self._idle = self._idle, []
        for opened in idle:
            self._close(opened.connection)

    def _take(self) -> _Open:
        """A connection to the file that is there now."""
        file = file_id(self.path)
        if file is None:
            raise replaced(self.path, "removed")
        is_another = file != self._file
        if is_another:
            self._change_to(file)
        with self._lock:
            if self._idle:
                return self._idle.pop()
        opened = self._connect()
        if is_another and _revision_of(opened.connection) != HEAD:
            self._close(opened.connection)
            self._change_to(None)
            raise replaced(self.path, "replaced by one of another version of Kodit")
        return opened

    def _give_back(self, opened: _Open) -> None:
        with self._lock:
            if opened.origin == self._file:
                self._idle.append(opened)
                return
        self._close(opened.connection)

    def _connect(self) -> _Open:
        origin = file_id(self.path)
        mode: Mode = "ro" if self._read_only else "rw"
        connection = connect(self.path, WRITE_TIMEOUT_SECONDS, mode)
        count_connection(self.path, 1)
        try:
            prepare(connection)
        except sqlite3.Error:
            self._close(connection)
            raise
        return _Open(connection, origin, {})

    def _close(self, connection: sqlite3.Connection) -> None:
        connection.close()
        count_connection(self.path, -1)


def _revision_of(connection: sqlite3.Connection) -> str | None:
    """The schema revision of a database; None if it has none, or cannot be read."""
    try:
        row = connection.execute(_REVISION).fetchone()
    except sqlite3.Error:
        return None
    return None if row is None else str(row[0])
