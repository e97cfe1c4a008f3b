"""What doctor says of the database file itself: its pages, its indexes, and whether it is one."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.doctor.rows import Rows, repair
from tests.doctor.test_spared import made, told

from kodit.domain.diagnosis import Problem
from kodit.infrastructure.doctor.database import (
    MOST_MESSAGES,
    DatabaseExaminer,
    has_tables,
    missing_database,
    unreadable_database,
)


def test_an_index_of_the_database_that_has_come_meanwhile(rows: Rows) -> None:
    """It is made once, and no other one with it."""
    rows.sql("DROP INDEX snippets_of_file", "DROP INDEX vectors_of_embedding")
    names = "SELECT name FROM sqlite_master WHERE type = 'index' ORDER BY name"
    problems = sorted(DatabaseExaminer(rows.database).examine(), key=lambda one: one.what)
    assert told(problems) == [
        "the index snippets_of_file of the table snippets is missing",
        "the index vectors_of_embedding of the table vectors is missing",
    ]
    before = rows.sql(names)
    repair(problems[0])
    repair(problems[0])
    assert rows.sql(names) == sorted([*before, ("snippets_of_file",)])
    repair(problems[1])
    assert DatabaseExaminer(rows.database).examine() == []


def test_only_damage_to_its_indexes_alone_is_repaired(rows: Rows) -> None:
    """What else its pages lack, no index can give back; some of it is told."""
    examiner = DatabaseExaminer(rows.database)

    def harm(*statements: str) -> list[Problem]:
        with closing(sqlite3.connect(rows.database.path)) as connection:
            for statement in statements:
                connection.execute(statement)
            connection.commit()
        return examiner.examine()

    ((definition,),) = rows.sql("SELECT sql FROM sqlite_master WHERE name = 'snippets_of_file'")
    [lacking] = harm(
        "DROP INDEX snippets_of_file",
        f"{definition} WHERE id > 9",
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_master SET sql = substr(sql, 1, instr(sql, ' WHERE id > 9') - 1) "
        "WHERE name = 'snippets_of_file'",
    )
    assert "from index snippets_of_file" in lacking.what
    assert lacking.what.count(";") == MOST_MESSAGES - 1
    assert lacking.remedy == "rebuilds the database's own indexes"
    assert lacking.repair is not None
    [beyond] = harm(
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_master SET sql = replace(sql, 'also_defines TEXT', "
        "'also_defines TEXT NOT NULL') WHERE name = 'snippets' AND type = 'table'",
        "PRAGMA schema_version = 999999",
    )
    assert "from index snippets_of_file" in beyond.what
    assert (beyond.remedy.partition(";")[0], beyond.repair) == ("nothing", None)


def test_an_unreadable_file_is_not_called_damaged_or_empty(tmp_path: Path) -> None:
    """It may be locked, or another user's; opening it reports that."""
    (tmp_path / "folder").mkdir()
    assert unreadable_database(tmp_path / "folder") is None
    assert has_tables(tmp_path / "folder")
    assert has_tables(made(tmp_path / "other", b"no database" * 99))
    assert unreadable_database(tmp_path / "other") is not None
    assert unreadable_database(tmp_path / "missing") is None
    assert not has_tables(tmp_path / "missing")
    assert not has_tables(made(tmp_path / "empty", b""))


def test_a_database_is_missed_only_where_it_was(tmp_path: Path) -> None:
    """An empty file is as good as none, and does not mean that there was an index."""
    assert missing_database(tmp_path) is None
    made(tmp_path / "kodit.db", b"")
    assert missing_database(tmp_path) is None
    made(tmp_path / "clones" / "1.git", b"")
    empty = missing_database(tmp_path)
    (tmp_path / "kodit.db").unlink()
    missing = missing_database(tmp_path)
    assert [one and one.what.removeprefix(f"{tmp_path}/") for one in (empty, missing)] == [
        "kodit.db is empty; its indexes have left clones",
        "kodit.db is missing; its indexes have left clones",
    ]
    with closing(sqlite3.connect(tmp_path / "kodit.db")) as connection:
        connection.execute("CREATE TABLE some (number)")
    assert missing_database(tmp_path) is None
