"""In what databases differ for a transaction: its connection, isolation, locks and errors.

Everything else is SQL that each of them accepts.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from sqlalchemy import Connection, Engine

from kodit.domain.errors import DatabaseUpgradedError, KoditError
from kodit.infrastructure.sqlalchemy.transaction import driver_of


class Dialect(Protocol):
    """One database, for any number of threads."""

    most_readers: int
    """Concurrent read transactions."""

    @property
    def engine(self) -> Engine: ...

    @property
    def place(self) -> str:
        """Where the database is, without a password."""
        ...

    def check(self) -> None:
        """Called before each transaction. Raises DatabaseReplacedError for a database that was
        replaced, and UserError for one that this process may not use."""
        ...

    def expect(self, revision: str | None) -> None:
        """From now on, let every transaction begin by looking whether the schema has this revision,
        unless it is None; one that writes keeps it from being changed until it ends. Raises
        DatabaseUpgradedError there if not."""
        ...

    def reading(self) -> AbstractContextManager[Connection]:
        """A connection with an open transaction, which sees one snapshot."""
        ...

    def writing(self) -> AbstractContextManager[Connection]:
        """A connection with an open transaction, which is committed at the end of the block, and
        rolled back if that raises."""
        ...

    def meaning_of(self, error: BaseException | None) -> KoditError | None:
        """Our error, one clear sentence, for one of the driver; None for any other."""
        ...

    def hears_notifications(self) -> bool:
        """Whether processes that wait for a change of the database are told at once."""
        ...

    def close(self) -> None:
        """Close all connections; blocks while a thread writes."""
        ...


def another_schema(place: str, stored: str | None, expected: str) -> DatabaseUpgradedError:
    """The error for a database whose schema was changed under a running process."""
    return DatabaseUpgradedError(
        f"another version of Kodit has migrated the database {place} (to revision "
        f"{stored or 'none'}, from {expected}); nothing more is written by this program, so start "
        "it again with that version",
        database=place,
    )


class driver_transaction:  # noqa: N801 - used like a function
    """A transaction, started and ended through the driver: most of those of the queue run no
    statement through SQLAlchemy, which took a third of the time of an empty transaction.
    """

    __slots__ = ("_begin", "_connection", "_driver")

    def __init__(self, connection: Connection, begin: str) -> None:
        self._connection = connection
        self._driver = driver_of(connection)
        self._begin = begin

    def __enter__(self) -> None:
        self._driver.execute(self._begin)

    def __exit__(self, kind: type[BaseException] | None, *_error: object) -> None:
        try:
            if kind is None:
                self._commit()
            else:
                self._driver.rollback()
        finally:
            if self._connection.in_transaction():
                # SQLAlchemy saw a statement and believes that its transaction is still open.
                self._connection.rollback()

    def _commit(self) -> None:
        try:
            self._driver.commit()
        except BaseException:
            self._driver.rollback()
            raise
