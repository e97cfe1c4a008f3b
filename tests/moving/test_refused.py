"""What keeps a move from beginning, and what a move keeps others from doing."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest
from tests.moving.places import Place
from tests.support.command import PATIENCE_SECONDS, KoditCommand, kill_group, wait_until
from tests.support.empty_databases import empty_server_database
from tests.support.postgresql_databases import end_connections
from tests.support.sources import write_file

from kodit import Kodit
from kodit.composition.moving import planned_move
from kodit.domain.errors import DatabaseReplacedError, PermanentError, UserError
from kodit.domain.moving import RowBatch, TableProgress
from kodit.infrastructure.moving.server import ServerMoveTarget
from kodit.infrastructure.sql.sqlite import _connections
from kodit.settings import Settings

SECRET = "hunter2secret"  # noqa: S105 - of no account


@contextmanager
def running(kodit: KoditCommand, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A process that has opened the database, and ends properly."""
    process = kodit.start(*arguments)
    try:
        yield process
        process.terminate()
        process.communicate(timeout=PATIENCE_SECONDS)
    finally:
        kill_group(process)
        process.communicate()


def fail(*_told: object) -> None:
    raise ZeroDivisionError


def begin(place: Place) -> None:
    """Begin a move that ends before it is complete."""

    settings = Settings.load({}, data_dir=place.data_dir)
    with planned_move(settings, place.url) as plan, pytest.raises(ZeroDivisionError):
        plan.service.move(fail)


def test_a_worker_and_a_server_are_named(place: Place) -> None:
    """The source can be changed as before."""
    with running(place.on_file, "worker") as worker:
        wait_until(lambda: any(place.data_dir.glob("workers/*.lock")))
        outcome = place.move_there()
        assert outcome.code == 2
        assert f"{place.file} is in use by the worker " in outcome.err
        assert f"-{worker.pid}-" in outcome.err
    with running(place.on_file, "serve", "--no-tcp", "--no-worker") as server:
        wait_until((place.data_dir / "server.sock").exists)
        outcome = place.move_there()
        assert outcome.code == 2
        assert f"{place.file} is in use by a server (process {server.pid})" in outcome.err
    assert place.file_takes_changes
    outcome = place.move_there()
    assert outcome.code == 0, outcome.out


def test_whoever_uses_the_database_of_a_server_is_named(place: Place) -> None:
    place.move("postgresql")
    with running(place.on_server, "worker") as worker:
        wait_until(lambda: any(place.data_dir.glob("workers/*.lock")))
        wait_until(lambda: "kodit worker" in names_on(place.url))
        outcome = place.move_back()
        assert outcome.code == 2
        assert "is in use by " in outcome.err
        assert f"-{worker.pid}-" in outcome.err
    wait_until(lambda: not names_on(place.url))
    assert place.server_takes_changes
    outcome = place.move_back()
    assert outcome.code == 0, outcome.out


def names_on(url: str) -> str:
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT application_name FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchall()
    return " ".join(str(row[0]) for row in rows)


def test_an_unfinished_move_can_be_read_but_not_changed(place: Place, tmp_path: Path) -> None:
    """Each command that would change something says why; so does the target."""
    write_file(tmp_path / "new" / "code.py", "def new():\n    return 1\n" * 9)
    begin(place)
    before = place.rows_of_file()
    for command in (
        ("index", str(tmp_path / "new")),
        ("index", "--no-wait", str(place.sources / "folder")),
        ("delete", "1"),
        ("queue", "pause"),
        ("worker",),
        ("serve", "--no-tcp"),
    ):
        outcome = place.on_file.run(*command)
        assert outcome.code in (1, 2), outcome
        assert f"{place.file} is being moved to another place" in outcome.err
        assert "`kodit move`" in outcome.err
    assert place.on_file.ask("search", "anchor", "--all")["results"]
    assert len(place.on_file.ask("status")["indexes"]) == 2
    assert place.rows_of_file() == before
    target = KoditCommand(tmp_path / "other", KODIT_DATABASE_URL=place.url).run("status")
    assert target.code == 2
    assert "is being moved to this database, which is not complete yet" in target.err
    assert place.move_there().code == 0
    assert place.rows_on_server() == before


def test_a_program_that_had_it_open_stores_nothing_more(place: Place, tmp_path: Path) -> None:
    """Neither during the move nor afterwards."""
    write_file(tmp_path / "new" / "code.py", "def new():\n    return 1\n" * 9)
    before = place.rows_of_file()
    with Kodit(place.data_dir) as kodit:
        assert kodit.search("anchor")
        begin(place)
        with pytest.raises(UserError, match="is being moved to another place"):
            kodit.index(tmp_path / "new")
        assert kodit.search("anchor")
        place.move("postgresql")
        with pytest.raises(DatabaseReplacedError, match="was removed"):
            kodit.index(tmp_path / "new")
    assert place.rows_on_server() == before
    assert place.rows_of_file(place.data_dir / "kodit.db.moved") == before


