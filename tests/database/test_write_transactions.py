"""A write transaction is a single one, whichever way its statements take to the driver."""

from __future__ import annotations

import gc
import os
import sqlite3
import weakref
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import BindParameter, Select, select, text
from sqlalchemy.schema import CreateTable
from tests.database.content import Content

from kodit.domain.errors import PermanentError, TransientError
from kodit.infrastructure.locks import open_lock_file, try_lock
from kodit.infrastructure.sql.chunks import VALUES_PER_STATEMENT
from kodit.infrastructure.sql.sqlite import write_ahead
from kodit.infrastructure.sql.statements import StatementForMany
from kodit.infrastructure.sqlalchemy.database import SqliteDatabase, open_sqlite
from kodit.infrastructure.sqlalchemy.entities import INDEXES
from kodit.infrastructure.sqlalchemy.prepared import Driver, PreparedForMany
from kodit.infrastructure.sqlalchemy.sql_database import translated_errors
from kodit.infrastructure.sqlalchemy.transaction import SqlTransaction


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqliteDatabase]:
    """A database with a table `numbers`, which must all be there before a transaction ends."""
    database = SqliteDatabase(open_sqlite(tmp_path / "some.db"), tmp_path / "write.lock")
    with database.write() as transaction:
        for statement in (
            "CREATE TABLE numbers (number INTEGER PRIMARY KEY, next INTEGER"
            " REFERENCES numbers DEFERRABLE INITIALLY DEFERRED)",
            "INSERT INTO numbers VALUES (1, NULL)",
        ):
            transaction.connection.execute(text(statement))
    yield database
    database.close()


def numbers(database: SqliteDatabase) -> list[int]:
    with database.read() as transaction:
        return list(transaction.connection.execute(text("SELECT number FROM numbers")).scalars())


def test_a_write_transaction_locks_the_database_from_its_beginning(
    database: SqliteDatabase,
) -> None:
    """Rows it reads before it writes are not changed by another program meanwhile."""
    with closing(sqlite3.connect(database.path, timeout=0)) as other:
        with database.write(), pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.execute("BEGIN IMMEDIATE")


def test_work_outside_of_transactions_excludes_other_writers(
    database: SqliteDatabase, tmp_path: Path
) -> None:
    """As long as it lasts, and no longer, though no statement locks the file."""
    lock = open_lock_file(tmp_path / "write.lock")
    with database.alone():
        assert not try_lock(lock)
    assert try_lock(lock)
    os.close(lock)


def open_files() -> list[str]:
    """The open files of this process."""
    return sorted(str(path.readlink()) for path in Path("/proc/self/fd").iterdir() if path.exists())


def test_a_database_that_is_closed_holds_no_file(tmp_path: Path) -> None:
    before = open_files()
    database = SqliteDatabase(open_sqlite(tmp_path / "other.db"), tmp_path / "other.lock")
    with database.write():
        assert len(open_files()) > len(before)
    database.close()
    assert open_files() == before


@pytest.mark.parametrize("told", ["database or disk is full", "disk I/O error"])
def test_trouble_with_the_disk_is_told_as_such(database: SqliteDatabase, told: str) -> None:
    with pytest.raises(TransientError) as refused, translated_errors(database.dialect):
        raise sqlite3.OperationalError(told)
    assert "is full or failing" in str(refused.value)
    assert "free some space" in str(refused.value)


def test_what_a_trigger_says_is_told_in_one_short_line(database: SqliteDatabase) -> None:
    with pytest.raises(PermanentError) as refused, translated_errors(database.dialect):
        raise sqlite3.IntegrityError("no\n\tway " + "!" * 1000)
    assert "(no way !!" in str(refused.value)
    assert len(str(refused.value)) < 600
    assert refused.value.code == "database_refuses"


def test_a_shortage_of_memory_is_told_as_such(database: SqliteDatabase) -> None:
    """However it shows."""
    with pytest.raises(TransientError, match="memory"), translated_errors(database.dialect):
        raise MemoryError
    with pytest.raises(TransientError, match="memory"), database.read():
        raise MemoryError


def test_errors_of_the_program_are_not_translated(database: SqliteDatabase) -> None:
    """Neither those of the driver's use nor others."""
    for error in (sqlite3.ProgrammingError("closed"), ValueError("no")):
        with pytest.raises(type(error)) as raised, translated_errors(database.dialect):
            raise error
        assert raised.value is error


class BusyFile:
    """A new file whose journal mode is being set by another process at first."""

    attempts = 0

    def execute(self, _statement: str) -> None:
        self.attempts += 1
        if self.attempts < 3:
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise error


def test_concurrent_creation_of_a_database_waits() -> None:
    """SQLite itself does not wait while a journal mode is being set."""
    file = BusyFile()
    write_ahead(cast(sqlite3.Connection, file), 60.0)
    assert file.attempts == 3


