"""Where a name is defined and where it is used."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.browsing.conftest import Indexed, write_files

from kodit import Kodit
from kodit.domain.entities import StoredSnippet
from kodit.domain.errors import InvalidQueryError, NotFoundError
from kodit.domain.snippet import PlacedSymbol
from kodit.domain.symbols import (
    SymbolAnswer,
    Use,
    declares,
    merge_pieces,
    outlined,
    parse_name,
    parts_of,
    rarest_terms,
    uses,
)
from kodit.domain.value_objects import Symbol, SymbolKind


def definitions(answer: SymbolAnswer) -> list[tuple[str, int, str | None, str]]:
    """Path, line, kind and qualified name of each definition."""
    return [
        (one.snippet.path, one.line, one.snippet.kind, one.snippet.defined_symbol.qualified_name)
        for one in answer.definitions
        if one.snippet.defined_symbol is not None
    ]


def references(answer: SymbolAnswer) -> list[tuple[str, int]]:
    """Path and line of each reference."""
    return [(one.snippet.path, one.line) for one in answer.references]


def test_definitions_and_references_of_every_index(indexed: Indexed) -> None:
    """By how they use it, index and path, tests and documents last; a definition's own line is no
    reference."""
    answer = indexed.kodit.symbols("round_price")
    assert definitions(answer) == [
        ("shop/prices.py", 4, "function", "round_price"),
        ("bank/money.py", 4, "function", "round_price"),
    ]
    assert [(one.use, one.snippet.path, one.line, one.is_likely) for one in answer.references] == [
        (Use.CALL, "shop/cart.py", 28, False),
        (Use.CALL, "shop/prices.py", 13, False),
        (Use.CALL, "tests/test_prices.py", 6, False),
        (Use.CALL, "tests/test_prices.py", 7, False),
        (Use.IMPORT, "shop/cart.py", 3, False),
        (Use.IMPORT, "tests/test_prices.py", 1, False),
        (Use.TEXT, "docs/guide.md", 3, True),
    ]
    assert answer.references[0].within == "Cart.total"
    assert answer.is_complete
    assert "def round_price(amount):" in answer.definitions[0].snippet.text
    assert answer.definitions[1].snippet.source == indexed.bank.as_uri()
    used = answer.references[0]
    assert (used.snippet.scope, used.snippet.symbol) == ("Cart", "total")
    assert used.text == "return round_price(amount * (1 + TAX_RATE))"


def test_a_reference_is_the_whole_word(indexed: Indexed) -> None:
    """`count` is used, `account` and `test_round_price` are other names."""
    answer = indexed.kodit.symbols("balance", 2)
    assert definitions(answer) == [("bank/Account.java", 4, "field", "Account.balance")]
    assert {line for _, line in references(answer)} == {10, 14}
    assert ("tests/test_prices.py", 4) not in references(indexed.kodit.symbols("round_price"))


def test_a_qualified_name_is_the_one_in_that_scope(indexed: Indexed) -> None:
    """However languages write it, in any case and with brackets behind."""
    kodit = indexed.kodit
    assert {name for *_, name in definitions(kodit.symbols("add"))} == {"Cart.add", "Basket.add"}
    for name in ("Cart.add", "Cart::add", "Cart#add", "cart.add()", " Cart.add "):
        assert definitions(kodit.symbols(name)) == [("shop/cart.py", 15, "method", "Cart.add")]
    assert definitions(kodit.symbols("Basket.add"))[0][0] == "web/basket.js"
    assert definitions(kodit.symbols("Nothing.add")) == []


def test_the_spelling_asked_for_comes_first(indexed: Indexed, tmp_path: Path) -> None:
    """Then other cases; references are those of the spelling that is defined."""
    (found,) = definitions(indexed.kodit.symbols("ACCOUNT"))
    assert found == ("bank/Account.java", 3, "class", "Account")
    write_files(
        tmp_path / "folder",
        {
            "a.py": "class connection:\n    pass\n\n\nx = connection()\n" + "# filler\n" * 30,
            "b.py": "class Connection:\n    pass\n\n\ny = Connection()\n" + "# filler\n" * 30,
        },
    )
    with Kodit(tmp_path / "data") as kodit:
        kodit.index(tmp_path / "folder")
        answer = kodit.symbols("Connection")
        assert [path for path, *_ in definitions(answer)] == ["b.py", "a.py"]
        assert references(answer) == [("b.py", 5)]


def test_small_definitions_that_share_a_snippet_are_found(indexed: Indexed) -> None:
    """The snippet has the symbol of the first, and knows what else it defines."""
    answer = indexed.kodit.symbols("doubled")
    assert [(path, line) for path, line, *_ in definitions(answer)] == [("shop/cart.py", 39)]
    assert references(answer) == []


def test_methods_of_a_type_that_is_one_snippet_are_found(tmp_path: Path) -> None:
    """With their own lines, in the scope of the type, and not those of its neighbour."""
    code = """class Context:
    def __enter__(self):
        return self

    def leave(
        self,
    ):
        return None


