"""Where one snippet ends and the next begins: each limit from both sides."""

from __future__ import annotations

import codecs

import pytest

from kodit.infrastructure.slicing.naming import split_name
from kodit.infrastructure.slicing.slicer import slice_file

CALLS = "    call();\n"


def cut(path: str, source: str | bytes) -> list[str]:
    """One line per snippet: its lines, its symbol, and its other definitions."""
    data = source.encode() if isinstance(source, str) else source
    return [
        " ".join(
            [
                f"{snippet.start_line}-{snippet.end_line}",
                snippet.symbol.qualified_name if snippet.symbol else "-",
                *(
                    f"{symbol.name}:{first}-{last}"
                    for symbol, first, last, _ in snippet.also_defines
                ),
            ]
        )
        for snippet in slice_file(path, data).snippets
    ]


def two_lines(name: str, characters: int) -> str:
    """A function of this many characters, without line ends."""
    head = f"def {name}():\n    return "
    return f"{head}{'x' * (characters - len(head) + 1)}\n"


def small_functions(*blank_lines: int) -> str:
    """Functions of two lines with this many blank lines before each."""
    return "".join(
        "\n" * blank + f"def f{number}():\n    return 1\n"
        for number, blank in enumerate(blank_lines)
    )


def functions_of_180(last: int) -> str:
    """Five of 180 characters and one of another size."""
    return "\n".join(two_lines(f"f{number}", 180 if number < 5 else last) for number in range(6))


