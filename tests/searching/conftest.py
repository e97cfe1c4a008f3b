"""One small corpus, indexed once: a source file in each of many languages."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.support.stores import DATABASES

from kodit import Kodit

SOURCES = Path(__file__).parents[1] / "slicing" / "sources"


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files in folders of their own, as a project would have them."""
    folder = tmp_path_factory.mktemp("corpus")
    for source in sorted(SOURCES.iterdir()):
        name = source.name.removesuffix(".txt")
        place = folder / ("docs" if name.endswith(".md") else name.rpartition(".")[2]) / name
        place.parent.mkdir(exist_ok=True)
        shutil.copy(source, place)
    return folder


_data_dirs: dict[str, Path] = {}
_opened: dict[str, Kodit] = {}


@pytest.fixture
def data_dir(corpus: Path, store: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory that has the corpus indexed; one for each kind of database."""
    if store not in _data_dirs:
        folder = tmp_path_factory.mktemp("data")
        with DATABASES.kept(), Kodit(folder) as kodit:
            kodit.index(corpus)
        _data_dirs[store] = folder
    return _data_dirs[store]


@pytest.fixture
def searchable(data_dir: Path, store: str, until_the_end: ExitStack) -> Kodit:
    """Kodit with the corpus indexed."""
    if store not in _opened:
        _opened[store] = until_the_end.enter_context(Kodit(data_dir))
        _opened[store].status()  # opened while this kind of database is chosen
    return _opened[store]
