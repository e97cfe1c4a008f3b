"""Idle connections return the pages that they hold, and most of them are closed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import text
from tests.support.memory import mapped_bytes

from kodit.infrastructure.sql.sqlite import _connections
from kodit.infrastructure.sqlalchemy.database import SqliteDatabase, open_sqlite

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

READERS = 3
ROW_BYTES = 100_000
ROWS = 20
ALL = "SELECT text FROM texts"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqliteDatabase]:
    """A database of 2 MB."""
    database = SqliteDatabase(open_sqlite(tmp_path / "some.db"), tmp_path / "write.lock")
    with database.write() as transaction:
        transaction.connection.execute(text("CREATE TABLE texts (text BLOB)"))
        for _row in range(ROWS):
            transaction.connection.execute(
                text("INSERT INTO texts VALUES (:text)"), {"text": os.urandom(ROW_BYTES)}
            )
    with database.alone() as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # only the file itself is mapped
    yield database
    database.close()


def read_all(database: SqliteDatabase, all_read: Barrier) -> int:
    with database.read() as transaction:
        total = sum(map(len, transaction.connection.execute(text(ALL)).scalars()))
        all_read.wait()
    return total


def read_at_once(database: SqliteDatabase, readers: int = READERS) -> None:
    """Read all with several connections."""
    all_read = Barrier(readers)
    with ThreadPoolExecutor(readers) as pool:
        list(pool.map(read_all, [database] * readers, [all_read] * readers))


def test_idle_connections_return_their_pages(database: SqliteDatabase) -> None:
    with database.alone() as writer:
        writer.execute(ALL).fetchall()
    read_at_once(database)
    assert mapped_bytes(database.path) > READERS * ROWS * ROW_BYTES / 2
    connections = _connections[str(database.path)]
    database.release_pages()
    assert mapped_bytes(database.path) < ROW_BYTES
    assert _connections[str(database.path)] == connections, "they stay open"
    assert read_all(database, Barrier(1)) == ROWS * ROW_BYTES
    assert mapped_bytes(database.path) > ROWS * ROW_BYTES / 2


def test_one_idle_connection_is_kept(database: SqliteDatabase) -> None:
    read_at_once(database)
    with database.read() as transaction:
        last = transaction.driver
    database.release_connections()
    assert _connections[str(database.path)] == 2, "the writer's and the last reader's"
    with database.read() as transaction:
        assert transaction.driver is last
    database.close()
    assert not _connections[str(database.path)], "a fork would be refused"


def test_connections_that_no_reader_needs_are_closed(database: SqliteDatabase) -> None:
    """In between two looks, however few readers there are in all."""
    connections = _connections[str(database.path)]
    read_at_once(database)
    database.release_pages()
    assert _connections[str(database.path)] == connections + READERS, "they were just needed"
    read_at_once(database, 2)
    database.release_pages()
    assert _connections[str(database.path)] == connections + 2
    database.release_pages()
    assert _connections[str(database.path)] == connections + 1
    database.release_pages()
    assert _connections[str(database.path)] == connections + 1, "one is for the next reader"


def test_a_connection_in_use_is_kept_when_others_are_closed(database: SqliteDatabase) -> None:
    read_at_once(database)
    database.release_pages()
    with database.read() as transaction:
        before = transaction.driver
        database.release_pages()
    with database.read() as transaction:
        assert transaction.driver is before


def test_a_reader_keeps_its_snapshot(database: SqliteDatabase) -> None:
    """Only idle connections are touched."""
    with database.read() as transaction:
        before = transaction.connection.execute(text("SELECT count(*) FROM texts")).scalar()
        with database.write() as writing:
            writing.connection.execute(text("DELETE FROM texts"))
        database.release_pages()
        database.release_connections()
        assert transaction.connection.execute(text("SELECT count(*) FROM texts")).scalar() == before
    with database.read() as transaction:
        assert not transaction.connection.execute(text("SELECT count(*) FROM texts")).scalar()
    assert _connections[str(database.path)] == 2, "the writer's and the reader's"


def test_a_failed_transaction_leaves_no_pages_behind(database: SqliteDatabase) -> None:
    """Its connection returns to the pool of the engine."""
    with pytest.raises(ValueError, match="wrong"), database.read() as transaction:
        transaction.connection.execute(text(ALL)).scalars().all()
        raise ValueError("wrong")
    assert mapped_bytes(database.path) > ROWS * ROW_BYTES / 2
    database.release_pages()
    assert mapped_bytes(database.path) < ROW_BYTES


def test_a_reader_that_was_busy_leaves_no_pages_behind(database: SqliteDatabase) -> None:
    """When connections that are not in use were closed meanwhile."""
    with database.read() as transaction:
        transaction.connection.execute(text(ALL)).scalars().all()
        database.release_connections()
        assert mapped_bytes(database.path) > ROWS * ROW_BYTES / 2
    assert mapped_bytes(database.path) < ROW_BYTES


def test_a_connection_in_use_is_not_kept_when_all_are_closed(database: SqliteDatabase) -> None:
    """It is one to the previous file, if the database was replaced."""
    with database.read() as transaction:
        before = transaction.driver
        database.close()
    with database.read() as transaction:
        after = transaction.driver
    assert after is not before
    with database.read() as transaction:
        assert transaction.driver is after, "the next reader takes an idle one"
