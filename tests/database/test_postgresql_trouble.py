"""PostgreSQL in trouble, and secrets that stay secret."""

from __future__ import annotations

import os
import socket
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import NoReturn

import psycopg
import pytest
from sqlalchemy import text
from tests.queue.requests import add_run, claim
from tests.support.command import wait_until
from tests.support.postgresql_databases import (
    address_of,
    end_connections,
    open_database,
    postgresql_database,
    server_url,
)

from kodit.domain.errors import (
    ConflictError,
    DatabaseVersionError,
    PermanentError,
    SettingError,
    TransientError,
    UserError,
)
from kodit.infrastructure.postgresql.address import DatabaseAddress
from kodit.infrastructure.postgresql.connections import connect
from kodit.infrastructure.postgresql.reading import ServerReadingDatabase
from kodit.infrastructure.sqlalchemy.entities import QUEUE_PAUSES
from kodit.infrastructure.sqlalchemy.file_entities import PATHS
from kodit.infrastructure.sqlalchemy.migrate import migrate
from kodit.infrastructure.sqlalchemy.prepared import insert_columns
from kodit.infrastructure.sqlalchemy.sql_database import SqlDatabase
from kodit.infrastructure.sqlalchemy.transaction import SqlTransaction

SECRET = "hunter2secret"  # noqa: S105 - of no account
NAME = "KODIT_DATABASE_URL"


@pytest.fixture
def database() -> Iterator[SqlDatabase]:
    with postgresql_database() as opened:
        yield opened


@pytest.fixture
def empty() -> Iterator[str]:
    """The address of a database without tables."""
    url = server_url()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS empty WITH (FORCE)")
        connection.execute("CREATE DATABASE empty TEMPLATE template0")
    yield url.replace("/postgres?", "/empty?")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP DATABASE empty WITH (FORCE)")


def test_idle_connections_may_be_ended(database: SqlDatabase) -> None:
    """The next transactions open others."""
    with ExitStack() as transactions:  # several are idle afterwards
        for _ in range(3):
            transactions.enter_context(database.write())
    assert end_connections("state = 'idle'")
    add_run(database, 1)
    assert end_connections("state = 'idle'")
    with database.read() as transaction:
        assert len(transaction.tasks.list_runs()) == 1


def test_a_transaction_may_be_ended(database: SqlDatabase) -> None:
    """It stores nothing, and says so; the next one works."""
    told = r"^the database postgresql:\S+ is unavailable: "
    with pytest.raises(TransientError, match=told), database.write() as transaction:
        transaction.tasks.set_paused(None)
        assert end_connections("state = 'idle in transaction'")
        transaction.tasks.unfinished_runs()
    with pytest.raises(TransientError), database.write() as transaction:
        transaction.connection.execute(text("SELECT 1"))
        assert end_connections("state = 'idle in transaction'")
    add_run(database, 1)


