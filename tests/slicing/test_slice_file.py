"""Splitting a file into snippets, through the public function."""

from __future__ import annotations

from kodit.domain.value_objects import SlicedFile, Symbol, SymbolKind
from kodit.infrastructure.slicing.detection import detect_language
from kodit.infrastructure.slicing.slicer import slice_file

PYTHON = b'''"""Module."""

import os
import sys
from pathlib import Path


class Stack:
    """Last in, first out."""

    items: list[int]

    def __init__(self) -> None:
        self.items = []
        self.limit = 10
        self.name = "stack"

    # Removes the newest item.
    @property
    def top(self) -> int:
        if not self.items:
            raise IndexError(self.name)
        return self.items.pop()


def drain(stack: Stack) -> None:
    while stack.items:
        print(stack.top)
    print("drained")
'''


def listing(sliced: SlicedFile) -> list[tuple[int, int, Symbol | None]]:
    return [(s.start_line, s.end_line, s.symbol) for s in sliced.snippets]


def test_python_is_cut_into_head_methods_and_functions() -> None:
    """Decorators and comments go with what follows them; a short constructor stays in the head."""
    sliced = slice_file("a/stack.py", PYTHON)
    assert sliced.language == "python"
    assert sliced.problem is None
    assert [
        (1, 5, None),
        (8, 16, Symbol("Stack", SymbolKind.CLASS)),
        (18, 23, Symbol("top", SymbolKind.PROPERTY, "Stack")),
        (26, 29, Symbol("drain", SymbolKind.FUNCTION)),
    ] == listing(sliced)


def test_snippet_text_is_the_text_of_its_lines() -> None:
    """Joined by a line feed, without the one that ends the last line."""
    lines = PYTHON.decode().split("\n")
    for snippet in slice_file("stack.py", PYTHON).snippets:
        assert "\n".join(lines[snippet.start_line - 1 : snippet.end_line]) == snippet.text


def test_unknown_text_is_cut_by_lines() -> None:
    """At blank lines where there are some."""
    paragraph = "one line of text\n" * 39 + "\n"
    sliced = slice_file("notes", (paragraph * 3).encode())
    assert sliced.language == "text"
    assert listing(sliced) == [(1, 39, None), (41, 79, None), (81, 119, None)]


def test_binary_file_has_no_snippets() -> None:
    """And `problem` says why."""
    sliced = slice_file("a.py", b"\x00\x01")
    assert sliced.snippets == ()
    assert sliced.problem == "binary"


def test_language_by_name_extension_and_first_line() -> None:
    """In this order; `text` otherwise."""
    assert detect_language("a/b.PY") == "python"
    assert detect_language("SConstruct") == "python"
    assert detect_language("tool", b"#!/usr/bin/env -S python3.12 -u\n") == "python"
    assert detect_language("a.md", b"#!/usr/bin/python") == "markdown"
    assert detect_language("a/.py") == "text"
    assert detect_language("unknown.xyz") == "text"


def test_long_function_is_cut_between_statements() -> None:
    """Not inside a statement, not before the `else` of an `if`, and without a tiny rest."""
    block = (
        "    if first(value):\n"
        "        one(\n"
        "            value,\n"
        "        )\n"
        "    else:\n"
        "        two()\n"
    )
    source = "def work(value):\n" + block * 10
    sliced = slice_file("a.py", source.encode())
    firsts = [snippet.text.split("\n")[0] for snippet in sliced.snippets]
    assert firsts == ["def work(value):", "    if first(value):"]
    assert {snippet.symbol for snippet in sliced.snippets} == {Symbol("work", SymbolKind.FUNCTION)}
    last = sliced.snippets[-1]
    assert last.end_line - last.start_line >= 8


