"""The steps of a move on a server, one by one: what each refuses, changes and leaves alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial

import psycopg
import pytest
from tests.database.content import Content, change
from tests.support.command import PATIENCE_SECONDS, wait_until
from tests.support.empty_databases import empty_server_database
from tests.support.postgresql_databases import (
    address_of,
    is_somebody_waiting,
    open_database,
    server_url,
)

from kodit.domain.errors import UserError
from kodit.domain.moving import MovePhase, RowBatch, TableProgress
from kodit.domain.this_host import ThisHost
from kodit.infrastructure.moving import server
from kodit.infrastructure.moving.server import ServerMoveSource as Source
from kodit.infrastructure.moving.server import ServerMoveTarget as Target
from kodit.infrastructure.moving.tables import TABLES
from kodit.infrastructure.sql.moving import MOVED, MOVES, MOVING
from kodit.infrastructure.sql.revision import HEAD
from kodit.infrastructure.sqlalchemy.entities import METADATA
from kodit.infrastructure.sqlalchemy.locking import lock_name

HERE = ThisHost("here")
THERE = "the other place"


class Ends:
    """A database of a server, as either end of a move."""

    def __init__(self, url: str, opened: ExitStack) -> None:
        self.url = url
        self._opened = opened

    def source(self) -> Source:
        source = Source(address_of(self.url), HERE)
        self._opened.callback(source.close)
        return source

    def target(self) -> Target:
        target = Target(address_of(self.url), HERE)
        self._opened.callback(target.close)
        return target

    def ask(self, statement: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.url) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    @property
    def tables(self) -> set[object]:
        return {
            row[0]
            for row in self.ask("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        }

    @property
    def revision(self) -> object:
        [(revision,)] = self.ask("SELECT version_num FROM alembic_version")
        return revision

    @property
    def moves(self) -> int:
        """How many moves it has a record of."""
        [(count,)] = self.ask(f"SELECT count(*) FROM {MOVES}")  # noqa: S608 - our own name
        return int(str(count))

    def let_be(self, role: str) -> None:
        """In the move that it has a record of."""
        self.ask(f"UPDATE {MOVES} SET role = '{role}'")  # noqa: S608 - our own name

    def fill(self, location: str = "/content") -> int:
        """With an index of two files; returns its number."""
        database = open_database(self.url)
        with database.write() as transaction:
            content = Content(transaction, location)
            content.replace(a=["one", "two"], b=["three"])
        database.close()
        return content.id


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ends]:
    monkeypatch.setattr(server, "SECONDS_UNTIL_GONE", 0.0)
    with empty_server_database() as url, ExitStack() as opened:
        yield Ends(url, opened)


def test_a_target_is_begun_once(ends: Ends) -> None:
    """By whoever knows its token. Only what this move has made is removed."""
    target = ends.target()
    assert not target.knows("own")
    target.refuse_occupied(None)
    target.begin("own", THERE)
    target.begin("own", THERE)
    assert ends.moves == 1
    assert ends.revision == MOVING
    assert target.knows("own")
    target.refuse_occupied("own")
    assert not target.knows("another")
    target.clear("another")
    for token in (None, "another"):
        with pytest.raises(UserError, match=f"is part of another move, with {THERE}"):
            target.refuse_occupied(token)
    with pytest.raises(UserError, match="is part of another move"):
        target.begin("another", THERE)
    ends.let_be("source")
    assert not target.knows("own")
    with pytest.raises(UserError, match="is part of another move"):
        target.refuse_occupied("own")
    ends.let_be("target")
    assert ends.tables >= METADATA.tables.keys()
    target.clear("own")
    assert ends.tables == set()


@pytest.mark.parametrize(
    ("statements", "told"),
    [
        (("CREATE TABLE vectors (id int)",), "holds tables of another program"),
        (("CREATE TABLE alembic_version (version_num text)",), "or another version of Kodit"),
        (
            (
                "CREATE TABLE alembic_version (version_num text)",
                "INSERT INTO alembic_version VALUES ('0001')",
            ),
            "or another version of Kodit",
        ),
        (("CREATE TABLE unheard_of (id int)",), None),
    ],
)
def test_what_a_target_may_hold(ends: Ends, statements: tuple[str, ...], told: str | None) -> None:
    for statement in statements:
        ends.ask(statement)
    target = ends.target()
    before = ends.tables
    refusals: list[Callable[[], None]] = [
        lambda: target.refuse_occupied("own"),
        lambda: target.begin("own", THERE),
    ]
    for refuse in refusals:
        if told is None:
            refuse()
        else:
            with pytest.raises(UserError, match=told) as refused:
                refuse()
            assert refused.value.code == "move_target_occupied"
            assert ends.tables == before


def test_a_source_is_frozen_until_it_is_released(ends: Ends) -> None:
    """No row of any table can be added, changed or removed, by whatever program."""
    source = ends.source()
    assert source.standing() is None
    before = ends.tables
    ends.fill()
    token = source.freeze(THERE)
    assert source.freeze(THERE) == token
    assert source.standing() == (token, MovePhase.COPYING)
    with pytest.raises(UserError, match=f"is being moved to {THERE}; complete that move"):
        source.freeze("elsewhere")
    for table in TABLES:
        key = TABLES[table].columns[0]
        for statement in (
            f"INSERT INTO {table} DEFAULT VALUES",
            f"UPDATE {table} SET {key} = {key}",  # noqa: S608 - of tests
            f"DELETE FROM {table}",  # noqa: S608 - of tests
            f"TRUNCATE {table} CASCADE",
        ):
            with pytest.raises(psycopg.Error, match="kodit is moving this database"):
                ends.ask(statement)
    source.note_ending()
    assert ends.source().standing() == (token, MovePhase.ENDING)
    with pytest.raises(UserError, match=f"was moved to {THERE}; use that one"):
        source.freeze("elsewhere")
    source.release()
    source.release()
    assert source.standing() is None
    assert ends.tables == before
    assert ends.ask("SELECT proname FROM pg_proc WHERE proname LIKE 'kodit%'") == []
    ends.ask("DELETE FROM vectors")
    assert source.retire() == source.place
    assert ends.revision == MOVED


def test_rows_are_read_on_from_any(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few at a time."""
    source = ends.source()
    ends.fill()
    monkeypatch.setattr(server, "ROWS_PER_FETCH", 1)
    [batch] = source.batches("snippets", None)
    assert len(batch.rows) == source.count("snippets") == 3
    assert list(source.batches("snippets", batch.last_key)) == []
    first = TABLES["snippets"].key_of(batch.rows[0])
    assert list(source.batches("snippets", first)) == [RowBatch(batch.rows[1:], batch.last_key)]
    assert list(source.batches("vectors", None)) == []


