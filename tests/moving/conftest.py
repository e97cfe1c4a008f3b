"""An indexed data directory, and an empty database on a server."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.moving.places import Place
from tests.support.empty_databases import empty_server_database
from tests.support.sources import commit_all, write_file, write_tree

from kodit import Kodit


@pytest.fixture(scope="session")
def indexed(tmp_path_factory: pytest.TempPathFactory, until_the_end: ExitStack) -> Path:
    """A folder with a data directory of three indexes: a repository, a folder, and a deleted one,
    which was the last to get a number."""
    folder = tmp_path_factory.mktemp("indexed")
    for name in ("repository", "folder", "gone"):
        write_tree(folder / name, files=6)
    write_file(folder / "folder" / "naïve 🦊.py", "def füchse(ä):\n    return 'ß' * 3\n")
    commit_all(folder / "repository")
    with Kodit(folder / "data") as kodit:
        kodit.index((folder / "repository").as_uri(), folder / "folder", folder / "gone")
        write_file(folder / "folder" / "more.py", "def more():\n    return 1\n")
        kodit.index(folder / "folder")
        kodit.delete(folder / "gone")
    return folder


@pytest.fixture
def place(indexed: Path, tmp_path: Path) -> Iterator[Place]:
    """A copy of it, and an empty database to move to."""
    shutil.copytree(indexed / "data", tmp_path / "data")
    with empty_server_database() as url:
        yield Place(tmp_path / "data", url, indexed)
