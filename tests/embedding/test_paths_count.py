"""Equal code in two places is distinguished by its path."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.sources import python_function, write_file

from kodit import Kodit

PLACES = ("marble", "quartz")


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with an index of one file in two folders."""
    root = tmp_path_factory.mktemp("twins")
    for place in PLACES:
        write_file(root / "source" / place / "a.py", python_function("swing", "a b c".split()))
    with Kodit(root / "data") as kodit:
        kodit.index(root / "source")
    return root / "data"


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("mode", ["code", "text"])
def test_a_vector_depends_on_the_path_too(mode: str, place: str, twins: Path) -> None:
    """That of the code, and that of its description."""
    with Kodit(twins) as kodit:
        (best,) = kodit.search(place, mode=mode)
    assert best.snippet.path == f"{place}/a.py"
    assert [one.path for one in best.also_in] == [
        f"{other}/a.py" for other in PLACES if other != place
    ]
