"""The database filters paths by a wider condition before each is matched exactly."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kodit.domain.errors import InvalidQueryError
from kodit.infrastructure.folder.rules import DirectoryRules
from kodit.infrastructure.sql.globs import path_matcher, patterns

NAMES = st.text("abAé%_~ [!-#.", min_size=1, max_size=3)
PARTS = st.lists(
    st.sampled_from(
        ["a", "b", "*", "**", "?", "[ab]", "[!a]", "[]a]", "\\*", "\\a", "%", "_", "~"]
    ),
    min_size=1,
    max_size=3,
).map("".join)
GLOBS = st.tuples(
    st.sampled_from(["", "/", "!", "**/"]),
    st.lists(PARTS | NAMES, min_size=1, max_size=3).map("/".join),
    st.sampled_from(["", "/", "/**", " "]),
).map("".join)
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)

DATABASE = sqlite3.connect(":memory:")


def passes(path: str, globs: list[str]) -> bool:
    likes = patterns(globs)
    condition = " OR ".join("? LIKE ? ESCAPE '~'" for _ in likes) or "1"
    values = [value for like in likes for value in (path, like)]
    (found,) = DATABASE.execute(f"SELECT {condition}", values).fetchone()
    return bool(found)


@given(globs=st.lists(GLOBS, min_size=1, max_size=3), path=PATHS)
@example(globs=["??.py"], path="é.py")  # to a glob, a letter may be two
@example(globs=["a\\*b"], path="a*b")
@example(globs=["a\\_b%"], path="a_b%")
@example(globs=["\\!a"], path="!a")
@example(globs=["a/"], path="b/a/c")
@settings(max_examples=1500, deadline=None)
def test_no_path_that_matches_is_lost(globs: list[str], path: str) -> None:
    """Whatever the globs consist of."""
    try:
        matches = path_matcher(globs)
    except InvalidQueryError:
        return
    assert not matches(path) or passes(path, globs)


def test_most_paths_are_filtered() -> None:
    """Which is the purpose of the condition."""
    assert passes("src/a/b.py", ["/src/**/*.py"])
    assert not passes("lib/src/b.py", ["/src/**/*.py"])
    assert not passes("src/a/b.pz", ["*.py"])
    assert not passes("sources/b.py", ["src/*.py", "tests/"])
    assert passes("lib/tests/b.py", ["src/*.py", "tests/"])


def test_hostile_globs_are_accepted() -> None:
    """As many and as long as allowed."""
    for globs in (["a" * 60_000], ["*a" * 5_000 + "b"], [f"/{number}" for number in range(3_000)]):
        assert passes("1", globs) in (True, False)


@pytest.mark.parametrize(
    ("globs", "chosen"),
    [
        (["*.py"], {"a.py", "src/b.py", "src/lib/c.py", "x.py/d.md"}),
        (["/*.py"], {"a.py", "x.py/d.md"}),
        (["*/"], {"src/b.py", "src/lib/c.py", "src/lib/e.js", "x.py/d.md", "dé/f.py"}),
        (["src/**"], {"src/b.py", "src/lib/c.py", "src/lib/e.js"}),
        (["src/*"], {"src/b.py", "src/lib/c.py", "src/lib/e.js"}),
        (["src/**/*.py"], {"src/b.py", "src/lib/c.py"}),
        (["lib"], {"src/lib/c.py", "src/lib/e.js"}),
        (["lib/", "*.md"], {"src/lib/c.py", "src/lib/e.js", "x.py/d.md"}),
        (["src/", "!src/lib/"], {"src/b.py"}),
        (["src/**", "!src/lib/**"], {"src/b.py"}),
        (["src/", "!*.py"], {"src/lib/e.js"}),
        (["src/", "!src/lib/", "src/lib/c.py"], {"src/b.py", "src/lib/c.py"}),
        (["!*.py", "src/"], {"src/lib/e.js"}),
        (["d??"], {"dé/f.py"}),
        (["[ab].py"], {"a.py", "src/b.py"}),
        (["[^ab].py"], {"src/lib/c.py", "x.py/d.md", "dé/f.py"}),
        (["[!ab].py"], {"src/lib/c.py", "x.py/d.md", "dé/f.py"}),
        (["[a-b].py"], {"a.py", "src/b.py"}),
        (["[[:alpha:]].js"], {"src/lib/e.js"}),
    ],
    ids=lambda value: " ".join(sorted(value)),
)
def test_what_globs_choose(globs: list[str], chosen: set[str]) -> None:
    """As in `.gitignore`, and with later negated lines."""
    paths = ["a.py", "src/b.py", "src/lib/c.py", "src/lib/e.js", "x.py/d.md", "dé/f.py"]
    matches = path_matcher(globs)
    if globs == ["*.py"]:
        chosen = chosen | {"dé/f.py"}
    assert {path for path in paths if matches(path)} == chosen


PLAIN = st.lists(st.sampled_from(["a", "b", "ab", "c.py"]), min_size=1, max_size=4)
PLAIN_GLOBS = st.tuples(
    st.sampled_from(["", "/"]),
    st.lists(st.sampled_from(["a", "*", "**", "?b", "[!a]", "*.py"]), min_size=1, max_size=3),
    st.sampled_from(["", "/"]),
).map(lambda parts: parts[0] + "/".join(parts[1]) + parts[2])


@given(globs=st.lists(PLAIN_GLOBS, min_size=1, max_size=3), path=PLAIN.map("/".join))
@settings(max_examples=500, deadline=None)
def test_a_search_and_an_index_choose_the_same(globs: list[str], path: str) -> None:
    """`--path` of a search has the rules of `--include`."""
    *folders, name = path.split("/")
    rules = DirectoryRules.at_root(include=globs)
    for folder in folders:
        rules = rules.enter(folder)
    assert path_matcher(globs)(path) == (rules.of_file(name) is None)


@given(globs=st.lists(PLAIN_GLOBS, min_size=1, max_size=3), path=PLAIN.map("/".join))
@settings(max_examples=500, deadline=None)
def test_a_negated_glob_excludes_as_for_an_index(globs: list[str], path: str) -> None:
    """Whatever comes before and after it."""
    globs = [globs[0], *(f"!{glob}" for glob in globs[1:2]), *globs[2:]]
    *folders, name = path.split("/")
    rules = DirectoryRules.at_root(include=globs)
    for folder in folders:
        rules = rules.enter(folder)
    assert path_matcher(globs)(path) == (rules.of_file(name) is None)
