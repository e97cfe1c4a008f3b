"""The order of candidates, with its explanation."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.candidates import STATISTICS, candidate, order, rank

from kodit.domain.ranking.candidate import Candidate
from kodit.domain.ranking.query import understand
from kodit.domain.ranking.signals import SIGNALS, total_rarity
from kodit.domain.ranking.weights import NAME, PROSE, STATEMENT
from kodit.domain.value_objects import Symbol, SymbolKind


@pytest.mark.parametrize(
    ("query", "better", "worse"),
    [
        ("session cookie", {"keyword": 8.0}, {}),
        ("session cookie", {"code": 0.6}, {}),
        ("session cookie", {"text": 0.6}, {}),
        ("session cookie", {"path": "cookie.py"}, {"path": "album.py"}),
        ("session cookie", {"path": "session/a.py"}, {"path": "library/a.py"}),
        ("session cookie", {"path": "b.py"}, {"path": "a/b.py"}),
        ("session cookie", {}, {"language": "markdown"}),
        (
            "session cookie",
            {"path": "lib/z.dart", "language": "text"},
            {"path": "lib/a.log", "language": "text"},
        ),
        (
            "session cookie",
            {"path": "src/core/a.py"},
            {"path": "README.md", "language": "markdown", "keyword": 6.0},
        ),
        ("session cookie", {"path": "web/a.py"}, {"path": "tests/a.py"}),
        ("session cookie", {"path": "src/a.py"}, {"path": "examples/a.py"}),
        ("session cookie", {"path": "web/a.py"}, {"path": "vendor/a.py"}),
        ("session cookie", {"path": "src/a.py"}, {"path": "compat/a.py"}),
        ("session cookie", {"path": "web/z.py"}, {"path": "web/a.pyi"}),
        ("session cookie", {"path": "web/z.ts"}, {"path": "web/a.d.ts"}),
        ("session cookie", {"path": "web/z.py"}, {"path": "web/__init__.py"}),
        ("session cookie", {"path": "web/z.ts"}, {"path": "web/index.ts"}),
        ("session cookie", {"path": "web/z.rs"}, {"path": "web/mod.rs"}),
        (
            "session cookie",
            {"path": "web/__init__.py", "symbol": Symbol("read", SymbolKind.FUNCTION)},
            {"path": "web/a.py", "keyword": 4.9},
        ),
        ("how loadToken works", {"symbol": Symbol("loadToken", SymbolKind.FUNCTION)}, {}),
        ("how a Functor works", {"symbol": Symbol("Functor", SymbolKind.TRAIT)}, {}),
        (
            "read a session cookie",
            {"symbol": Symbol("read_cookie", SymbolKind.FUNCTION)},
            {"symbol": Symbol("read_configuration", SymbolKind.FUNCTION)},
        ),
        (
            "Store",
            {"symbol": Symbol("Store", SymbolKind.CLASS)},
            {"symbol": Symbol("Store", SymbolKind.METHOD)},
        ),
        (
            "Store",
            {"symbol": Symbol("Store", SymbolKind.METHOD)},
            {"symbol": Symbol("store", SymbolKind.METHOD)},
        ),
        (
            "Session.get",
            {"symbol": Symbol("get", SymbolKind.METHOD, "http.Session")},
            {"symbol": Symbol("get", SymbolKind.METHOD, "http.Cookies")},
        ),
        (
            "how does Session.get work",
            {"symbol": Symbol("get", SymbolKind.METHOD, "Session")},
            {"symbol": Symbol("get", SymbolKind.METHOD, "Cookies")},
        ),
        (
            "web_tools::serve",
            {"path": "x/web-tools/main.rs", "symbol": Symbol("serve", SymbolKind.FUNCTION)},
            {"path": "x/net-tools/main.rs", "symbol": Symbol("serve", SymbolKind.FUNCTION)},
        ),
        (
            "Session.get",
            {"symbol": Symbol("Session", SymbolKind.CLASS)},
            {"symbol": Symbol("get", SymbolKind.METHOD, "Cookies")},
        ),
        (
            "Session.get",
            {"symbol": Symbol("Session", SymbolKind.CLASS)},
            {"symbol": Symbol("Session", SymbolKind.METHOD)},
        ),
        ("session", {"keyword": 8.0}, {}),
        ("session", {"text": 0.6}, {}),
        ("session", {"path": "b.py"}, {"path": "a/b.py"}),
        ("raw_hash_set", {"path": "x/RawHashSet.cs"}, {"path": "x/OldHashSet.cs"}),
        ("core/a.py", {"path": "src/core/a.py", "keyword": 0.0}, {"path": "src/more/b.py"}),
        ("src/*.toml", {"path": "src/b.toml", "keyword": 0.0}, {"path": "src/more.py"}),
    ],
)
def test_what_speaks_for_a_file(query: str, better: dict[str, Any], worse: dict[str, Any]) -> None:
    good = candidate(1, **{"path": "lib/good.py", **better})
    bad = candidate(2, **{"path": "lib/baad.py", **worse})
    assert order(query, good, bad) == order(query, bad, good) == [good.path, bad.path]


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("test client", "tests/client.py"),
        ("example of a plugin", "examples/plugin.py"),
        ("generated parser", "generated/parser.py"),
        ("deprecated names", "compat/names.py"),
        ("stubs of names", "names.pyi"),
        ("what the package exports", "package/__init__.py"),
    ],
)
def test_nothing_is_held_back_that_the_query_asks_for(query: str, path: str) -> None:
    [ranked] = rank(understand(query), [candidate(1, path)], STATISTICS, 1)
    assert not {part.signal for part in ranked.explanation} & {
        "is_test",
        "is_example",
        "is_derived",
        "is_compatibility",
        "is_stub",
    }


def test_a_word_that_only_documents_have_is_theirs() -> None:
    """Whatever documents lose beside code: code without the word is not the answer."""
    notes = candidate(1, "docs/notes/a.md", language="markdown", keyword=3.0, code=0.1, text=0.1)
    code = candidate(2, "a.py", keyword=0.0, code=0.6, text=0.6)
    assert order("giraffes", code, notes) == ["docs/notes/a.md", "a.py"]


def test_several_hits_in_one_file_speak_for_it() -> None:
    found = [candidate(1, "a.py"), candidate(2, "b.py"), candidate(3, "b.py", keyword=4.0)]
    assert order("session cookie", *found)[0] == "b.py"


def test_other_files_come_before_a_second_snippet_of_one() -> None:
    found = [
        candidate(1, "a.py", keyword=6.0),
        candidate(5, "a.py", keyword=5.9),
        candidate(3, "b.py", keyword=2.0),
    ]
    assert order("session cookie", *found) == ["a.py", "b.py", "a.py"]


@pytest.mark.parametrize(
    ("query", "better"),
    [
        ("session cookie", {"keyword": 6.0}),
        ("session cookie", {"code": 0.6}),
        ("session cookie", {"text": 0.6}),
        ("session cookie", {"symbol": Symbol("set_cookie", SymbolKind.FUNCTION)}),
        ("how loadToken works", {"symbol": Symbol("LOADTOKEN", SymbolKind.FUNCTION)}),
        ("session cookie", {"end_line": 80}),
    ],
)
def test_a_file_stands_with_its_best_snippet(query: str, better: dict[str, Any]) -> None:
    found = [candidate(1, "a.py"), candidate(2, "a.py", **better)]
    best = rank(understand(query), found, STATISTICS, 1)[0]
    assert best.candidate.snippet_id == 2


def beside_the_best(*found: Candidate) -> list[int]:
    [best, *_others] = rank(understand("session cookie"), found, STATISTICS, len(found))
    assert best.candidate.snippet_id == 1
    return sorted(one.snippet_id for one in best.neighbours)


def test_neighbours_that_say_nearly_as_much_are_shown_together() -> None:
    """Both sides, and snippets adjacent to these."""
    best = candidate(1, "a.py", start_line=50, end_line=60, keyword=6.0)
    above = candidate(2, "a.py", start_line=40, end_line=47)
    below = candidate(3, "a.py", start_line=61, end_line=70)
    further = candidate(4, "a.py", start_line=73, end_line=80)
    assert beside_the_best(best, above, below, further) == [2, 3, 4]
    said_more = further._replace(keyword=5.9)
    assert beside_the_best(best, above, below, said_more) == [2, 3, 4]
    assert beside_the_best(best, further) == []
    other_file = candidate(5, "b.py", start_line=61, end_line=70)
    assert beside_the_best(best, other_file) == []


def test_a_result_begins_with_what_it_is_named_by() -> None:
    """A definition above it is not shown with it; one below is, and so is the previous piece of the
    same definition."""
    get = Symbol("get", SymbolKind.METHOD, "Session")
    other = Symbol("set", SymbolKind.METHOD, "Session")
    best = candidate(1, "a.py", start_line=50, end_line=60, symbol=get, keyword=6.0)
    above = candidate(2, "a.py", start_line=40, end_line=49, symbol=other)
    assert beside_the_best(best, above) == []
    assert beside_the_best(best, above._replace(symbol=get)) == [2]
    assert beside_the_best(
        best, candidate(2, "a.py", start_line=61, end_line=70, symbol=other)
    ) == [2]


def test_a_weak_or_distant_neighbour_or_a_long_row_is_not_joined() -> None:
    best = candidate(1, "a.py", start_line=50, end_line=60, keyword=6.0)
    assert beside_the_best(best, candidate(2, "a.py", start_line=61, end_line=70, text=0.1)) == []
    assert beside_the_best(best, candidate(2, "a.py", start_line=64, end_line=70)) == []
    assert beside_the_best(best, candidate(2, "a.py", start_line=61, end_line=149)) == [2]
    assert beside_the_best(best, candidate(2, "a.py", start_line=61, end_line=150)) == []


def test_a_name_is_shown_where_its_definition_begins() -> None:
    store = Symbol("Store", SymbolKind.CLASS)
    found = [
        candidate(1, "a.py", keyword=9.0),
        candidate(2, "a.py", symbol=store),
        candidate(3, "a.py", symbol=store, text=0.9),
    ]
    best = rank(understand("Store"), found, STATISTICS, 1)[0]
    assert best.candidate.snippet_id == 2


@pytest.mark.parametrize("query", ["Session.get", "session::get", "how does Session.get work"])
def test_a_qualified_name_is_shown_in_its_scope(query: str) -> None:
    found = [
        candidate(1, "a.py", symbol=Symbol("get", SymbolKind.METHOD, "Cookies"), keyword=6.0),
        candidate(2, "a.py", symbol=Symbol("get", SymbolKind.METHOD, "Session")),
        candidate(3, "a.py", symbol=Symbol("Session", SymbolKind.CLASS), keyword=6.0),
    ]
    best = rank(understand(query), found, STATISTICS, 1)[0]
    assert best.candidate.snippet_id == 2


def test_a_scope_is_shown_where_what_it_encloses_has_no_snippet() -> None:
    found = [
        candidate(1, "a.py", symbol=Symbol("get", SymbolKind.METHOD, "Cookies")),
        candidate(2, "a.py", symbol=Symbol("Session", SymbolKind.CLASS)),
    ]
    best = rank(understand("how does Session.get work"), found, STATISTICS, 1)[0]
    assert best.candidate.snippet_id == 2


@pytest.mark.parametrize("query", ["cobra.Command.Find", "how does cobra.Command.Find work"])
def test_a_scope_is_worth_no_more_than_what_lies_in_it(query: str) -> None:
    """Even if scopes in the query enclose neither, such as the name of a project here."""
    command = candidate(1, "command.go", symbol=Symbol("Command", SymbolKind.STRUCT), keyword=3.0)
    find = candidate(2, "find.go", symbol=Symbol("Find", SymbolKind.METHOD, "Command"), keyword=3.0)
    assert order(query, command, find) == ["find.go", "command.go"]
    same_file = find._replace(path="command.go", file_id=command.file_id)
    best = rank(understand(query), [command, same_file], STATISTICS, 1)[0]
    assert best.candidate.snippet_id == 2


def test_a_scope_in_other_capitals_is_another_one() -> None:
    """`Kodit.search` is a method of the class, not of all classes in the folder `kodit`."""
    assert order(
        "Kodit.search",
        candidate(
            1,
            "src/kodit/lines.py",
            symbol=Symbol("search", SymbolKind.METHOD, "Lines"),
            keyword=6.0,
        ),
        candidate(2, "src/kodit/client.py", symbol=Symbol("search", SymbolKind.METHOD, "Kodit")),
    ) == ["src/kodit/client.py", "src/kodit/lines.py"]


@pytest.mark.parametrize("query", ["close", "Session.close", "close()"])
def test_what_shares_a_snippet_counts_like_its_symbol(query: str) -> None:
    """Small definitions are found by their own names, in their own scopes."""
    shared = candidate(
        1,
        "lib/z.py",
        symbol=Symbol("open", SymbolKind.METHOD, "Session"),
        also_defines=(Symbol("close", SymbolKind.METHOD, "Session"),),
    )
    other = Symbol("close", SymbolKind.METHOD, "Connection")
    rival = candidate(2, "lib/a.py", symbol=other if "." in query else None, keyword=6.0)
    assert order(query, shared, rival) == ["lib/z.py", "lib/a.py"]


def test_each_name_of_a_snippet_has_its_own_scope() -> None:
    """`Session.close` is not in a snippet that defines `Session.open` and another `close`."""
    shared = candidate(
        1,
        "lib/a.py",
        symbol=Symbol("open", SymbolKind.METHOD, "Session"),
        also_defines=(Symbol("close", SymbolKind.METHOD, "Connection"),),
    )
    asked = candidate(2, "lib/z.py", symbol=Symbol("close", SymbolKind.METHOD, "Session"))
    assert order("Session.close", shared, asked) == ["lib/z.py", "lib/a.py"]


def test_a_type_that_shares_a_snippet_is_a_scope_like_any_other() -> None:
    shared = candidate(
        1, "lib/z.py", also_defines=(Symbol("Session", SymbolKind.STRUCT, ""),), keyword=4.0
    )
    assert order("Session.refresh", candidate(2, "lib/a.py"), shared) == ["lib/z.py", "lib/a.py"]


def test_a_constructor_is_asked_for_by_the_name_of_its_class_twice() -> None:
    found = [
        candidate(1, "a.py", symbol=Symbol("Session", SymbolKind.CLASS)),
        candidate(2, "a.py", symbol=Symbol("Session", SymbolKind.METHOD, "Session")),
    ]
    best = rank(understand("Session::Session"), found, STATISTICS, 1)[0]
    assert best.candidate.snippet_id == 2


def test_a_path_is_shown_where_its_file_begins() -> None:
    found = [candidate(1, "core/a.py", keyword=1.0), candidate(2, "core/a.py", keyword=9.0)]
    best = rank(understand("core/a.py"), found, STATISTICS, 1)[0]
    assert best.candidate.snippet_id == 1


def test_equal_scores_are_ordered_by_path_and_line() -> None:
    assert order("session", candidate(1, "b.py"), candidate(2, "a.py")) == ["a.py", "b.py"]


def test_a_rare_word_counts_more_than_a_common_one() -> None:
    assert STATISTICS.rarity("unknown") > STATISTICS.rarity("sess") > STATISTICS.rarity("cooki")


def test_compounds_that_no_text_has_change_nothing() -> None:
    words = total_rarity(understand("session and cookie"), STATISTICS)
    assert total_rarity(understand("session cookie"), STATISTICS) == words


def test_every_weight_has_its_signal() -> None:
    assert set(PROSE) | set(NAME) | set(STATEMENT) <= set(SIGNALS)
    assert set(SIGNALS) <= set(PROSE) | set(NAME)


paths = st.sampled_from(["a.py", "b/session.py", "tests/c.py", "d/e/cookie.py", "f.md", "g.pyi"])
scores = st.floats(0, 20)
similarities = st.floats(-1, 1)
SESSION = Symbol("Session", SymbolKind.CLASS)
SESSION_GET = Symbol("get", SymbolKind.METHOD, "Session")


@st.composite
def candidates(draw: st.DrawFn) -> list[Candidate]:
    chosen = draw(st.lists(paths, min_size=1, max_size=12))
    return [
        candidate(
            number,
            path,
            keyword=draw(scores),
            code=draw(similarities),
            text=draw(similarities),
            symbol=draw(st.sampled_from([None, SESSION, SESSION_GET])),
        )
        for number, path in enumerate(chosen)
    ]


questions = st.sampled_from(
    [
        "Session",
        "Session.get",
        "session cookie",
        "reads a session cookie",
        "the get of Session.get",
        "b/session.py",
        "",
    ]
)


@given(candidates(), questions)
def test_scores_fall_and_explain_themselves(found: list[Candidate], text: str) -> None:
    ranked = rank(understand(text), found, STATISTICS, 100)
    assert sum(1 + len(one.neighbours) for one in ranked) == len(found)
    assert [r.score for r in ranked] == sorted((r.score for r in ranked), reverse=True)
    for one in ranked:
        assert sum(part.points for part in one.explanation) == pytest.approx(one.score)


@given(candidates(), questions, st.integers(1, 12))
def test_a_limit_cuts_the_one_order_there_is(found: list[Candidate], text: str, limit: int) -> None:
    everything = rank(understand(text), found, STATISTICS, 100)
    assert rank(understand(text), found, STATISTICS, limit) == everything[:limit]


@given(candidates(), questions, st.sets(paths, min_size=1))
def test_a_filter_over_files_leaves_the_order_as_it_was(
    found: list[Candidate], text: str, kept: set[str]
) -> None:
    everything = rank(understand(text), found, STATISTICS, 100)
    filtered = rank(understand(text), [c for c in found if c.path in kept], STATISTICS, 100)
    assert filtered == [r for r in everything if r.candidate.path in kept]
