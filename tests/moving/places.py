"""Both ends of a move, and what is in them."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from tests.support.command import KoditCommand, Outcome

from kodit.composition.moving import planned_move
from kodit.domain.moving import Move
from kodit.infrastructure.moving.tables import TABLES as MOVABLE
from kodit.infrastructure.sql.revision import HEAD
from kodit.infrastructure.sqlalchemy.entities import METADATA
from kodit.settings import DATABASE_URL, Settings

_CHANGE = "UPDATE indexes SET location = location || '?'"
_REVISION = "SELECT version_num FROM alembic_version"
Rows = dict[str, list[tuple[Any, ...]]]
TABLES = [table for table in METADATA.sorted_tables if table.name in MOVABLE]


@dataclass(frozen=True)
class Place:
    """A data directory with a database, an empty one on a server, and the folder of the sources."""

    data_dir: Path
    url: str
    sources: Path

    @property
    def file(self) -> Path:
        return self.data_dir / "kodit.db"

    @property
    def on_file(self) -> KoditCommand:
        """The command line over the file."""
        return KoditCommand(self.data_dir)

    @property
    def on_server(self) -> KoditCommand:
        """The command line over the server."""
        return KoditCommand(self.data_dir, **{DATABASE_URL: self.url})

    def move(self, to: str) -> Move:
        """Move within this process."""
        settings = Settings.load(
            {DATABASE_URL: self.url if to == "sqlite" else ""}, data_dir=self.data_dir
        )
        with planned_move(settings, self.url if to == "postgresql" else to) as plan:
            return plan.service.move(lambda *_told: None)

    def move_there(self) -> Outcome:
        return self.on_file.run_here("move", "--to", self.url)

    def move_back(self) -> Outcome:
        return self.on_server.run_here("move", "--to", "sqlite")

    def rows_of_file(self, path: Path | None = None) -> Rows:
        """All rows, by table, in the order of their keys."""
        with closing(sqlite3.connect(path or self.file)) as connection:
            return {table.name: _rows(connection, table, is_file=True) for table in TABLES}

    @property
    def file_takes_changes(self) -> bool:
        """Whether a program that opens it can change it."""
        if not self.file.exists() or (self.data_dir / "server.database").exists():
            return False
        with closing(sqlite3.connect(self.file)) as connection:
            try:
                connection.execute(_CHANGE)
            except sqlite3.IntegrityError:
                return False
            return bool(connection.execute(_REVISION).fetchone() == (HEAD,))

    @property
    def server_takes_changes(self) -> bool:
        """The same."""
        with psycopg.connect(self.url) as connection:
            try:
                connection.execute(_CHANGE)
                row = connection.execute(_REVISION).fetchone()
                connection.rollback()
            except psycopg.DatabaseError:
                return False
        return row == (HEAD,)

    def rows_on_server(self) -> Rows:
        """The same, without the name of this machine, to which all folders belong there."""
        with psycopg.connect(self.url) as connection:
            return {table.name: _rows(connection, table, is_file=False) for table in TABLES}


def _rows(connection: Any, table: Any, *, is_file: bool) -> list[tuple[Any, ...]]:
    key = ", ".join(f'"{column.name}"' for column in table.primary_key)
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    query = f"SELECT {names} FROM {table.name} ORDER BY {key}"  # noqa: S608 - our own names
    rows = connection.execute(query).fetchall()
    if not is_file:
        here = os.uname().nodename
        hosts = [column.name == "host" for column in table.columns]
        return [
            tuple(
                "" if is_host and value == here else value
                for value, is_host in zip(row, hosts, strict=True)
            )
            for row in rows
        ]
    booleans = [column.type.python_type is bool for column in table.columns]
    return [
        tuple(
            bool(value) if is_boolean and value is not None else value
            for value, is_boolean in zip(row, booleans, strict=True)
        )
        for row in rows
    ]
