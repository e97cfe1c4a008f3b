"""Each data directory over one database has a name, which its child processes go by too."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from kodit.composition.moving import planned_move
from kodit.composition.postgresql_store import PostgresqlStore
from kodit.domain.errors import SettingError, UserError
from kodit.infrastructure.data_directory import name_of_node
from kodit.infrastructure.postgresql.address import DatabaseAddress
from kodit.settings import DATABASE_URL, Settings

URL = "postgresql://ada@localhost/shop"


def store_in(folder: Path) -> PostgresqlStore:
    return PostgresqlStore(Settings.load({}, data_dir=folder, database_url=URL))


def test_the_address_of_a_node_has_its_name(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        store_in(folder).make_data_directory()
    one, two = (store_in(folder).node_address.node for folder in folders)
    assert one != two
    assert (one, two) == tuple(map(name_of_node, folders))
    assert store_in(folders[0]).address.node == ""


def test_a_folder_that_is_no_node_yet_is_opened_to_write(tmp_path: Path) -> None:
    """Even by a command that only reads: the node is entered, so that others know of it."""
    assert not store_in(tmp_path).open_to_read()


@pytest.mark.parametrize("url", [URL, f"{URL}?sslmode=disable"])
def test_a_child_process_is_the_node_of_its_parent(url: str) -> None:
    """By the address that it is given, which only names the node in addition."""
    of_parent = DatabaseAddress(DATABASE_URL, url).of_node(DATABASE_URL, "n1")
    of_child = DatabaseAddress(DATABASE_URL, of_parent.url)
    assert (of_child.node, of_child.url) == ("n1", of_parent.url)
    assert of_child.options == DatabaseAddress(DATABASE_URL, url).options
    assert of_child.of_node(DATABASE_URL, "n2").node == "n2"


def test_a_folder_with_a_database_of_its_own_is_no_node(tmp_path: Path) -> None:
    (tmp_path / "kodit.db").write_bytes(b"SQLite format 3\x00")
    with pytest.raises(UserError):
        store_in(tmp_path).make_data_directory()
    assert name_of_node(tmp_path) is None


def test_what_a_server_needs_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is named, with the way to get it."""
    monkeypatch.setitem(sys.modules, "kodit.infrastructure.postgresql.address", None)
    told = r"needs the package psycopg.*; install kodit\[postgresql\]$"
    with pytest.raises(SettingError, match=f"^{DATABASE_URL} names a PostgreSQL .* {told}"):
        _ = store_in(tmp_path).address
    moving = planned_move(Settings.load({}, data_dir=tmp_path), URL)
    with pytest.raises(SettingError, match=f"^Kodit {told}"), moving:
        pass
