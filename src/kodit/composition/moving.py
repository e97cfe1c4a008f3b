"""Builds the service that moves everything stored to another database."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kodit.domain.errors import SettingError, UserError
from kodit.infrastructure.another_program import refuse_another_database
from kodit.infrastructure.data_directory import check_data_directory
from kodit.infrastructure.locks import open_lock_file, try_lock
from kodit.settings import DATABASE_URL, Settings

if TYPE_CHECKING:
    from kodit.application.services.move_service import MoveService

SQLITE = "sqlite"
POSTGRESQL = "postgresql"
_LOCK_FILE = "write.move"


@dataclass(frozen=True, slots=True)
class MovePlan:
    """A move, and the settings of programs that use its target."""

    service: MoveService
    settings: Settings


def address_to_move_to(settings: Settings, to: str) -> str:
    """The URL of the server's database, of which there is one in either direction. Raises
    SettingError, which never repeats it."""
    if to in (SQLITE, POSTGRESQL):
        if not settings.database_url:
            raise SettingError(
                f"{DATABASE_URL} is not set; it names the database "
                + ("that is moved" if to == SQLITE else "to move to")
            )
        return settings.database_url
    if not to.startswith(("postgresql://", "postgres://")):
        raise UserError(
            "a database is moved to `sqlite`, to `postgresql` or to the address of a PostgreSQL "
            "database, such as postgresql://kodit@db.example.org/kodit",
            code="move_target_invalid",
        )
    return to


@contextmanager
def planned_move(settings: Settings, to: str) -> Iterator[MovePlan]:
    """A move from the database of the data directory to that of a server, or with `sqlite` back.
    Raises UserError if there is nothing to move, or another process is moving it."""
    url = address_to_move_to(settings, to)
    try:
        from kodit.infrastructure.postgresql.address import DatabaseAddress
    except ImportError:
        raise SettingError(
            "Kodit needs the package psycopg for a PostgreSQL server; install kodit[postgresql]"
        ) from None
    from kodit.application.services.move_service import MoveService
    from kodit.infrastructure.moving.server import ServerMoveSource, ServerMoveTarget
    from kodit.infrastructure.moving.sqlite_file import SqliteMoveSource, SqliteMoveTarget

    address = DatabaseAddress("--to" if url == to else DATABASE_URL, url)
    if url == to and address.has_password:
        raise SettingError(
            "--to has a password, which others can read on the command line; set "
            f"{DATABASE_URL} to the address and give --to postgresql, or put the password into "
            "PGPASSWORD or ~/.pgpass"
        )
    if url == to and settings.database_url and settings.database_url != to:
        other = DatabaseAddress(DATABASE_URL, settings.database_url).place
        if other != address.place:
            raise SettingError(
                f"{DATABASE_URL} names another database, {other}; unset it to move the one of the "
                "data directory"
            )
    data_dir = settings.data_dir
    host = replace(settings, database_url=url).this_host
    if not data_dir.exists():
        raise UserError(f"the data directory {data_dir} does not exist")
    check_data_directory(data_dir)
    refuse_another_database(data_dir / "kodit.db")
    with ExitStack() as opened:
        lock = open_lock_file(data_dir / _LOCK_FILE)
        opened.callback(os.close, lock)
        if not try_lock(lock):
            raise UserError(
                f"another process is moving the database of {data_dir} at this moment",
                code="database_in_use",
                database=str(data_dir),
            )
        if to == SQLITE:
            from_server = ServerMoveSource(address, host)
            opened.callback(from_server.close)
            file = SqliteMoveTarget(data_dir, host)
            opened.callback(file.close)
            yield MovePlan(MoveService(from_server, file), replace(settings, database_url=""))
        else:
            from_file = SqliteMoveSource(data_dir, address.place)
            opened.callback(from_file.close)
            server = ServerMoveTarget(address, host)
            opened.callback(server.close)
            yield MovePlan(MoveService(from_file, server), replace(settings, database_url=url))
