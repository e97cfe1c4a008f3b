"""Minor symbols, which never change how a file is split."""

from __future__ import annotations

from pathlib import Path

import pytest

from kodit.domain.snippet import MinorSymbol
from kodit.infrastructure.slicing.limits import MOST_SYMBOLS
from kodit.infrastructure.slicing.slicer import slice_file

EXAMPLES = sorted((Path(__file__).parent / "named").iterdir())
"""For each language the name of a file, its content, and after a double line all its definitions,
with kind and scope.
"""


def all_defined(path: str, code: str) -> list[str]:
    """Kind and qualified name of all definitions in a file."""
    snippets = slice_file(path, code.encode()).snippets
    own = [snippet.symbol for snippet in snippets if snippet.symbol]
    others = [placed.symbol for snippet in snippets for placed in snippet.also_defines]
    return sorted({f"{symbol.kind} {symbol.qualified_name}" for symbol in (*own, *others)})


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_every_named_thing_is_defined(example: Path) -> None:
    """And nothing else is."""
    file, _, expected = example.read_text("utf-8").partition("\n====\n")
    path, _, code = file.partition("\n")
    assert all_defined(path, f"{code}\n") == sorted(expected.splitlines())


@pytest.mark.parametrize(
    ("path", "code", "expected"),
    [
        ("a.ps1", "$limit = 1\nfunction Get-It { 1 }\n", ["function Get-It", "variable limit"]),
        ("Makefile", ".PHONY: all\nall:\n\ttrue\n", ["target all"]),
    ],
)
def test_signs_and_words_of_the_language_are_no_names(
    path: str, code: str, expected: list[str]
) -> None:
    assert all_defined(path, code) == expected


def test_lines_are_those_of_the_name_and_its_value() -> None:
    """Even if the value continues in the next snippet."""
    rows = "".join(f'  "{number}",\n' * 2 for number in range(60))
    code = f"limit = 1\n\n\ndef f():\n    pass\n\n\nnames = [\n{rows}]\n"
    snippets = slice_file("a.py", code.encode()).snippets
    placed = {
        one.symbol.name: (one.start_line, one.end_line, one.line)
        for snippet in snippets
        for one in snippet.also_defines
    }
    assert placed["limit"] == (1, 1, 1)
    assert placed["names"] == (8, 129, 8)


def test_minor_symbols_come_last_in_the_order_of_lines() -> None:
    """Symbols that searches rank by come before them."""
    code = "size = 1\nLIMIT = 2\nwidth = 3\nMOST = 4\n"
    (snippet,) = slice_file("a.py", code.encode()).snippets
    assert [one.symbol.name for one in snippet.also_defines] == ["LIMIT", "MOST", "size", "width"]
    assert [isinstance(one, MinorSymbol) for one in snippet.also_defines] == [
        *(False, False),
        *(True, True),
    ]


def test_a_line_with_thousands_of_names_has_some() -> None:
    """Database rows and keyword documents have limits."""
    members = ", ".join(f"M{number}" for number in range(MOST_SYMBOLS + 99))
    (snippet,) = slice_file("A.java", f"enum Many {{ {members} }}\n".encode()).snippets
    assert len(snippet.also_defines) == MOST_SYMBOLS
