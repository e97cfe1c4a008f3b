"""Files made to break the slicer: it finishes, within bounds, and loses no line."""

from __future__ import annotations

import gc
import sys

import pytest

from kodit.infrastructure.slicing.budget import Budget
from kodit.infrastructure.slicing.concealing import for_parser
from kodit.infrastructure.slicing.grammars import load_grammar
from kodit.infrastructure.slicing.languages import LANGUAGES
from kodit.infrastructure.slicing.slicer import slice_file

SLOW_TO_PARSE = b"/*\n" * 20_000
"""Nested openings of a comment, each of which tree-sitter tries to close."""


def test_parser_is_stopped_at_the_limit() -> None:
    """Then the file is split by lines, and `problem` says so."""
    sliced = slice_file("a.java", SLOW_TO_PARSE, time_limit_seconds=0.05)
    assert sliced.problem == "parser ran out of time"
    assert sliced.snippets[0].start_line == 1
    assert sliced.snippets[-1].end_line == 20_000
    assert all(snippet.symbol is None for snippet in sliced.snippets)


def test_parser_is_stopped_when_it_takes_too_much_memory() -> None:
    """Some grammars take gigabytes in a second."""
    sliced = slice_file("a.c", b"a=>\n" * 100_000, time_limit_seconds=60)
    assert sliced.problem == "parser ran out of memory"
    assert sliced.snippets[-1].end_line == 100_000


@pytest.mark.parametrize("name", ["a.c", "a.go", "a.js", "a.ex", "a.rs"])
def test_a_long_row_of_loose_brackets_ends(name: str) -> None:
    """A query would take quadratic time in their number."""
    sliced = slice_file(name, b"(\n" * 60_000)
    assert sliced.snippets[-1].end_line == 60_000


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.ex", b"if a:\n" * 60_000),
        ("a.js", b"function a(){\n" * 20_000 + b"}\n" * 20_000),
        ("a.json", b"[\n" * 20_000 + b"]\n" * 20_000),
        ("a.html", b"<div>\n" * 8_000),
        ("a.md", b"> " * 2_000 + b"a\n" + b"- a\n" * 2_000),
        ("a.py", b"".join(b" " * depth + b"class A:\n" for depth in range(700))),
    ],
)
def test_deep_nesting_ends(name: str, text: bytes) -> None:
    """Trees deeper than any stack."""
    sliced = slice_file(name, text)
    assert sliced.snippets[0].start_line == 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.rs", b"a! {" + b" \n" * 400_000),
        ("a.rs", b"a! {\n" * 100_000),
        ("a.kt", b"is " + b"x if " * 60_000),
        ("a.h", b") AAAA " * 100_000),
        ("a", b"#!/usr/bin/env " + b"=" * 900_000),
    ],
)
def test_searches_before_parsing_are_not_quadratic(name: str, text: bytes) -> None:
    """Macros and programs are found by regular expressions, which no time limit could stop: with
    quadratic time this test would not end.
    """
    assert slice_file(name, text).language


def test_unfinished_parse_is_freed() -> None:
    """tree-sitter recurses once for each token to free it."""
    sliced = slice_file("a.py", b"/*\n" * 200_000)
    assert sliced.problem is not None
    assert sliced.snippets[-1].end_line == 200_000


def test_scopes_and_names_stay_short() -> None:
    """However deep definitions nest and whatever a grammar takes for a name."""
    nested = b"".join(b" " * depth + b"class A:\n" for depth in range(300))
    for snippet in slice_file("a.py", nested).snippets:
        assert snippet.symbol is None or len(snippet.symbol.qualified_name) < 100
    heading = b"# " + b"word " * 800 + b"\n\ntext\n"
    symbol = slice_file("a.md", heading).snippets[0].symbol
    assert symbol is not None
    assert len(symbol.name) <= 200


def test_parsed_source_is_freed() -> None:
    """The binding never releases the result of a read callback, so it does not get the source
    itself.
    """
    source = b"int a;\n" * 1_000
    grammar = load_grammar("c")
    budget = Budget(5.0)
    before = sys.getrefcount(source)
    tree = grammar.parse(source, budget)
    assert tree.root_node.end_byte == len(source)
    del tree
    gc.collect()
    assert sys.getrefcount(source) == before


@pytest.mark.parametrize("name", ["bash", "markdown", "python"])
def test_a_parse_leaves_at_most_a_view_behind(name: str) -> None:
    """The binding keeps what its read callback returns: here one view of the source, and none for
    a source of one byte."""
    grammar = load_grammar(name)

    def views() -> int:
        gc.collect()
        return sum(isinstance(one, memoryview) for one in gc.get_objects())

    def left_by(source: bytes) -> int:
        before = views()
        for _ in range(8):
            grammar.parse(source, Budget(60))
        return views() - before

    assert left_by(b"a = 1\n") <= 8
    assert not left_by(b"\n")
    assert not left_by(b"")


def test_shell_grammar_sees_only_ascii() -> None:
    """It reads beyond its tables for other characters; the snippets keep them."""
    text = "größe() {\n  echo \U0001f600\n}\n"
    seen = for_parser(text.encode(), LANGUAGES["bash"])
    assert seen.isascii()
    assert len(seen) == len(text.encode())
    (snippet,) = slice_file("a.sh", text.encode()).snippets
    assert snippet.text == text.rstrip("\n")
    assert snippet.symbol is not None
    assert snippet.symbol.name == "größe"


def test_minified_file_is_skipped() -> None:
    """It is unreadable, and one of its lines is longer than a snippet."""
    sliced = slice_file("a.min.js", b"var a=1;" * 2_000)
    assert sliced.problem == "minified"
    assert sliced.snippets == ()


def test_one_long_line_among_others_is_shortened() -> None:
    """An embedded picture does not cost the file around it."""
    lines = [f"value_{number} = {number}" for number in range(400)]
    lines[200] = 'picture = "' + "A" * 6_000 + '"'
    sliced = slice_file("a.py", "\n".join(lines).encode())
    assert sliced.problem is None
    (snippet,) = [one for one in sliced.snippets if one.start_line <= 201 <= one.end_line]
    kept = snippet.text.split("\n")[201 - snippet.start_line]
    assert kept.startswith(lines[200][:40])
    assert len(kept) < 100


def test_large_file_is_cut_by_lines() -> None:
    """And `problem` says so."""
    sliced = slice_file("a.py", b"value = 1\n" * 210_000)
    assert sliced.problem == "too large to parse"
    assert sliced.snippets[-1].end_line == 210_000
