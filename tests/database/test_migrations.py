"""The schema equals the result of the migrations, up and down, with rows in the tables."""

from __future__ import annotations

import hashlib
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import text
from tests.support.command import KoditCommand
from tests.support.files import of_files
from tests.support.snapshot import read_rows, take_snapshot
from tests.support.sources import write_file, write_tree

from kodit import Kodit
from kodit.domain.errors import DatabaseVersionError
from kodit.infrastructure.locks import file_lock
from kodit.infrastructure.sql.revision import HEAD
from kodit.infrastructure.sqlalchemy import migrate as migrating
from kodit.infrastructure.sqlalchemy.database import SqliteDatabase, open_sqlite
from kodit.infrastructure.sqlalchemy.entities import METADATA
from kodit.infrastructure.sqlalchemy.migrate import BASE, SCHEMA, migrate

SCRIPTS = ScriptDirectory(str(Path(migrating.__file__).with_name("migrations")))
REVISIONS = [script.revision for script in SCRIPTS.walk_revisions()][::-1]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqliteDatabase]:
    """A database file without tables."""
    database = SqliteDatabase(open_sqlite(tmp_path / "kodit.db"), tmp_path / "write.lock")
    yield database
    database.close()


def schema(path: Path) -> dict[str, list[str]]:
    """Every table and index as SQLite was told to make it, clauses sorted: a migration may add a
    column at the end that the class has in the middle."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
        ).fetchall()
    return {
        name: sorted(
            clause.strip(" ,")
            for clause in re.split(
                r"\n|, (?=[a-z_]+ [A-Z])", re.sub(r"[ \t]+", " ", sql.removesuffix(")"))
            )
            if clause.strip()
        )
        for name, sql in rows
        if name != "alembic_version"
    }


def row_counts(path: Path) -> dict[str, int]:
    """How many rows each table has."""
    with closing(sqlite3.connect(path)) as connection:
        names = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        ).fetchall()
        return {
            name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]  # noqa: S608
            for (name,) in names
        }


def test_the_newest_revision_is_known_without_alembic() -> None:
    """HEAD, which is compared at every start, is the newest migration of the package."""
    assert SCRIPTS.get_heads() == [HEAD]


def test_a_new_database_is_what_the_migrations_make(
    database: SqliteDatabase, tmp_path: Path, update_golden: bool
) -> None:
    """To the order in which indexes were made, by which SQLite chooses among equal ones."""
    migrate(database, REVISIONS[0])
    migrate(database)
    if update_golden:
        version = f"INSERT INTO alembic_version VALUES ('{HEAD}')"  # noqa: S608 - not from outside
        statements = [*made(database.path), version]
        SCHEMA.write_text("\n\n".join(statements) + "\n", "utf-8")
    other = SqliteDatabase(open_sqlite(tmp_path / "new.db"), tmp_path / "other.lock")
    migrate(other)
    with other.read() as transaction:
        stored = transaction.connection.execute(text("SELECT version_num FROM alembic_version"))
        assert stored.scalars().all() == [HEAD]
    other.close()

    assert made(tmp_path / "new.db") == made(database.path)


def made(path: Path) -> list[str]:
    """The statements that made everything in a database, in their order."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(
            "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
            " ORDER BY rowid"
        )
        return [re.sub(r"\n\s*\n", "\n", sql.strip()) for (sql,) in rows]


def test_the_tables_are_what_the_migrations_make(database: SqliteDatabase, tmp_path: Path) -> None:
    """Tables, columns, keys, checks and indexes, compared as SQL."""
    migrate(database, REVISIONS[0])
    migrate(database)
    other = open_sqlite(tmp_path / "classes.db")
    METADATA.create_all(other)
    other.dispose()

    assert schema(database.path) == schema(tmp_path / "classes.db")


