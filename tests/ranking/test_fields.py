"""The keyword fields of a snippet."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from kodit.domain.entities import StoredSnippet
from kodit.domain.ranking.fields import (
    comments,
    keyword_document,
)
from kodit.domain.snippet import MinorSymbol, PlacedSymbol
from kodit.domain.value_objects import Symbol, SymbolKind

SNIPPET = StoredSnippet(
    id=1,
    index_id=1,
    file_id=1,
    source="/auth",
    path="auth/session.py",
    start_line=1,
    end_line=4,
    language="python",
    symbol="load_token",
    kind="method",
    scope="Store",
    text='def load_token(self):\n    """Reads it from a cookie."""\n    # safely\n    return 1',
)


def test_path_name_and_comments_weigh_more_than_code() -> None:
    counts = Counter(keyword_document(SNIPPET).terms)
    assert counts["sess"] == 3
    assert counts["loadtoken"] == 1 + 3
    assert counts["cooki"] == 1 + 1
    assert counts["stor"] == 1
    assert counts["def"] == 1


def test_a_definition_is_looked_up_by_its_whole_name_in_lower_case() -> None:
    assert keyword_document(SNIPPET).names == ("load_token",)


def test_all_that_a_snippet_defines_is_looked_up() -> None:
    """Each name once, in lower case."""
    others = [Symbol(name, SymbolKind.METHOD, "Store") for name in ("dropToken", "LOAD_TOKEN")]
    shared = replace(SNIPPET, also_defines=tuple(PlacedSymbol(one, 3, 4) for one in others))
    assert keyword_document(shared).names == ("load_token", "droptoken")
    assert keyword_document(replace(shared, symbol=None, kind=None)).names == (
        "droptoken",
        "load_token",
    )


def test_minor_symbols_are_looked_up_apart_from_others() -> None:
    """Searches rank by the others; the search terms are the same with and without them."""
    size = MinorSymbol(Symbol("pageSize", SymbolKind.FIELD, "Store"), 3, 3)
    drop = PlacedSymbol(Symbol("dropToken", SymbolKind.METHOD, "Store"), 4, 4)
    document = keyword_document(replace(SNIPPET, also_defines=(drop, size)))
    assert (document.names, document.minor_names) == (("load_token", "droptoken"), ("pagesize",))
    assert document.runs == keyword_document(SNIPPET).runs


def test_comments_of_many_languages() -> None:
    code = "\n".join(
        [
            "/// rust", "x = 1", " * java", "-- lua", "# shell", "'''open", "inside", "closed'''",
            "y = 2",
        ]
    )  # fmt: skip
    assert comments(code) == "rust\njava\nlua\nshell\nopen\ninside\nclosed"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def f():\n    '''one\n\n      two\n    '''\n    return 1  # no", "one\n\ntwo\n"),
        ('"""one"""\n"""two\nthree""" + """x\n# four', "one\ntwo\nthree + x\nfour"),
        ('x\n""""one\n"""', '"one\n'),
        ('x = """\n# two', "two"),
        ("'''never\nclosed\n", "never\nclosed\n"),
        ('"""other\n\'\'\'\nquotes"""', "other\n'''\nquotes"),
        ("#\n #!one\r\n\x1c// two\n/** three */", "\none\r\ntwo\nthree */"),
        ("- x\na # b\n", ""),
        ("", ""),
    ],
)
def test_comments_are_told_from_code(text: str, expected: str) -> None:
    assert comments(text) == expected
