"""Signatures and first sentences, from the lines of a definition."""

from __future__ import annotations

import pytest

from kodit.domain.descriptions.signatures import (
    LONGEST_SENTENCE,
    LONGEST_SIGNATURE,
    docstring_at,
    first_sentence,
    numbered,
    sentence_about,
    signature_of,
)
from kodit.domain.entities import StoredSnippet
from kodit.domain.symbols import Definition


def definition(text: str, kind: str = "function", named_in: int = 1) -> Definition:
    snippet = StoredSnippet(
        id=1,
        index_id=1,
        file_id=1,
        source="/shop",
        path="a",
        start_line=1,
        end_line=text.count("\n") + 1,
        language="",
        symbol="f",
        kind=kind,
        scope="",
        text=text,
    )
    return Definition(snippet, named_in)


def signature(text: str, language: str, kind: str = "function") -> str:
    return signature_of(definition(text, kind), numbered([(1, text)]), language)


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("python", "def f(a):\n    x", "def f(a)"),
        ("python", "def f(a: int = 1) -> int: return a", "def f(a: int = 1) -> int"),
        ("python", "def f(\n    a,\n    b,\n):\n    x", "def f(a, b)"),
        ("python", "def f(a='):', b=\"):\"):\n    x", "def f(a='):', b=\"):\")"),
        ("python", "def f(a='\\'):'):\n    x", "def f(a='\\'):')"),
        ("python", "def f(  # why: so\n    a,\n):\n    x", "def f(a)"),
        ("python", "def f(a='#'):\n    x", "def f(a='#')"),
        ("python", 'def f(a="""x\ny):"""):\n    z', 'def f(a="…")'),
        ("python", f"def f(a='{'x' * 24}'):\n    z", 'def f(a="…")'),
        ("python", f"def f(a='{'x' * 23}'):\n    z", f"def f(a='{'x' * 23}')"),
        ("nim", "proc f(a: int): int =\n  x", "proc f(a: int)"),
        ("go", "func f(a int) int {\n\tx", "func f(a int) int"),
        ("go", "func f(a int) { // {\n\tx", "func f(a int)"),
        ("go", "func f(\n\ta int, // first: {\n) {\n\tx", "func f(a int)"),
        ("c", "int f(int a);\nint g;", "int f(int a)"),
        ("c", "int f(int a)\n{\n", "int f(int a)"),
        ("c", "static int\nf(int a)\n{\n", "static int f(int a)"),
        (
            "rust",
            "fn f<'a>(a: &'a str) -> &'a str\nwhere\n    T: U,\n{\n",
            "fn f<'a>(a: &'a str) -> &'a str where T: U,",
        ),
        ("java", "int f(int a)\n    throws E {\n", "int f(int a)"),
        ("typescript", "f(a: string = '{'): void {\n", "f(a: string = '{'): void"),
        ("javascript", "const f = (a, b = 2) => {\n", "const f = (a, b = 2)"),
        ("javascript", "const f = a => a + 1;", "const f = a"),
        ("javascript", "exports.f = async function (a) { x }", "exports.f = async function (a)"),
        ("javascript", "f: async (a) => {\n", "f: async (a)"),
        ("javascript", "const f = curried((a) => {\n  x\n});", "const f"),
        ("javascript", "const f = (a) => (b) => {\n", "const f = (a)"),
        ("typescript", "f = async (a: A): Promise<B> => {", "f = async (a: A): Promise<B>"),
        ("typescript", "const f: (a: A) => B = (a) => c;", "const f: (a: A) => B = (a)"),
        ("typescript", "const f = <T>(\n  a: T,\n): T => a;", "const f = <T>(a: T): T"),
        ("kotlin", "fun f(a: Int) = a + 1", "fun f(a: Int)"),
        ("kotlin", "fun f(a: Int): Boolean = a == 1", "fun f(a: Int): Boolean"),
        ("cpp", "bool operator==(A a) {", "bool operator==(A a)"),
        ("ruby", "def f(a, b)\n  x", "def f(a, b)"),
        ("ruby", "task :f do\n  x", "task :f"),
        ("elixir", "def f(a) do\n  x", "def f(a)"),
        ("elixir", "def f({a, b}, %{c: c}) do\n  x", "def f({a, b}, %{c: c})"),
        ("elixir", "@type f :: %{\n  a: atom\n}\n@type g", "@type f :: %{ a: atom }"),
        ("tsx", "const f = (a) => <p/>;", "const f = (a)"),
        ("starlark", "def f(a = '):'):\n    x", "def f(a = '):')"),
        ("gdscript", "func f(a = '):'):\n\tx", "func f(a = '):')"),
        ("php", "function f($a = '{') {\n", "function f($a = '{')"),
        ("ruby", "def f(a = 'x(')\n  x", "def f(a = 'x(')"),
        ("java", "static int\nf(int a)\n{", "static int f(int a)"),
        ("csharp", "static int\nf(int a)\n{", "static int f(int a)"),
        ("cpp", "static int\nf(int a)\n{", "static int f(int a)"),
        ("rust", "fn f<T>\n(a: T)\n{", "fn f<T> (a: T)"),
        ("kotlin", "fun <T>\nf(a: Int) {\n", "fun <T> f(a: Int)"),
        ("scala", "def f\n  (a: Int) = a\n", "def f (a: Int)"),
        ("swift", "func f\n  (a: Int) {\n", "func f (a: Int)"),
        ("go", "func f\n(a) {", "func f"),
        ("haskell", "f :: Int ->\n  Int\nf = x", "f :: Int -> Int"),
    ],
)
def test_where_a_signature_ends(language: str, text: str, expected: str) -> None:
    """Before the body, outside of brackets, strings and comments."""
    assert signature(text, language) == expected


