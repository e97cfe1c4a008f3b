"""Operators are definitions, named by their signs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.browsing.conftest import write_files

from kodit import Kodit
from kodit.domain.symbols import parse_name

FILES = {
    "Media.swift": (
        "struct Media: Equatable {\n    static func ==(a: Media, b: Media) -> Bool {\n"
        "        return true\n    }\n    static prefix func - (a: Media) -> Media { a }\n}\n"
    ),
    "matrix.cpp": (
        "struct Matrix {\n  int* operator->() { return 0; }\n"
        "  operator bool() const { return 1; }\n"
        "};\nbool operator ==(const Matrix& a, const Matrix& b) { return true; }\n"
        "std::ostream& operator<<(std::ostream& o, const Matrix& m) { return o; }\n"
    ),
    "Money.cs": (
        "class Money {\n    public static bool operator ==(Money a, Money b) => true;\n"
        "    public static Money operator checked +(Money a, Money b) => a;\n"
        "    public static implicit operator int(Money a) => 1;\n}\n"
    ),
    "List.scala": (
        "class List {\n  def ::(o: List): List = this\n  def ++(o: List): List = this\n}\n"
    ),
    "Parser.hs": (
        "module Parser where\n\n(<+>) :: Int -> Int -> Int\na <+> b = a + b\n\n"
        "(|>) :: a -> (a -> b) -> b\n(|>) x f = f x\n"
    ),
    "pair.rb": (
        "class Pair\n  def ==(other)\n    true\n  end\n\n  def []=(key, value)\n  end\nend\n"
    ),
    "ops.ex": "defmodule Ops do\n  def a <~> b when is_list(a) do\n    a ++ b\n  end\nend\n",
    "vector.dart": "class Vector {\n  int operator [](int i) => i;\n}\n",
    "point.py": "class Point:\n    def __eq__(self, other):\n        return True\n",
    "ops.fs": "let (+++) a b = a\n",
    "other.kt": "class Other {\n    operator fun plus(o: Other): Other = this\n}\n",
}


@pytest.fixture(scope="module")
def kodit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kodit]:
    folder = tmp_path_factory.mktemp("operators")
    write_files(folder / "code", FILES)
    with Kodit(folder / "data") as kodit:
        kodit.index(folder / "code")
        yield kodit


def found(kodit: Kodit, name: str) -> set[str]:
    """Path and line of each definition of a name."""
    return {f"{one.snippet.path}:{one.line}" for one in kodit.symbols(name).definitions}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("==", {"Media.swift:2", "matrix.cpp:5", "Money.cs:2", "pair.rb:2"}),
        ("operator==", {"Media.swift:2", "matrix.cpp:5", "Money.cs:2", "pair.rb:2"}),
        ("operator ==", {"Media.swift:2", "matrix.cpp:5", "Money.cs:2", "pair.rb:2"}),
        ("Money.==", {"Money.cs:2"}),
        ("Media::operator==", {"Media.swift:2"}),
        ("operator<<", {"matrix.cpp:6"}),
        ("<<", {"matrix.cpp:6"}),
        ("->", {"matrix.cpp:2"}),
        ("Matrix::operator->", {"matrix.cpp:2"}),
        ("operator bool", {"matrix.cpp:3"}),
        ("operator int", {"Money.cs:4"}),
        ("-", {"Media.swift:5"}),
        ("+", {"Money.cs:3"}),
        ("::", {"List.scala:2"}),
        ("++", {"List.scala:3"}),
        ("<+>", {"Parser.hs:3"}),
        ("(|>)", {"Parser.hs:6"}),
        ("[]=", {"pair.rb:6"}),
        ("[]", {"vector.dart:2"}),
        ("<~>", {"ops.ex:2"}),
        ("+++", {"ops.fs:1"}),
        ("Point.__eq__", {"point.py:2"}),
        ("Other.plus", {"other.kt:2"}),
        ("operators", set()),
    ],
)
def test_an_operator_is_found_by_its_sign(kodit: Kodit, name: str, expected: set[str]) -> None:
    """With or without the word `operator` before it, whichever form the language uses."""
    assert found(kodit, name) == expected


def test_a_search_for_an_operator_finds_it_first(kodit: Kodit) -> None:
    """Like a search for any other name."""
    assert kodit.search("operator<<", limit=1)[0].snippet.path == "matrix.cpp"


@pytest.mark.parametrize("name", ["operator", "operators", "operatorFor", "operator_of", "empty?"])
def test_a_word_is_no_operator(name: str) -> None:
    """Nor is a name that starts like one."""
    assert parse_name(name).plain_names == (name,)


@pytest.mark.parametrize("name", ["*", "Media.*", "get*"])
def test_stars_remain_a_pattern(name: str) -> None:
    """Unless an operator is certainly meant."""
    assert parse_name(name).is_pattern
    assert parse_name(name).plain_names == (name.rpartition(".")[2],)
