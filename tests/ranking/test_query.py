"""Queries are understood from their text alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kodit.domain.ranking.query import MOST_TERMS, QueryKind, as_member, understand


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Mutex", QueryKind.SYMBOL),
        ("flat_hash_map", QueryKind.SYMBOL),
        ("createStore()", QueryKind.SYMBOL),
        ("`valid?`", QueryKind.SYMBOL),
        ("Vec<T>", QueryKind.SYMBOL),
        ("Rack::Response", QueryKind.QUALIFIED_NAME),
        ("std.mem.eql", QueryKind.QUALIFIED_NAME),
        ("Picker:find", QueryKind.QUALIFIED_NAME),
        ("Array#each", QueryKind.QUALIFIED_NAME),
        ("obj->method()", QueryKind.QUALIFIED_NAME),
        ("Shop\\Cart\\Line", QueryKind.QUALIFIED_NAME),
        ("\\Shop\\Cart::add()", QueryKind.QUALIFIED_NAME),
        ("src\\shop\\cart.py", QueryKind.PATH),
        ("lib/core/Axios.js", QueryKind.PATH),
        ("utils.py", QueryKind.PATH),
        ("src/**/*.toml", QueryKind.PATH),
        ("how are cookies parsed", QueryKind.NATURAL_LANGUAGE),
        ("HTTP request and response", QueryKind.NATURAL_LANGUAGE),
        ("how flatMap composes effects", QueryKind.MIXED),
        ("how std.mem.sort sorts in place", QueryKind.MIXED),
        ("", QueryKind.NATURAL_LANGUAGE),
        ("?!… --", QueryKind.NATURAL_LANGUAGE),
    ],
)
def test_kinds(text: str, kind: QueryKind) -> None:
    assert understand(text).kind is kind


@pytest.mark.parametrize(
    ("text", "is_statement"),
    [
        ("returns the cookie of a session", True),
        ("Whether this request is secure", True),
        ("do not keep its cookies", True),
        ("RETRIES A REQUEST", True),
        ("retry in the SessionMiddleware", True),
        ("session cookies", False),
        ("cookies that outlive sessions", False),
        ("how are the cookies of a session read", False),
        ("Where is the cookie read?", False),
        ("parse_this", False),
        ("the", False),
        ("a.the", False),
        ("the/a.py", False),
        ('File "a.py", line 7', False),
        ('"Where" is a cookie read?', False),
        ("keeps (the) cookie", True),
        ("", False),
        ("?!", False),
    ],
)
def test_statements(text: str, is_statement: bool) -> None:
    """A sentence about a piece of code, not a topic, question, name or path."""
    assert understand(text).is_statement is is_statement


def test_a_qualified_name_is_its_last_part_in_a_scope() -> None:
    query = understand("std.mem.eql")
    assert (query.names, query.scopes) == (frozenset({"eql"}), frozenset({"std", "mem"}))


def test_names_and_capitalised_words_are_found_among_words() -> None:
    query = understand("how EitherT and the Functor of cats.data.Chain use flat_map")
    assert query.names == {"EitherT", "Chain", "flat_map"}
    assert query.proper_words == {"Functor"}


def test_stop_words_give_no_terms() -> None:
    assert understand("how is a session and its cookie").terms == ("sess", "cooki")


def test_stop_words_are_searched_when_they_are_all_there_is() -> None:
    assert understand("with").terms == ("with",)


def test_a_term_counts_once() -> None:
    assert understand("route the routes to the router").terms == ("rout",)


def test_words_side_by_side_are_also_searched_as_one_name() -> None:
    query = understand("how open hash maps and the arena work")
    assert query.words == ("open", "hash", "map", "arena", "work")
    assert query.compounds == ("openhash", "hashmaps", "hashmap", "arenawork")
    assert query.terms == query.words + query.compounds


def test_a_name_has_no_compounds() -> None:
    assert not understand("raw_hash_set").compounds


def test_nothing_to_search_for_is_empty() -> None:
    assert understand(" ?! ").is_empty


def test_a_pasted_page_asks_what_its_beginning_asks() -> None:
    page = " ".join(f"word{number}" for number in range(20_000))
    assert understand(page).terms == tuple(f"word{number}" for number in range(MOST_TERMS))


@given(st.text())
def test_any_text_is_understood(text: str) -> None:
    query = understand(text)
    assert query.kind in QueryKind
    assert len(query.terms) <= MOST_TERMS


def test_a_name_in_namespaces_of_php() -> None:
    understood = understand("\\Shop\\Cart::add()")
    assert (understood.names, understood.owner) == (frozenset({"add"}), "Cart")
    assert understood.scopes == {"Shop", "Cart"}
    assert understand("where is Shop\\Cart used").scopes == {"Shop"}


def test_a_path_of_windows() -> None:
    assert understand("src\\shop\\cart.py").text == "src/shop/cart.py"
    assert understand("in src\\shop\\cart.py").text == "in src\\shop\\cart.py"


def test_the_sign_at_the_end_of_a_name_belongs_to_it() -> None:
    assert understand("Cart#empty?").names == {"empty?"}
    assert understand("save!").names == {"save!"}
    assert understand("does it call Cart.empty?").names == {"empty"}


def test_a_file_may_also_be_a_member() -> None:
    """If its extension is a name that members have."""
    member = as_member(understand("`http.Request.json`"))
    assert member is not None
    assert (member.kind, member.owner) == (QueryKind.QUALIFIED_NAME, "Request")
    assert member.names == {"json"}
    assert member.terms == understand("http.Request.json").words and not member.compounds
    for other in ("setup.py", "*.json", "conf/app.json", "Request.body", "a-b.json", "json"):
        assert as_member(understand(other)) is None
