"""Opens the database and its transactions."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

from kodit.domain.errors import PermanentError, TransientError
from kodit.infrastructure.locks import FairLock
from kodit.infrastructure.reading_gate import ReadingGate
from kodit.infrastructure.sqlalchemy.embeddings import (
    SqlEmbeddingRepository,
    SqlEnrichmentRepository,
)
from kodit.infrastructure.sqlalchemy.indexes import SqlIndexRepository
from kodit.infrastructure.sqlalchemy.search import SqlSearchRepository
from kodit.infrastructure.sqlalchemy.snippets import SqlSnippetRepository
from kodit.infrastructure.sqlalchemy.tasks import SqlTaskRepository
from kodit.infrastructure.sqlalchemy.unused import SqlUnusedRepository

WRITE_TIMEOUT_SECONDS = 30.0
"""How long a write waits for its turn. Transactions last some 50 ms, so this is far past busy."""

MOST_READERS = 8
"""Transactions that read at once; each connection keeps a cache of its own in memory. More of them
than cores gain nothing."""


def open_sqlite(path: Path) -> Engine:
    """An engine on a SQLite file in WAL mode, whose transactions begin as they are told to."""
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        connect_args={"timeout": WRITE_TIMEOUT_SECONDS, "check_same_thread": False},
        # Who reads waits at `ReadingGate` and finds a connection free. The last one used comes
        # first, as its cache is the warmest; the one beside the readers' is the writer's.
        pool_size=MOST_READERS + 1,
        max_overflow=-1,
        pool_use_lifo=True,
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: Any) -> None:
        # The driver must not begin transactions by itself: `_begin` does.
        connection.isolation_level = None
        _write_ahead(connection)
        connection.execute("PRAGMA synchronous = NORMAL")
        # A checkpoint waits for the disk; at the default of 1000 pages the queue spent more time
        # in it than in all its statements. This lets the log grow to 32 MB.
        connection.execute("PRAGMA wal_autocheckpoint = 8000")
        connection.execute("PRAGMA foreign_keys = ON")
        # The file may be somebody else's: its triggers and views may call no function that does
        # more than compute.
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA cache_size = -16384")
        connection.execute("PRAGMA mmap_size = 134217728")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # Straight to the driver: SQLAlchemy's way to it takes longer than SQLite does. A writer
        # has begun already.
        driver = _driver_of(connection)
        if not driver.in_transaction:
            driver.execute("BEGIN")

    return engine


def _driver_of(connection: Connection) -> sqlite3.Connection:
    driver: sqlite3.Connection = connection.connection.dbapi_connection  # type: ignore[assignment]
    return driver


@contextmanager
def _writing(connection: Connection) -> Iterator[None]:
    """A write transaction, begun and ended by the driver: most of those of the queue have no
    statement that goes through SQLAlchemy, which took a third of the time of an empty one."""
    driver = _driver_of(connection)
    driver.execute("BEGIN IMMEDIATE")
    try:
        yield
        driver.commit()
    except BaseException:
        driver.rollback()
        raise
    finally:
        if connection.in_transaction():
            # SQLAlchemy saw a statement and believes that its transaction goes on.
            connection.rollback()


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Choose the journal. SQLite does not wait for the lock that this takes in a new file, so that
    of several processes which make a database at once all but one are refused."""
    patience = time.monotonic() + WRITE_TIMEOUT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > patience:
                raise
            time.sleep(0.01)
        else:
            return


class SqlTransaction:
    """All repositories over one connection. `made_ns` is the wall clock before its snapshot, which
    begins with the first statement."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.made_ns = time.time_ns()

    @cached_property
    def tasks(self) -> SqlTaskRepository:
        return SqlTaskRepository(self.connection)

    @cached_property
    def indexes(self) -> SqlIndexRepository:
        return SqlIndexRepository(self.connection)

    @cached_property
    def snippets(self) -> SqlSnippetRepository:
        return SqlSnippetRepository(self.connection)

    @cached_property
    def search(self) -> SqlSearchRepository:
        return SqlSearchRepository(self.connection)

    @cached_property
    def embeddings(self) -> SqlEmbeddingRepository:
        return SqlEmbeddingRepository(self.connection)

    @cached_property
    def enrichments(self) -> SqlEnrichmentRepository:
        return SqlEnrichmentRepository(self.connection)

    @cached_property
    def unused(self) -> SqlUnusedRepository:
        return SqlUnusedRepository(self.connection)


class SqliteDatabase:
    """The database file of a data directory.

    Every write transaction of every process first takes the lock of `write.lock`: SQLite's own
    waiting starves a writer for seconds where this queue keeps all under half of one.
    """

    def __init__(self, engine: Engine, lock_path: Path) -> None:
        self.engine = engine
        self.path = Path(str(engine.url.database))
        self._writer: Connection | None = None
        self._lane = threading.Lock()
        self._reading = ReadingGate(MOST_READERS)
        self._lock = FairLock(lock_path, WRITE_TIMEOUT_SECONDS, "the database")

    @contextmanager
    def read(self) -> Iterator[SqlTransaction]:
        with (
            translated_errors(self.path),
            self._reading.place(),
            self.engine.begin() as connection,
        ):
            yield SqlTransaction(connection)

    @contextmanager
    def write(self) -> Iterator[SqlTransaction]:
        with self._lane:
            self._lock.acquire()
            try:
                with translated_errors(self.path):
                    if self._writer is None:
                        self._writer = self.engine.connect()
                    with _writing(self._writer):
                        yield SqlTransaction(self._writer)
            finally:
                self._lock.release()

    def close(self) -> None:
        with self._lane:
            if self._writer is not None:
                self._writer.close()
                self._writer = None
            self._lock.close()
        self.engine.dispose()


@contextmanager
def translated_errors(path: Path) -> Iterator[None]:
    """Turn the troubles of a database file into errors of ours, each one clear sentence."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        if isinstance(cause, sqlite3.OperationalError):
            raise TransientError(_explain(path, str(cause))) from error
        if type(cause) is sqlite3.DatabaseError:
            raise PermanentError(
                f"{path} is damaged, or no database of Kodit ({cause}); put a sound copy in its "
                "place, or choose another data directory"
            ) from error
        raise


def _explain(path: Path, reason: str) -> str:
    if "locked" in reason or "busy" in reason:
        return "the database is locked by another process; try again when that process is done"
    if "full" in reason or "disk I/O" in reason:
        return f"the disk of {path} is full or fails ({reason}); free some space and try again"
    return f"the database {path} cannot be used just now: {reason}"
