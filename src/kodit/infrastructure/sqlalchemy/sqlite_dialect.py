"""Transactions of SQLite: one writer at a time, and a file that may be replaced."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event

from kodit.domain.errors import KoditError
from kodit.infrastructure.locks import FairLock
from kodit.infrastructure.sql.moving import STATES_OF_A_MOVE
from kodit.infrastructure.sql.sqlite import (
    ORIGIN,
    WRITE_TIMEOUT_SECONDS,
    FileId,
    connect,
    count_connection,
    file_id,
    meaning_of,
    prepare,
    refuse_inherited,
    release_pages,
    replaced,
    write_ahead,
)
from kodit.infrastructure.sqlalchemy.dialect import another_schema, driver_transaction
from kodit.infrastructure.sqlalchemy.transaction import driver_of

log = logging.getLogger(__name__)

MOST_READERS = 4
"""Concurrent read transactions. Eight answered 100 clients no faster on two cores, since most of a
search holds the interpreter's lock, and a server's memory grew by 4 MB more.
"""
IDLE_READERS = 1
"""Connections of readers that stay open in an idle process. Opening one takes a search 20 ms of
processor time; each caches up to a megabyte of statements.
"""

_BESIDE = ("-wal", "-shm")


def open_sqlite(path: Path, *, read_only: bool = False) -> Engine:
    """An engine on a SQLite file in WAL mode, whose transactions begin explicitly. With
    `read_only`, nothing is written, not even beside the file.
    """
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        creator=lambda: connect(path, WRITE_TIMEOUT_SECONDS, "ro" if read_only else "rwc"),
        # Readers wait at `ReadingGate` and then find a connection free; the additional one is the
        # writer's.
        pool_size=MOST_READERS + 1,
        max_overflow=-1,
        pool_use_lifo=True,
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, record: Any) -> None:
        refuse_inherited(path)
        count_connection(path, 1)
        record.info[ORIGIN] = file_id(path)
        # The driver must not begin transactions by itself: `_begin` does.
        connection.isolation_level = None
        if not read_only:
            (pages,) = connection.execute("PRAGMA page_count").fetchone()
            if not pages:
                # Deleted pages are released in steps (`space.py`). Setting this again for a file
                # that has pages would take the write lock.
                connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            write_ahead(connection, WRITE_TIMEOUT_SECONDS)
        prepare(connection)

    @event.listens_for(engine, "close")
    def _count_out(_connection: sqlite3.Connection, _record: Any) -> None:
        count_connection(path, -1)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # Directly on the driver: SQLAlchemy's overhead exceeds SQLite's time. A writer has already
        # started.
        driver = driver_of(connection)
        if not driver.in_transaction:
            driver.execute("BEGIN")

    return engine


class SqliteDialect:
    """The database file of a data directory.

    Every write transaction of every process first takes the lock of `write.lock`: SQLite's own
    locking can starve a writer for seconds, while this queue keeps waits under half a second.

    Every transaction first checks whether the file is still the one that was opened: SQLite would
    go on with a file that was replaced or removed. If not, the new one is opened; but while the
    database is `pinned`, every transaction raises DatabaseReplacedError.
    """

    most_readers = MOST_READERS

    def __init__(self, engine: Engine, lock_path: Path, check_revision: Callable[[], None]) -> None:
        """`check_revision` is called for a new file, and raises DatabaseReplacedError if it does
        not have this program's schema.
        """
        self.engine = engine
        self.path = Path(str(engine.url.database))
        self._path_text = str(self.path)
        self._check_revision = check_revision
        self._writer: Connection | None = None
        self._lane = threading.Lock()
        self._idle: list[Connection] = []
        """The last one used is last: its cache is the warmest."""
        self._unused = 0
        """How many of them, the first ones, no reader has needed for a while."""
        self._idle_lane = threading.Lock()
        self._lock = FairLock(lock_path, WRITE_TIMEOUT_SECONDS, "the database")
        self._file: FileId | None = None
        self._beside: dict[Path, FileId] = {}
        self._file_lane = threading.Lock()
        self._pins = 0
        self._expected: str | None = None
        self._schema: int | None = None
        """SQLite's number of the schema that was found to be the expected one; every change of the
        schema increases it."""

    @property
    def place(self) -> str:
        return self._path_text

    @contextmanager
    def pinned(self) -> Iterator[None]:
        """In the block, only the file that is there at its beginning is read and written."""
        self.check()
        with self._file_lane:
            self._pins += 1
        try:
            yield
        finally:
            with self._file_lane:
                self._pins -= 1

    def check(self) -> None:
        refuse_inherited(self.path)
        file = file_id(self._path_text)
        if file is None and self._file is not None:
            self._remove_beside()
            raise replaced(self.path, "removed")
        if file is not None and file != self._file:
            self._open_file(file)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        connection, idle = self._connection_to_read()
        try:
            with driver_transaction(connection, "BEGIN"):
                self._check_schema(connection)
                yield connection
        except BaseException:
            connection.close()
            raise
        else:
            self._keep_idle(connection, idle)
        finally:
            self._note_beside()

    def expect(self, revision: str | None) -> None:
        self._expected, self._schema = revision, None

    def _check_schema(self, connection: Connection) -> None:
        if self._expected is None:
            return
        driver = driver_of(connection)
        (schema,) = driver.execute("PRAGMA schema_version").fetchone()
        if schema == self._schema:
            return
        try:
            row = driver.execute("SELECT version_num FROM alembic_version").fetchone()
        except sqlite3.OperationalError:
            row = None
        stored = None if row is None else str(row[0])
        if stored not in (self._expected, *STATES_OF_A_MOVE):  # which refuse by themselves
            raise another_schema(self.place, stored, self._expected)
        self._schema = schema

    def _connection_to_read(self) -> tuple[Connection, list[Connection]]:
        """A connection, and the list to which it is added when it is idle again. Taking one from
        the engine's pool and returning it takes longer than an empty transaction.
        """
        with self._idle_lane:
            idle = self._idle
            found = idle.pop() if idle else None
            self._unused = min(self._unused, len(idle))
        return found or self.engine.connect(), idle

    def _keep_idle(self, connection: Connection, idle: list[Connection]) -> None:
        """Keep a connection for the next reader, unless all were closed meanwhile."""
        with self._idle_lane:
            if idle is self._idle:
                idle.append(connection)
                return
        _end(connection)

    def _close_idle(self, *, keep: int = 0) -> None:
        """Close the connections of readers, and those in use when they are idle; all but the `keep`
        that were used last.
        """
        with self._idle_lane:
            first = max(0, len(self._idle) - keep)
            idle, self._idle = self._idle[:first], self._idle[first:]
        for connection in idle:
            _end(connection)

    def _close_unused(self) -> None:
        """Close the connections that no reader has needed since this was last called, except the
        last one.
        """
        with self._idle_lane:
            first = min(self._unused, len(self._idle) - IDLE_READERS)
            unused = self._idle[: max(0, first)]
            del self._idle[: len(unused)]  # and keep the list, for those in use
            self._unused = len(self._idle)
        for connection in unused:
            connection.close()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        with self._lane:
            self._lock.acquire()
            try:
                connection = self._connection_to_write()
                with driver_transaction(connection, "BEGIN IMMEDIATE"):
                    self._check_schema(connection)
                    yield connection
                self._note_beside()
            finally:
                self._lock.release()

    @contextmanager
    def alone(self) -> Iterator[Connection]:
        """The writer's connection, outside any transaction, while no other process writes."""
        with self._lane:
            self._lock.acquire()
            try:
                yield self._connection_to_write()
            finally:
                self._lock.release()

    def _connection_to_write(self) -> Connection:
        if self._writer is None:
            self._writer = self.engine.connect()
        return self._writer

    def meaning_of(self, error: BaseException | None) -> KoditError | None:
        return meaning_of(self.path, error)

    def hears_notifications(self) -> bool:
        return True  # they look at the file

    def release_pages(self) -> None:
        with self._lane:
            if self._writer is not None:
                release_pages(driver_of(self._writer))
        self._close_unused()
        with self._idle_lane:  # a reader that waits here waits for less time than opening one takes
            for connection in self._idle:
                release_pages(driver_of(connection))
        self._close_pooled()

    def release_connections(self) -> None:
        self._close_idle(keep=IDLE_READERS)
        self._close_pooled()

    def _close_pooled(self) -> None:
        """Close the connections whose last transaction failed, or that were in use when the idle
        ones were closed. Those still in use return to the pool: without a limit, it counts none.
        """
        self.engine.pool.dispose()

    def close(self) -> None:
        with self._lane:
            if self._writer is not None:
                self._writer.close()
                self._writer = None
            self._lock.close()
            # While nobody else can write: who waits here must not get a connection of this pool.
            self.engine.dispose()
        # After the pool: a reader may have taken a connection of it until now, and given it back.
        self._close_idle()

    def _note_beside(self) -> None:
        """Record the files that SQLite keeps beside the database, once they exist."""
        if len(self._beside) == len(_BESIDE):
            return
        paths = [self.path.with_name(self.path.name + suffix) for suffix in _BESIDE]
        found = {path: file for path in paths if (file := file_id(path)) is not None}
        if self._file is not None and file_id(self.path) == self._file:
            self._beside = found

    def _remove_beside(self) -> None:
        """Remove the log of a database that is gone, unless another was put in its place: SQLite
        would apply it to whichever file comes there.
        """
        beside, self._beside = self._beside, {}  # another thread may be here, too
        for path, file in beside.items():
            if file_id(path) == file:
                path.unlink(missing_ok=True)

    def _open_file(self, file: FileId) -> None:
        with self._file_lane:
            if self._file not in (None, file):
                self._remove_beside()
                if self._pins:
                    raise replaced(self.path, "replaced by another file")
                self.close()
                self._check_revision()
                log.warning("the database was replaced; the new one is used from now on")
            self._file = file


def _end(connection: Connection) -> None:
    """Close a connection, rather than return it to its pool, which may have been disposed of."""
    connection.invalidate()
    connection.close()
