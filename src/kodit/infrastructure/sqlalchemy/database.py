"""Opening the database and its transactions."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError

from kodit.domain.shortage import shortage
from kodit.infrastructure.locks import FairLock
from kodit.infrastructure.reading_gate import ReadingGate
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
    release_memory,
    replaced,
    write_ahead,
)
from kodit.infrastructure.sqlalchemy.transaction import SqlTransaction, driver_of

log = logging.getLogger(__name__)

MOST_READERS = 8
"""Concurrent read transactions; each connection keeps a cache in memory, and more of them than
cores gain nothing.
"""


def open_sqlite(path: Path, *, read_only: bool = False) -> Engine:
    """An engine on a SQLite file in WAL mode, whose transactions begin explicitly. With
    `read_only`, nothing is written, not even beside the file.
    """
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        creator=lambda: connect(path, WRITE_TIMEOUT_SECONDS, "ro" if read_only else "rwc"),
        # Readers wait at `ReadingGate` and then find a connection free. The last one used comes
        # first, because its cache is the warmest; the additional one is the writer's.
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


@contextmanager
def _transaction(connection: Connection, begin: str) -> Iterator[None]:
    """A transaction, started and ended through the driver: most of those of the queue run no
    statement through SQLAlchemy, which took a third of the time of an empty transaction.
    """
    driver = driver_of(connection)
    driver.execute(begin)
    try:
        yield
        driver.commit()
    except BaseException:
        driver.rollback()
        raise
    finally:
        if connection.in_transaction():
            # SQLAlchemy saw a statement and believes that its transaction is still open.
            connection.rollback()


class SqliteDatabase:
    """The database file of a data directory.

    Every write transaction of every process first takes the lock of `write.lock`: SQLite's own
    locking can starve a writer for seconds, while this queue keeps waits under half a second.

    Every transaction first checks whether the file is still the one that was opened: SQLite would
    go on with a file that was replaced or removed. If not, the new one is opened; but while the
    database is `pinned`, every transaction raises DatabaseReplacedError.
    """

    def __init__(self, engine: Engine, lock_path: Path) -> None:
        self.engine = engine
        self.path = Path(str(engine.url.database))
        self._writer: Connection | None = None
        self._lane = threading.Lock()
        self._reading = ReadingGate(MOST_READERS)
        self._lock = FairLock(lock_path, WRITE_TIMEOUT_SECONDS, "the database")
        self.revision: str | None = None
        self._file: FileId | None = None
        self._beside: dict[Path, FileId] = {}
        self._file_lane = threading.Lock()
        self._pins = 0

    @contextmanager
    def pinned(self) -> Iterator[None]:
        """In the block, only the file that is there at its beginning is read and written."""
        self._look_at_file()
        with self._file_lane:
            self._pins += 1
        try:
            yield
        finally:
            with self._file_lane:
                self._pins -= 1

    @contextmanager
    def read(self) -> Iterator[SqlTransaction]:
        self._look_at_file()
        with (
            translated_errors(self.path),
            self._reading.place(),
            self.engine.connect() as connection,
        ):
            try:
                with _transaction(connection, "BEGIN"):
                    yield SqlTransaction(connection)
            finally:
                self._note_beside()

    @contextmanager
    def write(self) -> Iterator[SqlTransaction]:
        self._look_at_file()
        with self._lane:
            self._lock.acquire()
            try:
                with translated_errors(self.path):
                    if self._writer is None:
                        self._writer = self.engine.connect()
                    with _transaction(self._writer, "BEGIN IMMEDIATE"):
                        yield SqlTransaction(self._writer)
                    self._note_beside()
            finally:
                self._lock.release()

    def check_writable(self) -> None:
        """Raises UserError if the database cannot be written."""

    @contextmanager
    def alone(self) -> Iterator[sqlite3.Connection]:
        """The driver's connection, outside any transaction, while no other process writes."""
        self._look_at_file()
        with self._lane:
            self._lock.acquire()
            try:
                with translated_errors(self.path):
                    if self._writer is None:
                        self._writer = self.engine.connect()
                    yield driver_of(self._writer)
            finally:
                self._lock.release()

    def release_memory(self) -> None:
        """Close the connections that are not in use, and return the memory of the writer's. Each
        has caches of its own, and maps the pages that it has read: the process's resident memory
        counts every one of these maps.
        """
        with self._lane, translated_errors(self.path):
            if self._writer is not None:
                release_memory(driver_of(self._writer))
        self.engine.pool.dispose()  # those in use return to it: without a limit, it counts none

    def close(self) -> None:
        with self._lane:
            if self._writer is not None:
                self._writer.close()
                self._writer = None
            self._lock.close()
        self.engine.dispose()

    def _look_at_file(self) -> None:
        refuse_inherited(self.path)
        file = file_id(self.path)
        if file is None and self._file is not None:
            self._remove_beside()
            raise replaced(self.path, "removed")
        if file is not None and file != self._file:
            self._open_file(file)

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
        for path, file in self._beside.items():
            if file_id(path) == file:
                path.unlink(missing_ok=True)
        self._beside.clear()

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

    def _check_revision(self) -> None:
        """Raises DatabaseReplacedError if the new file does not have this program's schema."""
        with translated_errors(self.path), self.engine.begin() as connection:
            try:
                stored = connection.execute(text("SELECT version_num FROM alembic_version"))
                revision = stored.scalar()
            except DBAPIError:
                revision = None
        if self.revision is not None and revision != self.revision:
            self.engine.dispose()
            raise replaced(self.path, "replaced by one of another version of Kodit")


_BESIDE = ("-wal", "-shm")


@contextmanager
def translated_errors(path: Path) -> Iterator[None]:
    """Translate errors of a database file into ours, each one clear sentence."""
    try:
        yield
    except MemoryError as error:
        raise shortage(error) or error from None
    except (DBAPIError, sqlite3.Error) as error:
        meaning = meaning_of(path, error.orig if isinstance(error, DBAPIError) else error)
        if meaning is None:
            raise
        raise meaning from error
