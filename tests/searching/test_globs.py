"""The database sorts out paths by a wider condition before each is matched for good."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine, literal, select
from sqlalchemy.pool import StaticPool

from kodit.domain.errors import InvalidQueryError
from kodit.infrastructure.sqlalchemy.globs import may_match, path_matcher

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

ENGINE: Engine = create_engine("sqlite://", poolclass=StaticPool)


def passes(path: str, globs: list[str]) -> bool:
    with ENGINE.connect() as connection:
        return bool(connection.scalar(select(may_match(literal(path), globs))))


@given(globs=st.lists(GLOBS, min_size=1, max_size=3), path=PATHS)
@settings(max_examples=1500, deadline=None)
def test_no_path_that_matches_is_lost(globs: list[str], path: str) -> None:
    """Whatever the globs are made of."""
    try:
        matches = path_matcher(globs)
    except InvalidQueryError:
        return
    assert not matches(path) or passes(path, globs)


def test_most_paths_are_sorted_out() -> None:
    """Which is what the condition is for."""
    assert passes("src/a/b.py", ["/src/**/*.py"])
    assert not passes("lib/src/b.py", ["/src/**/*.py"])
    assert not passes("src/a/b.pz", ["*.py"])
    assert not passes("sources/b.py", ["src/*.py", "tests/"])
    assert passes("lib/tests/b.py", ["src/*.py", "tests/"])


def test_hostile_globs_are_taken() -> None:
    """As many and as long as may be."""
    for globs in (["a" * 60_000], ["*a" * 5_000 + "b"], [f"/{number}" for number in range(3_000)]):
        assert passes("1", globs) in (True, False)
