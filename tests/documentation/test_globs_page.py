"""docs/globs.md says what globs do, line by line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.support.command import KoditCommand
from tests.support.sources import write_file

from kodit.domain.files import from_root
from kodit.infrastructure.sql.globs import path_matcher

PAGE = (Path(__file__).parents[2] / "docs" / "globs.md").read_text()
EXAMPLES = [
    tuple(re.findall(r"`([^`]+)`", cell) for cell in line.strip("|").split("|"))
    for line in PAGE.partition("## Examples")[2].partition("## Which")[0].splitlines()
    if line.startswith("| `")
]


@pytest.mark.parametrize(
    ("globs", "matching", "others"), EXAMPLES, ids=[" ".join(one[0]) for one in EXAMPLES]
)
def test_each_example_is_true(globs: list[str], matching: list[str], others: list[str]) -> None:
    """By the matcher that `--path` uses."""
    assert matching
    assert others
    matches = path_matcher([from_root(glob) for glob in globs])
    assert [path for path in matching + others if matches(path)] == matching


def test_a_leading_dot_and_a_backslash_are_as_the_page_says() -> None:
    """They do not fit into the table."""
    assert path_matcher([from_root("./src/*.py")])("src/app.py")
    assert not path_matcher([from_root("./src/*.py")])("lib/src/app.py")
    assert path_matcher([r"\!important.txt"])("!important.txt")
    assert path_matcher([r"\#notes"])("#notes")
    assert path_matcher(["*.[pP][yY]"])("SETUP.PY")
    assert path_matcher(["[!a-z]x"])("1x")


@pytest.mark.parametrize(
    ("glob", "found"),
    [
        ("db/*.py", ["src/db/model.py"]),
        ("src/db/*.py", ["src/db/model.py"]),
        ("./app.py", ["src/app.py"]),
        ("/*.py", []),
        ("**/model.py", ["src/db/model.py"]),
    ],
)
def test_a_glob_is_tried_from_the_subfolder_too(
    glob: str, found: list[str], indexed: KoditCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In `src`, without the other parts of the index."""
    monkeypatch.chdir(indexed.data_dir.parent / "here" / "src")
    assert [file["path"] for file in indexed.ask("ls", "-p", glob)["files"]] == found


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> KoditCommand:
    """The command over one folder, which the tests only read."""
    place = tmp_path_factory.mktemp("globs").resolve()
    for path in ("src/app.py", "src/db/model.py", "db/other.py", "setup.py"):
        write_file(place / "here" / path, "quartz = 1\n")
    kodit = KoditCommand(place / "data")
    kodit.succeed("index", place / "here")
    return kodit
