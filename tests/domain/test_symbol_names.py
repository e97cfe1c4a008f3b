"""Names in code: parsing, declarations and uses."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kodit.domain.entities import StoredSnippet
from kodit.domain.snippet import Extent, PlacedSymbol
from kodit.domain.symbols import (
    bases_named,
    declares,
    merge_pieces,
    naming_line,
    naming_lines,
    outlined,
    parse_name,
    parts_of,
    rarest_terms,
    uses,
)
from kodit.domain.value_objects import Symbol, SymbolKind


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("def name(self):", True),
        ("    async def name(self):", True),
        ("class name(Base):", True),
        ("export default class name {", True),
        ("export const name = 1;", True),
        ("func (s *Server) name() error {", True),
        ("pub(crate) fn name<T>(x: T) {", True),
        ("struct name {", True),
        ("#define name(x) (x)", True),
        ("macro_rules! name {", True),
        ("public interface name {", True),
        ("type name = string", True),
        ("return name()", False),
        ("from x import name", False),
        ("def names():", False),
        ("# as a class name", False),
        ("xdef name():", False),
        ("def rename():", False),
        ("x = def_name", False),
        ("static " * 2000 + "nam", False),
    ],
)
def test_what_a_line_declares(line: str, expected: bool) -> None:
    """By the words before the name."""
    assert declares("name", line) is expected


def test_names_are_taken_apart() -> None:
    """At every separator of scopes."""
    for text in ("A.B.c", "A::B::c", "A.B#c()", "A->B->c", r"\A\B::c"):
        asked = parse_name(text)
        assert (asked.plain, asked.scopes) == ("c", ("A", "B"))
    assert parse_name("plain").scopes == ()
    assert parse_name("...").plain == "..."
    for star, symbol in (("Ab*", "abc"), ("x.Ab*", "ABC"), ("x.ab*", "X.abc"), ("*", "a")):
        assert parse_name(star).matches(symbol)
    assert not parse_name("x.ab*").matches("y.abc")


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("class Cart", "Cart"),
        ("class Cart(Base):", "Cart"),
        ("class Cart extends Base {", "Cart"),
        ("def total", "total"),
        ("async def total(self) -> int:", "total"),
        ("def self.total(env)", "total"),
        ("func Total", "Total"),
        ("func (c *Cart) Total() error {", "Total"),
        ("type Cart struct {", "Cart"),
        ("struct cart;", "cart"),
        ("fn total<T>(x: T)", "total"),
        ("export default function total(", "total"),
        ("public static void main(String[] args)", "main"),
        ("const char *cart_name(struct cart *c)", "cart_name"),
        ("#define TAX_RATE", "TAX_RATE"),
        ("total(", "total"),
        ("total()", "total"),
        ("Cart.total(1, 2)", "total"),
        ("self.total(", "total"),
        # What is no code stays: titles of sections, and words of a language alone.
        ("Class reference", "Class reference"),
        ("Getting started (short)", "Getting started (short)"),
        ("class", "class"),
        ("def", "def"),
    ],
)
def test_a_name_as_it_stands_in_code(line: str, name: str) -> None:
    """Copied from code."""
    assert parse_name(line).plain == name


@pytest.mark.parametrize(
    ("scope", "path", "asked", "expected"),
    [
        ("QuerySet", "django/db/models/query.py", "django.db.models.query.QuerySet.get", True),
        ("QuerySet", "django/db/models/query.py", "models.QuerySet.get", False),
        ("", "django/forms/__init__.py", "forms.get", True),
        ("", "a.b/v1.2/shapes.d.ts", "v1.2.shapes.get", True),
        ("", "src/net/mod.rs", "net::get", True),
        ("Outer.Inner", "a.py", "Inner.get", True),
        ("Outer.Inner", "a.py", "Outer.get", False),
    ],
)
def test_a_scope_may_begin_with_files_and_folders(
    scope: str, path: str, asked: str, expected: bool
) -> None:
    assert parse_name(asked).is_within(scope, path) is expected


@pytest.mark.parametrize(
    ("asked", "path", "source", "expected"),
    [
        ("shop.total", "deep/cart.py", "https://h.org/o/shop.git/", True),
        ("Shop.total", "deep/cart.py", "https://h.org/o/shop@v1", True),
        ("o.cart.total", "deep/cart.py", "https://h.org/o/shop.git", True),
        ("cart.deep.total", "deep/cart.py", "https://h.org/o/shop.git", False),
        ("git.total", "deep/cart.py", "https://h.org/o/shop.git", False),
        ("bank.total", "deep/cart.py", "https://h.org/o/shop.git", False),
    ],
)
def test_loosely_a_scope_may_be_any_that_lies_around(
    asked: str, path: str, source: str, expected: bool
) -> None:
    """Other scopes may lie between, and the name of the source counts."""
    loose = replace(parse_name(asked), is_loose=True)
    assert loose.is_within("", path, source) is expected


def test_more_scopes_than_there_are_is_not_within() -> None:
    assert parse_name("b.run").is_within("", "b.py")
    assert not parse_name("b.c.run").is_within("", "b.py")
    assert not parse_name("a.b.run").is_within("", "b.py")


def test_what_defines_a_name() -> None:
    """By its whole name, ignoring case, as titles contain dots too; a title is in no module."""
    title = StoredSnippet(
        1, 1, 1, "/x/shop", "a.md", 1, 2, "markdown", "V1.2", "section", "", "# V1.2"
    )
    assert parse_name("v1.2").is_defined_by(title)
    assert parse_name("V1.2").is_defined_by(title)
    assert not parse_name("v1.3").is_defined_by(title)
    total = replace(title, symbol="Total", scope="Why")
    assert parse_name("why.total").is_defined_by(total)
    assert not replace(parse_name("why.total"), is_loose=True).is_defined_by(total)
    function = replace(total, kind="function")
    assert replace(parse_name("why.total"), is_loose=True).is_defined_by(function)
    assert not parse_name("where.total").is_defined_by(function)


def test_a_line_that_is_too_long_for_code_is_a_name_as_it_is() -> None:
    name = "x" * 290
    assert parse_name(f"def {name}").plain == name
    assert parse_name(f"def {name * 2}").plain == f"def {name * 2}"


def test_a_receiver_is_no_scope() -> None:
    asked = parse_name("self.total(1)")
    assert (asked.plain, asked.scopes) == ("total", ())
    assert parse_name("total()").whole == "total"


def test_bases_are_named_before_the_body() -> None:
    """Also on the lines of an open bracket."""
    text = "class Shop(\n    Base,\n    other.Mixin,\n):\n    def run(self): ...\n"
    assert bases_named("Shop", text) == {"base", "other", "mixin"}
    assert bases_named("Shop", "class Shop extends Base { run() {} }") == {"extends", "base"}
    assert bases_named("Nothing", text) == set()


def test_the_line_that_names_a_definition() -> None:
    """The one that declares it, else the first that contains it, else the first."""
    one = StoredSnippet(
        1, 1, 1, "source", "a.py", 10, 14, "python", "run", "function", "", "# run\n\ndef run():"
    )
    assert naming_line(one) == 12
    assert naming_line(replace(one, text="# it\nrun = 1\nrun += 1")) == 11
    assert naming_line(replace(one, text="# it\n# that")) == 10


def test_a_piece_within_another_ends_no_earlier() -> None:
    first = StoredSnippet(
        1, 1, 1, "source", "a.py", 1, 50, "python", "run", "function", "", "def run"
    )
    within = replace(first, id=2, start_line=10, end_line=20)
    assert [one.end_line for one in merge_pieces([first, within])] == [50]


def test_a_name_is_looked_up_by_its_rarest_term() -> None:
    """The joined words of an identifier, the stem of a single word."""
    assert rarest_terms("parse_price") == ["parseprice"]
    assert rarest_terms("parsePrice") == ["parseprice"]
    assert rarest_terms("prices") == rarest_terms("price")
    assert rarest_terms("+") == []


def test_uses_are_whole_words() -> None:
    """Next to letters, digits and underscores it is another name."""
    text = "add\nadded\nre_add\nx.add(1)\nadd2\n(add)"
    assert [number for number, _line in uses("add", text)] == [0, 3, 5]
    assert list(uses("operator<<", "x operator<< y")) == [(0, "x operator<< y")]


def test_what_holds_others_is_outlined_before_them() -> None:
    """Also if both start on the same line."""
    part = StoredSnippet(
        1, 1, 1, "source", "a.py", 3, 4, "python", "a_part", "function", "", "def a_part(): pass"
    )
    whole = replace(part, id=2, end_line=9, symbol="whole", kind="class")
    above = replace(part, id=3, start_line=1, end_line=2, symbol="z")
    outline = [one.snippet.symbol for one in outlined([part, whole, above])]
    assert outline == ["z", "whole", "a_part"]


def test_what_else_a_snippet_defines_has_its_own_lines() -> None:
    """And nothing beside it."""
    symbols = (
        PlacedSymbol(Symbol("one", SymbolKind.METHOD, "Both"), 11, 12),
        PlacedSymbol(Symbol("two", SymbolKind.METHOD, "Both"), 13, 13),
    )
    both = StoredSnippet(
        1, 1, 1, "s", "a.py", 10, 13, "python", "Both", "class", "", "a\nb\nc\nd", symbols
    )
    assert [
        (one.start_line, one.end_line, one.text, one.also_defines) for one in parts_of(both)
    ] == [(11, 12, "b\nc", ()), (13, 13, "d", ())]


def test_the_pieces_of_a_long_definition_are_one() -> None:
    """If they follow one another in one file; a second definition of the name is separate."""
    first = StoredSnippet(
        1, 1, 1, "source", "a.py", 1, 50, "python", "run", "function", "", "def run"
    )
    pieces = [
        first,
        replace(first, id=2, start_line=51, end_line=80),
        replace(first, id=3, start_line=83, end_line=90),
        replace(first, id=4, start_line=120, end_line=130),
        replace(first, id=5, file_id=2),
    ]
    assert [(one.id, one.start_line, one.end_line) for one in merge_pieces(reversed(pieces))] == [
        (1, 1, 90),
        (4, 120, 130),
        (5, 1, 50),
    ]


def test_a_continuation_is_not_a_definition() -> None:
    """If the extractor recorded the extents: each place once, however often it is merged."""
    head = StoredSnippet(
        1, 1, 1, "s", "a.ts", 1, 9, "typescript", "A", "class", "", "x\n" * 8 + "class A {"
    )
    head = replace(head, extents=(Extent(9, 8, 80),))
    rest = replace(head, id=2, start_line=60, end_line=62, extents=())
    [whole] = merge_pieces(merge_pieces([rest, head]))
    assert (whole.start_line, whole.end_line, naming_line(whole)) == (8, 80, 9)
    assert whole.text == "x\nclass A {"


def test_a_definition_that_begins_before_its_snippet() -> None:
    """Its text begins with the snippet."""
    snippet = StoredSnippet(1, 1, 1, "s", "a.py", 10, 12, "python", "f", "function", "", "a\nb\nc")
    [only] = merge_pieces([replace(snippet, extents=(Extent(9, 8, 11),))])
    assert (only.start_line, only.end_line, only.text) == (10, 11, "a\nb")


@pytest.mark.parametrize(
    ("language", "first_of_next", "expected"),
    [("elixir", 7, 1), ("elixir", 9, 2), ("java", 5, 1), ("java", 6, 2)],
)
def test_clauses_of_one_function(language: str, first_of_next: int, expected: int) -> None:
    """They are one definition; with blank lines between them only in languages that allow it."""
    one = StoredSnippet(1, 1, 1, "s", "a", 1, 4, language, "f", "function", "", "f\n\n\n")
    one = replace(one, extents=(Extent(1, 1, 4),))
    last = first_of_next + 3
    two = replace(one, id=2, start_line=first_of_next, end_line=last)
    two = replace(two, extents=(Extent(first_of_next, first_of_next, last),))
    merged = merge_pieces([one, two])
    assert len(merged) == expected
    assert {line for some in merged for line in naming_lines(some)} == {1, first_of_next}
