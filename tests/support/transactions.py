"""A database that records each write transaction, and can refuse one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from tests.support.faults import FaultyApplication

from kodit.composition.made_once import made_once
from kodit.infrastructure.sqlalchemy.database import SqliteDatabase, open_sqlite
from kodit.infrastructure.sqlalchemy.transaction import SqlTransaction


class Write(NamedTuple):
    """A write transaction: the rows that it changed, and the bytes of its statements with their
    values."""

    rows: int
    size: int


class RecordingDatabase(SqliteDatabase):
    """The database of a data directory; `refuse` is called before each transaction ends, and raises
    to undo it.
    """

    writes: list[Write]
    refuse: Callable[[Write], None] | None = None

    @contextmanager
    def write(self) -> Iterator[SqlTransaction]:
        statements: list[int] = []
        with super().write() as transaction:
            driver: Any = transaction.connection.connection.dbapi_connection
            before = driver.total_changes
            driver.set_trace_callback(lambda statement: statements.append(len(statement)))
            try:
                yield transaction
            finally:
                driver.set_trace_callback(None)
            write = Write(driver.total_changes - before, sum(statements))
            if self.refuse is not None:
                self.refuse(write)
        self.writes.append(write)


class RecordingApplication(FaultyApplication):
    """The composition root over such a database."""

    @made_once
    def database(self) -> SqliteDatabase:
        database = RecordingDatabase(
            open_sqlite(self.data_dir / "kodit.db"), self.data_dir / "write.lock"
        )
        database.writes = []
        return database
