"""The database itself: its pages, its schema, its foreign keys."""

from __future__ import annotations

import contextlib
import sqlite3
from functools import partial
from pathlib import Path

from sqlalchemy import (
    ColumnElement,
    Connection,
    ForeignKeyConstraint,
    Table,
    delete,
    exists,
    func,
    select,
    text,
)

from kodit.application.services.threads import in_thread
from kodit.domain.diagnosis import Area, Problem
from kodit.infrastructure.sqlalchemy.entities import METADATA
from kodit.infrastructure.sqlalchemy.metadata import ON_SERVERS
from kodit.infrastructure.sqlalchemy.sql_database import SqlDatabase

MOST_MESSAGES = 5
_OF_INDEXES = ("clones", "credentials", "keyword", "vectors")
"""Folders of the data directory that hold the data of indexes."""
_BEYOND_REPAIR = (
    "nothing; remove the -wal and -shm files beside it and restore a backup, or move it away and "
    "index again"
)


_NEWEST_OF_FILE = "SELECT seq FROM sqlite_sequence WHERE name = 'indexes'"
_NEWEST_ON_SERVER = (
    "SELECT pg_sequence_last_value(CAST(pg_get_serial_sequence('indexes', 'id') AS regclass))"
)
_NAMES_IN_FILE = "SELECT name FROM sqlite_master"
_NAMES_ON_SERVER = (
    "SELECT relname FROM pg_class "
    "WHERE relnamespace = CAST(CAST(current_schema() AS text) AS regnamespace)"
)
_INVALID = (
    "SELECT relname FROM pg_class JOIN pg_index ON pg_index.indexrelid = pg_class.oid "
    "WHERE relnamespace = CAST(CAST(current_schema() AS text) AS regnamespace) "
    "AND NOT pg_index.indisvalid ORDER BY relname"
)


def fatal_problem(data_dir: Path) -> Problem | None:
    """The problem that prevents opening a data directory at all, or None."""
    return unreadable_database(data_dir / "kodit.db") or missing_database(data_dir)


def unreadable_database(path: Path) -> Problem | None:
    """A problem if the file is not a database, so that no other check can run, or None."""
    if not path.exists():
        return None
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        return None  # locked or not allowed: opening it reports that in the usual way
    except sqlite3.DatabaseError as error:
        return Problem(Area.DATABASE, f"{path} cannot be read: {error}", _BEYOND_REPAIR)
    return None


def missing_database(data_dir: Path) -> Problem | None:
    """A problem if there is no database, or one without tables, although there is data of indexes.
    Opening it would make a new database and turn all that data into leftovers.
    """
    path = data_dir / "kodit.db"
    if has_tables(path):
        return None
    made = [name for name in _OF_INDEXES if any((data_dir / name).glob("*"))]
    if not made:
        return None
    return Problem(
        Area.DATABASE,
        f"{path} is {'empty' if path.exists() else 'missing'}; its indexes have left "
        f"{', '.join(made)}",
        "nothing; restore a backup, or index again to start with a new one",
    )


