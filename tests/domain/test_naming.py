"""Short names of sources."""

from __future__ import annotations

import pytest

from kodit.domain.errors import InvalidQueryError
from kodit.domain.naming import named

SOURCES = (
    "/home/me/work/shop",
    "/home/me/old/bank",
    "/home/me/bank",
    "https://github.com/acme/tools.git",
    "git@github.com:acme/web.git@main",
    "https://git.example/acme/api@v1.2",
)


@pytest.mark.parametrize(
    ("name", "position"),
    [
        ("/home/me/work/shop/", 0),
        ("shop", 0),
        ("work/shop", 0),
        ("old/bank", 1),
        ("tools", 3),
        ("acme/tools.git", 3),
        ("web", 4),
        ("acme/web", 4),
        ("acme/web.git@main", 4),
        ("api", 5),
        ("api@v1.2", 5),
    ],
)
def test_what_a_name_means(name: str, position: int) -> None:
    assert named(name, SOURCES) == position


@pytest.mark.parametrize("name", ["", "/", ".", "..", "hop", "/shop", "./shop", "~/shop", "api@v2"])
def test_what_is_no_name_of_any(name: str) -> None:
    assert named(name, SOURCES) is None


def test_the_end_of_several() -> None:
    """A whole source is none, even where others end in it."""
    with pytest.raises(InvalidQueryError, match="/home/me/old/bank, /home/me/bank"):
        named("bank", SOURCES)
    assert named("bank", ["bank", *SOURCES]) == 0