def test_functions_inside_a_long_function_are_found() -> None:
    """As in a module that is wrapped in one function."""
    inner = "".join(
        f"  function step{number}(value) {{\n" + "    value += 1;\n" * 20 + "  }\n\n"
        for number in range(5)
    )
    sliced = slice_file("a.js", ("(function main() {\n" + inner + "})();\n").encode())
    names = [snippet.symbol.name for snippet in sliced.snippets if snippet.symbol]
    assert names == [f"step{number}" for number in range(5)]


def test_source_with_errors_keeps_its_definitions() -> None:
    """The parser continues after unsupported syntax."""
    source = PYTHON.replace(b"import sys", b"import ((( sys =\n")
    names = {s.symbol.name for s in slice_file("a.py", source).snippets if s.symbol}
    assert {"Stack", "top", "drain"} <= names


def test_source_that_is_nothing_but_errors_is_cut_by_lines() -> None:
    """And `problem` says so."""
    sliced = slice_file("a.yaml", b"{% if this is no yaml %}\n" * 70)
    assert sliced.problem == "does not parse"
    assert [(s.start_line, s.end_line) for s in sliced.snippets] == [(1, 60), (61, 70)]


def test_headings_are_kept_with_their_text() -> None:
    """If text is split by lines, an underlined heading begins a chunk."""
    section = "Heading\n=======\n\n" + "A line of text.\n\n" * 12
    sliced = slice_file("a.rst", (section * 4).encode())
    assert all(snippet.text.startswith("Heading\n=====") for snippet in sliced.snippets)
    assert len(sliced.snippets) == 2


def test_tiny_definitions_are_joined_in_their_class_alone() -> None:
    """The first gives the symbol; the next class begins a snippet of its own."""
    one = "class {0}:\n    kind = 1\n    size = 2\n    name = 3\n    unit = 4\n\n"
    getters = "".join(f"    def get_{name}(self):\n        return 1\n\n" for name in "abcdef")
    source = one.format("First") + getters + "\n" + one.format("Second") + getters
    source += "def last():\n    return 2\n"
    sliced = slice_file("a.py", source.encode())
    found = [snippet.symbol.qualified_name for snippet in sliced.snippets if snippet.symbol]
    assert found == ["First", "First.get_a", "Second", "Second.get_a", "last"]


def test_closing_brackets_stay_with_what_they_close() -> None:
    """Even if they make the snippet a line too long."""
    method = "  method() {\n" + "    call();\n" * 58 + "  }\n"
    source = "class A {\n  one = 1;\n  two = 2;\n  three = 3;\n\n" + method + "}\n"
    sliced = slice_file("a.js", source.encode())
    assert [(s.start_line, s.end_line) for s in sliced.snippets] == [(1, 4), (6, 66)]


def test_code_between_the_members_of_a_module_is_not_its_definition() -> None:
    """Only its head is; the code of a class continues under its name."""
    rest = "  call(:one)\n  call(:two)\n  call(:three)\n  call(:four)\n\n"
    method = "  def work\n    first\n    second\n    third\n    fourth\n  end\n\n"
    for keyword, kind in (("module", None), ("class", SymbolKind.CLASS)):
        source = f"{keyword} A\n{rest}{method}{rest}{method}end\n"
        sliced = slice_file("a.rb", source.encode())
        kinds = [snippet.symbol.kind if snippet.symbol else None for snippet in sliced.snippets]
        assert kinds[0] == SymbolKind(keyword)
        assert kinds[2] == kind


def test_a_comment_string_stays_with_its_value() -> None:
    """A string below a constant documents the constant, not the class that comes next."""
    imports = "".join(f"from package import name_{number}\n" for number in range(6))
    source = (
        f'{imports}\nLIMIT = 3\n"""How many may run at once, in one or two lines\nof text."""\n'
    )
    source += "\n\nclass Pool:\n    size = LIMIT\n    name = 'pool'\n\n    color = 'blue'\n"
    first, second = slice_file("a.py", source.encode()).snippets
    assert first.text.endswith('of text."""')
    assert second.text.startswith("class Pool:")
