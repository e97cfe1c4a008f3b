"""A sentence about one piece of code is answered by snippets, each with a score of its own."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.candidates import STATISTICS, candidate, order, rank

from kodit.domain.ranking.query import understand
from kodit.domain.ranking.weights import FURTHER_SNIPPET
from kodit.domain.value_objects import Symbol, SymbolKind


def test_a_statement_gives_a_file_as_many_places_as_its_snippets_deserve() -> None:
    found = [
        candidate(1, "a.py", code=0.9),
        candidate(5, "a.py", code=0.8),
        candidate(8, "a.py", code=0.1),
        candidate(3, "b.py"),
    ]
    assert order("reads a session cookie", *found) == ["a.py", "a.py", "b.py", "a.py"]
    assert order("session cookie", *found) == ["a.py", "b.py", "a.py", "a.py"]


def test_a_statement_finds_the_snippet_in_a_file_that_is_about_something_else() -> None:
    """The other file has the words of the query in its name, and several snippets with them."""
    topic = [candidate(number, "session.py") for number in range(1, 9, 2)]
    described = candidate(10, "lib/web/a.py", keyword=8.0, code=0.5, text=0.5)
    assert order("reads a session cookie", *topic, described)[0] == "lib/web/a.py"
    assert order("session cookie", *topic, described)[0] == "session.py"


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"keyword": 6.0}, {}),
        ({"code": 0.5}, {}),
        ({"text": 0.5}, {}),
        ({"symbol": Symbol("read_cookie", SymbolKind.FUNCTION)}, {}),
        ({"end_line": 80}, {}),
        ({"path": "lib/cookie.py"}, {"path": "lib/album.py"}),
        ({}, {"path": "tests/a.py", "keyword": 5.2}),
    ],
)
def test_what_speaks_for_a_snippet_that_is_described(
    better: dict[str, Any], worse: dict[str, Any]
) -> None:
    good = candidate(1, **{"path": "lib/good.py", **better})
    bad = candidate(1, **{"path": "lib/baad.py", "snippet_id": 2, **worse})
    assert order("reads a session cookie", bad, good) == [good.path, bad.path]


def test_further_snippets_come_below_equal_ones_of_other_files() -> None:
    """By the same amount, however many of the file are above."""
    found = [*(candidate(number, "a.py") for number in (1, 3, 5)), candidate(1, "b.py")]
    ranked = rank(understand("reads a session cookie"), found, STATISTICS, 9)
    assert [one.candidate.path for one in ranked] == ["a.py", "b.py", "a.py", "a.py"]
    first, _, *further = ranked
    assert [first.score - one.score for one in further] == pytest.approx([FURTHER_SNIPPET] * 2)
