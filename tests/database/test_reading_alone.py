"""Commands read through the driver alone with the same statements as the repositories."""

from __future__ import annotations

import gc
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest
from sqlalchemy import create_engine

from kodit import Kodit
from kodit.application.services.threads import LoopNeededError, in_thread, need_loop, run_alone
from kodit.domain.errors import DatabaseReplacedError, TransientError
from kodit.infrastructure import sql, vectors
from kodit.infrastructure.sql.nodes import SETTING
from kodit.infrastructure.sql.reading import ReadingDatabase
from kodit.infrastructure.sql.sqlite import connect
from kodit.infrastructure.sql.statements import Statement, StatementForMany
from kodit.infrastructure.sqlalchemy.entities import METADATA


def statements() -> Iterator[tuple[str, str]]:
    """Every statement that is written as text, by its module and name, without those of nodes on a
    server, which `tests/nodes` runs."""
    for package in (sql, vectors):
        for found in iter_modules(package.__path__, f"{package.__name__}."):
            for name, value in sorted(vars(import_module(found.name)).items()):
                if isinstance(value, StatementForMany):
                    value = value.of(2)  # noqa: PLW2901 - the same for both
                if isinstance(value, Statement) and value.sql and SETTING not in value.sql:
                    yield f"{found.name}.{name}", value.sql


def test_texts_name_existing_tables_and_columns(tmp_path: Path) -> None:
    """As they are defined for SQLAlchemy."""
    engine = create_engine(f"sqlite:///{tmp_path / 'tables.db'}")
    METADATA.create_all(engine)
    engine.dispose()
    checked = 0
    with closing(sqlite3.connect(tmp_path / "tables.db")) as connection:
        for name, text in statements():
            parameters = dict.fromkeys(_names_in(text), 1)
            try:
                connection.execute(f"EXPLAIN {text}", parameters)
            except sqlite3.Error as error:
                pytest.fail(f"{name}: {error}")
            checked += 1
    assert checked > 40


def _names_in(text: str) -> list[str]:
    return [part.split(" ")[0].strip("(),") for part in text.split(":")[1:]]


def reading(data_dir: Path) -> ReadingDatabase:
    """The database of a data directory, only for reading."""

    def refuse() -> None:
        raise AssertionError("nothing is to be written")

    return ReadingDatabase(data_dir / "kodit.db", read_only=False, to_write=refuse)  # type: ignore[arg-type]


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A new data directory."""
    with Kodit(tmp_path / "data") as api:
        api.status()
    return tmp_path / "data"


def test_only_a_database_of_this_schema_is_read(data_dir: Path, tmp_path: Path) -> None:
    """All others are migrated first, or refused."""
    database = reading(data_dir)
    assert database.is_current
    database.close()
    with closing(sqlite3.connect(data_dir / "kodit.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
        connection.commit()
    assert not reading(data_dir).is_current
    (tmp_path / "kodit.db").write_bytes(b"no database of anybody" * 100)
    assert not reading(tmp_path).is_current
    assert not reading(tmp_path / "nowhere").is_current


def test_a_database_that_is_replaced_is_noticed(data_dir: Path, tmp_path: Path) -> None:
    """One with this schema is read instead, and no other."""
    database = reading(data_dir)
    assert database.is_current
    with Kodit(tmp_path / "other") as api:
        api.status()
    (tmp_path / "other" / "kodit.db").replace(data_dir / "kodit.db")
    with database.read() as transaction:
        assert transaction.indexes.list_all() == []
    (data_dir / "kodit.db").unlink()
    with pytest.raises(DatabaseReplacedError), database.read():
        pass
    with closing(sqlite3.connect(data_dir / "kodit.db")) as connection:
        connection.execute("CREATE TABLE others (id INTEGER)")
    with pytest.raises(DatabaseReplacedError), database.read():
        pass
    database.close()


def test_a_reader_of_a_replaced_database_leaves_no_connection_to_it(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though it ends while the idle ones are closed."""
    database = reading(data_dir)
    assert database.is_current
    with ExitStack() as busy:
        busy.enter_context(database.read())
        with database.read():
            pass
        with Kodit(tmp_path / "other") as api:
            api.status()
        with closing(sqlite3.connect(tmp_path / "other" / "kodit.db")) as connection:
            connection.execute("PRAGMA user_version = 7")
        (tmp_path / "other" / "kodit.db").replace(database.path)
        close = database._close

        def close_as_another_ends(connection: sqlite3.Connection) -> None:
            monkeypatch.undo()
            busy.close()
            close(connection)

        monkeypatch.setattr(database, "_close", close_as_another_ends)
        with database.read() as transaction:
            assert transaction.cursors.cursor.execute("PRAGMA user_version").fetchone() == (7,)
    database.close()


def test_work_of_threads_is_done_without_an_event_loop() -> None:
    """Work that needs one says so."""

    async def work() -> int:
        return await in_thread(lambda: 41) + 1

    async def more() -> None:
        need_loop()

    assert run_alone(work()) == 42
    with pytest.raises(LoopNeededError):
        run_alone(more())
    need_loop()  # elsewhere, nothing happens


def test_a_connection_caches_few_statements(tmp_path: Path) -> None:
    """A compiled statement takes some kilobytes, and a server has nine connections."""

    def compiled() -> int:
        return sum(type(one).__name__ == "Statement" for one in gc.get_objects())

    gc.collect()
    before = compiled()
    with closing(connect(tmp_path / "some.db", 1.0, "rwc")) as connection:
        for number in range(300):
            assert connection.execute(f"SELECT {number}").fetchone() == (number,)
        assert 32 <= compiled() - before <= 64


def test_errors_of_the_driver_have_a_meaning_and_those_of_the_program_none(data_dir: Path) -> None:
    """These pass as they are. The connection can be used again."""
    database = reading(data_dir)
    for error, expected in (
        (sqlite3.OperationalError("disk I/O error"), TransientError),
        (sqlite3.ProgrammingError("no such thing"), sqlite3.ProgrammingError),
        (ValueError("of no database"), ValueError),
    ):
        with pytest.raises(expected) as raised, database.read():
            raise error
        assert error in (raised.value, raised.value.__cause__)
        assert len(database._idle) == 1
    database.close()