def has_tables(path: Path) -> bool:
    """Whether a database has any tables; assumed if it cannot be read."""
    if not path.exists():
        return False
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            return bool(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
    except sqlite3.Error:
        return True


def newest_index(connection: Connection) -> int:
    """The largest id that this database has ever given to an index; 0 for none."""
    query = _NEWEST_OF_FILE if _is_file(connection) else _NEWEST_ON_SERVER
    return int(connection.execute(text(query)).scalar() or 0)


def _is_file(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"


class DatabaseExaminer:
    """Runs the database's own checks, and compares the schema with that of this program."""

    area = Area.DATABASE

    def __init__(self, database: SqlDatabase) -> None:
        self._database = database

    def examine(self) -> list[Problem]:
        with self._database.read() as transaction:
            connection = transaction.connection
            return [
                *(self._pages(connection) if _is_file(connection) else self._indexes(connection)),
                *self._schema(connection),
                *self._references(connection),
                *self._notifications(),
            ]

    def _notifications(self) -> list[Problem]:
        if self._database.dialect.hears_notifications():
            return []
        return [
            Problem(
                self.area,
                "notifications of the server do not arrive, so that workers notice new tasks only "
                "when they look by themselves, and the end of another worker only when its lease "
                "ends",
                "nothing; connect directly, or through a pooler in session mode",
            )
        ]

    def _pages(self, connection: Connection) -> list[Problem]:
        messages = [
            str(row[0])
            for row in connection.execute(text(f"PRAGMA integrity_check({MOST_MESSAGES})"))
        ]
        if messages == ["ok"]:
            return []
        told = "; ".join(" ".join(message.split()) for message in messages)
        indexes_only = all(" index " in message for message in messages)
        return [
            Problem(
                self.area,
                f"its pages are damaged: {told}",
                "rebuilds the database's own indexes" if indexes_only else _BEYOND_REPAIR,
                repair=partial(in_thread, self._reindex) if indexes_only else None,
            )
        ]

    def _reindex(self) -> None:
        with self._database.write() as transaction:
            transaction.connection.execute(text("REINDEX"))

    def _indexes(self, connection: Connection) -> list[Problem]:
        """A server checks its pages by itself, when they are read."""
        return [
            Problem(
                self.area,
                f"its own index {name} is not used, because it was not built to the end",
                "builds it again",
                repair=partial(in_thread, partial(self._reindex_one, name)),
            )
            for name in connection.execute(text(_INVALID)).scalars()
        ]

    def _reindex_one(self, name: str) -> None:
        with self._database.write() as transaction:
            transaction.connection.execute(text(f'REINDEX INDEX "{name}"'))

    def _schema(self, connection: Connection) -> list[Problem]:
        names = _names(connection)
        problems = []
        for table in METADATA.sorted_tables:
            if table.name not in names:
                problems.append(
                    Problem(self.area, f"the table {table.name} is missing", _BEYOND_REPAIR)
                )
                continue
            problems += [
                Problem(
                    self.area,
                    f"the index {index.name} of the table {table.name} is missing",
                    "creates it",
                    repair=partial(
                        in_thread, partial(self._make_index, table.name, str(index.name))
                    ),
                )
                for index in sorted(table.indexes, key=lambda index: str(index.name))
                if index.name not in names
                and not (_is_file(connection) and index.info == ON_SERVERS)
            ]
        return problems

    def _make_index(self, table: str, name: str) -> None:
        with self._database.write() as transaction:
            connection = transaction.connection
            for index in METADATA.tables[table].indexes:
                if index.name == name and name not in _names(connection):
                    index.create(connection, checkfirst=False)

    def _references(self, connection: Connection) -> list[Problem]:
        problems = []
        for table, constraint in _foreign_keys():
            count = connection.execute(
                select(func.count()).select_from(table).where(_leads_nowhere(table, constraint))
            ).scalar_one()
            if count:
                problems.append(
                    Problem(
                        self.area,
                        f"{count} rows of {table.name} belong to rows of "
                        f"{constraint.referred_table.name} that do not exist",
                        "removes them and what belongs to them",
                        repair=partial(in_thread, self._remove_lost_rows),
                    )
                )
        return problems

    def _remove_lost_rows(self) -> None:
        """Parents come first, so that the children of a removed row are found in turn."""
        with self._database.write() as transaction:
            connection = transaction.connection
            if _is_file(connection):
                connection.execute(text("PRAGMA defer_foreign_keys = ON"))
            for table, constraint in _foreign_keys():
                connection.execute(delete(table).where(_leads_nowhere(table, constraint)))


def _names(connection: Connection) -> set[str]:
    """The names of all tables and indexes; SQLAlchemy does not reflect indexes on expressions."""
    query = _NAMES_IN_FILE if _is_file(connection) else _NAMES_ON_SERVER
    return set(connection.execute(text(query)).scalars())


def _foreign_keys() -> list[tuple[Table, ForeignKeyConstraint]]:
    return [
        (table, constraint)
        for table in METADATA.sorted_tables
        for constraint in sorted(
            table.foreign_key_constraints, key=lambda key: list(key.column_keys)
        )
    ]


def _leads_nowhere(table: Table, constraint: ForeignKeyConstraint) -> ColumnElement[bool]:
    (element,) = constraint.elements
    parent = element.column.table.alias("parent")
    child = element.parent
    return child.is_not(None) & ~exists().where(parent.c[element.column.name] == child).correlate(
        table
    )
