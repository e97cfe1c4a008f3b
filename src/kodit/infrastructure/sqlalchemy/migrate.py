"""Migrating a database to the schema of this program. Alembic is imported only when needed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from kodit.domain.errors import DatabaseVersionError, UserError
from kodit.infrastructure.sql.moving import MOVED, STATES_OF_A_MOVE
from kodit.infrastructure.sql.revision import HEAD
from kodit.infrastructure.sqlalchemy.collation import order_by_code_points
from kodit.infrastructure.sqlalchemy.locking import lock_name, lock_revision
from kodit.infrastructure.sqlalchemy.sql_database import SqlDatabase
from kodit.infrastructure.sqlalchemy.transaction import SqlTransaction

if TYPE_CHECKING:
    from alembic.config import Config

BASE = "base"
"""Alembic's name for a database without tables."""

_MIGRATIONS = Path(__file__).with_name("migrations")
SCHEMA = _MIGRATIONS / "schema.sql"
"""What the migrations make of an empty SQLite database; a test compares it, and `--update-golden`
writes it."""


def migrate(
    database: SqlDatabase,
    revision: str = HEAD,
    *,
    before_creation: Callable[[], None] | None = None,
) -> None:
    """Migrate the database up or down to `revision`, `base` being one without tables. For a new
    database, `before_creation` is called first, while no other process can use it.

    Raises DatabaseVersionError, and changes nothing, if a newer Kodit has written the database.
    """
    database.expect(None)
    with database.read() as transaction:
        stored = _stored_revision(transaction.connection)
        if stored in STATES_OF_A_MOVE:
            raise _of_a_move(transaction.connection, stored)
    if stored == revision:
        database.expect(revision)
        return
    with database.write() as transaction:
        lock_name(transaction.cursors, "migrations")
        # Another process may have migrated while this one waited for the lock.
        stored = _stored_revision(transaction.connection)
        if stored in STATES_OF_A_MOVE:
            raise _of_a_move(transaction.connection, stored)
        if stored is not None:
            lock_revision(transaction.cursors)
        if stored is None and before_creation is not None:
            before_creation()
        if stored is None and revision == HEAD and transaction.connection.dialect.name == "sqlite":
            _create(transaction.connection)
        elif stored != revision:
            _run(transaction.connection, stored, revision)
            _change_schema(transaction.connection)
        if transaction.cursors.is_concurrent:
            order_by_code_points(transaction.connection)
    database.expect(None if revision == BASE else revision)


def make_tables(transaction: SqlTransaction) -> None:
    """Make the tables in a database that has none, in a transaction that does more."""
    _run(transaction.connection, None, HEAD)
    if transaction.cursors.is_concurrent:
        order_by_code_points(transaction.connection)


def _of_a_move(connection: Connection, stored: str) -> UserError:
    """The error for a database that has been moved, or is the target of an unfinished move."""
    from kodit.infrastructure.moving.records import read_record  # noqa: PLC0415 - rarely needed

    record = read_record(connection.exec_driver_sql)
    if stored == MOVED:
        return UserError(
            f"this database was moved to {record.place}; use that one",
            code="database_moved",
            database=record.place,
        )
    return UserError(
        f"{record.place} is being moved to this database, which is not complete yet",
        code="database_moving",
    )


def _change_schema(connection: Connection) -> None:
    """Let other processes that have a SQLite file open see that something has changed, also after a
    migration that changes rows alone."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("CREATE TABLE migrated (at INTEGER)")
        connection.exec_driver_sql("DROP TABLE migrated")


def _stored_revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if revision is None else str(revision)


def _create(connection: Connection) -> None:
    """Make the tables that the migrations would make, in the same order, without importing Alembic:
    that took longer than the first run of a small index.
    """
    if not inspect(connection).has_table("alembic_version"):
        for statement in SCHEMA.read_text("utf-8").split("\n\n"):
            connection.exec_driver_sql(statement)
    else:  # migrated down to nothing
        _run(connection, None, HEAD)


def _run(connection: Connection, stored: str | None, revision: str) -> None:
    from alembic import command  # noqa: PLC0415 - takes longer to import than a search
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - likewise

    config = alembic_config(connection)
    newest_first = ScriptDirectory.from_config(config).walk_revisions()
    line = [*(script.revision for script in newest_first), BASE]
    if stored is not None and stored not in line:
        raise DatabaseVersionError(
            f"the database was written by a newer Kodit (its revision {stored} is unknown here); "
            "upgrade Kodit, or choose another data directory"
        )
    if line.index(stored or BASE) < line.index(revision):
        command.downgrade(config, revision)
    else:
        command.upgrade(config, revision)


def alembic_config(connection: Connection) -> Config:
    """Alembic's configuration for the migrations of this package over a connection."""
    from alembic.config import Config  # noqa: PLC0415 - likewise

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
