"""Opens the database and its transactions."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError

from kodit.domain.errors import (
    DatabaseReplacedError,
    PermanentError,
    TransientError,
    UserError,
)
from kodit.domain.shortage import shortage
from kodit.infrastructure.descriptors import check_descriptors
from kodit.infrastructure.locks import FairLock
from kodit.infrastructure.reading_gate import ReadingGate
from kodit.infrastructure.sqlalchemy.connecting import ORIGIN, connect, write_ahead
from kodit.infrastructure.sqlalchemy.transaction import SqlTransaction, driver_of

log = logging.getLogger(__name__)

WRITE_TIMEOUT_SECONDS = 30.0
"""How long a write waits for its turn. Transactions last some 50 ms, so this is far past busy."""

MOST_READERS = 8
"""Transactions that read at once; each connection keeps a cache of its own in memory. More of them
than cores gain nothing."""


_connections: Counter[str] = Counter()
"""How many connections this process has to each file."""
_inherited: set[str] = set()
"""The files that the process had open from which this one was forked. SQLite keeps for the whole
process which locks it holds, and a forked one believes that it holds those of the other: it would
read and write without any."""


def _note_fork() -> None:
    _inherited.update(path for path, number in _connections.items() if number)
    _connections.clear()


os.register_at_fork(after_in_child=_note_fork)


def refuse_inherited(path: Path) -> None:
    """Raises UserError for a database that was open when this process was forked."""
    if _inherited and os.path.realpath(path) in _inherited:
        raise UserError(
            f"the database {path} was open in the process from which this one was forked, so that "
            "it cannot be used here; fork before it is opened or after it is closed, or start "
            "processes by the method 'spawn'",
            code="opened_before_fork",
            database=str(path),
        )


def open_sqlite(path: Path, *, read_only: bool = False) -> Engine:
    """An engine on a SQLite file in WAL mode, whose transactions begin as they are told to. Where
    it is `read_only`, nothing is written, beside the file either."""
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        creator=lambda: connect(path, WRITE_TIMEOUT_SECONDS, read_only=read_only),
        # Who reads waits at `ReadingGate` and finds a connection free. The last one used comes
        # first, as its cache is the warmest; the one beside the readers' is the writer's.
        pool_size=MOST_READERS + 1,
        max_overflow=-1,
        pool_use_lifo=True,
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, record: Any) -> None:
        refuse_inherited(path)
        _connections[os.path.realpath(path)] += 1
        record.info[ORIGIN] = _file_id(path)
        # The driver must not begin transactions by itself: `_begin` does.
        connection.isolation_level = None
        if not read_only:
            # For a file that is still empty: what is deleted is given back in steps (`space.py`).
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            write_ahead(connection, WRITE_TIMEOUT_SECONDS)
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

    @event.listens_for(engine, "close")
    def _count_out(_connection: sqlite3.Connection, _record: Any) -> None:
        _connections[os.path.realpath(path)] -= 1

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # Straight to the driver: SQLAlchemy's way to it takes longer than SQLite does. A writer has
        # already started.
        driver = driver_of(connection)
        if not driver.in_transaction:
            driver.execute("BEGIN")

    return engine


@contextmanager
def _writing(connection: Connection) -> Iterator[None]:
    """A write transaction, started and ended by the driver: most of those of the queue have no
    statement that goes through SQLAlchemy, which took a third of the time of an empty one."""
    driver = driver_of(connection)
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


class SqliteDatabase:
    """The database file of a data directory.

    Every write transaction of every process first takes the lock of `write.lock`: SQLite's own
    waiting starves a writer for seconds where this queue keeps all under half of one.

    Every transaction first looks whether the file is still the one that was opened: SQLite would
    go on with one that was replaced or removed. Then the one in its place is opened; but while it
    is `pinned`, every transaction raises DatabaseReplacedError.
    """

    def __init__(self, engine: Engine, lock_path: Path) -> None:
        self.engine = engine
        self.path = Path(str(engine.url.database))
        self._writer: Connection | None = None
        self._lane = threading.Lock()
        self._reading = ReadingGate(MOST_READERS)
        self._lock = FairLock(lock_path, WRITE_TIMEOUT_SECONDS, "the database")
        self.revision: str | None = None
        self._file: _FileId | None = None
        self._beside: dict[Path, _FileId] = {}
        self._file_lane = threading.Lock()
        self._pins = 0

    @contextmanager
    def pinned(self) -> Iterator[None]:
        """Nothing is read or written in the block but in the file that is there at its
        beginning."""
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
            self.engine.begin() as connection,
        ):
            try:
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
                    with _writing(self._writer):
                        yield SqlTransaction(self._writer)
                    self._note_beside()
            finally:
                self._lock.release()

    def check_writable(self) -> None:
        """Raises UserError where nothing can be written."""

    @contextmanager
    def alone(self) -> Iterator[sqlite3.Connection]:
        """The driver's connection, outside any transaction, while nobody else writes."""
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

    def close(self) -> None:
        with self._lane:
            if self._writer is not None:
                self._writer.close()
                self._writer = None
            self._lock.close()
        self.engine.dispose()

    def _look_at_file(self) -> None:
        refuse_inherited(self.path)
        file = _file_id(self.path)
        if file is None and self._file is not None:
            self._remove_beside()
            raise self._replaced("removed")
        if file is not None and file != self._file:
            self._open_file(file)

    def _note_beside(self) -> None:
        """Note what SQLite keeps beside the file, once it is there."""
        if len(self._beside) == len(_BESIDE):
            return
        paths = [self.path.with_name(self.path.name + suffix) for suffix in _BESIDE]
        found = {path: file for path in paths if (file := _file_id(path)) is not None}
        if self._file is not None and _file_id(self.path) == self._file:
            self._beside = found

    def _remove_beside(self) -> None:
        """Remove the log of the file that is gone, if nobody has put another in its place: SQLite
        would take it for that of whichever file comes there."""
        for path, file in self._beside.items():
            if _file_id(path) == file:
                path.unlink(missing_ok=True)
        self._beside.clear()

    def _open_file(self, file: tuple[int, int]) -> None:
        with self._file_lane:
            if self._file not in (None, file):
                self._remove_beside()
                if self._pins:
                    raise self._replaced("replaced by another file")
                self.close()
                self._check_revision()
                log.warning("the database was replaced; the new one is used from now on")
            self._file = file

    def _check_revision(self) -> None:
        """Raises DatabaseReplacedError where the file in place is none of this program's schema."""
        with translated_errors(self.path), self.engine.begin() as connection:
            try:
                stored = connection.execute(text("SELECT version_num FROM alembic_version"))
                revision = stored.scalar()
            except DBAPIError:
                revision = None
        if self.revision is not None and revision != self.revision:
            self.engine.dispose()
            raise self._replaced("replaced by one of another version of Kodit")

    def _replaced(self, how: str) -> DatabaseReplacedError:
        return DatabaseReplacedError(
            f"the database {self.path} was {how} while this program was using it; nothing more is "
            "written, and the next run continues the work"
        )


