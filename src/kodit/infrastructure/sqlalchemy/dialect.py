"""In what databases differ for a transaction: its connection, isolation, locks and errors.

Everything else is SQL that each of them accepts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from sqlalchemy import Connection, Engine

from kodit.domain.errors import KoditError
from kodit.infrastructure.sqlalchemy.transaction import driver_of

MOST_READERS = 8
"""Concurrent read transactions; each connection keeps a cache in memory, and more of them than
cores gain nothing.
"""


class Dialect(Protocol):
    """One database, for any number of threads."""

    @property
    def engine(self) -> Engine: ...

    def check(self) -> None:
        """Called before each transaction. Raises DatabaseReplacedError for a database that was
        replaced, and UserError for one that this process may not use."""
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

    def close(self) -> None:
        """Close all connections; blocks while a thread writes."""
        ...


@contextmanager
def driver_transaction(connection: Connection, begin: str) -> Iterator[None]:
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