def test_of_two_that_wait_for_each_other_one_is_undone(database: SqlDatabase) -> None:
    """It is told that it may be repeated."""
    first, second = add_run(database, 1), add_run(database, 2)
    is_locked = threading.Barrier(2)
    told: list[BaseException] = []

    def lock(one: int, other: int) -> None:
        try:
            with database.write() as transaction:
                transaction.tasks.lock_run(one)
                is_locked.wait()
                transaction.tasks.lock_run(other)
        except ConflictError as error:
            told.append(error)

    threads = [
        threading.Thread(target=lock, args=ids)
        for ids in ((first.id, second.id), (second.id, first.id))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 1


def test_a_read_sees_one_snapshot(database: SqlDatabase) -> None:
    """Whatever is committed meanwhile."""
    with database.read() as transaction:
        assert transaction.tasks.list_runs() == []
        add_run(database, 1)
        assert transaction.tasks.list_runs() == []
    with database.read() as transaction:
        assert len(transaction.tasks.list_runs()) == 1


def test_what_was_rolled_back_is_not_stored(database: SqlDatabase) -> None:
    with pytest.raises(LookupError), database.write() as transaction:
        transaction.connection.execute(text("INSERT INTO queue_pauses VALUES (1, 5)"))
        raise LookupError
    with database.read() as transaction:
        assert transaction.tasks.paused_since() is None


def test_what_was_kept_is_not_sent_after_a_rollback() -> None:
    """It was to be sent with the next statement."""
    with connect(address_of(server_url()), "kodit test") as connection:
        connection.execute("BEGIN")
        connection.keep("CREATE TEMPORARY TABLE kept (id int)", None)
        connection.rollback()
        assert connection.execute("SELECT to_regclass('pg_temp.kept')").fetchone() == (None,)


def test_a_constraint_that_is_not_met_is_told(database: SqlDatabase) -> None:
    """As on SQLite."""
    with (
        pytest.raises(PermanentError, match="rejects what Kodit stores") as refused,
        database.write() as transaction,
    ):
        transaction.connection.execute(text("INSERT INTO queue_pauses VALUES (2, 5)"))
    assert refused.value.code == "database_refuses"


PAUSE = insert_columns(QUEUE_PAUSES, "id", "paused_at")
ADD_PATH = insert_columns(PATHS, "path")
VALID, INVALID = {"id": 1, "paused_at": 5}, {"id": 2, "paused_at": 5}


def read_pauses(transaction: SqlTransaction) -> object:
    return transaction.tasks.paused_since()


def read_by_text(transaction: SqlTransaction) -> object:
    return transaction.connection.execute(text("SELECT paused_at FROM queue_pauses")).scalar()


def write_rows(transaction: SqlTransaction) -> object:
    return ADD_PATH.run_many(transaction.cursors, [{"path": "a.py"}, {"path": "b.py"}]) == 2


def write_one_by_one(transaction: SqlTransaction) -> object:
    transaction.cursors.cursor.executemany("SELECT %s", [(1,), (2,)])
    return True


@pytest.mark.parametrize("look", [read_pauses, read_by_text, write_rows, write_one_by_one])
def test_what_was_sent_without_waiting_comes_first(
    database: SqlDatabase, look: Callable[[SqlTransaction], object]
) -> None:
    """Whichever way the next statement takes, it sees what the ones before have stored; their
    errors are raised by then, and everything is undone."""
    with database.write() as transaction:
        PAUSE.run(transaction.cursors, VALID)
        assert look(transaction)
    with database.write() as transaction:
        transaction.tasks.set_paused(None)
    with pytest.raises(PermanentError, match="only_one_pause"), database.write() as transaction:
        PAUSE.run(transaction.cursors, VALID)
        PAUSE.run(transaction.cursors, INVALID)
        look(transaction)
        raise AssertionError
    with database.read() as transaction:
        assert transaction.tasks.paused_since() is None


def test_a_commit_waits_for_what_was_sent(database: SqlDatabase) -> None:
    """And tells its errors."""
    with pytest.raises(PermanentError, match="only_one_pause"), database.write() as transaction:
        PAUSE.run(transaction.cursors, VALID)
        PAUSE.run(transaction.cursors, INVALID)
    with pytest.raises(LookupError), database.write() as transaction:
        PAUSE.run(transaction.cursors, INVALID)
        raise LookupError
    with database.write() as transaction:
        PAUSE.run(transaction.cursors, VALID)
    with database.read() as transaction:
        assert transaction.tasks.paused_since() is not None


def test_a_forked_process_is_refused(database: SqlDatabase) -> None:
    """Both would write to the same connection."""
    add_run(database, 1)
    child = os.fork()
    if not child:
        try:
            with database.read():
                os._exit(1)
        except UserError:
            os._exit(0)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    add_run(database, 2)


def test_several_programs_migrate_at_once(empty: str) -> None:
    """One does, the others find it done."""
    databases = [open_database(empty) for _ in range(4)]
    errors: list[BaseException] = []

    def run(database: SqlDatabase) -> None:
        try:
            migrate(database)
            add_run(database, id(database))
        except BaseException as error:  # noqa: BLE001 - shown below
            errors.append(error)

    threads = [threading.Thread(target=run, args=(database,)) for database in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for database in databases:
        database.close()
    assert errors == []


def test_of_contents_stored_twice_only_the_first_is_given_to_further_files(empty: str) -> None:
    """An earlier version stored those that two indexes brought at the same time."""
    database = open_database(empty)
    migrate(database, "0024")
    keys = (b"one", b"two", b"one", None, None, b"one")
    with database.write() as transaction:
        for key in keys:
            transaction.connection.exec_driver_sql(
                "INSERT INTO versions (index_id, path, content_key, digest) VALUES (1, 'a', %s, 7)",
                (key,),
            )
    migrate(database)
    with database.read() as transaction:
        rows = transaction.connection.execute(
            text("SELECT content_key, digest FROM versions ORDER BY id")
        ).all()
    assert [(None if key is None else bytes(key), digest) for key, digest in rows] == [
        *((b"one", 7), (b"two", 7), (None, None), (None, 7), (None, 7), (None, None))
    ]
    database.close()


SLOW_PAUSES = """
    ALTER TABLE queue_pauses RENAME TO real_pauses;
    CREATE VIEW queue_pauses AS SELECT 1 AS id, 0::bigint AS paused_at FROM
        (SELECT pg_advisory_xact_lock(4711) AS waited OFFSET 0) AS pause WHERE waited IS NULL
"""
"""A claim that looks whether the queue is paused waits for a lock, with the snapshot it has."""


def test_a_task_that_was_just_claimed_is_not_claimed_again(empty: str) -> None:
    """A claim finds it ready, and locks its run when the other claim was committed."""
    database = open_database(empty)
    migrate(database)
    run = add_run(database, 1)
    claimed: list[int] = []
    with psycopg.connect(empty) as other:
        other.execute(SLOW_PAUSES)
        other.commit()
        other.execute("SELECT pg_advisory_lock(4711)")
        slow = threading.Thread(target=lambda: claimed.extend(t.id for t in claim(database)))
        slow.start()
        wait_until(lambda: is_waiting(other))
        other.execute("UPDATE tasks SET state = 'running' WHERE run_id = %s", (run.id,))
        other.execute("UPDATE index_runs SET state = 'running' WHERE id = %s", (run.id,))
        other.commit()
        other.execute("SELECT pg_advisory_unlock(4711)")
        slow.join()
    database.close()
    assert claimed == []


def is_waiting(connection: psycopg.Connection) -> bool:
    """Whether anybody waits for a lock."""
    row = connection.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()
    return row is not None and row[0] > 0


def test_a_database_of_a_newer_program_is_refused(empty: str) -> None:
    database = open_database(empty)
    migrate(database)
    with database.write() as transaction:
        transaction.connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseVersionError, match="written by a newer Kodit"):
        migrate(database)
    database.close()


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://kodit:{SECRET}@127.0.0.1:{{port}}/kodit",
        f"postgresql://127.0.0.1:{{port}}/kodit?user=kodit&password={SECRET}",
    ],
)
def test_a_password_is_in_no_error(url: str, caplog: pytest.LogCaptureFixture) -> None:
    """Nor in what is logged, or shown of the objects that know it."""
    caplog.set_level("DEBUG")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        database = open_database(url.format(port=closed.getsockname()[1]))
        with pytest.raises(TransientError, match="cannot be reached") as told, database.read():
            pass
    shown = [str(told.value), *traceback.format_exception(told.value), caplog.text]
    shown += [repr(database), repr(database.engine), str(database.engine.url)]
    shown += [repr(DatabaseAddress(NAME, url.format(port=1)))]
    assert SECRET not in " ".join(shown)
    assert "@127.0.0.1:" in str(told.value) or "/127.0.0.1:" in str(told.value)