_FileId = tuple[int, int]
_BESIDE = ("-wal", "-shm")
_LONGEST_REASON = 200


def _file_id(path: Path) -> _FileId | None:
    """What tells a file from another that is put in its place; None if there is none."""
    try:
        status = os.stat(path)  # noqa: PTH116 - takes a third of what `Path.stat` does
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


@contextmanager
def translated_errors(path: Path) -> Iterator[None]:
    """Turn the troubles of a database file into errors of ours, each one clear sentence."""
    try:
        yield
    except MemoryError as error:
        raise shortage(error) or error from None
    except (DBAPIError, sqlite3.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        if isinstance(cause, sqlite3.OperationalError):
            raise TransientError(_explain(path, str(cause))) from error
        if type(cause) is sqlite3.DatabaseError:
            raise PermanentError(
                f"{path} is damaged, or is not a Kodit database ({cause}); restore a backup, or "
                "choose another data directory"
            ) from error
        if isinstance(cause, (sqlite3.IntegrityError, sqlite3.DataError)):
            # A trigger says what it likes.
            why = " ".join(str(cause).split())[:_LONGEST_REASON]
            raise PermanentError(
                f"{path} rejects what Kodit stores ({why}): it has constraints or rows that "
                "Kodit did not create; restore a backup, or choose another data directory",
                code="database_refuses",
                database=str(path),
            ) from error
        raise


def _explain(path: Path, reason: str) -> str:
    if "locked" in reason or "busy" in reason:
        return "the database is locked by another process; try again when that process is done"
    if "full" in reason or "disk I/O" in reason:
        return f"the disk of {path} is full or failing ({reason}); free some space and try again"
    if (short := _shortage_of_files()) is not None:
        return str(short)
    return f"the database {path} is unavailable: {reason}"


def _shortage_of_files() -> TransientError | None:
    """SQLite says no more than that it cannot open a file."""
    try:
        check_descriptors()
    except OSError as error:
        return shortage(error)
    return None