class Other:
    def leave(self):
        return 1


def leave():
    return 2
"""
    notes = "# v1.2\n\nWhat is new.\n"
    write_files(tmp_path / "folder", {"area/shapes.py": code, "notes.md": notes})
    with Kodit(tmp_path / "data") as kodit:
        kodit.index(tmp_path / "folder")

        def found(name: str) -> list[tuple[str, int, int, str | None]]:
            return [
                (one.snippet.scope, one.line, one.snippet.end_line, one.snippet.kind)
                for one in kodit.symbols(name).definitions
            ]

        assert found("Context.__enter__") == [("Context", 2, 3, "method")]
        assert found("Context.leave") == [("Context", 5, 8, "method")]
        assert found("area.shapes.Other.leave") == [("Other", 12, 13, "method")]
        assert found("area.other.Other.leave") == []
        assert ("", 16, 17, "function") in found("leave")
        assert found("shapes.leave") == [("", 16, 17, "function")]
        assert found("v1.2") == [("", 1, 3, "section")]


def test_filters_narrow_both_lists(indexed: Indexed) -> None:
    """Index, language, path, and the kind of definitions."""
    kodit = indexed.kodit
    assert [path for path, *_ in definitions(kodit.symbols("round_price", 2))] == ["bank/money.py"]
    assert {path for path, _ in references(kodit.symbols("round_price", paths=["tests/**"]))} == {
        "tests/test_prices.py"
    }
    assert definitions(kodit.symbols("add", languages=["javascript"])) == [
        ("web/basket.js", 3, "method", "Basket.add")
    ]
    assert definitions(kodit.symbols("add", kinds=["class"])) == []
    assert len(definitions(kodit.symbols("add", kinds=["class", "method"]))) == 2
    assert kodit.symbols("add", paths=["nothing/**"]).references == ()


def test_an_answer_that_was_cut_says_so(indexed: Indexed) -> None:
    """The first of each."""
    answer = indexed.kodit.symbols("round_price", limit=1)
    assert (len(answer.definitions), len(answer.references)) == (1, 1)
    assert not answer.is_complete


@pytest.mark.parametrize("name", ["nothing_like_it", "_", "😀", "a" * 300, "%", "x'y\"z", "\x00"])
def test_a_name_that_nobody_defines_has_an_empty_answer(name: str, indexed: Indexed) -> None:
    """Whatever its letters."""
    answer = indexed.kodit.symbols(name)
    assert (answer.definitions, answer.is_complete) == ((), True)


def test_what_cannot_be_asked_is_a_users_error(indexed: Indexed) -> None:
    """An empty or endless name, an unknown kind or index."""
    for name in ("", "  ", "x" * 301, "A." * 150 + "x"):
        with pytest.raises(InvalidQueryError, match="the name"):
            indexed.kodit.symbols(name)
    with pytest.raises(InvalidQueryError, match=r"unknown kind 'klass'; choose one of function,"):
        indexed.kodit.symbols("add", kinds=["klass"])
    with pytest.raises(NotFoundError):
        indexed.kodit.symbols("add", 99)


def test_a_renamed_definition_is_found_by_its_new_name(tmp_path: Path) -> None:
    """And no longer by its old one."""
    folder = tmp_path / "folder"
    write_files(folder, {"a.py": "def first():\n    return 1\n"})
    with Kodit(tmp_path / "data") as kodit:
        kodit.index(folder)
        write_files(folder, {"a.py": "def second():\n    return 1\n"})
        kodit.index(folder)
        assert kodit.symbols("first").definitions == ()
        assert len(kodit.symbols("second").definitions) == 1
        kodit.delete(folder)
        assert kodit.symbols("second").definitions == ()


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
        ("def rename():", False),
        ("x = def_name", False),
        ("static " * 2000 + "nam", False),
    ],
)
def test_what_a_line_declares(line: str, expected: bool) -> None:
    """By the words before the name."""
    assert declares("name", line) is expected


def test_names_are_taken_apart() -> None:
    """At what languages put between scopes."""
    for text in ("A.B.c", "A::B::c", "A.B#c()", "A->B->c"):
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
    """It is copied from there."""
    assert parse_name(line).plain == name


def test_a_line_of_code_is_looked_up_by_its_name(indexed: Indexed) -> None:
    """With the scopes in it."""
    asked = indexed.kodit.symbols("def round_price(amount):")
    assert definitions(asked) == definitions(indexed.kodit.symbols("round_price"))
    assert definitions(indexed.kodit.symbols("Cart.total(")) == definitions(
        indexed.kodit.symbols("Cart.total")
    )


@pytest.mark.parametrize(
    "asked", ["shop.round_price", "shop.shop.round_price", "shop/round_price", "SHOP.round_price"]
)
def test_modules_that_pass_a_name_on(asked: str, indexed: Indexed) -> None:
    """A package offers what its files define, also one that is named like its source."""
    assert definitions(indexed.kodit.symbols(asked)) == [
        ("shop/prices.py", 4, "function", "round_price")
    ]


def test_a_section_of_a_document_is_in_no_module(tmp_path: Path) -> None:
    """A heading that is called like a name is no definition of it below another heading."""
    text = " ".join(f"word{number}" for number in range(80))
    guide = "\n\n".join(["# Shop", text, "## Why", text, "### Total", text])
    write_files(tmp_path / "shop", {"guide.md": guide})
    with Kodit(tmp_path / "data") as kodit:
        kodit.index(tmp_path / "shop")
        assert not kodit.symbols("shop.total").definitions
        assert kodit.symbols("why.total").definitions


def test_modules_in_the_wrong_order(indexed: Indexed) -> None:
    """What is called so elsewhere is offered, and no answer."""
    answer = indexed.kodit.symbols("prices.shop.round_price")
    assert not answer.definitions
    assert "round_price" in answer.near


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


def test_a_name_is_looked_up_by_its_rarest_term() -> None:
    """The words of an identifier joined, the stem of one word."""
    assert rarest_terms("parse_price") == ["parseprice"]
    assert rarest_terms("parsePrice") == ["parseprice"]
    assert rarest_terms("prices") == rarest_terms("price")
    assert rarest_terms("+") == []


def test_uses_are_whole_words() -> None:
    """Beside letters, digits and underscores the name is another one."""
    text = "add\nadded\nre_add\nx.add(1)\nadd2\n(add)"
    assert [number for number, _line in uses("add", text)] == [0, 3, 5]
    assert list(uses("operator<<", "x operator<< y")) == [(0, "x operator<< y")]


def test_what_holds_others_is_outlined_before_them() -> None:
    """Also where they begin on one line."""
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
    """Where they follow each other in one file; a second definition of the name is its own."""
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


def test_what_is_only_named_is_found_by_name_and_by_pattern(indexed: Indexed) -> None:
    """A field of a class and a value of a module, of the kinds asked for, and those near them."""
    kodit = indexed.kodit
    assert definitions(kodit.symbols("Account.BALANCE")) == [
        ("bank/Account.java", 4, "field", "Account.balance")
    ]
    assert definitions(kodit.symbols("balance", kinds=["method"])) == []
    assert definitions(kodit.symbols("balan*", kinds=["field"])) == [
        ("bank/Account.java", 4, "field", "Account.balance")
    ]
    assert "balance" in kodit.symbols("balanse").near


def test_fields_come_after_other_definitions(tmp_path: Path) -> None:
    """There may be hundreds of them by one name."""
    files = {
        "a.py": "class Box:\n    size: int\n\n\nsize = 3\n",
        "z.py": "def size():\n    return 3\n",
    }
    write_files(tmp_path / "source", files)
    with Kodit(tmp_path / "data") as kodit:
        kodit.index(tmp_path / "source")
        found = [(path, kind) for path, _, kind, _ in definitions(kodit.symbols("size"))]
    assert found == [("z.py", "function"), ("a.py", "field"), ("a.py", "variable")]