@pytest.mark.parametrize(
    "url",
    [
        f"mysql://kodit:{SECRET}@db/kodit",
        f"{SECRET}",
        f"postgresql://kodit:{SECRET}@db/kodit?unheard_of={SECRET}",
        f"postgresql://kodit:a@{SECRET}@db/kodit",
        f"postgresql://kodit:a/{SECRET}@db/kodit",
        f"postgresql://kodit:a:{SECRET}%zz@db/kodit",
        f"postgresql://kodit{SECRET}@x@db/kodit",
        f"postgresql://[{SECRET}/kodit",
        f"postgresql://db:{SECRET}/kodit",
    ],
)
def test_an_address_that_cannot_be_read_is_refused_without_being_repeated(url: str) -> None:
    """A secret may be anywhere in it."""
    with pytest.raises(SettingError, match=f"^{NAME} ") as refused:
        DatabaseAddress(NAME, url)
    assert SECRET not in "".join(traceback.format_exception(refused.value))


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("postgres://db.example.org/kodit", "postgresql://db.example.org/kodit"),
        ("postgresql://a:b@h1:1,h2:2/d?sslmode=verify-full", "postgresql://a@h1,h2:1,2/d"),
        ("postgresql:///kodit?host=/run/postgresql", "postgresql:///run/postgresql/kodit"),
    ],
)
def test_an_address_is_shown_without_its_password(url: str, place: str) -> None:
    assert DatabaseAddress(NAME, url).place == place


def test_reading_alone_tells_only_what_the_server_says(database: SqlDatabase) -> None:
    """A mistake of the program passes as it is. A connection is used again, unless it is lost."""

    def refuse() -> NoReturn:
        raise AssertionError("nothing is to be written")

    alone = ServerReadingDatabase(address_of(server_url()), to_write=refuse)
    try:
        assert alone.is_current()
        [idle] = alone._idle
        with pytest.raises(psycopg.errors.UndefinedTable), alone.read() as transaction:
            transaction.cursors.cursor.execute("SELECT * FROM nothing")
        with pytest.raises(LookupError), alone.read():
            raise LookupError
        assert alone._idle == [idle]
        told = r"^the database postgresql:\S+ is unavailable: "
        with pytest.raises(TransientError, match=told), alone.read() as transaction:
            end_connections("state = 'idle in transaction'")
            transaction.cursors.cursor.execute("SELECT 1")
        assert alone._idle == []
        assert idle.connection.closed
    finally:
        alone.close()
    assert database.dialect.place.startswith("postgresql:")