def tables_of(characters: int) -> str:
    """Tables of 50 lines."""
    table = "[one]\n" + f"key = '{'x' * 120}'\n" * 49
    text = table * (characters // len(table))
    return text + "#" * (characters - len(text) - 1) + "\n"


@pytest.mark.parametrize(
    ("path", "source", "snippets"),
    [
        ("a.py", two_lines("a", 200) + "\n\n" + two_lines("b", 60), 1),
        ("a.py", two_lines("a", 201) + "\n\n" + two_lines("b", 60), 2),
        ("a.py", small_functions(0, 1, 1, 1, 2, 1, 1, 1), 1),  # 24 lines
        ("a.py", small_functions(0, 1, 1, 1, 3, 1, 1, 1), 2),
        ("a.py", functions_of_180(100), 1),  # 1,000 characters
        ("a.py", functions_of_180(101), 2),
        ("a.md", "# A\n\none\n\n## B\n" + "\ntwo\n" * 9, 1),  # 24, the end included
        ("a.md", "# A\n\none\n\n## B\n" + "\ntwo\n" * 9 + "three\n", 2),
        ("a.txt", "x" * 1200 + "\n" + "y" * 1200 + "\n", 1),
        ("a.txt", "x" * 1200 + "\n" + "y" * 1201 + "\n", 2),
        ("a.txt", "x" * 5000 + "\n", 1),
        ("a.txt", "x" * 5001 + "\n", 0),  # minified
        ("a.js", f"y = '{'x' * 3000}';\n" * 3, 3),
    ],
)
def test_how_much_is_one_snippet(path: str, source: str, snippets: int) -> None:
    """Lines and characters up to the limit, and none beyond it."""
    assert len(cut(path, source)) == snippets


def test_a_short_class_of_long_lines_is_cut() -> None:
    """A few lines may exceed a snippet."""
    line = f"return '{'x' * 1300}'"
    code = f"class A:\n    def a(self): {line}\n    def b(self): {line}\n"
    assert cut("a.py", code) == ["1-1 A", "2-2 A.a", "3-3 A.b"]
    most = f"class A:\n    def a(self): return 1\n    def b(self): return '{'x' * 2341}'\n"
    assert len(most) == 2400 + 3
    assert cut("a.py", most) == ["1-3 A a:2-2 b:3-3"]
    assert len(cut("a.py", most.replace("xx", "xxx", 1))) > 1


def test_a_short_section_of_much_text_is_cut() -> None:
    """Likewise: a section stays with the sections inside up to 1,000 characters."""
    text = "x" * 500
    assert cut("a.md", f"# A\n\n{text}\n\n## B\n\n{text[:491]}\n") == ["1-7 A"]
    assert cut("a.md", f"# A\n\n{text}\n\n## B\n\n{text}\n") == ["1-3 A", "5-7 A.B"]


def test_large_data_is_cut_by_lines() -> None:
    """Its structure is only that of its rows."""
    assert cut("a.toml", tables_of(64_000))[2:4] == cut("a.toml", tables_of(13_000))[2:4]
    assert cut("a.toml", tables_of(64_001))[2:4] != cut("a.toml", tables_of(64_000))[2:4]


def test_namespaces_within_each_other() -> None:
    """A scope is written out by its innermost eight names."""
    names = [f"n{number}" for number in range(10)]
    body = "class X {\n" + "  int a();\n" * 30 + "};\n"
    code = "".join(f"namespace {name} {{\n" for name in names) + body + "}\n" * 10
    assert f"{'.'.join(names[2:])}.X" in [one.split(" ")[1] for one in cut("a.cpp", code)]


def test_the_head_of_a_namespace_goes_down() -> None:
    """It is no definition, and stays with what comes next in it."""
    before = "int before() {\n" + CALLS * 5 + "}\n\n"
    code = (
        f"{before}namespace a {{\n\nint f() {{\n{CALLS * 50}}}\n\nint g() {{\n{CALLS * 50}}}\n}}\n"
    )
    assert cut("a.cpp", code) == ["1-7 before", "9-62 a.f", "64-116 a.g"]
    tiny = code.replace(before, "int before() {\n  call();\n}\n\n")
    assert cut("a.cpp", tiny) == ["1-3 before", "5-58 a.f", "60-112 a.g"]


def test_a_heading_without_a_name() -> None:
    """It is a section without a symbol."""
    assert cut("a.md", "#\n\ntext\n") == ["1-3 -"]


@pytest.mark.parametrize(
    ("path", "before", "declared", "method"),
    [
        ("A.java", "", "@Deprecated class Big {", "void"),
        ("a.php", "<?php\n\n", "#[Final] class Big {", "function"),
    ],
)
def test_a_comment_on_the_line_of_a_class_is_not_its_first_member_s(
    path: str, before: str, declared: str, method: str
) -> None:
    """The leading lines of a member begin below the line that declares the class."""
    members = [f"    {method} {name}() {{\n{CALLS * 40}    }}\n" for name in "fg"]
    code = f"{before}{declared}\n" + "\n".join(members) + "}\n"
    *_, head, first, second = cut(path, code)
    row = before.count("\n")
    assert head == f"1-{row + 1} Big"
    assert first == f"{row + 2}-{row + 43} Big.f"
    assert second.startswith(f"{row + 45}-{row + 87} Big.g")


@pytest.mark.parametrize("members", [1, 13])
def test_a_type_with_two_names(members: int) -> None:
    """It is one definition, by the name that other files use; the other name is found, too."""
    code = "typedef struct tag {\n" + "  int a;\n" * members + "} NAME;\n"
    (snippet,) = cut("a.c", code)
    assert snippet.startswith(f"1-{members + 2} NAME tag:1-{members + 2}")


def test_the_head_of_an_impl() -> None:
    """It encloses methods and defines nothing itself, alone or with one of them."""
    where = "where\n    T: Clone,\n    T: Copy,\n    T: Send,\n"
    methods = [f"    fn {name}(&self) {{\n{CALLS * 40}    }}\n" for name in "ab"]
    code = f"impl<T> Stack<T>\n{where}{{\n" + "\n".join(methods) + "}\n"
    assert cut("a.rs", code) == ["1-6 -", "7-48 Stack.a", "50-92 Stack.b"]
    assert cut("a.rs", "struct A;\n\nimpl A {\n    fn f(&self) {}\n}\n") == ["1-1 A", "3-5 A.f"]


def test_a_long_comment_at_the_beginning_of_a_file() -> None:
    """It belongs to the function right below."""
    functions = [f"int {name}() {{\n{CALLS * 8}}}\n" for name in "fg"]
    code = "/* one\n" + "   more\n" * 10 + "*/\n" + "\n".join(functions)
    assert cut("a.c", code) == ["1-22 f", "24-33 g"]


@pytest.mark.parametrize(
    ("path", "source", "first"),
    [
        # Only the last half of what fits is looked at.
        ("a.txt", "a\n" * 10 + "\n" + "b\n" * 89, "1-60 -"),
        # A line that is not indented is better than a blank one.
        ("a.txt", "a\n" * 34 + "b\n" + f"\n{' ' * 30}indented\n" * 20, "1-34 -"),
        ("a.py", "def f():\n" + "    call()\n" * 44 + "\n" + "    call()\n" * 40, "1-45 f"),
        # Not inside a text or a comment, and not before an `else`.
        ("a.c", "int f() {\n" + ("  /* a\n" + "     text\n" * 6 + "  */\n") * 12 + "}\n", "1-57 f"),
        ("a.py", "def f():\n" + ('    x = """\n' + "text\n" * 6 + '    """\n') * 12, "1-57 f"),
        (
            "a.js",
            "function f() {\n"
            + ("  if (a) {\n" + CALLS * 12 + "  } else {\n" + CALLS * 12 + "  }\n") * 4
            + "}\n",
            "1-55 f",
        ),
    ],
)
def test_where_what_is_too_long_is_cut(path: str, source: str, first: str) -> None:
    assert cut(path, source)[0] == first


def test_long_clauses_of_one_function() -> None:
    """They are snippets of their own, however close they are."""
    first, second = ("= do\n" + "  call\n" * lines for lines in (20, 50))
    code = f"f :: Int -> Int\nf 0 {first}f n {second}"
    assert cut("a.hs", code) == ["1-22 f", "23-73 f"]


def test_the_licence_of_a_header_does_not_hide_its_language() -> None:
    code = f"// {'licence ' * 40}\nclass X {{\n  int a;\n}};\n"
    assert slice_file("a.h", code.encode()).language == "cpp"


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"\xe9abcdefgh\x01", None),
        (b"\xe9abcdefg\x01", "binary"),
        (b"\xe9\x1b[0m\x1b[1m", None),
        (codecs.BOM_UTF16_LE + "ab".encode("utf-16-le") + b"c", None),
    ],
)
def test_odd_bytes(data: bytes, problem: str | None) -> None:
    """A tenth of control characters is text, more is not; an escape is none of them."""
    assert slice_file("a.txt", data).problem == problem


@pytest.mark.parametrize(
    ("text", "qualifiers", "name"),
    [
        ("a.B::c", ["a", "B"], "c"),
        ("Box<Pair<int, int>>::size", ["Box"], "size"),
        ("TEST(Suite, a.b)", [], "TEST(Suite, a.b)"),
        ('"quoted.name"', ["quoted"], "name"),
        ("Box::operator==", ["Box"], "operator=="),
        ("==", [], "=="),
    ],
)
def test_names(text: str, qualifiers: list[str], name: str) -> None:
    assert split_name(text) == (qualifiers, name)


def test_a_name_over_two_lines_and_a_long_one() -> None:
    """White space is a space, and what is counted are characters."""
    assert cut("a.cpp", "TEST(Suite,\n     Name) {\n  call();\n}\n") == ["1-4 TEST(Suite, Name)"]
    (one,) = slice_file("a.py", f"def {'é' * 150}():\n    pass\n".encode()).snippets
    assert one.symbol is not None
    assert one.symbol.name == "é" * 150
