"""Snippets similar to one at a place."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from tests.browsing.conftest import Indexed, write_files
from tests.support.sources import python_function, write_tree

from kodit import Kodit
from kodit.domain.entities import SearchResult
from kodit.domain.errors import InvalidQueryError, NotFoundError


def places(results: list[SearchResult]) -> list[tuple[int, str]]:
    """Index and path of each result."""
    return [(result.snippet.index_id, result.snippet.path) for result in results]


def test_the_most_similar_code_comes_first(indexed: Indexed) -> None:
    """A method with the same purpose in another class, and never the snippet itself."""
    results = indexed.kodit.related(1, "shop/cart.py:16")
    assert results[0].snippet.path == "web/wishlist.py"
    assert all(
        (result.snippet.path, result.snippet.symbol) != ("shop/cart.py", "add")
        for result in results
    )
    scores = [result.score for result in results]
    assert scores == sorted(scores, reverse=True)
    assert 0 < scores[0] <= 1.001


def test_other_indexes_are_looked_at_when_asked_for(indexed: Indexed) -> None:
    """Otherwise only the index of the place."""
    kodit = indexed.kodit
    assert {index_id for index_id, _ in places(kodit.related(1, "shop/prices.py:5"))} == {1}
    everywhere = kodit.related(indexed.shop, "shop/prices.py:5", everywhere=True)
    assert (2, "bank/money.py") in places(everywhere)
    only = kodit.related(1, "shop/prices.py:5", everywhere=True, languages=["java"])
    assert {path for _, path in places(only)} == {"bank/Account.java"}
    only = kodit.related(1, "shop/prices.py:5", paths=["web/*.js"])
    assert set(places(only)) == {(1, "web/basket.js")}


def test_at_most_two_of_one_file_and_no_copy_of_the_same_path(tmp_path: Path) -> None:
    """Neighbours come from many files, and a second index of the project adds nothing."""
    for name in ("first", "second"):
        write_tree(tmp_path / name, files=12)
        text = "\n\n".join(python_function(f"carry_{n}", "a b c d".split()) for n in range(6))
        write_files(tmp_path / name, {"alike.py": text, "other.py": text.replace("carry", "move")})
    with Kodit(tmp_path / "data") as kodit:
        kodit.index(tmp_path / "first", tmp_path / "second")
        results = kodit.related(1, "alike.py:3", everywhere=True, limit=8)
        assert len(results) == 8
        assert max(Counter(places(results)).values()) == 2
        snippet = next(
            one
            for one in kodit.related(1, "other.py:3", limit=50)
            if one.snippet.path == "alike.py"
        ).snippet
        assert all(
            (result.snippet.path, result.snippet.text) != (snippet.path, snippet.text)
            for result in kodit.related(1, f"alike.py:{snippet.start_line}", everywhere=True)
        )


def test_a_line_between_snippets_means_the_nearest(indexed: Indexed) -> None:
    """For a blank line; without a line, the start of the file."""
    kodit = indexed.kodit
    assert kodit.related(1, "shop/prices.py") == kodit.related(1, "shop/prices.py:1")
    assert kodit.related(1, "shop/prices.py:8") == kodit.related(1, "shop/prices.py:7")


def test_a_missing_snippet_is_a_user_error(indexed: Indexed) -> None:
    """No file, no line, no snippet."""
    with pytest.raises(NotFoundError, match="has no file"):
        indexed.kodit.related(1, "ignored/secret_plan.py:1")
    with pytest.raises(NotFoundError, match="there is no line 999"):
        indexed.kodit.related(1, "shop/cart.py:999")
    with pytest.raises(NotFoundError, match="nothing to compare"):
        indexed.kodit.related(1, "empty.py:1")
    with pytest.raises(InvalidQueryError, match="invalid line range 0"):
        indexed.kodit.related(1, "shop/cart.py:0")


def test_code_that_is_not_embedded_yet(tmp_path: Path) -> None:
    """As in the middle of a first run."""
    write_files(tmp_path / "source", {"a.py": python_function("carry", "a b c d".split())})
    with Kodit(tmp_path / "data") as kodit:
        kodit.index(tmp_path / "source")
        with closing(sqlite3.connect(tmp_path / "data" / "kodit.db")) as database:
            database.execute("DELETE FROM vectors")
            database.commit()
        with pytest.raises(InvalidQueryError, match=r"^'a.py':1 has no vector yet$") as told:
            kodit.related(1, "a.py:1")
    assert told.value.code == "index_incomplete"


def test_what_is_a_copy_and_what_is_not(tmp_path: Path) -> None:
    """The same lines of the same path in another index are left out; those of other paths are one
    result. Of files with the same name, three are listed."""
    code = python_function("carry", "a b c d".split())
    other = python_function("carry", "a b c e".split())
    write_files(tmp_path / "first", {"same.py": code, "changed.py": code, "moved.py": code})
    write_files(tmp_path / "second", {"same.py": code, "changed.py": other})
    write_files(tmp_path / "third", {f"{name}/same.py": code for name in "abcd"})
    with Kodit(tmp_path / "data") as kodit:
        kodit.index(*(tmp_path / name for name in ("first", "second", "third")))
        results = kodit.related(1, "same.py:1", everywhere=True, limit=20)
        copies, changed = sorted(results, key=lambda one: -len(one.also_in))
        found = {*places([copies]), *((one.index_id, one.path) for one in copies.also_in)}
        elsewhere = {(3, f"{name}/same.py") for name in "abcd"}
        assert found == {(1, "moved.py"), (1, "changed.py"), *elsewhere}
        assert places([changed]) == [(2, "changed.py")]
        assert (2, "changed.py") in places(
            kodit.related(1, "changed.py:1", everywhere=True, limit=20)
        )
        assert len(kodit.related(1, "same.py:1", everywhere=True, limit=2)) == 2
        last = code.count("\n")
        assert kodit.related(1, f"same.py:{last}") == kodit.related(1, "same.py:1")
        with pytest.raises(NotFoundError) as misnamed:
            kodit.read(3, "x/same.py")
        assert str(misnamed.value).count("/same.py'") == 4
