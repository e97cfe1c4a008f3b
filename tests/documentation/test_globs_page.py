"""docs/globs.md says what globs do, line by line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kodit.infrastructure.sql.globs import from_root, path_matcher

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
    """Of the matcher that `--path` uses."""
    assert matching
    assert others
    matches = path_matcher([from_root(glob) for glob in globs])
    assert [path for path in matching + others if matches(path)] == matching


def test_a_leading_dot_and_a_backslash_are_as_the_page_says() -> None:
    """Which the table has no room for."""
    assert path_matcher([from_root("./src/*.py")])("src/app.py")
    assert not path_matcher([from_root("./src/*.py")])("lib/src/app.py")
    assert path_matcher([r"\!important.txt"])("!important.txt")
    assert path_matcher([r"\#notes"])("#notes")
    assert path_matcher(["*.[pP][yY]"])("SETUP.PY")
    assert path_matcher(["[!a-z]x"])("1x")