def test_a_move_may_be_given_up(place: Place, tmp_path: Path) -> None:
    """The original is as before, and the target empty: another move begins afresh."""
    write_file(tmp_path / "new" / "code.py", "def new():\n    return 1\n" * 9)
    begin(place)
    outcome = place.on_file.run_here("move", "--to", place.url, "--give-up")
    assert outcome.code == 0
    assert "the move was given up" in outcome.err
    place.on_file.succeed("index", tmp_path / "new")
    before = place.rows_of_file()
    assert place.move_there().code == 0
    assert place.rows_on_server() == before
    outcome = place.on_file.run_here("move", "--to", place.url, "--give-up")
    assert outcome.code == 2
    assert "complete the move instead" in outcome.err


def test_a_way_back_may_be_given_up(place: Place) -> None:
    place.move("postgresql")
    before = place.rows_on_server()
    settings = Settings.load({"KODIT_DATABASE_URL": place.url}, data_dir=place.data_dir)
    with planned_move(settings, "sqlite") as plan, pytest.raises(ZeroDivisionError):
        plan.service.move(fail)
    assert not place.server_takes_changes
    assert "is being moved" in place.on_server.run_here("queue", "pause").err
    outcome = place.on_server.run_here("move", "--to", "sqlite", "--give-up")
    assert "the move was given up" in outcome.err
    assert place.server_takes_changes
    assert not list(place.data_dir.glob("kodit.db.moving*"))
    assert place.rows_on_server() == before
    outcome = place.on_server.run_here("move", "--to", "sqlite", "--give-up")
    assert "there is no unfinished move" in outcome.err


def test_a_target_that_holds_something_else_is_refused(place: Place, tmp_path: Path) -> None:
    """And the source stays as it is."""
    other = KoditCommand(tmp_path / "other", KODIT_DATABASE_URL=place.url)
    other.succeed("queue", "pause")
    outcome = place.move_there()
    assert outcome.code == 2
    assert "holds data of its own; choose an empty database" in outcome.err
    assert place.file_takes_changes
    other.succeed("queue", "resume")  # the tables are there, and empty
    assert place.move_there().code == 0
    assert place.on_server.ask("search", "anchor", "--all")["results"]


def test_a_target_of_another_program_is_refused(place: Place) -> None:
    with psycopg.connect(place.url) as connection:
        connection.execute("CREATE TABLE files (id int)")
    outcome = place.move_there()
    assert outcome.code == 2
    assert "holds tables of another program" in outcome.err
    assert place.file_takes_changes


def test_a_file_of_a_newer_version_is_not_moved(place: Place) -> None:
    with closing(sqlite3.connect(place.file)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    outcome = place.move_there()
    assert outcome.code == 2
    assert "was written by a newer Kodit" in outcome.err
    assert not _connections[str(place.file)]  # none is left open


def test_a_target_of_another_version_is_refused(place: Place) -> None:
    with psycopg.connect(place.url) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num text)")
        connection.execute("INSERT INTO alembic_version VALUES ('9999')")
    outcome = place.move_there()
    assert outcome.code == 2
    assert "holds tables of another program, or another version of Kodit" in outcome.err
    assert place.file_takes_changes


def test_one_process_at_a_time_moves_a_database(place: Place) -> None:
    settings = Settings.load({}, data_dir=place.data_dir)
    with planned_move(settings, place.url):
        outcome = place.move_there()
    assert outcome.code == 2
    assert f"another process is moving the database of {place.data_dir} at this" in outcome.err
    assert place.move_there().code == 0


def test_a_setting_that_names_another_server_is_pointed_out(place: Place) -> None:
    """Afterwards, the data directory would be one of that server."""
    kodit = KoditCommand(place.data_dir, KODIT_DATABASE_URL=f"postgresql://a:{SECRET}@db.invalid/b")
    outcome = kodit.run_here("move", "--to", place.url)
    assert outcome.code == 2
    assert "names another database, postgresql://a@db.invalid/b; unset it to move" in outcome.err
    assert SECRET not in outcome.err
    assert place.file_takes_changes


def test_a_record_of_a_move_that_is_damaged(place: Place) -> None:
    """Nothing is done that could lose rows; an emptied target is moved to as any empty one."""
    begin(place)
    with psycopg.connect(place.url) as connection:
        connection.execute("DELETE FROM kodit_moves")
    outcome = place.move_there()
    assert outcome.code == 1
    assert "the record of a move is empty; if its database is the target, empty it" in outcome.err
    with psycopg.connect(place.url) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    assert place.move_there().code == 0


