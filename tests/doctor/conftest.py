"""A healthy data directory over a folder and a git repository, made once and copied."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.doctor.place import Answer, Place
from tests.doctor.rows import Rows, sound_rows
from tests.support.sources import commit_all, write_tree
from tests.support.stores import DATABASES, copy_data_directory

from kodit import Kodit

_healthy: dict[str, Place] = {}
_answers: dict[str, list[Answer]] = {}


@pytest.fixture
def healthy(store: str, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Never to be changed: `place` gives copies of it. One for each kind of database."""
    if store not in _healthy:
        with DATABASES.kept():
            _healthy[store] = _make_healthy(tmp_path_factory.mktemp("doctor"))
    return _healthy[store]


def _make_healthy(root: Path) -> Place:
    folder, repository = root / "folder", root / "repository"
    write_tree(folder, 8, seed=1)
    write_tree(repository, 8, seed=2)
    commit_all(repository)
    with Kodit(root / "data") as kodit:
        kodit.index(folder)
        kodit.index(repository.as_uri())  # later, so that the folder's snippets come first
    return Place(root / "data", folder, repository)


@pytest.fixture
def place(healthy: Place, tmp_path: Path) -> Place:
    """A data directory to be damaged, over the same sources."""
    copy_data_directory(healthy.data_dir, tmp_path / "data")
    return Place(tmp_path / "data", healthy.folder, healthy.repository)


@pytest.fixture
def answers(healthy: Place, store: str) -> list[Answer]:
    """The results of searches without any damage."""
    if store not in _answers:
        _answers[store] = healthy.search()
    return _answers[store]


@pytest.fixture
def rows(tmp_path: Path) -> Iterator[Rows]:
    """A small sound database in the test's own folder, without sources or engines."""
    with sound_rows(tmp_path) as sound:
        yield sound
