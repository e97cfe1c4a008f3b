"""Another version of Kodit migrates the database while processes of this one use it."""

from __future__ import annotations

import threading
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, text
from tests.support.command import KoditCommand, finish, wait_until
from tests.support.postgresql_databases import postgresql_database, server_url
from tests.support.server import RunningServer
from tests.support.serving import ServingKodit, states
from tests.support.sources import write_tree
from tests.support.stores import DATABASES, Rows, rows_of
from tests.worker.conftest import StartWorker

from kodit import Kodit
from kodit.domain.errors import DatabaseUpgradedError, TransientError
from kodit.infrastructure.sql.revision import HEAD
from kodit.infrastructure.sqlalchemy import migrate as migrating
from kodit.infrastructure.sqlalchemy.database import SqliteDatabase, open_sqlite

SENTENCE = rf"another version of Kodit has migrated .* \(to revision 9999, from {HEAD}\)"


def change_revision(data_dir: Path, revision: str) -> None:
    """As a migration does."""
    with rows_of(data_dir) as rows:
        _change(rows, revision)


def change_revision_during(data_dir: Path, task_type: str, revision: str) -> bool:
    """The same, if a task of this type is running: none ends between the look and the change."""
    with rows_of(data_dir) as rows:
        if DATABASES.is_used:
            rows.execute("LOCK TABLE alembic_version IN EXCLUSIVE MODE")
        # Takes the lock of a file.
        looked = "UPDATE tasks SET type = type WHERE state = 'running' AND type = ?"
        if rows.execute(looked, (task_type,)).rowcount == 0:
            return False
        _change(rows, revision)
        return True


def _change(rows: Rows, revision: str) -> None:
    rows.execute("CREATE TABLE added (number INTEGER)")
    rows.execute("DROP TABLE added")
    rows.execute("UPDATE alembic_version SET version_num = ?", (revision,))


def in_database(data_dir: Path) -> list[tuple[object, ...]]:
    """What a process could have written."""
    with rows_of(data_dir) as rows:
        found = rows.execute(
            "SELECT (SELECT count(*) FROM files), (SELECT count(*) FROM index_runs), "
            "(SELECT count(*) FROM snippets)"
        )
        return [tuple(row) for row in found.fetchall()]


@pytest.mark.every_store
def test_an_open_program_writes_and_reads_nothing_more(tmp_path: Path) -> None:
    write_tree(tmp_path / "tree", files=3, seed=1)
    with Kodit(tmp_path / "data") as api:
        api.index(tmp_path / "tree")
        change_revision(tmp_path / "data", "9999")
        before = in_database(tmp_path / "data")
        write_tree(tmp_path / "tree", files=5, seed=2)
        for ask in (api.status, lambda: api.search("x"), lambda: api.index(tmp_path / "tree")):
            with pytest.raises(DatabaseUpgradedError, match=SENTENCE):
                ask()
        assert in_database(tmp_path / "data") == before
        # A failed upgrade was taken back.
        change_revision(tmp_path / "data", HEAD)
        assert api.index(tmp_path / "tree")


@pytest.mark.every_store
def test_a_worker_stops_and_what_it_held_is_done_by_the_next(
    kodit: KoditCommand, tmp_path: Path, start_worker: StartWorker
) -> None:
    write_tree(tmp_path / "tree", files=300, seed=1)
    kodit.succeed("index", tmp_path / "tree", "--no-wait")
    worker = start_worker()
    wait_until(lambda: change_revision_during(kodit.data_dir, "EXTRACT", "9999"))
    before = in_database(kodit.data_dir)
    outcome = finish(worker)
    assert outcome.code == 1
    assert "another version of Kodit has migrated" in outcome.said[-1]
    assert in_database(kodit.data_dir) == before
    change_revision(kodit.data_dir, HEAD)
    with ServingKodit(kodit.data_dir) as serving:
        [status] = serving.status()
        assert status.run is not None
        assert states(serving.wait_for(status.run.id)) == ["succeeded"] * 5


@pytest.mark.every_store
def test_a_server_says_that_it_has_to_be_started_again(kodit: KoditCommand, tmp_path: Path) -> None:
    with RunningServer(kodit) as server:
        assert server.get("/healthz").json() == {"status": "ok"}
        change_revision(kodit.data_dir, "9999")
        reply = server.get("/api/v1/indexes")
        assert (reply.status, reply.json()["code"]) == (503, "database_upgraded")
        for path in ("/healthz", "/readyz"):
            reply = server.get(path)
            assert reply.status == 503
            # Without the place of the database: no key is needed for these.
            assert reply.json() == {"status": "failed", "code": "database_upgraded"}
        change_revision(kodit.data_dir, HEAD)
        assert server.get("/api/v1/indexes").status == 200
        assert server.get("/healthz").json() == {"status": "ok"}


def test_a_migration_of_rows_alone_is_noticed_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite numbers changes of its schema, and this one has none."""

    def change_rows(connection: Connection, _stored: str | None, revision: str) -> None:
        change = text("UPDATE alembic_version SET version_num = :revision")
        connection.execute(change, {"revision": revision})

    path = tmp_path / "kodit.db"
    old = SqliteDatabase(open_sqlite(path), tmp_path / "write.lock")
    migrating.migrate(old)
    with old.read():
        pass
    new = SqliteDatabase(open_sqlite(path), tmp_path / "write.lock")
    monkeypatch.setattr(migrating, "_run", change_rows)
    migrating.migrate(new, "9999")
    with pytest.raises(DatabaseUpgradedError), old.write():
        pass
    with pytest.raises(DatabaseUpgradedError), old.read():
        pass
    old.close()
    new.close()


def test_a_migration_waits_for_running_writers_and_they_for_it() -> None:
    with postgresql_database() as database:
        database.expect(HEAD)
        with (
            psycopg.connect(server_url()) as migrating,
            database.write() as transaction,
        ):
            transaction.indexes.stores()
            with pytest.raises(psycopg.errors.LockNotAvailable):
                migrating.execute("LOCK TABLE alembic_version IN EXCLUSIVE MODE NOWAIT")
        errors: list[Exception] = []

        def write() -> None:
            try:
                with database.write():
                    pass
            except (DatabaseUpgradedError, TransientError) as error:
                errors.append(error)

        with psycopg.connect(server_url()) as migrating:
            migrating.execute("LOCK TABLE alembic_version IN EXCLUSIVE MODE")
            with database.read() as transaction:  # readers go on
                transaction.indexes.stores()
            waiting = threading.Thread(target=write)
            waiting.start()
            with psycopg.connect(server_url()) as looking:
                wait_until(
                    lambda: bool(
                        looking.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchall()
                    )
                )
            migrating.execute("UPDATE alembic_version SET version_num = '9999'")
        waiting.join()
        assert [type(error) for error in errors] == [DatabaseUpgradedError]
        with psycopg.connect(server_url()) as connection:
            connection.execute("ALTER TABLE alembic_version RENAME TO hidden")
        with pytest.raises(DatabaseUpgradedError, match="to revision none"), database.read():
            pass
        with psycopg.connect(server_url()) as connection:
            connection.execute("ALTER TABLE hidden RENAME TO alembic_version")
            connection.execute("UPDATE alembic_version SET version_num = %s", (HEAD,))