def test_each_migration_goes_up_and_down_over_rows(tmp_path: Path) -> None:
    """A database of a real index is migrated down to nothing and up again, revision by revision; a
    revision that keeps a table keeps its rows.
    """
    write_tree(tmp_path / "source", files=8)
    with Kodit(tmp_path / "data") as kodit:
        kodit.index(tmp_path / "source")
    path = tmp_path / "data" / "kodit.db"
    counts = row_counts(path)
    assert min(counts[name] for name in ("files", "snippets", "vectors", "tasks")) > 0
    database = SqliteDatabase(open_sqlite(path), tmp_path / "data" / "write.lock")
    try:
        schemas = [schema(path)]
        for revision in [BASE, *REVISIONS[:-1]][::-1]:
            migrate(database, revision)
            schemas.append(schema(path))
            for name, count in row_counts(path).items():
                assert count == counts[name] or name == "alembic_version"
        assert schemas.pop() == {}
        for revision in REVISIONS:
            migrate(database, revision)
            assert schema(path) == schemas.pop()
    finally:
        database.close()
    with Kodit(tmp_path / "data") as kodit:
        (status,) = kodit.index(tmp_path / "source")
    assert status.summary.files == 8


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A source and a data directory, not to be changed."""
    root = tmp_path_factory.mktemp("indexed")
    write_tree(root / "source", files=6)
    write_file(
        root / "source" / "shapes.py",
        "class Shape:\n    def area(self):\n        return 0\n\n"
        "    def edge(self):\n        return 1\n",
    )
    with Kodit(root / "data") as kodit:
        kodit.index(root / "source")
    return root


@pytest.mark.parametrize("revision", REVISIONS[:-1])
def test_data_that_a_migration_cannot_restore_is_made_again(
    revision: str, indexed: Path, tmp_path: Path
) -> None:
    """After a downgrade to an earlier revision and an upgrade, the next run gives the state of a
    fresh index, although the source has not changed.
    """
    shutil.copytree(indexed / "data", tmp_path / "data")
    defined = of_files(
        "SELECT path, start_line, also_defines FROM snippets "
        "JOIN FILES ON file.version_id = snippets.version_id"
    )
    before = take_snapshot(tmp_path / "data"), read_rows(tmp_path / "data", defined)
    assert any(row[2] for row in before[1])
    database = SqliteDatabase(
        open_sqlite(tmp_path / "data" / "kodit.db"), tmp_path / "data" / "write.lock"
    )
    migrate(database, revision)
    migrate(database)
    database.close()

    with Kodit(tmp_path / "data") as kodit:
        kodit.index(indexed / "source")
        assert kodit.check().found == ()
    assert (take_snapshot(tmp_path / "data"), read_rows(tmp_path / "data", defined)) == before


def test_a_database_of_this_program_is_opened_while_another_writes(tmp_path: Path) -> None:
    """A search waits for no writer: only a migration does."""
    with Kodit(tmp_path) as kodit:
        kodit.status()
    with file_lock(tmp_path / "write.lock", 1.0, "the database"), Kodit(tmp_path) as kodit:
        assert kodit.search("anchor") == []


def test_a_database_of_a_newer_program_is_refused(kodit: KoditCommand) -> None:
    """One sentence, exit status 2, and no byte is changed."""
    with Kodit(kodit.data_dir) as api:
        api.status()
    path = kodit.data_dir / "kodit.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    before = hashlib.sha256(path.read_bytes()).digest()

    outcome = kodit.run("status")

    assert outcome.code == 2
    assert outcome.out == ""
    assert outcome.err.startswith("kodit: the database was written by a newer Kodit")
    assert outcome.err.count("\n") == 1
    with Kodit(kodit.data_dir) as api, pytest.raises(DatabaseVersionError):
        api.search("anchor")
    assert hashlib.sha256(path.read_bytes()).digest() == before


def test_former_contents_get_versions_of_their_own(tmp_path: Path) -> None:
    """Snippets that engines still hold when the database is migrated are searched until the next
    run, which leaves what a fresh index has.
    """
    source, data = tmp_path / "source", tmp_path / "data"
    write_tree(source, files=4)
    with Kodit(data) as kodit:
        kodit.index(source)
    database = SqliteDatabase(open_sqlite(data / "kodit.db"), data / "write.lock")
    migrate(database, "0017")
    with database.write() as transaction:
        columns = (
            "index_id, file_id, start_line, end_line, language, symbol, kind, scope, content_hash, "
            "text, also_defines, mentions, minor_symbols, extents"
        )
        # As after EXTRACT has replaced the snippets of the first file, and no later stage has run.
        for statement in (
            "UPDATE snippets SET state = 'superseded' WHERE file_id = 1",
            f"INSERT INTO snippets ({columns}, state) SELECT {columns}, 'live' "  # noqa: S608
            "FROM snippets WHERE file_id = 1",
            "INSERT INTO pending_snippets SELECT index_id, 'CODE_EMBEDDINGS', id FROM snippets "
            "WHERE file_id = 1 AND state = 'live'",
            "INSERT INTO pending_snippets SELECT index_id, 'ENRICH', id FROM snippets "
            "WHERE file_id = 1 AND state = 'live'",
        ):
            transaction.connection.execute(text(statement))
    migrate(database)
    database.close()
    former = (
        "SELECT DISTINCT former_versions.path_id, snippets.state, vectors.version_id "
        "= snippets.version_id, files.version_id = snippets.version_id FROM former_versions "
        "JOIN snippets ON snippets.version_id = former_versions.version_id "
        "JOIN files ON files.path_id = former_versions.path_id "
        "JOIN vectors ON vectors.snippet_id = snippets.id"
    )
    assert read_rows(data, former) == [(1, "superseded", 1, 0)]
    first = read_rows(data, "SELECT path FROM paths WHERE id = 1")[0][0]
    with Kodit(data) as kodit:
        word = kodit.read(source, first).text.split("def ")[-1].split("(")[0]
        found = kodit.search(word, mode="code", paths=[first])
        assert found
        kodit.index(source)
    with Kodit(tmp_path / "fresh") as kodit:
        kodit.index(source)
    assert take_snapshot(data) == take_snapshot(tmp_path / "fresh")
    assert read_rows(data, "SELECT * FROM former_versions") == []
    assert read_rows(data, "SELECT count(*) FROM versions") == [(4,)]
