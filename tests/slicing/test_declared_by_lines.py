"""Declarations found by single lines, where the grammar cannot parse or covers too little."""

from __future__ import annotations

import pytest

from kodit.domain.value_objects import SymbolKind
from kodit.infrastructure.slicing.languages import LANGUAGES
from kodit.infrastructure.slicing.limits import SCOPE_NAMES
from kodit.infrastructure.slicing.outline import Definition
from kodit.infrastructure.slicing.patterns import declared_on, defined_by_lines


def around(
    name: str, first: int, last: int, kind: SymbolKind, *children: Definition, scope: str = ""
) -> Definition:
    parts = tuple(scope.split(".")) if scope else ()
    return Definition(first, last, first, name, kind, parts, children=list(children))


def declared(line: str, *known: Definition, row: int = 3) -> list[str]:
    """Kind and qualified name of each declaration on a row."""
    lines = ["" for _ in range(row)] + [line]
    found = list(declared_on([row], lines, known))
    assert all(
        (one.first, one.last, one.declared, one.is_minor) == (row, row, row, True) for one in found
    )
    return [f"{one.kind} {'.'.join((*one.scope, one.name))}" for one in found]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("class A {", ["class A"]),
        ("record A(", ["class A"]),
        ("interface A", ["interface A"]),
        ("protocol A:", ["interface A"]),
        ("union A {", ["struct A"]),
        ("namespace A {", ["module A"]),
        ("enum A {", ["enum A"]),
        ("trait A {", ["trait A"]),
        ("type A = B", ["type A"]),
        ("macro_rules! a {", ["macro a"]),
        ("let a = 1", ["variable a"]),
        ("fn a(", ["function a"]),
        ("defp a(x)", ["function a"]),
        ("  public final override async internal fun a()", ["function a"]),
        ("a b c d e class F {", ["class F"]),
        ("a b c d e f class G {", []),
        ("@Test(1) fun a()", ["function a"]),
        ("public Map<K, V> find (", ["function find"]),
        ("fun <T> List<T>.second()", ["function second"]),
        ("#  define A(x) x", ["macro A"]),
        ("template <typename T, typename U> struct A : B<T> {", ["struct A"]),
        ("using A = B;", ["type A"]),
        ("using namespace a;", []),
        ("API_EXPORT class A {", ["class A"]),
        ("API_EXPORT(1) struct A {", ["struct A"]),
        ("int a(int b) {", []),
        ("return class of", []),
        ("class of things", []),
        ("x = 1", []),
        ("fun a() { val b = 1 }", ["function a"]),
        (
            "class A { class B { fun c() } fun d() } fun e()",
            ["class A", "class A.B", "method A.B.c", "method A.d", "function e"],
        ),
        ("class A; fun b() = 1; val c = 2", ["class A", "function b", "variable c"]),
        ("class A { val b = 1; { fun c() } }", ["class A", "property A.b", "method A.c"]),
        ("} } class A {", ["class A"]),
    ],
)
def test_what_a_line_declares(line: str, expected: list[str]) -> None:
    assert declared(line) == expected


def test_a_line_of_text_or_data_declares_nothing() -> None:
    assert declared("class A {".ljust(1_000)) == ["class A"]
    assert declared("class A {".ljust(1_001)) == []


def test_scopes_are_those_of_the_definitions_around() -> None:
    """From the row after the declaration to the last one."""
    inner = around("B", 4, 8, SymbolKind.CLASS, scope="A")
    run = around("run", 10, 14, SymbolKind.METHOD, scope="A")
    outer = around("A", 2, 20, SymbolKind.CLASS, inner, run)
    for row, expected in (
        (2, ["function c"]),
        (3, ["method A.c"]),
        (4, ["method A.c"]),
        (5, ["method A.B.c"]),
        (8, ["method A.B.c"]),
        (9, ["method A.c"]),
        (12, []),
        (20, ["method A.c"]),
        (21, ["function c"]),
    ):
        assert declared("fun c()", outer, row=row) == expected, row
    module = around("M", 2, 20, SymbolKind.MODULE)
    assert declared("fun c(); val d = 1", module, row=5) == ["function M.c", "variable M.d"]
    deep = ".".join(f"s{number}" for number in range(12))
    (found,) = declared("fun c()", around("A", 2, 20, SymbolKind.CLASS, scope=deep), row=5)
    assert found.count(".") == SCOPE_NAMES


def test_lines_of_a_dialect() -> None:
    """Ignoring case, and with any amount of white space between the words."""
    lines = [
        "CREATE  TABLE shop.cart (",
        "  id int",
        "create or replace view seen as",
        "-- create",
        "",
    ]
    found = list(defined_by_lines(lines, LANGUAGES["sql"]))
    assert [(one.declared, str(one.kind), one.name, one.scope) for one in found] == [
        (0, "table", "cart", ("shop",)),
        (2, "view", "seen", ()),
    ]
    assert list(defined_by_lines(["class A"], LANGUAGES["python"])) == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("static CURLcode a(struct b *c,", ["function a"]),
        ("MACRO inline auto a(int b) noexcept -> int {", ["function a"]),
        ("template <typename T> MACRO(2) T* a(T b) {", ["function a"]),
        ("std::vector<int, int> B::a(int c) { return d(c); }", ["function a"]),
        ("unsigned long a (void)", ["function a"]),
        ("int a(int b);", []),
        ("a(b) {", []),
        ("} else if (a) {", []),
        ("  return a(b) {", []),
        ("  else a (b) {", []),
        ("int b = a(c) {", []),
        ("void API_DEFINE(a) {", []),
        ("bool operator()(int a) {", []),
        ("struct A { int a(int b) { return b; } };", ["struct A", "method A.a"]),
    ],
)
@pytest.mark.parametrize("language", ["c", "cpp"])
def test_functions_of_languages_like_c(language: str, line: str, expected: list[str]) -> None:
    """They begin with a type, or with macros that the grammar does not know."""
    found = declared_on([0], [line], (), language)
    assert [f"{one.kind} {'.'.join((*one.scope, one.name))}" for one in found] == expected
