"""The value of each signal of a file."""

from __future__ import annotations

import math
from typing import Any

import pytest

from kodit.domain.ranking.candidate import Candidate, CorpusStatistics
from kodit.domain.ranking.names import same_name
from kodit.domain.ranking.query import understand
from kodit.domain.ranking.signals import SIGNALS, gather, snippet_points, total_rarity
from kodit.domain.ranking.weights import WITHIN_FILE
from kodit.domain.value_objects import Symbol, SymbolKind

GET = Symbol("get", SymbolKind.METHOD, "Session")
SESSION = Symbol("Session", SymbolKind.CLASS)


def candidate(**changes: Any) -> Candidate:
    base = Candidate(
        snippet_id=1,
        file_id=1,
        path="lib/http/session_store.py",
        start_line=11,
        end_line=20,
        language="python",
        symbol=None,
        keyword=0.0,
        code=0.0,
        text=0.0,
    )
    return base._replace(**changes)


def value(signal: str, query: str, *candidates: dict[str, Any], rarity: float = 1.0) -> float:
    """The value of a signal for a file with these candidates."""
    found = [candidate(**changes) for changes in candidates or ({},)]
    return SIGNALS[signal](gather(understand(query), found, rarity))


def test_the_engines_scores() -> None:
    """Keyword scores relative to the query's maximum; the best one, or all of them."""
    scores = [{"keyword": 2.0, "text": 0.2}, {"keyword": 6.0, "text": -0.1}]
    assert value("keyword_best", "x", *scores, rarity=4.0) == 1.5
    assert value("keyword_hits", "x", *scores, rarity=4.0) == pytest.approx(math.log(3))
    assert value("mentions", "x", *scores) == 1.0
    assert value("mentions", "x", {}) == 0.0
    assert value("text_similarity", "x", *scores) == 0.2


def test_the_three_snippets_nearest_by_their_code() -> None:
    """More snippets do not dilute a file, fewer are no disadvantage."""
    near = [{"code": code} for code in (0.1, 0.9, 0.5, 0.4)]
    assert value("code_similarity", "x", *near) == pytest.approx(0.6)
    assert value("code_similarity", "x", *near[:2]) == pytest.approx(0.5)


def test_the_share_of_a_name_that_is_said() -> None:
    """By letters, and the best of a snippet's definitions."""
    assert value("file_name", "where are stores") == pytest.approx(4 / 8)
    assert value("folders", "http requests") == pytest.approx(4 / 7)
    assert value("symbol_name", "get it", {}, {"symbol": GET}) == 1.0
    assert value("symbol_name", "get it", {}) == 0.0


@pytest.mark.parametrize(
    ("query", "defined", "expected"),
    [
        ("Session", SESSION, 1.0),
        ("session", SESSION, 1.0),
        ("SESSION", SESSION, 0.5),
        ("get", GET, 0.75),
        ("GET", GET, 0.375),
        ("put", GET, 0.0),
        ("how it works", GET, 0.0),
    ],
)
def test_how_well_a_definition_fits_a_name(query: str, defined: Symbol, expected: float) -> None:
    """A type counts more than a function, and another case counts half."""
    assert value("defines", query, {}, {"symbol": defined}) == expected


@pytest.mark.parametrize(
    ("query", "definition", "expected"),
    [
        ("Session.get", GET, 1.0),
        ("session.get", GET, 1.0),
        ("SESSION.get", GET, 0.5),
        ("Cookie.get", GET, 0.0),
        ("Cookie.Session.get", GET, 0.5),
        ("Session.get", SESSION, 0.9),
        ("Cookie.Session.get", SESSION, 0.45),
        ("what does Session.get do", SESSION, 1.0),
        ("Session.get", Symbol("get", SymbolKind.METHOD, "Session.Store"), 0.9),
        ("Session.get", Symbol("get", SymbolKind.METHOD, "Shop.Session"), 1.0),
        ("Session.Session", SESSION, 0.0),
        ("http.read", Symbol("read", SymbolKind.FUNCTION), 1.0),
        ("session_store.read", Symbol("read", SymbolKind.FUNCTION), 1.0),
        ("get", GET, 0.0),
    ],
)
def test_how_well_a_definition_lies_in_a_scope(
    query: str, definition: Symbol, expected: float
) -> None:
    """Types, namespaces, files and folders enclose; a scope itself stands for its members, and
    counts a little less than they do, as what is in another scope of it does."""
    assert value("enclosing_scope", query, {}, {"symbol": definition}) == expected


def test_what_a_word_with_a_capital_may_name() -> None:
    assert value("defines_word", "how the Session ends", {}, {"symbol": SESSION}) == 1.0
    assert value("defines_word", "how the Session ends", {"symbol": GET}) == 0.0
    assert value("defines_word", "how the session ends", {"symbol": SESSION}) == 0.0


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("lib/http/session_store.py", 1.0),
        ("LIB/http/session_store.py", 1.0),
        (' "./http/session_store.py" ', 1.0),
        ("session_store.py", 1.0),
        ("lib/*/session_*.py", 1.0),
        ("http/session", 0.5),
        ("http/*_store", 0.5),
        ("ession_store.py", 0.5),
        ("http/other.py", 0.0),
        ("session", 0.0),
    ],
)
def test_how_well_a_path_is_what_was_asked_for(query: str, expected: float) -> None:
    """The whole path, its end, or a matching pattern; a part counts half."""
    assert value("path_asked", query) == expected


