"""Lines of a text that match an expression."""

from __future__ import annotations

import gc
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kodit.domain.errors import InvalidQueryError
from kodit.domain.grep import Expression
from kodit.domain.text import LONGEST_LINE
from kodit.infrastructure.grep.matching import compile_expression, find_lines


def numbers(text: str, pattern: str, **options: Any) -> list[int]:
    """The numbers of the lines that match."""
    compiled = compile_expression(Expression(pattern, **options))
    return [line.line for line in find_lines(text, compiled, context=0, limit=1000)]


@pytest.mark.parametrize(
    ("text", "pattern", "expected"),
    [
        ("", "x*", []),
        ("\n", "^$", [1]),
        ("a\n", "^$", []),
        ("a\n\n", "^$", [2]),
        ("a\n\nb", "x*", [1, 2, 3]),
        ("a", "a$", [1]),
        ("a\nb\na b\n", r"a\sb", [3]),
        ("a\nb\na\tb\n", "a[^x]b", [3]),
        ("a\nb\naxb\n", "(?s)a.b", [3]),
        ("a\n  b\n", r"^\s+b", [2]),
        ("x\nfoo bar\n", r"\bbar\b", [2]),
        ("foobar\n", r"\bbar", []),
        ("one\nOne\n", "(?i)one", [1, 2]),
        ("begin\nbegin\n", r"\Abegin", [1]),
        ("straße\nSTRASSE\n", "straße", [1]),
        ("a\x0bb\nc\x0cd\u2028e\n", "e", [2]),
    ],
)
def test_a_match_stays_within_its_line(text: str, pattern: str, expected: list[int]) -> None:
    """A match never includes a line end, and the end of the file is not a line of its own."""
    assert numbers(text, pattern) == expected


def test_the_column_counts_characters() -> None:
    """A letter of several bytes is one column."""
    (line,) = find_lines("é€😀x\n", compile_expression(Expression("x")), context=0, limit=9)
    assert (line.line, line.column, line.text) == (1, 4, "é€😀x")


def test_text_is_looked_for_as_it_is() -> None:
    """Fixed strings have no operators; case may still be ignored."""
    assert numbers("a.c\nabc\nA.C\n", "a.c", is_fixed=True) == [1]
    assert numbers("a.c\nabc\nA.C\n", "a.c", is_fixed=True, ignore_case=True) == [1, 3]


def test_a_long_line_is_cut_around_its_match() -> None:
    """The match stays visible, and the cut ends are marked."""
    text = "a" * 50_000 + "needle" + "b" * 50_000
    (line,) = find_lines(text, compile_expression(Expression("needle")), context=0, limit=9)
    assert line.column == 50_001
    assert "needle" in line.text
    assert line.text[0] == line.text[-1] == "…"
    assert len(line.text) == LONGEST_LINE + 2


def test_context_ends_where_the_file_does() -> None:
    """Lines before and after, as many as exist."""
    compiled = compile_expression(Expression("^[ae]$"))
    first, second = find_lines("a\nb\nc\nd\ne\n", compiled, context=2, limit=9)
    assert (first.before, first.after) == ((), ("b", "c"))
    assert (second.before, second.after) == (("c", "d"), ())


def test_no_more_lines_than_wanted() -> None:
    """The first ones are returned."""
    compiled = compile_expression(Expression("x"))
    assert [line.line for line in find_lines("x\n" * 9, compiled, context=0, limit=3)] == [1, 2, 3]


@pytest.mark.parametrize(
    "pattern", ["", "(", "a\\", "[", "(?=x)", r"(a)\1", "a{1001}", "a\nb", "\ud800", "x" * 5001]
)
def test_an_invalid_expression_is_a_user_error(pattern: str) -> None:
    """With a sentence that says what is wrong."""
    with pytest.raises(InvalidQueryError, match=r"expression") as refused:
        compile_expression(Expression(pattern))
    assert "(?m)" not in str(refused.value)


def test_an_invalid_expression_is_quoted_as_typed() -> None:
    """A backslash is not doubled."""
    with pytest.raises(InvalidQueryError) as refused:
        compile_expression(Expression(r"(a)\1"))
    assert str(refused.value).startswith(r"'(a)\1' is not a regular expression: ")


def test_the_longest_expression_is_read() -> None:
    assert numbers("x\n", "x" * 5000) == []


_ATOMS = st.sampled_from(
    ["a", "b", " ", ".", r"\s", r"\S", r"\w", r"\W", r"\d", "[ab]", "[^a]", "[^b ]", r"\b", "^"]
)


@st.composite
def patterns(draw: st.DrawFn) -> str:
    """Expressions that mean the same to RE2 and to Python."""
    pieces = []
    for atom in draw(st.lists(_ATOMS, min_size=1, max_size=5)):
        repeat = draw(st.sampled_from(["", "", "*", "+", "?", "{2}"]))
        pieces.append(f"(?:{atom}){repeat}")
    joined = "".join(pieces)
    other = draw(_ATOMS)
    return draw(st.sampled_from([joined, f"{joined}|{other}", f"{joined}$", f"(?:{joined})+"]))


@given(pattern=patterns(), text=st.text(alphabet="ab \t1\n", max_size=40))
def test_the_whole_text_gives_what_each_line_alone_gives(pattern: str, text: str) -> None:
    """Searching the whole text finds the lines and columns that Python finds line by line."""
    lines = text.removesuffix("\n").split("\n") if text else []
    expected = [
        (number, match.start() + 1)
        for number, line in enumerate(lines, 1)
        if (match := re.search(pattern, line, re.ASCII))
    ]
    found = find_lines(text, compile_expression(Expression(pattern)), context=0, limit=1000)
    assert [(line.line, line.column) for line in found] == expected


def test_no_expression_outlives_its_search() -> None:
    """The library caches expressions, whose states may take megabytes each."""

    def expressions() -> int:
        return sum(type(one).__qualname__ == "_Regexp" for one in gc.get_objects())

    before = expressions()
    for word in ("one", "two", "three"):
        numbers("one\ntwo\n", f"{word}|another")
    assert expressions() == before
