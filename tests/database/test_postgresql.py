"""The schema on a real PostgreSQL server, which several machines will share."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import (
    CheckConstraint,
    Connection,
    Engine,
    Row,
    create_engine,
    insert,
    inspect,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from tests.support.postgresql import find_postgresql, running_postgresql
from tests.support.sources import commit_all, python_function, write_file, write_tree

from kodit import IndexingError, Kodit
from kodit.infrastructure.sqlalchemy.database import open_sqlite
from kodit.infrastructure.sqlalchemy.entities import FILES, INDEXES, METADATA
from kodit.infrastructure.sqlalchemy.migrate import alembic_config

PROGRAMS = find_postgresql()
TABLES = METADATA.sorted_tables


@pytest.fixture(scope="module")
def server() -> Iterator[Engine]:
    """A server without tables."""
    if PROGRAMS is None:
        pytest.skip("PostgreSQL is not installed")
    with running_postgresql(PROGRAMS) as url:
        engine = create_engine(url)
        yield engine
        engine.dispose()


@pytest.fixture
def postgresql(server: Engine) -> Iterator[Engine]:
    """A server with Kodit's tables, as the migrations make them. They are gone afterwards."""
    with server.begin() as connection:
        command.upgrade(alembic_config(connection), "head")
    yield server
    with server.begin() as connection:
        # An older schema has no place for what indexes share.
        connection.execute(update(FILES).values(version_id=None))
        command.downgrade(alembic_config(connection), "base")
        assert inspect(connection).get_table_names() == ["alembic_version"]


def rows_by_table(connection: Connection) -> dict[str, list[Row[tuple[object, ...]]]]:
    """Every row of every table, ordered by the first column."""
    return {
        table.name: list(connection.execute(select(table).order_by(*table.primary_key)))
        for table in TABLES
    }


def write_odd_sources(folder: Path) -> None:
    """Content of real sources: other encodings, supplementary planes of Unicode, control
    characters, names of any length, undecodable file names.
    """
    write_tree(folder, files=8)
    write_file(folder / "naïve 🦊.py", python_function("fuchs_" + "x" * 300, ["ä", "𐌔", "ß"]))
    (folder / "latin.txt").write_bytes("Grüße aus Köln\n".encode("latin-1") * 20)
    (folder / "escape.txt").write_bytes(b"\x1b[31mred\x1b[0m \x07 \xef\xbf\xbf\n" * 20)
    Path(os.fsdecode(bytes(folder) + b"/no-text-\xff.py")).write_bytes(b"fox = 1\n" * 20)


def test_migrations_make_what_the_tables_define(postgresql: Engine) -> None:
    """Alembic finds no difference of tables, columns, types, keys and indexes."""
    with postgresql.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []


def test_rows_of_a_real_index_fit(postgresql: Engine, tmp_path: Path) -> None:
    """Each row that indexing writes to SQLite can be stored in PostgreSQL and read back
    unchanged.
    """
    for name in ("source", "repository"):
        write_odd_sources(tmp_path / name)
    commit_all(tmp_path / "repository")
    with Kodit(tmp_path / "data") as kodit:
        kodit.index(tmp_path / "source", (tmp_path / "repository").as_uri())
        (tmp_path / "source" / "latin.txt").unlink()
        kodit.index(tmp_path / "source")
        write_file(tmp_path / "repository" / "more.py", "more = 1\n")
        commit_all(tmp_path / "repository")
        shutil.rmtree(tmp_path / "repository" / ".git" / "objects")
        (tmp_path / "repository" / ".git" / "objects").mkdir()
        with pytest.raises(IndexingError):
            kodit.index((tmp_path / "repository").as_uri())
    sqlite = open_sqlite(tmp_path / "data" / "kodit.db")
    with sqlite.connect() as connection:
        stored = rows_by_table(connection)
    sqlite.dispose()

    with postgresql.begin() as connection:
        for table in TABLES:
            if stored[table.name]:
                connection.execute(table.insert(), [row._asdict() for row in stored[table.name]])
    with postgresql.connect() as connection:
        assert rows_by_table(connection) == stored
    for name in ("files", "snippets", "vectors", "embeddings", "enrichments", "tasks"):
        assert stored[name]


def test_checks_hold(postgresql: Engine) -> None:
    """Every check of the tables is there, and an unknown kind of source is rejected."""
    with postgresql.connect() as connection:
        for table in TABLES:
            there = inspect(connection).get_check_constraints(table.name)
            asked = [one.name for one in table.constraints if isinstance(one, CheckConstraint)]
            assert {check["name"] for check in there} == set(asked)
    with (
        pytest.raises(IntegrityError, match="kind_is_known"),
        postgresql.begin() as connection,
    ):
        connection.execute(insert(INDEXES).values(kind="tape", location="/dev/st0", created_at=0))