@pytest.mark.parametrize(
    ("path", "language", "depth", "not_code"),
    [
        ("a.py", "python", 0.0, 0.0),
        ("lib/a.py", "python", 0.5, 0.0),
        ("lib/http/a.py", "python", 1.0, 0.0),
        ("a/b/c/d.py", "python", 1.0, 0.0),
        ("README.md", "markdown", 1.0, 1.0),
        ("a.proto", "text", 0.0, 0.0),
        ("LICENSE", "text", 1.0, 1.0),
    ],
)
def test_how_deep_a_file_lies(path: str, language: str, depth: float, not_code: float) -> None:
    """Two folders are deep, and so are documents and data."""
    file = {"path": path, "language": language}
    assert (value("depth", "x", file), value("not_code", "x", file)) == (depth, not_code)


def test_of_several_definitions_the_best_one_counts() -> None:
    """Whatever their order; the scopes are those of `Shop.Session.get`."""
    query = "Shop.Session.get"
    type_within = Symbol("Session", SymbolKind.CLASS, "Shop")
    method_within = Symbol("get", SymbolKind.METHOD, "Shop.Session")
    for best, most, other, less in (
        (type_within, 0.9, SESSION, 0.45),
        (method_within, 1.0, GET, 0.5),
        (method_within, 1.0, Symbol("get", SymbolKind.FUNCTION), 0.0),
    ):
        assert value("enclosing_scope", query, {"symbol": other}) == less
        for first, second in ((best, other), (other, best)):
            found = {"symbol": first, "also_defines": (second,)}
            assert value("enclosing_scope", query, found) == most
            both = ({"symbol": first}, {"symbol": second})
            assert value("enclosing_scope", query, *both) == most
    for first, second in ((GET, SESSION), (SESSION, GET)):
        found = {"symbol": first, "also_defines": (second,)}
        assert value("defines", "Session", found) == 1.0
        assert value("defines", "get", found) == 0.75


@pytest.mark.parametrize(
    ("signal", "path", "words"),
    [
        ("is_test", "tests/a.py", "tests specs mocking fixtures"),
        (
            "is_example",
            "docs/a.py",
            "examples samples demos tutorials documentation docs benchmarking",
        ),
        ("is_derived", "vendor/a.py", "generated vendored"),
        (
            "is_compatibility",
            "compat/a.py",
            "compatible legacy deprecated polyfills backports",
        ),
        ("is_stub", "lib/a.pyi", "stubs declares exports imports"),
    ],
)
def test_what_is_seldom_meant_unless_it_is_asked_for(signal: str, path: str, words: str) -> None:
    """By any form of the words for it."""
    assert value(signal, "session cookie", {"path": "lib/a.py"}) == 0.0
    assert value(signal, "the latest attestation", {"path": path}) == 1.0
    for word in words.split():
        assert value(signal, f"session {word}", {"path": path}) == 0.0, word


def test_an_entrance_that_defines_something_is_none_that_passes_on() -> None:
    entrance = {"path": "lib/__init__.py"}
    assert value("is_stub", "x", entrance, entrance) == 1.0
    assert value("is_stub", "x", entrance, {**entrance, "symbol": GET}) == 0.0


def test_names_that_are_the_same() -> None:
    assert [same_name(one, "getIt") for one in ("getIt", "getit", "GetIt", "get")] == [1, 1, 0.5, 0]
    found = ("get_user", "GetUser", "GET_USER", "getuser", "get_users", "_get_user")
    assert [same_name("getUser", one) for one in found] == [0.75, 0.5, 0.75, 0.5, 0, 0.75]
    assert [same_name("get_user", one) for one in found] == [1, 0.75, 1, 0.75, 0, 0.75]
    signed = ("save", "save!", "save?", "saved!")
    assert [same_name("save", one) for one in signed] == [1, 0.9, 0.9, 0]
    assert [same_name("save!", one) for one in ("save!", "save", "SAVE", "!")] == [1, 0.9, 0.9, 0]


def test_what_speaks_for_showing_a_snippet() -> None:
    """Each part by its weight."""
    query = understand("Session.get")
    found = candidate(
        keyword=3.0, pasted=0.125, code=0.5, text=0.25, symbol=GET, start_line=1, end_line=8
    )
    expected = {
        "keyword": 1.5,
        "pasted": 0.125,
        "code": 0.5,
        "text": 0.25,
        "symbol_name": 1.0,
        "defines": 0.75,
        "enclosing_scope": 1.0,
        "is_scope": 0.0,
        "length": math.log(8),
    }
    assert expected.keys() == WITHIN_FILE.keys()
    points = sum(WITHIN_FILE[name] * number for name, number in expected.items())
    assert snippet_points(gather(query, [found], 2.0), found) == pytest.approx(points)


def test_how_rare_a_word_is() -> None:
    """As in BM25; a count above that of all snippets does no harm, and a query without words does
    not divide by 0."""
    statistics = CorpusStatistics(10, {"sess": 3, "cooki": 12})
    assert statistics.rarity("sess") == pytest.approx(math.log(1 + 7.5 / 3.5))
    assert statistics.rarity("none") == pytest.approx(math.log(1 + 10.5 / 0.5))
    assert statistics.rarity("cooki") == pytest.approx(math.log(1 + 0.5 / 12.5))
    assert total_rarity(understand("session none"), statistics) == pytest.approx(
        statistics.rarity("sess") + statistics.rarity("none")
    )
    assert total_rarity(understand("?"), CorpusStatistics(0)) == 1.0