def test_signatures_of_values_have_what_is_assigned() -> None:
    assert signature("A: int = 1", "python", "constant") == "A: int = 1"
    assert signature("x = {1: 2}", "python", "variable") == "x = {1: 2}"
    assert signature("const a = 1;", "go", "constant") == "const a = 1"
    assert signature("let f = 1", "swift", "field") == "let f = 1"


def test_long_signatures_are_cut() -> None:
    head = "def f("
    whole = f"{head}{'a' * (LONGEST_SIGNATURE - len(head) - 1)})"
    assert signature(f"{whole}:", "python") == whole
    longer = f"{head}{'a' * (LONGEST_SIGNATURE - len(head))})"
    assert signature(f"{longer}:", "python") == f"{longer[: LONGEST_SIGNATURE - 1]}…"


def about(text: str, language: str, named_in: int) -> str:
    return sentence_about(definition(text, named_in=named_in), numbered([(1, text)]), language)


@pytest.mark.parametrize(
    ("language", "text", "named_in", "expected"),
    [
        ("python", 'def f():\n    """Pay. All."""', 1, "Pay."),
        ("python", "def f():\n\n    r'''Pay\n    all.\n    Now.'''", 1, "Pay all."),
        ("python", "def f():\n    'Pay.'\n    x", 1, "Pay."),
        ("python", "def f():\n    x\n    'Pay.'", 1, ""),
        ("python", 'def f(\n    a,\n):\n    """\n    Pay.\n\n    No.\n    """', 1, "Pay."),
        ("python", "# Pay.\ndef f():\n    x", 2, "Pay."),
        ("python", '# No.\ndef f():\n    """Pay."""', 2, "Pay."),
        ("python", "# Pay\n#\n# No.\ndef f():\n    x", 4, "Pay"),
        ("python", "# noqa: x\n# Pay.\ndef f():\n    x", 3, "Pay."),
        ("python", "@decorated\ndef f():\n    x", 2, ""),
        ("go", "// Pay all\n// of them.\nfunc f() {", 3, "Pay all of them."),
        ("go", "//nolint\n// Pay.\nfunc f() {", 3, "Pay."),
        ("rust", "/// Pay.\n#[inline]\nfn f() {", 3, "Pay."),
        ("rust", "//! Pay.\nfn f() {", 2, "Pay."),
        ("java", "/**\n * Pay.\n * @return no\n */\nint f() {", 5, "Pay."),
        ("java", "/** Pay. */\nint f() {", 2, "Pay."),
        ("java", "/**\n * @return Nothing.\n */\nint f() {", 4, "@return Nothing."),
        ("c", "/*\n   Pay\n   all.\n*/\nint f() {", 5, "Pay all."),
        ("c", "/* a */\nx\nint f() {", 3, "a"),
        ("lua", "-- Pay.\nfunction f()", 2, "Pay."),
        ("lua", "---@param a string\n--- Pay.\n---@return x\nfunction f()", 4, "Pay."),
        ("lua", "---@class A: B\nlocal f", 2, ""),
        ("lisp", ";; Pay.\n(defun f ())", 2, "Pay."),
        ("erlang", "%% Pay.\nf() ->", 2, "Pay."),
        ("go", "// Copyright x\nfunc f() {", 2, ""),
        ("go", "func f() {\n  // Pay.", 1, ""),
    ],
)
def test_the_first_sentence_about_a_definition(
    language: str, text: str, named_in: int, expected: str
) -> None:
    """Of its docstring, or of the comment above it."""
    assert about(text, language, named_in) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Pay. All.", "Pay."),
        ("Pay all", "Pay all"),
        ("Pay! All", "Pay!"),
        ("Pay? All", "Pay?"),
        ("Pay e.g. all. Now.", "Pay e.g. all."),
        ("Pay, cf. J. Doe. Now.", "Pay, cf. J. Doe."),
        ("Pay etc.", "Pay etc."),
        ("Pay 3.5 of a.b. Now.", "Pay 3.5 of a.b."),
        ("<p>Pay {@code all} <b>now</b>.</p>", "Pay all now."),
        ("Pay a < b and c > d.", "Pay a < b and c > d."),
        ("  Pay\n all. ", "Pay all."),
        ("", ""),
    ],
)
def test_first_sentences(text: str, expected: str) -> None:
    assert first_sentence(text) == expected


def test_long_sentences_are_cut() -> None:
    assert first_sentence("x" * LONGEST_SENTENCE) == "x" * LONGEST_SENTENCE
    assert first_sentence("x" * (LONGEST_SENTENCE + 1)) == "x" * (LONGEST_SENTENCE - 1) + "…"
    spaced = "x" * (LONGEST_SENTENCE - 2) + " yy"
    assert first_sentence(spaced) == "x" * (LONGEST_SENTENCE - 2) + "…"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"""Pay."""', "Pay."),
        ('"""Pay\nall.\n\nNo."""', "Pay all. "),
        ("'Pay.'", "Pay."),
        ("'Pay", "Pay"),
        ("x", ""),
        ("u'''\nPay.\n'''", " Pay. "),
        ('"""' + "a\n" * 40, " ".join("a" * 29)),
    ],
)
def test_the_string_on_a_line(text: str, expected: str) -> None:
    assert docstring_at(numbered([(5, text)]), 5) == expected
    assert docstring_at({}, 5) == ""


def test_lines_by_their_numbers() -> None:
    assert numbered([(3, "a\nb"), (9, "c")]) == {3: "a", 4: "b", 9: "c"}
