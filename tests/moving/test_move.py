"""Everything that is stored moves from SQLite to PostgreSQL and back, and is the same."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from pathlib import Path

import psycopg
import pytest
from tests.moving.places import Place

from kodit.domain.errors import UserError
from kodit.infrastructure.sqlalchemy.database import SqliteDatabase, open_sqlite
from kodit.infrastructure.sqlalchemy.migrate import migrate

QUERIES = ("anchor", "basket beside the lantern", "def more", "füchse")


def answers(place: Place, *, on_server: bool) -> list[object]:
    """All that searches, and the status of what is indexed, answer."""
    kodit = place.on_server if on_server else place.on_file
    told = [
        kodit.ask("search", query, "--all", "--mode", mode, "--limit", "50")["results"]
        for query in QUERIES
        for mode in ("hybrid", "keyword", "code", "text")
    ]
    return [*told, kodit.ask("queue", "list", "--all")["runs"]]


def test_there_and_back(place: Place) -> None:
    """Each row, vector and answer is the same, and nothing is indexed or packed again."""
    before, told = place.rows_of_file(), answers(place, on_server=False)
    engines = {path: path.stat().st_mtime_ns for path in engine_files(place)}
    assert place.move_there().code == 0
    assert place.rows_on_server() == before
    assert answers(place, on_server=True) == told
    assert place.move_back().code == 0
    assert place.rows_of_file() == before
    assert answers(place, on_server=False) == told
    assert {path: path.stat().st_mtime_ns for path in engine_files(place)} == engines
    assert [len(rows) > 0 for rows in before.values()].count(True) > 8


def test_folders_belong_to_the_machine_that_moves_them(place: Place) -> None:
    """Unless every machine has them; a file belongs to one machine, which must have them all."""
    place.on_file.succeed("delete", place.sources / "folder")
    place.on_file.succeed("index", "--no-wait", place.sources / "gone")
    place.move("postgresql")
    with psycopg.connect(place.url) as connection:
        query = "SELECT DISTINCT kind, host FROM indexes WHERE deleted_at = 0"
        here = os.uname().nodename
        assert set(connection.execute(query)) == {("git", ""), ("folder", here)}
        query = "SELECT DISTINCT host FROM deleted_folders"
        assert connection.execute(query).fetchall() == [(here,)]
        connection.execute("UPDATE indexes SET host = 'there' WHERE kind = 'folder'")
    with pytest.raises(UserError, match="has folders of other hosts, there, which") as refused:
        place.move("sqlite")
    assert refused.value.code == "move_of_other_hosts"
    with psycopg.connect(place.url) as connection:
        connection.execute("UPDATE indexes SET host = %s WHERE kind = 'folder'", (here,))
    place.move("sqlite")
    assert {index["source"] for index in place.on_file.ask("status")["indexes"]} >= {
        str(place.sources / "gone")
    }
    place.on_file.succeed("index", "--no-wait", place.sources / "gone")
    with sqlite3.connect(place.file) as file:
        assert set(file.execute("SELECT DISTINCT host FROM indexes")) == {("",)}


def engine_files(place: Place) -> list[Path]:
    folders = (place.data_dir / "keyword", place.data_dir / "vectors")
    found = [path for folder in folders for path in folder.rglob("*") if path.suffix != ".lock"]
    return sorted(path for path in found if path.is_file())


def test_no_number_is_given_twice(place: Place) -> None:
    """The index with the highest one was deleted before the moves."""
    gone = 3
    assert [row[0] for row in place.rows_of_file()["indexes"]] == [1, 2]
    place.move("postgresql")
    place.on_server.succeed("index", "--no-wait", place.sources / "gone")
    numbers = {index["id"] for index in place.on_server.ask("status")["indexes"]}
    assert numbers == {1, 2, gone + 1}
    place.on_server.succeed("delete", str(gone + 1))
    place.move("sqlite")
    place.on_file.succeed("index", "--no-wait", place.sources / "gone")
    numbers = {index["id"] for index in place.on_file.ask("status")["indexes"]}
    assert numbers == {1, 2, gone + 2}


def test_indexing_goes_on_afterwards(place: Place) -> None:
    """Without any work for what is stored."""
    place.move("postgresql")
    place.on_server.succeed("index", place.sources / "folder")
    assert place.on_server.work() == {}
    place.move("sqlite")
    place.on_file.succeed("index", place.sources / "folder")
    assert place.on_file.work() == {}


def test_what_is_told(place: Place) -> None:
    """Tables with their rows, and what to do next."""
    outcome = place.on_file.run_here("move", "--to", place.url, "--json")
    moved = json.loads(outcome.out)
    rows = {name: len(of_table) for name, of_table in place.rows_on_server().items()}
    assert {table["name"]: table["rows"] for table in moved["tables"]} == rows
    assert moved["rows"] == sum(rows.values())
    assert moved["doctor"]["healthy"] is True
    assert moved["kept"] == str(place.data_dir / "kodit.db.moved")
    assert "set KODIT_DATABASE_URL to that address" in outcome.err
    outcome = place.move_back()
    assert dict(line.split() for line in outcome.out.splitlines()) == {
        name: f"{count:,}" for name, count in rows.items() if count
    }
    assert "unset KODIT_DATABASE_URL" in outcome.err


def test_a_second_call_finds_it_done(place: Place) -> None:
    """In either direction, and says the same about what to do next."""
    assert place.move_there().code == 0
    outcome = place.move_there()
    assert outcome.code == 0, outcome
    assert f"moved from {place.file} to postgresql://" in outcome.err
    assert place.move_back().code == 0
    outcome = place.move_back()
    assert outcome.code == 0, outcome


def test_an_older_database_is_migrated_first(place: Place) -> None:
    shutil.rmtree(
        place.data_dir
    )  # its indexes share contents, which an older version does not know
    place.on_file.succeed("index", place.sources / "folder")
    database = SqliteDatabase(open_sqlite(place.file), place.data_dir / "write.lock")
    migrate(database, "0017")
    database.close()
    place.move("postgresql")
    assert place.rows_on_server()["versions"]
    assert len(place.on_server.ask("status")["indexes"]) == 1
