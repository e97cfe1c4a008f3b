"""Transactions of PostgreSQL: many writers at a time, which lock the rows that they change."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy import URL, Connection, Engine, Pool, create_engine

from kodit.domain.errors import KoditError, UserError
from kodit.infrastructure.postgresql.address import DatabaseAddress
from kodit.infrastructure.postgresql.connections import connect
from kodit.infrastructure.postgresql.errors import meaning_of, translated
from kodit.infrastructure.postgresql.poolers import hears_notifications
from kodit.infrastructure.postgresql.transactions import (
    BEGIN_TO_READ,
    BEGIN_TO_WRITE,
    KEEP_REVISION,
    SHOW_REVISION,
)
from kodit.infrastructure.sql.moving import STATES_OF_A_MOVE
from kodit.infrastructure.sqlalchemy.dialect import another_schema
from kodit.infrastructure.sqlalchemy.transaction import driver_of

MOST_READERS = 8
"""Concurrent read transactions: more than with SQLite, since each waits for the network."""
MOST_WRITERS = 6
"""Threads that write at the same time (`Lane.WRITES` and `Lane.HEARTBEATS`)."""
_LOST = ("08", "57")
"""The classes of errors of a connection that the server has ended."""


class PostgresqlDialect:
    """One database of a server."""

    most_readers = MOST_READERS

    def __init__(self, address: DatabaseAddress) -> None:
        self.place = address.place
        self._address = address
        self.engine: Engine = create_engine(
            URL.create("postgresql+psycopg"),
            creator=lambda: connect(address, "kodit"),
            pool_size=MOST_READERS + MOST_WRITERS,
            max_overflow=-1,
            pool_use_lifo=True,
            # Every transaction is ended by this module.
            pool_reset_on_return=None,
            use_native_hstore=False,
        )
        self._process = os.getpid()
        self._expected: str | None = None

    def expect(self, revision: str | None) -> None:
        self._expected = revision

    def check(self) -> None:
        if os.getpid() != self._process:
            raise UserError(
                f"the database {self.place} was open in the process from which this one was "
                "forked, so that it cannot be used here; fork before it is opened or after it is "
                "closed, or start processes by the method 'spawn'",
                code="opened_before_fork",
                database=self.place,
            )

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        with self._transaction(BEGIN_TO_READ) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        with self._transaction(BEGIN_TO_WRITE) as connection:
            yield connection

    def meaning_of(self, error: BaseException | None) -> KoditError | None:
        return meaning_of(self.place, error)

    def hears_notifications(self) -> bool:
        with translated(self.place):
            return hears_notifications(self._address.options)

    def close(self) -> None:
        if os.getpid() == self._process:
            self.engine.dispose()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[Connection]:
        connection, pool = self._open_transaction(begin)
        driver = driver_of(connection)
        try:
            yield connection
            driver.commit()
        except BaseException:
            if not driver.closed:
                driver.rollback()
            raise
        finally:
            if driver.closed or pool is not self.engine.pool:
                connection.invalidate()  # its pool was disposed of, and would keep it open
            elif connection.in_transaction():
                # SQLAlchemy saw a statement and believes that its transaction is still open.
                connection.rollback()
            connection.close()

    def _open_transaction(self, begin: str) -> tuple[Connection, Pool]:
        """A connection with an open transaction, and the pool that it is from. Those that lay idle
        while the server was restarted are noticed here: nothing has been done yet, so that another
        one can be taken.
        """
        try:
            return self._begin(begin)
        except psycopg.OperationalError as error:
            if error.sqlstate is not None and error.sqlstate[:2] not in _LOST:
                raise
            self.engine.dispose()  # the others are as old
        return self._begin(begin)

    def _execute_begin(self, driver: psycopg.Connection, begin: str) -> None:
        expected = self._expected
        if expected is None:
            driver.execute(begin)
            return
        keep = KEEP_REVISION if begin == BEGIN_TO_WRITE else ""
        try:
            cursor = driver.execute(f"{begin}; {keep}{SHOW_REVISION}")
        except psycopg.errors.UndefinedTable:
            raise another_schema(self.place, None, expected) from None
        while cursor.nextset():
            pass
        row = cursor.fetchone()
        stored = None if row is None else str(row[0])
        if stored not in (expected, *STATES_OF_A_MOVE):  # which refuse by themselves
            raise another_schema(self.place, stored, expected)

    def _begin(self, begin: str) -> tuple[Connection, Pool]:
        pool = self.engine.pool
        connection = self.engine.connect()
        try:
            self._execute_begin(driver_of(connection), begin)
        except BaseException:
            connection.invalidate()
            connection.close()
            raise
        return connection, pool
