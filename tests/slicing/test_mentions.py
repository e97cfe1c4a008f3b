"""Where files use names: golden listings of realistic files, and properties of any file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.slicing.test_golden import SOURCES, name_of

from kodit.domain.file_facts import MentioningFile
from kodit.domain.mentions import Mention, MentioningSnippet, MentionKind
from kodit.infrastructure.slicing import mentions as module
from kodit.infrastructure.slicing.detection import detect_language
from kodit.infrastructure.slicing.languages import LANGUAGES
from kodit.infrastructure.slicing.mentions import LONGEST_NAME, MOST_OF_A_PIECE
from kodit.infrastructure.slicing.qualifiers import (
    LONGEST_CHAIN,
    qualifier_of,
    without_arguments,
)
from kodit.infrastructure.slicing.slicer import slice_file

HERE = Path(__file__).parent
PATTERNS = Path(__file__).parents[2] / "src/kodit/infrastructure/slicing/queries/mentions"


def has_patterns(source: Path) -> bool:
    row = LANGUAGES.get(detect_language(name_of(source), source.read_bytes()))
    return row is not None and PATTERNS.joinpath(row.query_file).is_file()


PARSED = [source for source in SOURCES if has_patterns(source)]


def mentions(path: str, data: bytes) -> list[Mention]:
    return [
        mention
        for snippet in slice_file(path, data).snippets
        for mention in MentioningSnippet(
            0, 0, snippet.start_line, snippet.end_line, None, "", (), snippet.mentions
        ).mentions
    ]


def listing(found: list[Mention]) -> str:
    """One line per mention: where, how, the name with its qualifier, and its alias."""
    return "".join(
        f"{line:4}  {kind.value:8}  {f'{qualifier} | ' if qualifier else ''}{name}"
        f"{f'  = {alias}' if alias else ''}\n"
        for kind, name, line, qualifier, alias in found
    )


def of(path: str, text: str) -> set[tuple[str, str, str, str]]:
    """Kind, qualifier, name and alias of all mentions."""
    return {
        (one.kind.value, one.qualifier, one.name, one.alias)
        for one in mentions(path, text.encode())
    }


@pytest.mark.parametrize("source", PARSED, ids=lambda path: path.name)
def test_mentions_are_those_of_the_golden_listing(source: Path, update_golden: bool) -> None:
    """Refreshed by `pytest --update-golden`."""
    found = listing(mentions(name_of(source), source.read_bytes()))
    golden = HERE / "golden" / f"{name_of(source)}.mentions.txt"
    if update_golden:
        golden.write_text(found, encoding="utf-8")
    assert golden.read_text(encoding="utf-8") == found


def test_every_file_of_patterns_is_tested() -> None:
    """A grammar without one has no uses of names, only words."""
    languages = {detect_language(name_of(one), one.read_bytes()) for one in PARSED}
    tried = {name for one in languages for name in (one, LANGUAGES[one].query or one)}
    assert {one.stem for one in PATTERNS.iterdir()} <= tried


@pytest.mark.parametrize("source", PARSED, ids=lambda path: path.name)
@pytest.mark.parametrize("share", [1, 2, 3])
def test_a_name_stands_on_its_line(source: Path, share: int) -> None:
    """Even in a file that ends in the middle, and with Windows line ends."""
    data = source.read_bytes()
    for content in (data[: len(data) // share], data.replace(b"\n", b"\r\n")):
        lines = content.decode().split("\n")
        for mention in mentions(name_of(source), content):
            assert mention.name == "*" or mention.name in lines[mention.line - 1]


NAMES = st.sampled_from(["a", "bé", "self", "C"])
TEXTS = st.lists(
    st.sampled_from(
        [
            "a",
            "bé",
            "self",
            "C",
            ".",
            "(",
            ")",
            "[",
            "]",
            "=",
            ":",
            "\n",
            " ",
            "\t",
            "import ",
            "from ",
            "class ",
            "def ",
            "for ",
            " in ",
            "as ",
            "*",
            "'",
            ",",
        ]
    ),
    max_size=60,
).map("".join)


@settings(max_examples=60, deadline=None)
@given(text=TEXTS, path=st.sampled_from(["a.py", "a.js", "a.ts", "a.go", "a.rb", "a.rs", "a.kt"]))
def test_any_text_gives_mentions_that_stand_in_it(text: str, path: str) -> None:
    lines = text.split("\n")
    for mention in mentions(path, text.encode()):
        assert mention.name == "*" or mention.name in lines[mention.line - 1]
        assert "\t" not in "".join((mention.name, mention.qualifier, mention.alias))


def test_a_table_of_names_is_bounded() -> None:
    """Each piece keeps a limited number, and the end of a chain of calls."""
    text = "x = [" + "f(), " * 20_000 + "]\n"
    assert len(mentions("a.py", text.encode())) <= MOST_OF_A_PIECE
    chain = "a" + ".b(1)" * 5_000 + "\n"
    assert all(len(one.qualifier) <= LONGEST_CHAIN + 2 for one in mentions("a.py", chain.encode()))
    nested = "f(" * 400 + ")" * 400
    assert len(mentions("a.py", nested.encode())) <= MOST_OF_A_PIECE


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("", ""),
        ("a.", "a"),
        ("a.b::c->", "a.b::c"),
        ("pool.get(x, (y)).", "pool.get()"),
        ("(await pool.get(x)).", "()"),
        ("a?.b!.", "a?.b"),
        ("rows[0].", "rows[]"),
        ("((Shape) one).", "Shape()"),
        ("(one as Shape).", "Shape()"),
        ("one.(*Shape).", "Shape()"),
        ("new Shape(1).", "Shape()"),
        ('"text".', "?"),
        ("(a + b).", "()"),
        (".", "."),
        (f"{'a' * 100}.b.{'c' * 30}.last.", f"?.b.{'c' * 30}.last"),
        (f"{'a' * 130}.", "?"),
    ],
    ids=range(16),
)
def test_qualifiers_are_chains_of_names(before: str, expected: str) -> None:
    assert qualifier_of(before) == expected


def test_a_piece_keeps_the_first_of_its_mentions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_OF_A_PIECE", 3)
    found = mentions("a.py", b"a(), b(), c(), d(), e()\n")
    assert [one.name for one in found] == ["a", "b", "c"]


@pytest.mark.parametrize(("length", "is_kept"), [(LONGEST_NAME, True), (LONGEST_NAME + 1, False)])
def test_longer_text_is_no_name(length: int, is_kept: bool) -> None:
    assert LONGEST_NAME == 120
    assert bool(mentions("a.py", f"{'f' * length}()\n".encode())) is is_kept


def test_names_of_one_type_are_bounded_and_each_is_told_once() -> None:
    text = "package p\n\nfunc f(a, b, c, d, e T) {}\n"
    assert [one[3] for one in sorted(of("a.go", text)) if one[2] == "T"] == ["a", "b", "c", "d"]
    found = [one for one in mentions("a.py", b"x: dict[C, D] = {}\n") if one.name == "C"]
    assert len(found) == 1


def test_arguments_are_left_out() -> None:
    assert without_arguments("a(b[1](c)).d{e}") == "a().d{}"
    assert without_arguments("x, y)).d()") == ").d()"


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("a.py", "x: dict[str, C] = f()\n", {("type", "", "C", "x"), ("call", "", "f", "x")}),
        ("a.py", "def f() -> 'C': ...\n", {("type", "", "C", "f()")}),
        ("a.py", "for x in self.items: x.go()\n", {("read", "self", "items", "x")}),
        ("a.py", "class A(b.C[int]): ...\n", {("inherits", "b", "C", "A")}),
        (
            "a.py",
            "from .m import a as b, c\n",
            {("import", ".m", "a", "b"), ("import", ".m", "c", "")},
        ),
        ("a.py", "from m import *\n", {("import", "m", "*", "")}),
        (
            "a.js",
            "const { a, b: c } = require('./m')\n",
            {("import", "./m", "a", ""), ("import", "./m", "b", "c")},
        ),
        ("a.js", "const m = require('./m')\n", {("import", "./m", "*", "m")}),
        ("a.js", "const m = build('./m')\n", {("call", "", "build", "m")}),
        ("a.ts", "import * as m from './m'\n", {("import", "./m", "*", "m")}),
        ("a.ts", "export { a as b } from './m'\n", {("import", "./m", "a", "b")}),
        ("a.ts", "class A { constructor(private b: B) {} }\n", {("type", "", "B", "this.b")}),
        ("a.tsx", "const a = <B.C x={1}/>; const d = <div/>\n", {("call", "B", "C", "")}),
        ("a.go", 'import f "a/b"\n', {("import", "a", "b", "f")}),
        (
            "a.go",
            "func (t *T) M() (*R, error) { return nil, nil }\n",
            {("type", "", "T", "t"), ("type", "", "R", "M()")},
        ),
        ("a.go", "type T struct { *p.B }\n", {("inherits", "p", "B", "T")}),
        (
            "a.java",
            "class A extends B<C> implements D { E e; }\n",
            {("inherits", "", "B", "A"), ("inherits", "", "D", "A"), ("type", "", "E", "e")},
        ),
        ("a.rs", "use a::{b, c as d};\n", {("import", "a", "b", ""), ("import", "a", "c", "d")}),
        ("a.rs", "impl fmt::Show for T {}\n", {("inherits", "fmt", "Show", "T")}),
        (
            "a.cs",
            "using A.B;\nclass C : D, E<F> {}\n",
            {("import", "A.B", "*", ""), ("inherits", "", "D", "C"), ("inherits", "", "E", "C")},
        ),
        (
            "a.rb",
            "class A < B\n  include C\nend\n",
            {("inherits", "", "B", "A"), ("inherits", "", "C", "A")},
        ),
        (
            "a.php",
            "<?php use A\\B as C; class D extends E { use F; }\n",
            {("import", "A", "B", "C"), ("inherits", "", "E", "D"), ("inherits", "", "F", "D")},
        ),
        (
            "a.kt",
            "class A(val b: B) : C(), D { fun f(): E = e() }\n",
            {
                ("type", "", "B", "b"),
                ("inherits", "", "C", "A"),
                ("inherits", "", "D", "A"),
                ("type", "", "E", "f()"),
            },
        ),
        (
            "a.scala",
            "class A extends B with C { def f: D = d() }\n",
            {("inherits", "", "B", "A"), ("inherits", "", "C", "A"), ("type", "", "D", "f()")},
        ),
        (
            "a.swift",
            "extension A: B { func f() -> C { d.e() } }\n",
            {("inherits", "", "B", "A"), ("type", "", "C", "f()"), ("call", "d", "e", "")},
        ),
        (
            "a.ex",
            "defmodule A do\n  alias B.{C, D}\n  def f(x), do: C.g(x)\nend\n",
            {("import", "B", "C", ""), ("call", "C", "g", "")},
        ),
        (
            "a.lua",
            "local m = require('a.b')\nm.f()\n",
            {("import", "a.b", "*", "m"), ("call", "m", "f", "")},
        ),
        (
            "a.hs",
            "import qualified A.B as C\nf x = C.g (h x)\n",
            {("import", "A.B", "*", "C"), ("call", "C", "g", ""), ("call", "", "h", "")},
        ),
        (
            "a.zig",
            'const m = @import("m.zig");\nfn f(a: *A) B { return m.g(a); }\n',
            {
                ("import", "m.zig", "*", "m"),
                ("type", "", "A", "a"),
                ("type", "", "B", "f()"),
                ("call", "m", "g", ""),
            },
        ),
        (
            "a.c",
            '#include "m.h"\nstruct a *f(struct b *x) { return x->g(x); }\n',
            {
                ("import", "m.h", "*", ""),
                ("type", "", "b", "x"),
                ("type", "", "a", "f()"),
                ("call", "x", "g", ""),
            },
        ),
        (
            "a.cpp",
            "struct A : public n::B { C &c; };\nauto x = A::make<int>();\n",
            {("inherits", "n", "B", "A"), ("type", "", "C", "c"), ("call", "A", "make", "")},
        ),
        (
            "a.sh",
            "source ./m.sh\nf() { g; }\n",
            {("import", "./m.sh", "*", ""), ("call", "", "g", "")},
        ),
        ("a.sql", "SELECT f(1) FROM s.t;\n", {("read", "s", "t", ""), ("call", "", "f", "")}),
        ("a.py", "from a . b import c\n", {("import", "a.b", "c", "")}),
        (
            "a.rb",
            "require 'a'\nrequire_relative 'b'\nload 'c.rb'\nautoload :D, 'd'\n",
            {("import", name, "*", "") for name in ("a", "b", "c.rb")} | {("import", "d", "D", "")},
        ),
        (
            "a.rb",
            "class A\n  include B\n  extend C\n  prepend D\n  other E\nend\n",
            {("inherits", "", name, "A") for name in "BCD"} | {("read", "", "E", "")},
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value and len(value) < 10 else "",
)
def test_what_a_language_says_of_names(
    path: str, text: str, expected: set[tuple[str, str, str, str]]
) -> None:
    """Types, results and fields by their aliases; imports by their modules."""
    assert expected <= of(path, text)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.ex", "defmodule A do\n  @spec f(integer) :: atom\n  def f(x), do: x\nend\n"),
        ("a.ts", "class A<T> {}\ninterface B {}\ntype C = string\n"),
        ("a.go", "package p\n\ntype T int\n"),
        ("a.rs", "struct A;\nenum B {}\ntrait C {}\n"),
    ],
)
def test_what_is_declared_is_not_used(path: str, text: str) -> None:
    declared = {"A", "B", "C", "T", "f"}
    assert not {one.name for one in mentions(path, text.encode())} & declared


def test_kinds_are_those_of_uses() -> None:
    """`UseKind` takes its values from `MentionKind`."""
    from kodit.domain.symbols import Use  # noqa: PLC0415 - only this test compares the two

    assert {kind.value for kind in MentionKind} < {use.value for use in Use}


def test_rows_are_read_as_they_were_written() -> None:
    pattern = re.compile(r"[cihtwr]-?\d+\t")
    for snippet in slice_file("a.py", b"import a\n\n\ndef f(x: A):\n    x.g()\n").snippets:
        assert all(map(pattern.match, snippet.mentions.split("\n")))


def test_what_stands_far_down_in_a_file_says_the_same() -> None:
    """Beyond sixteen bits of bytes."""
    text = "def f(x: A) -> B:\n    y: C = D()\n    z = E.g()\n    return y.h(z)\n"
    far = "# nothing\n" * 7_000
    assert {one for one in of("a.py", far + text) if one[0] != "text"} == of("a.py", text)


def test_what_a_stored_piece_says_is_heard_when_it_is_asked_for() -> None:
    """It is the same as what all its mentions say."""
    text = b"import m\n\n\nclass A(B):\n    x: C\n\n    def f(self) -> D:\n        self.y = E()\n"
    later, at_once = MentioningFile(1, "a.py", "python"), MentioningFile(1, "a.py", "python")
    for snippet in slice_file("a.py", text).snippets:
        symbol = snippet.symbol
        piece = MentioningSnippet(
            1,
            1,
            snippet.start_line,
            snippet.end_line,
            symbol.name if symbol else None,
            symbol.scope if symbol else "",
            snippet.also_defines,
            snippet.mentions,
        )
        later.read(piece)
        at_once.learn(piece.mentions, piece.around)
    assert (later.imports, later.bases) == (at_once.imports, at_once.bases)
    for name, base in (("x", "C"), ("f()", "D"), ("y", "E")):
        said = later.hints_for_field("A", name)
        assert [one.mention.name for one in said] == [base]
        assert said == at_once.hints_for_field("A", name)
        assert later.hints_for_field("A", name) == at_once.hints_for_field("A", name)
