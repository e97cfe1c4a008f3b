"""What could not be set up on a PostgreSQL server leaves nothing open."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import psycopg
import pytest
from tests.support.postgresql_databases import address_of, server_url

from kodit.domain.errors import TransientError, UserError
from kodit.infrastructure.postgresql import connections
from kodit.infrastructure.postgresql.connections import connect
from kodit.infrastructure.postgresql.dedicated import DedicatedConnection
from kodit.infrastructure.postgresql.reading import snapshot_on_server

NAME = "kodit test"


@contextmanager
def nothing_left_open() -> Iterator[list[psycopg.Connection]]:
    """The connections that are put into the list are closed in the end, and all descriptors."""
    before = len(list(Path("/dev/fd").iterdir()))
    opened: list[psycopg.Connection] = []
    yield opened
    assert [one.closed for one in opened] == [True]
    assert len(list(Path("/dev/fd").iterdir())) == before


def nothing(_connection: psycopg.Connection) -> None:
    """There is nothing to do."""


def test_a_connection_that_cannot_be_used() -> None:
    """Such as one whose lock another process holds."""

    def refuse(connection: psycopg.Connection) -> NoReturn:
        opened.append(connection)
        raise psycopg.OperationalError("somebody else has it")

    address = address_of(server_url())
    with nothing_left_open() as opened, pytest.raises(TransientError, match="somebody else has"):
        DedicatedConnection(address, NAME, opened=refuse, woken=nothing)


def test_a_connection_without_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_thread(thread: threading.Thread) -> NoReturn:
        assert thread.name == NAME
        raise RuntimeError("can't start new thread")

    address = address_of(server_url())
    monkeypatch.setattr(threading.Thread, "start", no_thread)
    with nothing_left_open() as opened, pytest.raises(RuntimeError, match="new thread"):
        DedicatedConnection(address, NAME, opened=opened.append, woken=nothing)


def test_a_connection_through_a_pooler_that_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(connection: psycopg.Connection, *_: object) -> NoReturn:
        opened.append(connection)
        raise UserError("it mixes up its clients")

    address = address_of(server_url())
    monkeypatch.setattr(connections, "refuse_transaction_mode", refuse)
    with nothing_left_open() as opened, pytest.raises(UserError, match="mixes up"):
        connect(address, NAME)


def test_a_snapshot_of_a_server_that_is_away() -> None:
    """It may be back soon."""
    told = r"^the database postgresql://127.0.0.1:9/kodit cannot be reached: "
    with (
        pytest.raises(TransientError, match=told),
        snapshot_on_server("postgresql://127.0.0.1:9/kodit"),
    ):
        pass
