"""Unsupported syntax costs only its own lines, and not the file around it."""

from __future__ import annotations

import pytest

from kodit.infrastructure.slicing import repair
from kodit.infrastructure.slicing.budget import Budget
from kodit.infrastructure.slicing.grammars import load_grammar
from kodit.infrastructure.slicing.repair import repaired
from kodit.infrastructure.slicing.slicer import slice_file

INFIX = """\
class Tests {
    @Test
    fun first() {
        val id = cities.insert { it[name] = "a" } get cities.id
        assertEquals(1, id)
        other(id)
    }

    fun second(x: Any) = when (x) {
        is String if x.length > 3 && x.isNotEmpty() -> 1
        in 1..3 if x != 2 -> 2
        else -> 3
    }

    fun third() {
        println("b")
    }
}

class Other {
    fun fourth() = 5
}
"""
CONTEXT = """\
context(log: Logger)
fun report(text: String) {
    log.info(text)
}

context(log: Logger, _: Raise<String>)
class Reporter {
    context(other: Raise<Int>)
    fun inner() {
        println(1)
    }

    fun last() = 1
}
"""
ONE_LINE = """\
class A { fun a() = 1; fun b() = 2 }
class B { val x: Int get() = 1 }
class C {
    val y: Int get() = 1
    companion object { val log = 1 }
    fun z() {
        val local = 1
    }
}
fun top() = 1; fun second() = 2
interface D { val w: Int; fun v() }
"""
SWIFT = """\
struct Reader {
    let source: String

    func first() -> Int {
        let a = ask whether { source } orElse <|> 3 |> 4
        let b = 2
        return a + b
    }

    func second() -> Int {
        return 2
    }
}

borrowing gadget Unheard(of: Int) <- {
    yes
}

class Last {
    func third() {}
}
"""
JAVA = """\
package a;

public class Ledger {
    int first() {
        var x = match (entry) with { case 1 ~> 2 };
        return x;
    }

    public sealed value Amount second() {
        return new Amount(2) with { cents = 3 };
    }

    int third() {
        return 3;
    }

    static class Inner {
        int fourth() {
            return 4;
        }
    }
}
"""


def defined(path: str, code: str) -> set[str]:
    """Kind and qualified name of all definitions in a file."""
    snippets = slice_file(path, code.encode()).snippets
    own = [snippet.symbol for snippet in snippets if snippet.symbol]
    others = [placed.symbol for snippet in snippets for placed in snippet.also_defines]
    return {f"{symbol.kind} {symbol.qualified_name}" for symbol in (*own, *others)}


@pytest.mark.parametrize(
    ("path", "code", "expected"),
    [
        (
            "Infix.kt",
            INFIX,
            "class Tests, method Tests.first, method Tests.second, method Tests.third,"
            " class Other, method Other.fourth",
        ),
        (
            "Context.kt",
            CONTEXT,
            "function report, class Reporter, method Reporter.inner, method Reporter.last",
        ),
        (
            "OneLine.kt",
            ONE_LINE,
            "class A, method A.a, method A.b, class B, property B.x, class C, property C.y,"
            " property C.log, method C.z, function top, function second, interface D,"
            " property D.w, method D.v",
        ),
        (
            "Reader.swift",
            SWIFT,
            "struct Reader, property Reader.source, method Reader.first, method Reader.second,"
            " class Last, method Last.third",
        ),
        (
            "Ledger.java",
            JAVA,
            "class Ledger, method Ledger.first, method Ledger.second, method Ledger.third,"
            " class Ledger.Inner, method Ledger.Inner.fourth",
        ),
    ],
    ids=["infix", "context", "one_line", "swift", "java"],
)
def test_definitions_around_what_is_unknown_are_found(path: str, code: str, expected: str) -> None:
    """And definitions in unsupported syntax are found by the words of their lines."""
    assert defined(path, code) == set(expected.split(", "))


def test_only_the_lines_that_do_not_parse_are_left_out() -> None:
    """All others are parsed, each in its place."""
    source = INFIX.encode()
    grammar = load_grammar("kotlin")
    tree = grammar.parse(source, Budget(60.0))
    again, unknown = repaired(source, tree, grammar, Budget(60.0))
    assert tree.root_node.has_error
    assert not again.root_node.has_error
    assert again.root_node.end_byte == tree.root_node.end_byte
    assert len(unknown) <= 4


def test_the_lines_of_a_head_stay_together() -> None:
    """The base types of a class are indented like what is in it, and belong to its first line."""
    code = INFIX.replace("class Tests {", "class Tests\n    : Base(),\n      Other {")
    source = code.encode()
    grammar = load_grammar("kotlin")
    found = repaired(source, grammar.parse(source, Budget(60.0)), grammar, Budget(60.0))
    lines = code.splitlines()
    assert not {
        lines.index(one) for one in ("class Tests", "    : Base(),", "      Other {")
    } & set(found.unknown)
    assert len(found.unknown) <= 4


def test_a_long_part_replaces_a_short_one() -> None:
    """If the two do not parse together, only the line before it is lost."""
    source = ONE_LINE.encode()
    grammar = load_grammar("kotlin")
    tree = grammar.parse(source, Budget(60.0))
    unknown = set(repaired(source, tree, grammar, Budget(60.0)).unknown)
    lines = ONE_LINE.splitlines()
    of_class = range(lines.index("class C {"), lines.index("fun top() = 1; fun second() = 2"))
    assert not unknown & set(of_class)
    assert unknown


