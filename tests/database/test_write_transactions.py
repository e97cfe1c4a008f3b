"""A write transaction is one, whichever way its statements take to the driver."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from kodit.domain.errors import PermanentError
from kodit.infrastructure.sqlalchemy.database import SqliteDatabase, open_sqlite
from kodit.infrastructure.sqlalchemy.prepared import Driver


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


def test_both_ways_are_stored_or_undone_together(database: SqliteDatabase) -> None:
    """SQLAlchemy's and the one straight to the driver, in either order."""

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


def test_what_sqlalchemy_saw_nothing_of_is_undone(database: SqliteDatabase) -> None:
    """As are the transactions of the queue."""
    with pytest.raises(LookupError), database.write() as transaction:
        Driver(transaction.connection).cursor.execute("INSERT INTO numbers VALUES (2, 1)")
        raise LookupError
    with database.write():
        pass
    assert numbers(database) == [1]


def test_what_cannot_be_committed_is_undone(database: SqliteDatabase) -> None:
    """And the next transaction is not told of it."""
    with (
        pytest.raises(PermanentError, match=r"refuses what Kodit stores .FOREIGN KEY"),
        database.write() as transaction,
    ):
        transaction.connection.execute(text("INSERT INTO numbers VALUES (2, 99)"))
    with database.write() as transaction:
        transaction.connection.execute(text("INSERT INTO numbers VALUES (3, 1)"))
    assert numbers(database) == [1, 3]


def test_sqlalchemy_knows_that_a_transaction_is_over(database: SqliteDatabase) -> None:
    """It saw a statement, and neither the begin nor the end."""
    with database.write() as transaction:
        transaction.connection.execute(text("INSERT INTO numbers VALUES (2, 1)"))
        assert transaction.connection.in_transaction()
    with database.write() as transaction:
        assert not transaction.connection.in_transaction()