def test_an_incomplete_target_is_not_moved_on(place: Place, tmp_path: Path) -> None:
    """Into another data directory."""
    begin(place)
    (tmp_path / "other").mkdir()
    other = KoditCommand(tmp_path / "other", KODIT_DATABASE_URL=place.url)
    outcome = other.run_here("move", "--to", "sqlite")
    assert outcome.code == 2
    assert f"{place.file} is being moved to postgresql:" in outcome.err
    assert "which is not complete; complete that move first, or give it up" in outcome.err
    assert not end_connections("application_name LIKE 'kodit move %'")  # none is left open


def test_two_sources_cannot_be_moved_to_one_place(place: Place, tmp_path: Path) -> None:
    begin(place)
    second = KoditCommand(tmp_path / "second")
    second.succeed("index", "--no-wait", place.sources / "folder")
    outcome = second.run_here("move", "--to", place.url)
    assert outcome.code == 2
    assert "is part of another move, with " in outcome.err
    assert str(place.file) in outcome.err


def test_a_source_is_moved_to_one_place_only(place: Place) -> None:
    """Another one is refused, before and after the end."""
    begin(place)
    with empty_server_database() as other:
        for told in ("is being moved to postgresql:", "was moved to postgresql:"):
            outcome = place.on_file.run_here("move", "--to", other)
            assert outcome.code == 2
            assert told in outcome.err
            assert place.move_there().code == 0


def test_a_copy_that_differs_is_not_used(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The table is named; the original is still the one that counts."""
    add = ServerMoveTarget.add

    def add_less(self: ServerMoveTarget, table: str, batch: RowBatch, to: TableProgress) -> None:
        rows = batch.rows if table != "vectors" else batch.rows[:-1]
        add(self, table, RowBatch(rows, batch.last_key), to)

    monkeypatch.setattr(ServerMoveTarget, "add", add_less)
    with pytest.raises(PermanentError, match=r"the copy of the table vectors has \d+ rows where"):
        place.move("postgresql")
    assert not place.server_takes_changes
    place.on_file.run_here("move", "--to", place.url, "--give-up")
    assert place.file_takes_changes


def test_other_values_are_found_too(place: Place) -> None:
    """Also if the number of rows is right."""
    settings = Settings.load({}, data_dir=place.data_dir)

    def change(done: str, table: str, rows: int, total: int) -> None:
        if (done, table) == ("compared", "files") and rows == total:
            with psycopg.connect(place.url) as connection:
                connection.execute("UPDATE snippets SET scope = scope || 'x' WHERE id = 1")

    with planned_move(settings, place.url) as plan, pytest.raises(PermanentError) as told:
        plan.service.move(change)
    assert str(told.value).startswith("the copy of the table snippets has rows with other values")


@pytest.mark.parametrize(
    ("to", "told"),
    [
        (f"postgresql://kodit:{SECRET}@127.0.0.1/kodit", "--to has a password, which others can"),
        (f"postgresql://127.0.0.1/kodit?password={SECRET}", "--to has a password"),
        ("mysql://kodit@db/kodit", "a database is moved to `sqlite`, to `postgresql` or"),
        ("postgresql", "KODIT_DATABASE_URL is not set; it names the database to move to"),
        ("sqlite", "KODIT_DATABASE_URL is not set; it names the database that is moved"),
    ],
)
def test_a_target_that_cannot_be_used(place: Place, to: str, told: str) -> None:
    """A password never appears in what is told."""
    outcome = place.on_file.run_here("move", "--to", to)
    assert outcome.code == 2
    assert told in outcome.err
    assert SECRET not in outcome.err
    assert place.file_takes_changes


def test_there_must_be_something_to_move(place: Place, tmp_path: Path) -> None:
    nothing = KoditCommand(tmp_path / "nothing")
    outcome = nothing.run_here("move", "--to", place.url)
    assert outcome.code == 2
    assert "does not exist" in outcome.err
    (tmp_path / "nothing").mkdir()
    outcome = nothing.run_here("move", "--to", place.url)
    assert outcome.code == 2
    assert "holds no database to move" in outcome.err


def test_a_moved_database_is_not_opened_by_mistake(place: Place, tmp_path: Path) -> None:
    """Neither a new one beside it, nor one that was put back, nor that of the server."""
    place.move("postgresql")
    outcome = place.on_file.run_here("index", "--no-wait", place.sources / "folder")
    assert outcome.code == 2
    assert "belongs to a database on a server" in outcome.err
    place.move("sqlite")
    other = KoditCommand(tmp_path / "other", KODIT_DATABASE_URL=place.url).run_here("status")
    assert other.code == 2
    assert "this database was moved to " in other.err
    assert str(place.file) in other.err
    (place.data_dir / "kodit.db.moved").rename(place.file)
    outcome = place.on_file.run_here("status")
    assert outcome.code == 2
    assert "this database was moved to postgresql://" in outcome.err