def test_what_parses_stays_as_it_is() -> None:
    source = b"fun a() = 1\n"
    grammar = load_grammar("kotlin")
    tree = grammar.parse(source, Budget(60.0))
    assert repaired(source, tree, grammar, Budget(60.0)) == (tree, ())


def test_a_search_without_time_keeps_the_original_tree() -> None:
    """The file has a time limit, and the parse within it counts."""
    source = INFIX.encode() * 40
    grammar = load_grammar("kotlin")
    tree = grammar.parse(source, Budget(60.0))
    again, unknown = repaired(source, tree, grammar, Budget(-1.0))
    assert again is tree
    assert len(unknown) > len(INFIX.splitlines())


def test_the_search_has_a_time_limit_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a file that takes long to repair is still split by the original tree."""
    monkeypatch.setattr(repair, "_SECONDS", -1.0)
    source = INFIX.encode() * 40
    grammar = load_grammar("kotlin")
    tree = grammar.parse(source, Budget(60.0))
    assert repaired(source, tree, grammar, Budget(60.0)).tree is tree


def test_the_search_parses_a_limited_multiple_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repair, "_MOST_REPARSES", 0)
    source = INFIX.encode()
    grammar = load_grammar("kotlin")
    tree = grammar.parse(source, Budget(60.0))
    assert repaired(source, tree, grammar, Budget(60.0)).tree is tree


def test_a_little_of_a_large_file_is_not_worth_a_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repair, "_ROWS_PER_LOSS", 0.5)  # more rows than there are
    source = INFIX.encode()
    grammar = load_grammar("kotlin")
    tree = grammar.parse(source, Budget(60.0))
    again, unknown = repaired(source, tree, grammar, Budget(60.0))
    assert again is tree
    assert unknown


def test_words_of_text_declare_nothing() -> None:
    """Even at the beginning of lines that the parser cannot read."""
    code = (
        "class A {\n    fun b() {\n        val text = <<<\n"
        "class of things that are\nvalue of it\n        >>>\n    }\n}\n"
    )
    names = {name.rpartition(".")[2].split()[-1] for name in defined("A.kt", code)}
    assert names & {"of", "it", "things", "that"} == set()
    assert "A" in names


def test_every_language_is_repaired_alike() -> None:
    """Broken lines in the middle of a file leave the rest of it defined."""
    broken = "    ]]]) @@@ ((( }{ <<\n"
    for extension, one in {
        "go": "func f{}() int {{\n\ta := 1\n\treturn a\n}}\n\n",
        "rs": "fn f{}() -> i32 {{\n    let a = 1;\n    a\n}}\n\n",
        "js": "function f{}() {{\n    const a = 1;\n    return a;\n}}\n\n",
        "py": "def f{}():\n    a = 1\n    return a\n\n\n",
        "rb": "def f{}\n    a = 1\n    a\nend\n\n",
        "php": "function f{}() {{\n    $a = 1;\n    return $a;\n}}\n\n",
        "cs": "class f{} {{\n    int G() {{\n        return 1;\n    }}\n}}\n\n",
    }.items():
        parts = [one.format(number) for number in range(6)]
        lines = parts[2].splitlines(keepends=True)
        parts[2] = "".join([lines[0], broken, *lines[1:]])
        code = ("<?php\n" if extension == "php" else "") + "".join(parts)
        names = {name.rpartition(" ")[2] for name in defined(f"a.{extension}", code)}
        assert {f"f{number}" for number in range(6)} <= names, extension


def test_a_struct_that_is_partial_and_by_reference_keeps_its_name() -> None:
    code = "namespace A\n{\n    public ref partial struct Reader\n    {\n"
    code += "        public int Peek() { return 1; }\n    }\n}\n"
    assert {"struct A.Reader", "method A.Reader.Peek"} <= defined("a.cs", code)


def test_macros_around_items_within_a_type_leave_its_methods_in_it() -> None:
    code = (
        "impl Stream {\n    cfg_wide! {\n        /// Reads.\n        pub fn read(&self) {}\n    }\n"
    )
    code += "\n    pub fn write(&self) {}\n}\n\nmock! {\n    pub fn open() {}\n}\n"
    assert {"method Stream.read", "method Stream.write"} <= defined("a.rs", code)
    assert "function open" in defined("a.rs", code)


@pytest.mark.parametrize(
    "item",
    [
        *("fn open() {}", "pub fn open() {}", "async fn open() {}", "unsafe fn open() {}"),
        *("struct open {}", "enum open { A }", "trait open { fn a(); }", "mod open { fn a() {} }"),
        *("#[test]\n    fn open() {}", "// Opens.\n    fn open() {}", "impl A { fn open() {} }"),
    ],
)
def test_macros_around_any_item(item: str) -> None:
    found = defined("a.rs", f"cfg_io! {{\n    {item}\n}}\n")
    assert any(name.endswith((" open", ".open")) for name in found)


def test_haskell_with_marked_lines_in_a_comment_is_not_literate() -> None:
    code = "module A where\n\nimport B\n\nfirst :: Int\nfirst = 1\n\n"
    code += "{-\n> second :: Int\n> second = 2\n-}\n"
    assert "function first" in defined("a.hs", code)
    literate = "Some text.\n\n> second :: Int\n> second = 2\n"
    assert "function second" in defined("a.lhs", literate)