def test_numbers_go_on_from_the_last_ones(ends: Ends) -> None:
    """Of a table that never had any, from the first."""
    source = ends.source()
    index_id = ends.fill()
    last = source.last_ids()
    assert last["indexes"] == index_id
    assert "index_runs" not in last
    target = ends.target()
    target.set_last_ids({"indexes": 40, "index_runs": 0})
    assert source.last_ids() == {**last, "indexes": 40}
    assert ends.fill("/other") == 41
    [(name,)] = ends.ask("SELECT pg_get_serial_sequence('index_runs', 'id')")
    assert ends.ask(f"SELECT nextval('{name}')") == [(1,)]


def test_a_target_that_is_complete(ends: Ends) -> None:
    """Its folders belong to a host, its planner knows the rows, and nothing is left of the move."""
    target = ends.target()
    target.begin("own", THERE)
    before = ends.tables - {MOVES, "kodit_moved_tables"}
    assert target.progress("vectors") == TableProgress()
    ends.fill()
    target.publish()
    assert ends.revision == HEAD
    assert ends.ask("SELECT location, host FROM indexes") == [("/content", "here")]
    names = ", ".join(f"'{name}'" for name in TABLES)
    unknown = f"SELECT relname FROM pg_class WHERE relname IN ({names}) AND reltuples < 0"  # noqa: S608
    assert ends.ask(unknown) == []
    target.finish()
    target.finish()
    assert ends.tables == before


def test_whoever_else_uses_a_database_is_named(ends: Ends) -> None:
    """Programs of this kind alone, each once, and none that uses another database."""
    source = ends.source()
    with (
        psycopg.connect(server_url(), application_name="kodit worker z"),
        psycopg.connect(ends.url, application_name="psql"),
    ):
        source.refuse_users()
    with (
        psycopg.connect(ends.url, application_name="kodit worker b"),
        psycopg.connect(ends.url, application_name="kodit worker a"),
        psycopg.connect(ends.url, application_name="kodit worker a"),
        pytest.raises(
            UserError,
            match=r"in use by kodit worker a on this server's machine, kodit worker b on .*; stop",
        ),
    ):
        source.refuse_users()


def test_whoever_is_about_to_end_is_awaited(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server notices only after a moment that a process has ended."""
    monkeypatch.setattr(server, "SECONDS_UNTIL_GONE", PATIENCE_SECONDS)
    source = ends.source()
    with psycopg.connect(ends.url, application_name="kodit worker a") as worker:
        monkeypatch.setattr(time, "sleep", lambda _seconds: worker.close())
        source.refuse_users()
        assert worker.closed


@pytest.mark.parametrize("role", ["source", "target"])
def test_a_migration_that_has_begun_is_awaited(ends: Ends, role: str) -> None:
    """The tables may be others afterwards."""
    source = ends.source()
    target = ends.target()
    begin = threading.Thread(
        target=partial(source.freeze, THERE)
        if role == "source"
        else partial(target.begin, "own", THERE)
    )
    database = open_database(ends.url)
    with database.write() as transaction:
        lock_name(transaction.cursors, "migrations")
        begin.start()
        wait_until(is_somebody_waiting)
        assert not ends.tables & {MOVES}
    begin.join()
    database.close()
    assert ends.moves == 1


def test_folders_of_other_hosts_keep_a_source_from_being_moved(ends: Ends) -> None:
    source = ends.source()
    ends.fill()
    database = open_database(ends.url)
    with database.write() as transaction:
        change(transaction, "UPDATE indexes SET host = 'bob'")
    database.close()
    with pytest.raises(UserError, match="has folders of other hosts, bob, which a file"):
        source.refuse_users()
