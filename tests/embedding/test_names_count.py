"""Equal code in files of other names is distinguished by what describes it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.snapshot import read_rows
from tests.support.sources import python_function, write_file

from kodit import Kodit

NAMES = ("marble", "quartz")


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with an index of one function in two files of one folder, and of another
    function in two files of one name."""
    root = tmp_path_factory.mktemp("twins")
    for name in NAMES:
        write_file(root / "source" / f"{name}.py", python_function("swing", "a b c".split()))
        write_file(root / "source" / name / "same.py", python_function("turn", "d e f".split()))
    with Kodit(root / "data") as kodit:
        kodit.index(root / "source")
    return root / "data"


@pytest.mark.parametrize("name", NAMES)
def test_a_vector_of_a_description_depends_on_the_name(name: str, twins: Path) -> None:
    """Not on the folders, so that a file that is moved keeps its vectors."""
    with Kodit(twins) as kodit:
        best = kodit.search(name, mode="text")[0]
    assert best.snippet.path == f"{name}.py"
    assert [one.path for one in best.also_in] == [f"{other}.py" for other in NAMES if other != name]


def test_files_of_one_name_and_content_share_their_vectors(twins: Path) -> None:
    """And those of another name that of the code."""
    assert read_rows(
        twins, "SELECT kind, count(DISTINCT embedding_id) FROM vectors GROUP BY 1"
    ) == [
        ("code", 2),
        ("text", 3),
    ]
