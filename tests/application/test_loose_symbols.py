"""Alternatives for a name without a definition: patterns, inherited members, misspellings."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.catalogue import CodeInMemory

from kodit.application.services import loose_symbols
from kodit.application.services.loose_symbols import MOST_GENERATIONS, MOST_NEAR, LooseLookup
from kodit.domain.symbols import parse_name
from kodit.domain.value_objects import Scope, SymbolKind

SCOPE = Scope(frozenset({1}), None, frozenset())


def lookup(texts: dict[str, str]) -> LooseLookup:
    return LooseLookup(CodeInMemory(texts).as_open(), SCOPE)


def matching(texts: dict[str, str], name: str, *kinds: SymbolKind) -> list[str]:
    found, _ = lookup(texts).matching(parse_name(name), kinds)
    return sorted(".".join(filter(None, (one.scope, one.symbol))) for one in found)


BOX = "class Box:\n    limit = 3\n\n    def run(self): ...\n\n    def rest(self): ...\n"


def test_what_a_pattern_matches() -> None:
    """Ignoring case, within the requested kinds and scopes."""
    texts = {"a.py": BOX, "b.py": "def runner(): ...\n\n\ndef other(): ...\n"}
    assert matching(texts, "R*") == ["Box.rest", "Box.run", "runner"]
    assert matching(texts, "r*", SymbolKind.FUNCTION) == ["runner"]
    assert matching(texts, "box.r*") == ["Box.rest", "Box.run"]
    assert matching(texts, "bag.r*") == []


@pytest.mark.parametrize(("most", "is_all"), [(1, False), (2, True)])
def test_whether_these_are_all(monkeypatch: pytest.MonkeyPatch, most: int, is_all: bool) -> None:
    monkeypatch.setattr(loose_symbols, "MOST_SNIPPETS", most)
    found, are_all = lookup(dict.fromkeys(["a.py", "b.py"], "def run(): ...\n")).matching(
        parse_name("ru*"), ()
    )
    assert (len(found), are_all) == (most, is_all)


def inherited(texts: dict[str, str], name: str) -> list[str]:
    return [one.scope for one in lookup(texts).inherited(parse_name(name))]


def test_a_member_is_that_of_the_nearest_base() -> None:
    """Something that has the name of a base but is not a type has no members."""
    texts = {
        "a.py": "class Shop(Store): ...\n",
        "b.py": "class Store(Base): ...\n",
        "c.py": "class Base:\n    def sell(self): ...\n\n    def buy(self): ...\n",
        "d.py": "class Other:\n    def sell(self): ...\n",
        "e.py": "def Shop(Other): ...\n",
    }
    assert inherited(texts, "Shop.sell") == ["Base"]
    assert inherited(texts, "pkg.SHOP.Sell") == ["Base"]
    assert inherited(texts, "Shop.nothing") == []
    assert inherited(texts, "Base.sell") == []
    texts["b.py"] = "class Store(Base):\n    def sell(self): ...\n"
    assert inherited(texts, "Shop.sell") == ["Store"]
    assert inherited(texts, "Shop.buy") == ["Base"]


@pytest.mark.parametrize(
    ("ending", "derived", "base"),
    [
        ("ts", "class Shop extends Store {\n}\n", "class Store {\n  sell() {\n  }\n}\n"),
        ("ts", "interface Shop extends Store {\n}\n", "interface Store {\n  sell(): void;\n}\n"),
        ("cpp", "struct Shop : Store {\n};\n", "struct Store {\n  void sell() {\n  }\n};\n"),
        ("rs", "trait Shop: Store {\n}\n", "trait Store {\n    fn sell() {\n    }\n}\n"),
        ("java", "enum Shop implements Store {\n  A\n}\n", "interface Store {\n  int sell();\n}\n"),
    ],
)
def test_what_may_have_bases(ending: str, derived: str, base: str) -> None:
    assert inherited({f"a.{ending}": derived, f"b.{ending}": base}, "Shop.sell") == ["Store"]


def test_a_name_with_very_many_definitions(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of them are looked at."""
    texts = {f"{n}.py": f"class C{n}:\n    def run(self): ...\n" for n in range(3)}
    texts |= {"x.py": "class X(C2): ...\n"}
    assert lookup(texts).near(parse_name("D.run")) == ("C0.run", "C1.run", "C2.run")
    assert inherited(texts, "X.run") == ["C2"]
    monkeypatch.setattr(loose_symbols, "MOST_SNIPPETS", 2)
    assert lookup(texts).near(parse_name("D.run")) == ("C0.run", "C1.run")
    assert inherited(texts, "X.run") == []


def test_bases_are_followed_so_far() -> None:
    """Circular bases come to an end."""
    count = MOST_GENERATIONS
    assert count == 6
    texts = {f"{n}.py": f"class C{n}(C{n + 1}): ...\n" for n in range(count + 1)}
    texts |= {"z.py": f"class C{count}:\n    def run(self): ...\n"}
    assert inherited(texts, "C0.run") == [f"C{count}"]
    texts["z.py"] = f"class C{count + 1}:\n    def run(self): ...\n"
    assert inherited(texts, "C0.run") == []
    circle = {"a.py": "class A(B):\n    def run(self): ...\n", "b.py": "class B(A): ...\n"}
    assert inherited(circle, "A.run") == []


def test_names_that_were_probably_meant() -> None:
    """The same name in other scopes, some of them in order, or similarly spelled ones."""
    texts = {f"{n}.py": f"class C{n}:\n    def Run(self): ...\n" for n in range(8)}
    found = lookup(texts)
    assert found.near(parse_name("D.run")) == tuple(f"C{n}.Run" for n in range(MOST_NEAR))
    assert found.near(parse_name("Rnu")) == ("Run",)
    assert found.near(replace(parse_name("whatever"))) == ()
    assert MOST_NEAR == 5
