"""Where a name is defined and where it is used."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.browsing.conftest import Indexed, write_files

from kodit import Kodit
from kodit.domain.errors import InvalidQueryError, NotFoundError
from kodit.domain.symbols import (
    SymbolAnswer,
    Use,
)


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
    """By kind of use, index and path, tests and documents last; a definition's own line is not a
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
    """In the syntax of any language, ignoring case and with brackets."""
    kodit = indexed.kodit
    assert {name for *_, name in definitions(kodit.symbols("add"))} == {"Cart.add", "Basket.add"}
    for name in ("Cart.add", "Cart::add", "Cart#add", "cart.add()", " Cart.add "):
        assert definitions(kodit.symbols(name)) == [("shop/cart.py", 15, "method", "Cart.add")]
    assert definitions(kodit.symbols("Basket.add"))[0][0] == "web/basket.js"
    assert definitions(kodit.symbols("Nothing.add")) == []


def test_the_spelling_asked_for_comes_first(indexed: Indexed, tmp_path: Path) -> None:
    """Then other cases; references have the spelling that is defined."""
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
    """The snippet has the symbol of the first, and lists its other definitions."""
    answer = indexed.kodit.symbols("doubled")
    assert [(path, line) for path, line, *_ in definitions(answer)] == [("shop/cart.py", 39)]
    assert references(answer) == []


def test_methods_of_a_type_that_is_one_snippet_are_found(tmp_path: Path) -> None:
    """With their own lines, in the scope of the type, and without those of its neighbour."""
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
    """The first ones of each list."""
    answer = indexed.kodit.symbols("round_price", limit=1)
    assert (len(answer.definitions), len(answer.references)) == (1, 1)
    assert not answer.is_complete


@pytest.mark.parametrize("name", ["nothing_like_it", "_", "😀", "a" * 300, "%", "x'y\"z", "\x00"])
def test_a_name_that_nobody_defines_has_an_empty_answer(name: str, indexed: Indexed) -> None:
    """Whatever characters it has."""
    answer = indexed.kodit.symbols(name)
    assert (answer.definitions, answer.is_complete) == ((), True)


def test_invalid_questions_are_user_errors(indexed: Indexed) -> None:
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
    """A package exports what its files define, also one with the name of its source."""
    assert definitions(indexed.kodit.symbols(asked)) == [
        ("shop/prices.py", 4, "function", "round_price")
    ]


def test_a_section_of_a_document_is_in_no_module(tmp_path: Path) -> None:
    """A heading with the name does not define it below another heading."""
    text = " ".join(f"word{number}" for number in range(80))
    guide = "\n\n".join(["# Shop", text, "## Why", text, "### Total", text])
    write_files(tmp_path / "shop", {"guide.md": guide})
    with Kodit(tmp_path / "data") as kodit:
        kodit.index(tmp_path / "shop")
        assert not kodit.symbols("shop.total").definitions
        assert kodit.symbols("why.total").definitions


def test_modules_in_the_wrong_order(indexed: Indexed) -> None:
    """Definitions elsewhere are suggested, but are not the answer."""
    answer = indexed.kodit.symbols("prices.shop.round_price")
    assert not answer.definitions
    assert "round_price" in answer.near


def test_what_is_only_named_is_found_by_name_and_by_pattern(indexed: Indexed) -> None:
    """A field of a class and a value of a module, of the requested kinds, and those with similar
    names."""
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
    """There may be hundreds of them with the same name."""
    files = {
        "a.py": "class Box:\n    size: int\n\n\nsize = 3\n",
        "z.py": "def size():\n    return 3\n",
    }
    write_files(tmp_path / "source", files)
    with Kodit(tmp_path / "data") as kodit:
        kodit.index(tmp_path / "source")
        found = [(path, kind) for path, _, kind, _ in definitions(kodit.symbols("size"))]
    assert found == [("z.py", "function"), ("a.py", "field"), ("a.py", "variable")]
