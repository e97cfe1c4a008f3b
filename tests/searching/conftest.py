"""One small corpus, indexed once: a source file in each of many languages."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

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


@pytest.fixture(scope="session")
def data_dir(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory that has the corpus indexed."""
    folder = tmp_path_factory.mktemp("data")
    with Kodit(folder) as kodit:
        kodit.index(corpus)
    return folder


@pytest.fixture(scope="session")
def searchable(data_dir: Path) -> Iterator[Kodit]:
    """Kodit with the corpus indexed."""
    with Kodit(data_dir) as kodit:
        yield kodit