def test_only_while_another_process_is_at_it(tmp_path: Path) -> None:
    """And only for so long."""
    file = BusyFile()
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        write_ahead(cast(sqlite3.Connection, file), -1.0)
    assert file.attempts == 1
    (tmp_path / "some.db").touch()
    for_reading = f"{(tmp_path / 'some.db').as_uri()}?mode=ro"
    with (
        closing(sqlite3.connect(for_reading, uri=True)) as connection,
        pytest.raises(sqlite3.OperationalError, match="readonly"),
    ):
        write_ahead(connection, float("inf"))


def test_both_ways_are_stored_or_undone_together(database: SqliteDatabase) -> None:
    """SQLAlchemy's and the direct one, in either order."""

    def add(first: int, *, fails: bool) -> None:
        with database.write() as transaction:
            driver = Driver(transaction.connection).cursor
            driver.execute("INSERT INTO numbers VALUES (?, 1)", (first,))
            insert = text("INSERT INTO numbers VALUES (:number, 1)")
            transaction.connection.execute(insert, {"number": first + 1})
            driver.execute("INSERT INTO numbers VALUES (?, 1)", (first + 2,))
            if fails:
                raise LookupError

    with pytest.raises(LookupError):
        add(2, fails=True)
    assert numbers(database) == [1]
    add(2, fails=False)
    assert numbers(database) == [1, 2, 3, 4]


def test_what_sqlalchemy_does_not_see_is_undone(database: SqliteDatabase) -> None:
    """As in the transactions of the queue."""
    with pytest.raises(LookupError), database.write() as transaction:
        Driver(transaction.connection).cursor.execute("INSERT INTO numbers VALUES (2, 1)")
        raise LookupError
    with database.write():
        pass
    assert numbers(database) == [1]


def test_only_a_connection_that_was_read_to_the_end_is_kept(database: SqliteDatabase) -> None:
    """One whose reader failed is closed, and so is one that was in use while all were closed."""
    dialect = database.dialect
    with pytest.raises(LookupError), database.read() as failing:
        raise LookupError
    assert failing.connection.closed
    with database.read() as reading:
        pass
    assert not reading.connection.closed
    with database.read() as again:
        assert again.connection is reading.connection
        dialect.release_connections()
        assert not again.connection.closed
        dialect._close_idle()
    assert again.connection.closed
    assert dialect._idle == []


def test_a_failed_commit_is_undone(database: SqliteDatabase) -> None:
    """And does not affect the next transaction."""
    with (
        pytest.raises(PermanentError, match=r"rejects what Kodit stores .FOREIGN KEY"),
        database.write() as transaction,
    ):
        transaction.connection.execute(text("INSERT INTO numbers VALUES (2, 99)"))
    with database.write() as transaction:
        transaction.connection.execute(text("INSERT INTO numbers VALUES (3, 1)"))
    assert numbers(database) == [1, 3]


def test_sqlalchemy_knows_that_a_transaction_is_over(database: SqliteDatabase) -> None:
    """It saw a statement, but neither the begin nor the end."""
    with database.write() as transaction:
        transaction.connection.execute(text("INSERT INTO numbers VALUES (2, 1)"))
        assert transaction.connection.in_transaction()
    with database.write() as transaction:
        assert not transaction.connection.in_transaction()


def test_very_many_ids_are_looked_up_in_several_statements(
    transaction: SqlTransaction, content: Content, other: Content
) -> None:
    """All rows are found, whichever statement finds them."""
    driver = Driver(transaction.connection)
    prepared = PreparedForMany(lambda ids: select(INDEXES.c.id).where(INDEXES.c.id.in_(ids)))
    written = StatementForMany("SELECT indexes.id FROM indexes WHERE indexes.id IN :ids")
    missing = range(1_000, 1_000 + VALUES_PER_STATEMENT)
    for ids in ([content.id, *missing, other.id], [other.id, content.id, 9], [content.id]):
        expected = sorted({content.id, other.id} & set(ids))
        for statement in (prepared, written):
            assert sorted(row[0] for row in statement.run(driver, ids)) == expected
    assert prepared.run(driver, []) == written.run(driver, []) == []


def test_only_the_text_of_a_statement_for_many_is_kept(database: SqliteDatabase) -> None:
    """Not its thousands of parameters, each of which is half a kilobyte."""
    made: list[weakref.ref[BindParameter[int]]] = []

    def by_id(identifiers: Sequence[BindParameter[int]]) -> Select[Any]:
        made.extend(map(weakref.ref, identifiers))
        return select(INDEXES.c.id).where(INDEXES.c.id.in_(identifiers))

    statement = PreparedForMany(by_id)
    with database.write() as transaction:
        transaction.connection.execute(CreateTable(INDEXES))
        assert not statement.run(Driver(transaction.connection), range(VALUES_PER_STATEMENT))
    gc.collect()
    assert len(made) == VALUES_PER_STATEMENT
    assert not any(one() for one in made)
