"""A store on a server leaves no connection open, whatever it was used for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from tests.support.command import wait_until
from tests.support.empty_databases import empty_server_database

from kodit.composition.postgresql_store import PostgresqlStore
from kodit.domain.errors import UserError
from kodit.settings import Settings

OPEN = (
    "SELECT application_name FROM pg_stat_activity WHERE datname = current_database() "
    "AND application_name LIKE 'kodit%' ORDER BY 1"
)


class Store:
    """One on a database of its own."""

    def __init__(self, url: str, data_dir: Path) -> None:
        self.url = url
        self.data_dir = data_dir

    def make(self) -> PostgresqlStore:
        return PostgresqlStore(Settings.load({}, data_dir=self.data_dir, database_url=self.url))

    def connections(self) -> list[str]:
        """By the names that the server lists them by."""
        with psycopg.connect(self.url) as connection:
            return [str(row[0]) for row in connection.execute(OPEN)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with empty_server_database() as url:
        yield Store(url, tmp_path)


def look(opened: PostgresqlStore) -> None:
    with opened.reading.read() as transaction:
        assert transaction.indexes.list_all() == []


def listen(opened: PostgresqlStore) -> None:
    opened.wake_ups.listen()


def follow(opened: PostgresqlStore) -> None:
    opened.nodes.start_following()


@pytest.mark.parametrize(
    ("use", "names"),
    [
        (look, {"kodit"}),
        (listen, {"kodit", "kodit notify"}),
        (follow, {"kodit", "kodit node"}),
    ],
)
def test_a_store_is_closed(
    use: Callable[[PostgresqlStore], None], names: set[str], store: Store
) -> None:
    opened = store.make()
    opened.open()
    use(opened)
    assert set(store.connections()) == names
    opened.close()
    wait_until(lambda: store.connections() == [])


def test_a_store_that_is_only_read(store: Store) -> None:
    """Once its database has tables; before, nothing of it stays open."""
    reading = store.make()
    reading.make_data_directory()
    assert not reading.open_to_read()
    wait_until(lambda: store.connections() == [])
    opened = store.make()
    opened.open()
    opened.close()
    assert reading.open_to_read()
    look(reading)
    assert store.connections() == ["kodit"]
    reading.close()
    wait_until(lambda: store.connections() == [])


def test_a_folder_with_a_database_of_its_own_is_not_read(store: Store) -> None:
    """Nor is one that is no node yet."""
    reading = store.make()
    assert not reading.open_to_read()
    (store.data_dir / "kodit.db").write_bytes(b"SQLite format 3\x00")
    with pytest.raises(UserError):
        reading.open_to_read()
    assert store.connections() == []
