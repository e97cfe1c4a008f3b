"""Transactions over any of the databases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from sqlalchemy import Engine, inspect
from sqlalchemy.exc import DBAPIError

from kodit.domain.errors import DatabaseUpgradedError, KoditError
from kodit.domain.shortage import shortage
from kodit.infrastructure.reading_gate import ReadingGate
from kodit.infrastructure.sql.moving import MOVES, moving
from kodit.infrastructure.sqlalchemy.dialect import Dialect
from kodit.infrastructure.sqlalchemy.transaction import SqlTransaction


class SqlDatabase:
    """The durable store."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.revision: str | None = None
        """The schema that this program has found or made."""
        self.upgraded: DatabaseUpgradedError | None = None
        """Set as long as transactions find that another version has migrated the database."""
        self._reading = ReadingGate(dialect.most_readers)

    @property
    def engine(self) -> Engine:
        return self.dialect.engine

    def expect(self, revision: str | None) -> None:
        """Let every transaction refuse to work with another schema, unless this is None."""
        self.revision = revision
        self.dialect.expect(revision)

    @contextmanager
    def read(self) -> Iterator[SqlTransaction]:
        dialect = self.dialect
        dialect.check()
        try:
            with self._reading.place(), dialect.reading() as connection:
                self.upgraded = None
                yield SqlTransaction(connection, writes=False)
        except Exception as error:
            self._note(error)
            if (told := meaning_of(dialect, error)) is None:
                raise
            raise told from error

    @contextmanager
    def write(self) -> Iterator[SqlTransaction]:
        dialect = self.dialect
        dialect.check()
        try:
            with dialect.writing() as connection:
                self.upgraded = None
                yield SqlTransaction(connection)
        except Exception as error:
            self._note(error)
            if (told := meaning_of(dialect, error)) is None:
                raise
            raise told from error

    def _note(self, error: Exception) -> None:
        if isinstance(error, DatabaseUpgradedError):
            self.upgraded = error

    @property
    def address(self) -> str:
        """Where another process finds the database: the path of a file, or a URL, which may hold a
        password."""
        raise NotImplementedError

    def refuse_inherited(self) -> None:
        """Raises UserError if the database was open when this process was forked."""
        self.dialect.check()

    def check_writable(self) -> None:
        """Raises UserError if the database cannot be written."""
        self.refuse_moving()

    def refuse_moving(self) -> None:
        """Raises UserError while the database is being moved to another place."""
        with self.read() as transaction:
            if inspect(transaction.connection).has_table(MOVES):
                raise moving(self.dialect.place)

    def pinned(self) -> AbstractContextManager[None]:
        """In the block, only the database that is there at its beginning is read and written."""
        return nullcontext()

    def release_pages(self) -> None:
        """Release the pages of the database that connections not in use hold in this process. They
        stay open."""

    def release_connections(self) -> None:
        """Close connections that are not in use."""

    def close(self) -> None:
        self.dialect.close()


def meaning_of(dialect: Dialect, error: Exception) -> KoditError | None:
    """Our error, one clear sentence, for one of a database's driver; None for any other."""
    if isinstance(error, MemoryError):
        return shortage(error)
    return dialect.meaning_of(error.orig if isinstance(error, DBAPIError) else error)


@contextmanager
def translated_errors(dialect: Dialect) -> Iterator[None]:
    """Translates errors of a database's driver into ours."""
    try:
        yield
    except Exception as error:
        if (told := meaning_of(dialect, error)) is None:
            raise
        raise told from error
